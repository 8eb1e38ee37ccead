"""How a text is likely to go on: the likeliest continuations, as a tree."""
