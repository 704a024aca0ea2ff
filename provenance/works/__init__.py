"""Parties, their works, and the styles that rest on those works."""
