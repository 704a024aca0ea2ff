"""The web site: everything that knows about HTTP, accounts and processes."""
