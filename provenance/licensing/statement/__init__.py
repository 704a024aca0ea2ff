"""What a party earned in a period, and how anyone recomputes it from an exported log with Python alone."""
