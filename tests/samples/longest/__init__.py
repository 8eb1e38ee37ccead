"""A probe: which token has the longest vector."""
