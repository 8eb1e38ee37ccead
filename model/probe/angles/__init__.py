"""How the angles between a table's vectors are distributed."""
