"""Sizes in logical pixels: the system's scale and the person's text size multiply them all.

Fonts are measured in logical pixels too. A point is another length on every system (on macOS 10 pt
are 10 pixels, elsewhere 13), and who needs larger text wants the room around it to grow as well.
"""

from __future__ import annotations

SPACE = 8
TIGHT = 4
RADIUS = 4
HEADER_HEIGHT = 28
ROW_HEIGHT = 22
CONTROL_HEIGHT = 26
"""Of a button, a field or a choice in a pane."""
FONT_SIZE = 13.0
SMALL_FONT_SIZE = 12.0
LEAST_FONT_SIZE = 12.0
"""No text is smaller, whatever is asked for: what is less important is dimmer, not smaller."""
LARGE_FONT_SIZE = 20.0
FOCUS_WIDTH = 2
"""Of the ring around what has the keyboard; borders and selections are thinner."""
