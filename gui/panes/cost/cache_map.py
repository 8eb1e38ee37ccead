"""The cache as it fills: a row a layer and key/value head, a column a position; keys, then values.

The colour is the length of the vector that lies there. The newest column is lit, what a sliding
window has passed is dimmed, and what is free still is empty. Knows an answer; no store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.cells import paint_cells
from gui.widgets.drawing_cache import line
from gui.widgets.figure import is_figure
from gui.widgets.heat_map import cell_image
from gui.widgets.heat_map.color_bar import paint_color_bar
from model.probe.cache.asks import CacheFound
from model.probe.question import Array

LEFT, TOP, GAP = 40.0, 24.0, 32.0
BOTTOM = 38.0
WIDEST, HIGHEST = 36.0, 28.0
"""Sides of a cell at most: few tokens aren't drawn as large as the pane."""

Kind = Literal["k", "v"]
TITLES: dict[Kind, str] = {"k": "keys", "v": "values"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is drawn beside the numbers.

    Attributes:
        found: the numbers.
        slots: positions that there is room for in the picture, from the first on.
        windows: how far back each layer looks; None for no bound.
        tokens: the text of each position.
    """

    found: CacheFound
    slots: int
    windows: tuple[int | None, ...]
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A vector of the cache: of a layer, a key/value head and a position."""

    kind: Kind
    layer: int
    head: int
    column: int


class CacheMap(Canvas):
    """The widget.

    Signals:
        chosen: a layer and a position that were clicked, or gone to by keys.
    """

    chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The cache of keys and values, layer by position")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.shown: Shown | None = None
        self.selected = (0, 0)  # layer, position
        self._hovered: Cell | None = None

    def show_cache(self, shown: Shown | None, selected: tuple[int, int]) -> None:
        """Draw it.

        Args:
            shown: what; None for nothing.
            selected: layer and position that are marked.
        """
        self.selected = selected
        if shown != self.shown:
            self.shown = shown
            self._hovered = None
            self.redraw()
        else:
            self.viewport().update()

    def mark(self, layer: int, position: int) -> None:
        """The selection has moved."""
        self.selected = (layer, position)
        self.viewport().update()

    # -------------------------------------------------------------------------- places

    def box(self, kind: Kind) -> QRectF:
        """Where a kind's picture is, with the room that is free still."""
        whole = QRectF(self.viewport().rect()).adjusted(LEFT, TOP, -10, -BOTTOM)
        shown = self.shown
        width = (whole.width() - GAP) / 2
        if shown is None:
            return QRectF()
        rows = shown.found.n_layers * shown.found.n_kv_heads
        width = min(width, WIDEST * shown.slots)
        height = min(whole.height(), HIGHEST * rows)
        left = whole.left() + (0 if kind == "k" else width + GAP)
        return QRectF(left, whole.top(), width, max(height, 1.0))

    def filled(self, kind: Kind) -> QRectF:
        """The part of it in which something lies."""
        shown, box = self.shown, self.box(kind)
        if shown is not None:
            box.setWidth(box.width() * shown.found.n_tokens / shown.slots)
        return box

    def rect_of(self, cell: Cell) -> QRectF:
        """Where a vector is drawn."""
        assert self.shown is not None
        found, box = self.shown.found, self.box(cell.kind)
        first, last = found.positions(cell.column)
        high = box.height() / (found.n_layers * found.n_kv_heads)
        wide = box.width() / self.shown.slots
        row = cell.layer * found.n_kv_heads + cell.head
        return QRectF(
            box.left() + first * wide, box.top() + row * high, (last - first) * wide, high
        )

    def cell_at(self, at: QPointF) -> Cell | None:
        """The vector that is drawn at a place."""
        shown = self.shown
        if shown is None:
            return None
        found = shown.found
        for kind in TITLES:
            box = self.filled(kind)
            if box.contains(at) and at.x() < box.right() and at.y() < box.bottom():
                row = int((at.y() - box.top()) / box.height() * found.n_layers * found.n_kv_heads)
                position = int((at.x() - box.left()) / box.width() * found.n_tokens)
                column = int(np.searchsorted(found.starts_C, position, side="right")) - 1
                return Cell(kind, *divmod(row, found.n_kv_heads), column)
        return None

    def lengths(self, kind: Kind) -> Array:
        """What is drawn of a kind, layer × head × column."""
        assert self.shown is not None
        return self.shown.found.k_LGC if kind == "k" else self.shown.found.v_LGC

    def limit(self, kind: Kind) -> float:
        """The length that has the strongest colour: few outliers lie beyond it."""
        lengths_LGC = self.lengths(kind)
        finite = lengths_LGC[np.isfinite(lengths_LGC)]
        return (float(np.quantile(finite, 0.995)) if len(finite) else 0.0) or 1.0

    # ------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        shown = self.shown
        if shown is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        for kind in TITLES:
            self._paint_kind(painter, kind, shown)

    def _paint_kind(self, painter: QPainter, kind: Kind, shown: Shown) -> None:
        t, found, box, filled = theme.current(), shown.found, self.box(kind), self.filled(kind)
        values_LGC, limit = self.lengths(kind), self.limit(kind)
        painter.fillRect(box, t.color("track"))
        rows = found.n_layers * found.n_kv_heads
        # A pixel a position, so that columns of several positions and the last one are as wide
        # as what they hold.
        n_C = np.diff([*found.starts_C.tolist(), found.n_tokens])
        amounts_RC = np.clip(values_LGC.reshape(rows, -1) / limit, 0, 1)
        wide = n_C if len(n_C) < found.n_tokens and n_C[-1] != n_C[0] else np.ones(len(n_C), int)
        amounts_RS = np.repeat(amounts_RC, wide, axis=1)
        everywhere = np.ones(amounts_RS.shape, np.bool_)
        picture = cell_image.image(cell_image.colors(amounts_RS, "sequential", 1.0), everywhere)
        paint_cells(painter, filled, picture)
        self._dim_what_is_passed(painter, shown, box)
        self._paint_layers(painter, kind, shown, box)
        painter.setPen(t.color("line"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        font = theme.sans(theme.SMALL_FONT_SIZE)
        painter.setPen(t.color("key" if kind == "k" else "value"))
        title = line(f"{TITLES[kind]}: the length of each", font, box.width())
        title.draw(painter, box.left(), TOP / 2 - 2)
        if kind == "k":
            painter.setPen(t.color("dim"))
            line("layer", font).draw(painter, 2, TOP / 2 - 2)
        self._paint_positions(painter, shown, box)
        bar = QRectF(box.left(), box.bottom() + 18, max(box.width(), 120), 16)
        beyond = bool((values_LGC > limit * 1.001).any())
        paint_color_bar(
            painter,
            bar,
            "sequential",
            limit,
            title=("length", ""),
            beyond=beyond,
            no_number=bool(np.isnan(values_LGC).any()),
        )

    def _dim_what_is_passed(self, painter: QPainter, shown: Shown, box: QRectF) -> None:
        found, wide = shown.found, box.width() / shown.slots
        high = box.height() / found.n_layers
        for layer, window in enumerate(shown.windows):
            passed = 0 if window is None else max(0, found.n_tokens - window)
            if passed:
                rect = QRectF(box.left(), box.top() + layer * high, passed * wide, high)
                painter.fillRect(rect, theme.current().color("panel", 0.72))

    def _paint_layers(self, painter: QPainter, kind: Kind, shown: Shown, box: QRectF) -> None:
        """A thin line between layers, and their numbers where there is room."""
        t, n = theme.current(), shown.found.n_layers
        high = box.height() / n
        every = next(step for step in (1, 2, 5, 10, 20, 50, 1000) if step * high >= 15)
        for layer in range(n):
            y = box.top() + layer * high
            if layer and high >= 6:
                painter.setPen(QPen(t.color("panel"), 1))
                painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            if kind == "k" and layer % every == 0:
                painter.setPen(t.color("dim"))
                words = line(str(layer), theme.mono(theme.SMALL_FONT_SIZE))
                middle = y + high / 2 if every == 1 else y + max(high / 2, 6)
                words.draw(painter, box.left() - 6 - words.width, middle)

    def _paint_positions(self, painter: QPainter, shown: Shown, box: QRectF) -> None:
        """First, newest and last place, as far as their numbers don't touch."""
        t, wide = theme.current(), box.width() / shown.slots
        font = theme.mono(theme.SMALL_FONT_SIZE)
        n, end = shown.found.n_tokens, -1.0
        for position in (0, n - 1, shown.slots - 1):
            newest = position == n - 1 and position < len(shown.tokens)
            token = f" {shown.tokens[position]}" if newest else ""
            words = line(f"{position:,}{token}", font, 120)
            left = box.left() + (position + 0.5) * wide - words.width / 2
            left = min(max(left, box.left()), box.right() - words.width)
            if left > end:
                painter.setPen(t.color("text" if position == n - 1 else "dim"))
                words.draw(painter, left, box.bottom() + 9)
                end = left + words.width + 8

    def paint_overlay(self, painter: QPainter) -> None:
        """The newest column, what is selected, what the mouse is over."""
        shown = self.shown
        if shown is None:
            return
        t, found = theme.current(), shown.found
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        layer, position = self.selected
        for kind in TITLES:
            box = self.box(kind)
            wide, high = box.width() / shown.slots, box.height() / found.n_layers
            newest = box.left() + (found.n_tokens - 1) * wide
            lit = QRectF(newest, box.top() - 3, max(wide, 3.0), box.height() + 6)
            painter.setPen(QPen(t.color("accent"), 2))
            painter.drawRect(lit.toRect())
            if is_figure() or position >= found.n_tokens:
                continue
            here = QRectF(box.left() + position * wide, box.top() + layer * high, wide, high)
            painter.setPen(QPen(t.color("text"), 1))
            painter.drawRect(here.adjusted(-1, -1, 1, 1).toRect())
        if self._hovered is not None and not is_figure():
            painter.setPen(QPen(t.color("focus"), 2))
            painter.drawRect(self.rect_of(self._hovered).toRect())

    # ------------------------------------------------------------------ mouse and keyboard

    def hover(self, at: QPoint | None) -> None:
        cell = None if at is None else self.cell_at(QPointF(at))
        if cell != self._hovered:
            self._hovered = cell
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        cell = self.cell_at(QPointF(at))
        if cell is not None and self.shown is not None:
            self.chosen.emit(cell.layer, self.shown.found.positions(cell.column)[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or self.shown is None:
            super().keyPressEvent(event)
            return
        found, (layer, position) = self.shown.found, self.selected
        self.chosen.emit(
            min(max(layer + step[0], 0), found.n_layers - 1),
            min(max(position + step[1], 0), found.n_tokens - 1),
        )

    def tooltip(self, at: QPoint) -> str:
        cell = self.cell_at(QPointF(at))
        return "" if cell is None else self.describe(cell)

    def describe(self, cell: Cell) -> str:
        """A vector in words: whose it is, how long, and what it takes."""
        assert self.shown is not None
        shown, found = self.shown, self.shown.found
        first, last = found.positions(cell.column)
        token = shown.tokens[first] if first < len(shown.tokens) else ""
        where = (
            f"position {first:,} {token}"
            if last == first + 1
            else f"positions {first:,} to {last - 1:,}"
        )
        of = "" if last == first + 1 else ", mean"
        length = float(self.lengths(cell.kind)[cell.layer, cell.head, cell.column])
        size = found.d_head * found.bytes_per_number
        lines = [
            f"layer {cell.layer}, key/value head {cell.head}, {where}",
            f"‖{cell.kind}‖{of} = {length:.4g}; {found.d_head} numbers, {size:,} bytes a position",
        ]
        window = shown.windows[cell.layer]
        if window is not None and last <= found.n_tokens - window:
            lines.append(
                f"The window of {window:,} tokens has passed it: the next token reads it no more."
            )
        return "\n".join(lines)
