"""The parts of a network wherever their sizes are drawn: a colour each, and a share in words.

Knows parts by their names, and the theme; no tensor.
"""

from __future__ import annotations

from PySide6.QtGui import QColor

from gui import theme

# Which of the theme's quiet fills a part has; every text reads well on all of them.
_FILLS = {
    "embedding": 1,
    "attention": 0,
    "mlp": 2,
    "norm": 3,
    "unembedding": 4,
}


def part_color(part: str) -> QColor:
    """The fill of a part's tiles."""
    chips = theme.current().chips
    return QColor(chips[_FILLS.get(part, 7) % len(chips)])


def share_words(n: int, total: int) -> str:
    """Which share of all parameters that is."""
    share = n / total if total else 0.0
    return f"{share:.1%}" if share >= 0.0005 else f"{share:.2g}"
