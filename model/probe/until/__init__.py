"""The next operation at which a condition holds: what a walk through the network runs to."""
