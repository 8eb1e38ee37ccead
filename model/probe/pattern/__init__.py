"""One head's matrix: the rows and columns that are in view."""
