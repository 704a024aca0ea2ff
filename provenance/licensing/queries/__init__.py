"""Reading the rights in styles and works: offers, grants, opt-outs, and what a request makes use of."""
