"""How long the vectors of the residual stream are at every position, and what is added to them."""
