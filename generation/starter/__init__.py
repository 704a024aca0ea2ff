"""The starter model: the pictures it learned from, how it is trained and measured, and the model itself."""
