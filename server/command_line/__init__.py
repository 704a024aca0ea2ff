"""Commands for the people who run Colophon."""
