"""What is true about a picture: every check with its evidence, by a program that an outsider can run."""
