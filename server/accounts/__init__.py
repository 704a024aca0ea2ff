"""People, their roles, and the tokens their programs use."""
