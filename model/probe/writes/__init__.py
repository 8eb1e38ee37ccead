"""How much attention and MLP add to the residual stream, block by block."""
