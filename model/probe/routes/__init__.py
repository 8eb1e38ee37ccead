"""Which earlier tokens a position is fed from: the attention weights above a threshold."""
