"""Facts about one parameter tensor; see `compute`. How it lies as a matrix: `matrix_layout`."""
