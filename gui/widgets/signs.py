"""Small signs on buttons, drawn from lines: they need no file, no font, and follow the theme.

Each is drawn on a grid of 16 by 16. Knows no widget.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

GRID = 16.0


def draw_sign(painter: QPainter, name: str, box: QRectF, color: QColor) -> None:
    """Draw a sign into the middle of a box, as large as it is meant to be.

    Args:
        painter: its state is left as it was.
        name: one of `SIGNS`.
        box: logical pixels.
        color: of all its lines.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(box.center() - QPointF(GRID / 2, GRID / 2))
    pen = QPen(color, 1.4)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    SIGNS[name](painter)
    painter.restore()


def _way(p: QPainter, *at: tuple[float, float]) -> None:
    p.drawPolyline([QPointF(x, y) for x, y in at])


def _dot(p: QPainter, x: float, y: float, radius: float) -> None:
    p.save()
    p.setBrush(p.pen().color())
    p.setPen(Qt.PenStyle.NoPen)
    p.drawEllipse(QPointF(x, y), radius, radius)
    p.restore()


def _more(p: QPainter) -> None:
    for x in (3.5, 8, 12.5):
        _dot(p, x, 8, 1.3)


def _search(p: QPainter) -> None:
    p.drawEllipse(QPointF(7, 7), 4.2, 4.2)
    _way(p, (10.2, 10.2), (13.5, 13.5))


def _beside(p: QPainter) -> None:
    """Two frames beside each other."""
    for left in (2.0, 9.0):
        p.drawRect(QRectF(left, 4, 5, 8))


def _transpose(p: QPainter) -> None:
    """A row and a column that change places."""
    _way(p, (2.5, 6), (2.5, 13.5))
    _way(p, (6, 2.5), (13.5, 2.5))
    _way(p, (6, 12.5), (12.5, 12.5), (12.5, 6))
    _way(p, (10.3, 8), (12.5, 5.8), (14.7, 8))
    _way(p, (8, 10.3), (5.8, 12.5), (8, 14.7))


def _to_largest(p: QPainter) -> None:
    """Bars that end at a line."""
    _way(p, (2.5, 2.5), (13.5, 2.5))
    for x, top in ((4, 9.5), (8, 5.5), (12, 7.5)):
        _way(p, (x, 13.5), (x, top))


def _hide_first(p: QPainter) -> None:
    """The first of three columns, crossed out."""
    _way(p, (2.2, 5.5), (6.2, 10.5))
    _way(p, (6.2, 5.5), (2.2, 10.5))
    _way(p, (9.5, 2.5), (9.5, 13.5))
    _way(p, (13, 2.5), (13, 13.5))


def _fit(p: QPainter) -> None:
    """The corners of a frame."""
    for x, y, dx, dy in ((2.5, 2.5, 1, 1), (13.5, 2.5, -1, 1), (2.5, 13.5, 1, -1)):
        _way(p, (x + 3.5 * dx, y), (x, y), (x, y + 3.5 * dy))
    _way(p, (10, 13.5), (13.5, 13.5), (13.5, 10))


def _path(p: QPainter) -> None:
    _way(p, (3, 12.5), (6.5, 6), (10, 9), (13, 3.5))
    for x, y in ((3, 12.5), (6.5, 6), (10, 9), (13, 3.5)):
        _dot(p, x, y, 1.5)


def _all_paths(p: QPainter) -> None:
    for down in (0, 4, 8):
        _way(p, (2.5, 5 + down), (6, 2.5 + down), (10, 5 + down), (13.5, 2.5 + down))


def _length(p: QPainter) -> None:
    """An arrow between two ends."""
    _way(p, (2.5, 4), (2.5, 12))
    _way(p, (13.5, 4), (13.5, 12))
    _way(p, (4.5, 8), (11.5, 8))
    _way(p, (9.5, 6), (11.5, 8), (9.5, 10))


def _norm(p: QPainter) -> None:
    """Double bars: ‖x‖."""
    for x in (2.5, 4.8, 11.2, 13.5):
        _way(p, (x, 3), (x, 13))
    _way(p, (6.6, 6.4), (9.4, 9.6))
    _way(p, (9.4, 6.4), (6.6, 9.6))


def _labels(p: QPainter) -> None:
    """A label with a hole."""
    _way(p, (2.5, 4), (9.5, 4), (13.8, 8), (9.5, 12), (2.5, 12), (2.5, 4))
    _dot(p, 9.6, 8, 1.1)


def _reset(p: QPainter) -> None:
    """Round and back to where it began."""
    p.drawArc(QRectF(3, 3, 10, 10), 60 * 16, 285 * 16)
    _way(p, (10.3, 1.2), (10.6, 4), (7.8, 4.6))


def _float(p: QPainter) -> None:
    p.drawRect(QRectF(3, 6, 7, 7))
    _way(p, (6, 6), (6, 3), (13, 3), (13, 10), (10, 10))


def _close(p: QPainter) -> None:
    _way(p, (4, 4), (12, 12))
    _way(p, (12, 4), (4, 12))


def _expand(p: QPainter) -> None:
    """All positions: lines that come from everywhere."""
    for x in (2.5, 6.2, 9.8, 13.5):
        _way(p, (x, 13), (8, 3.5))
    _dot(p, 8, 3.5, 1.5)


def _add(p: QPainter) -> None:
    _way(p, (8, 3), (8, 13))
    _way(p, (3, 8), (13, 8))


def _undo(p: QPainter) -> None:
    """An arrow that turns back."""
    _way(p, (6, 2.5), (3, 5.5), (6, 8.5))
    _way(p, (3, 5.5), (9.5, 5.5))
    p.drawArc(QRectF(5.5, 5.5, 8, 8), -90 * 16, 180 * 16)
    _way(p, (9.5, 13.5), (6, 13.5))


def _redo(p: QPainter) -> None:
    """The same the other way."""
    _way(p, (10, 2.5), (13, 5.5), (10, 8.5))
    _way(p, (13, 5.5), (6.5, 5.5))
    p.drawArc(QRectF(2.5, 5.5, 8, 8), 90 * 16, 180 * 16)
    _way(p, (6.5, 13.5), (10, 13.5))


def _words(p: QPainter) -> None:
    """Two pieces under one bracket."""
    p.drawRect(QRectF(2.5, 3, 4.2, 5))
    p.drawRect(QRectF(9.3, 3, 4.2, 5))
    _way(p, (2.5, 11), (2.5, 13), (13.5, 13), (13.5, 11))


def _why(p: QPainter) -> None:
    """A question mark."""
    p.drawArc(QRectF(4.6, 2.2, 6.8, 6.4), -60 * 16, 240 * 16)
    _way(p, (9.8, 8), (8, 9.2), (8, 10.6))
    _dot(p, 8, 13.4, 1.0)


SIGNS: dict[str, Callable[[QPainter], None]] = {
    "add": _add,
    "all_paths": _all_paths,
    "all_positions": _expand,
    "close": _close,
    "fit": _fit,
    "float": _float,
    "hide_first": _hide_first,
    "labels": _labels,
    "length": _length,
    "more": _more,
    "norm": _norm,
    "path": _path,
    "redo": _redo,
    "reset": _reset,
    "search": _search,
    "to_largest": _to_largest,
    "beside": _beside,
    "transpose": _transpose,
    "undo": _undo,
    "why": _why,
    "words": _words,
}
