"""How a text is cut into tokens, without running it."""
