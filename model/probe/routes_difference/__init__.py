"""Between which tokens two subjects' attention differs: weights of B less those of A, as edges."""
