"""Layers: every operation of the network in order."""
