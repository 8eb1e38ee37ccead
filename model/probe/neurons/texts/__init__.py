"""One neuron in other texts: where it is strongest, how often it is active, its histogram."""
