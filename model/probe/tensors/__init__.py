"""Whole activations, where they are small enough to be drawn whole."""
