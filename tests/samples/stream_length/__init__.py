"""A probe: how long every token's vector in the residual stream is after a layer."""
