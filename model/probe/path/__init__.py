"""Where positions are after each layer, on the axes of the vocabulary."""
