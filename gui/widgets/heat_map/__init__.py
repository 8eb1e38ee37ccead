"""A matrix drawn in colour, with its labels, scale and marks."""
