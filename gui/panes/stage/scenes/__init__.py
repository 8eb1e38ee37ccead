"""Where everything of a scene stands: a composer for each kind of operation.

A composer is a pure function of the answer, the words and the room; it gives marks. Knows no
store, no widget.
"""
