"""One exact number out of an activation."""
