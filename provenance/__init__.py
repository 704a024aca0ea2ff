"""Where an image comes from, on what terms it was made, and how anyone can check it."""
