"""Inspector: the exact value, index and tensor of what is selected, and the current operation."""
