"""The table of token vectors as a space; see `compute`."""
