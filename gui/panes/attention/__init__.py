"""Attention: every head as a tile, one head as a matrix, the routes of a position as a graph."""
