"""All singular values of a matrix, in slices; see `compute`."""
