"""A pane as a figure: what it draws, without what it is operated by, and under it where it is from.

Buttons, fields, sliders, scroll bars and the words beside fields are left out, and the room that
they took. Knows widgets by their kinds; no pane, no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QRegion
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QSizeGrip,
    QSplitterHandle,
    QWidget,
)

from gui import theme
from gui.panes.base import EmptyState
from gui.widgets.figure import painting_figure

FIELDS = (QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
"""What a number or a word is put into; labels beside it say what."""
CONTROLS = (*FIELDS, QAbstractButton, QSizeGrip, QSplitterHandle)
MARGIN = 10
GAP = 10
"""Between two parts of which something was left out."""
LEAST_WIDTH = 280
"""A caption is not set narrower."""


@dataclass(frozen=True, slots=True)
class Part:
    """A widget that paints something, without its children.

    Attributes:
        place: where it is in the figure.
        inside: what of it is in view there, in its own coordinates.
    """

    widget: QWidget
    place: QRect
    inside: QRect

    def paint(self, painter: QPainter) -> None:
        """Paint it, its own upper left corner at the origin."""
        with painting_figure():
            self.widget.render(painter, QPoint(0, 0), QRegion(), QWidget.RenderFlag(0))


class Figure:
    """What a widget draws.

    Args:
        widget: a pane.
        caption: lines under it; the first is set in bold.

    Attributes:
        parts: what is drawn, the lower first.
        size: of all, in logical pixels.
    """

    def __init__(self, widget: QWidget, caption: tuple[str, ...] = ()) -> None:
        self._widget = widget
        found = [(widget, widget.rect())] if _paints(widget) else []
        found += self._painting(widget, widget.rect())
        moves = _closed_up([seen for _, seen in found])
        places = [seen.translated(0, -moves[seen.top()]) for _, seen in found]
        box = QRect()
        for place in places:
            box = box.united(place)
        self._content = box
        shift = QPoint(MARGIN, MARGIN) - box.topLeft()
        self.parts = tuple(
            Part(one, place.translated(shift), seen.translated(-self._corner(one)))
            for (one, seen), place in zip(found, places)
        )
        self._caption = _Caption(caption, max(box.width(), LEAST_WIDTH)) if caption else None
        width, height = box.width(), box.height()
        if self._caption is not None:
            width, height = max(width, LEAST_WIDTH), height + 2 * GAP + self._caption.height
        self.size = QSize(width + 2 * MARGIN, height + 2 * MARGIN)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn."""
        return self._content.isEmpty()

    def paint(self, painter: QPainter) -> None:
        """Paint all of it, its upper left corner at the origin."""
        self.paint_ground(painter)
        for part in self.parts:
            painter.save()
            painter.setClipRect(part.place)
            painter.translate(part.place.topLeft() - part.inside.topLeft())
            part.paint(painter)
            painter.restore()
        self.paint_caption(painter)

    def paint_ground(self, painter: QPainter) -> None:
        """Paint what lies under all parts."""
        painter.fillRect(QRect(QPoint(0, 0), self.size), theme.current().color("panel"))

    def paint_caption(self, painter: QPainter) -> None:
        """Paint the caption, over what a viewer without clipping lets reach down there."""
        if self._caption is None:
            return
        under = QRect(QPoint(0, 0), self.size)
        under.setTop(MARGIN + self._content.height() + 1)
        painter.fillRect(under, theme.current().color("panel"))
        self._caption.paint(painter, QPoint(MARGIN, MARGIN + self._content.height() + 2 * GAP))

    def _corner(self, widget: QWidget) -> QPoint:
        return widget.mapTo(self._widget, QPoint(0, 0))

    def _painting(self, widget: QWidget, clip: QRect) -> Iterator[tuple[QWidget, QRect]]:
        """Everything under a widget that paints, the lower first, and what of it is in view."""
        for child in _children(widget):
            if _is_control(child):
                continue
            seen = QRect(self._corner(child), child.size()).intersected(clip)
            if seen.isEmpty():
                continue
            if _paints(child):
                yield child, seen
            yield from self._painting(child, seen)


class _Caption:
    """Lines of text, broken between words."""

    def __init__(self, lines: tuple[str, ...], width: int) -> None:
        self._lines: list[tuple[str, QFont, QRectF]] = []
        top = 0.0
        for number, words in enumerate(lines):
            words = _LONG.sub("\\1\u200b", words)
            font = theme.sans(theme.SMALL_FONT_SIZE, bold=number == 0)
            room = QRectF(0, 0, width, 100_000)
            needed = QFontMetricsF(font).boundingRect(room, _WRAPPED, words)
            self._lines.append((words, font, QRectF(0, top, width, needed.height() + 1)))
            top += needed.height() + 3
        self.height = round(top + 0.5)

    def paint(self, painter: QPainter, at: QPoint) -> None:
        for number, (words, font, box) in enumerate(self._lines):
            painter.setFont(font)
            painter.setPen(theme.current().color("text" if number == 0 else "dim"))
            painter.drawText(box.translated(at), _WRAPPED, words)


_WRAPPED = int(Qt.TextFlag.TextWordWrap)
_LONG = re.compile(r"(\S{30})(?=\S)")
"""A piece of a word after which it may be broken: a prompt may have no spaces at all."""


def _children(widget: QWidget) -> Iterator[QWidget]:
    for child in widget.children():
        if isinstance(child, QWidget) and child.isVisibleTo(widget) and not child.isWindow():
            yield child


def _paints(widget: QWidget) -> bool:
    """Whether it paints something of its own."""
    if isinstance(widget, QAbstractScrollArea):
        return False  # its viewport does
    if isinstance(widget, QLabel):
        return bool(widget.text()) or not widget.pixmap().isNull()
    parent = widget.parentWidget()
    if isinstance(parent, QAbstractScrollArea) and widget is parent.viewport():
        return not isinstance(parent, QScrollArea)  # whose content does
    ours = (kind for kind in type(widget).__mro__ if not kind.__module__.startswith("PySide6"))
    if any("paintEvent" in vars(kind) for kind in ours):
        return True
    return type(widget) is not QWidget and next(_children(widget), None) is None


def _is_control(widget: QWidget) -> bool:
    """Whether a person operates it; also fields together with the labels that say what they are."""
    if isinstance(widget, CONTROLS):
        return True
    if isinstance(widget, QLabel):
        return False
    below = list(_below(widget))
    fields = any(isinstance(one, FIELDS) and not isinstance(one, QScrollBar) for one in below)
    return fields and not any(
        _paints(one) and not (_is_label(one) or isinstance(one, CONTROLS)) for one in below
    )


def _is_label(widget: QWidget) -> bool:
    """Whether it may say what a field is; an empty pane's sentence stands for its picture."""
    return isinstance(widget, QLabel) and not isinstance(widget, EmptyState)


def _below(widget: QWidget) -> Iterator[QWidget]:
    """All parts of a widget; of a control only itself."""
    for child in _children(widget):
        yield child
        if not isinstance(child, CONTROLS):
            yield from _below(child)


def _closed_up(places: list[QRect]) -> dict[int, int]:
    """By how much what begins at a height moves up, where nothing is left above it."""
    moves: dict[int, int] = {}
    moved, end = 0, None
    for place in sorted(places, key=QRect.top):
        if end is not None:
            moved += max(0, place.top() - end - GAP)
        moves[place.top()] = moved
        end = place.bottom() + 1 if end is None else max(end, place.bottom() + 1)
    return moves
