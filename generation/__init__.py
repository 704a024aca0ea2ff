"""Making images, and remembering how each was made."""
