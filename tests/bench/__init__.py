"""Measurements: our figure beside the bare minimum, in one run; never a test."""
