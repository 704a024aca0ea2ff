"""Changing things: asking, rendering, delivering, and keeping house; one transaction each."""
