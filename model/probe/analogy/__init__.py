"""How far "king - man + woman = queen" holds in a table of token vectors; see `compute`."""
