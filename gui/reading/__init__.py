"""What the selection reads out of an answer, in words and as a line of Python.

Pure functions of answers, the prompt that they are about and the model's names; no widget.
"""
