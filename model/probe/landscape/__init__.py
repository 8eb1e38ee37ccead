"""The loss of a batch around the current weights: a 2D slice through all of them.

    lines.py        where the slice is cut, coarse to fine
    point.py        a copy of the network whose weights are one vector
    directions.py   the two directions: random by filter, or of the run's path
    path.py         the run's kept steps on the plane
"""
