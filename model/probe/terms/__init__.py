"""What one number of a forward pass is made of: the terms of its sum, largest first."""
