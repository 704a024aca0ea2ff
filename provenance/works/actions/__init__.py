"""Recording parties, works and styles, and what becomes of them."""
