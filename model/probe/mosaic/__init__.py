"""Every head of every layer as a tile: block maxima, coarse first."""
