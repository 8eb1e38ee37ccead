"""What in a table of token vectors is near a position's residual stream after each layer."""
