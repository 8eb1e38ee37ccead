"""One position's residual stream: how long it is, what is added, and whether that turns it."""
