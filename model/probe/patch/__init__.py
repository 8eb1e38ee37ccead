"""Activation patching: one activation of a corrupted text is replaced by that of a clean one."""
