"""Next token: the distribution over the vocabulary, and drawing from it."""
