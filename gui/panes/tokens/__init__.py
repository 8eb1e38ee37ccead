"""Tokens: the prompt as the network reads it."""
