"""What the selection reads out of a trace, in words and as a line of Python.

Knows the session's values and the model's names; no widget.
"""
