"""One seam to every way of making an image."""
