"""Giving notice, answering, looking at it, and deciding."""
