"""What is computed from a trace or from the weights: one question a file."""
