"""Notices against works, styles and images: who says what, who must answer by when, and how it ended."""
