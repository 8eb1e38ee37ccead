"""What each token of a batch costs: -log p, and the worst of them."""
