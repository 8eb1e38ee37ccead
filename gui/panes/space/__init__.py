"""Embedding space: every token's vector on the axes that keep most of the variance."""
