"""Content credentials: what a file says of its making (C2PA), how it is signed, and how any file is read."""
