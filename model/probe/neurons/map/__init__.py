"""Neurons by tokens: a part of a layer's activations, in an order of one's choice."""
