"""Prompt: the text that goes through the network."""
