"""Which heads and MLPs made a token likely, and through which others: an attribution graph."""
