"""The loss of a batch around the current weights: a 2D slice through all of them.

``lines`` says where the slice is cut, coarse to fine; ``point`` is a copy of the network whose
weights are one vector; ``directions`` are the two of the slice; ``path`` reads the run's steps.
"""
