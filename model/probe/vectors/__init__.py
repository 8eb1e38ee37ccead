"""What one position, and one head of it, writes in each operation: a vector a name."""
