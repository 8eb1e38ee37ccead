"""The cache of keys and values that a text fills: what is in it, and how many bytes it takes."""
