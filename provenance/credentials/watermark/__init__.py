"""Watermarks: a 64-bit id in the pixels of a picture, read out of its copies."""
