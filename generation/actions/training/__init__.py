"""Training a style: asking for it, carrying it out under a lease, and letting the style be carried by the result."""
