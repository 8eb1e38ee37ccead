"""All attention heads of a network as one tiled picture, in any order, all or some of them.

Each tile is a head's pattern in small, queries from top to bottom, keys from left to right. Where
a tile has fewer pixels than tokens, each of its cells shows the largest of k by k weights, and
the caption says so. What is masked is hatched, never coloured as 0; what is no number has a look of
its own; a layer that is still to come is flat.

Knows the answer that it is given; no store, no model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention import mosaic_words
from gui.panes.attention.difference import Difference
from gui.panes.attention.graph_caption import GraphCaption
from gui.panes.attention.head_order import Ordered
from gui.panes.attention.mosaic_image import paint_cell_lines, paint_labels, pooling, tiles_image
from gui.panes.attention.mosaic_layout import Room, Tiles, by_layer, laid_out
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas
from gui.widgets.cells import paint_cells
from gui.widgets.text import counted
from model.probe.heads.asks import HeadsFound
from model.probe.mosaic.asks import MosaicFound
from model.probe.not_finite.asks import NO_NUMBER

MARGIN = 4
TWO_LINES = 640
"""In mosaics that are less wide the caption may have two lines, logical pixels."""


@dataclass(frozen=True, slots=True)
class MosaicCell:
    """A place in the mosaic: a head, and the first query and key of a cell in its tile."""

    layer: int
    head: int
    query: int
    key: int


class HeadMosaic(Canvas):
    """The widget.

    Signals:
        cell_hovered: the `MosaicCell` under the mouse, or None.
        head_chosen: layer and head that were clicked or reached by a key.
        head_toggled: layer and head that were added to, or taken from, the chosen set.

    Attributes:
        describe: gives the tooltip of a `MosaicCell`.
        kinds: labels of the heads, once they are there.
    """

    cell_hovered = Signal(object)
    head_chosen = Signal(int, int)
    head_toggled = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attention heads: rows are layers, columns are heads")
        self.describe: Callable[[MosaicCell], str] | None = None
        self._found: MosaicFound | None = None
        self._n_unknown = 0  # heads that hold NaN
        self._shape = (0, 0)
        self._ordered: Ordered | None = None
        self._pinned: frozenset[tuple[int, int]] = frozenset()
        self._pinned_unit: int | None = None
        self.kinds: HeadsFound | None = None
        self.difference: Difference | None = None
        self._tiles = Tiles()
        self._kept: tuple[tuple[object, ...], QImage] | None = None
        self._window = QRectF()
        self._selected = (0, 0)
        self._chosen: dict[tuple[int, int], QColor] = {}
        self._hovered: MosaicCell | None = None
        self._cut: frozenset[tuple[int, int]] = frozenset()
        self._changed: frozenset[tuple[int, int]] = frozenset()

    # ------------------------------------------------------------------------ contents

    def set_tiles(
        self,
        found: MosaicFound | None,
        n_layers: int,
        n_heads: int,
        ordered: Ordered | None = None,
        kinds: HeadsFound | None = None,
        difference: Difference | None = None,
    ) -> None:
        """Draw these heads.

        Args:
            found: the tiles, all of them or so far; None while none is there.
            n_layers, n_heads: how many there will be.
            ordered: which of them stand where; by layer without.
            kinds: the labels that they have earned; None while they are not there.
            difference: drawn instead of their weights, where two sides are compared.
        """
        if (n_layers, n_heads) != self._shape:
            self._hovered = None
        self._found, self._shape, self._ordered = found, (n_layers, n_heads), ordered
        self.kinds, self.difference = kinds, difference
        self._n_unknown = 0 if found is None else mosaic_words.heads_without_number(found)
        self.lay_out()
        self.redraw()

    def set_selected(self, layer: int, head: int) -> None:
        """Outline one head and bring it into view."""
        if (layer, head) != self._selected:
            self._selected = (layer, head)
            self.reveal(layer, head)
            self.viewport().update()

    def set_chosen(self, colors: dict[tuple[int, int], QColor]) -> None:
        """Outline the heads of a set, each in its colour."""
        if colors != self._chosen:
            self._chosen = dict(colors)
            self.viewport().update()

    def set_changed(
        self, cut: frozenset[tuple[int, int]], changed: frozenset[tuple[int, int]]
    ) -> None:
        """Cross out heads of which nothing is left, and strike those that are changed."""
        if (cut, changed) != (self._cut, self._changed):
            self._cut, self._changed = cut, changed
            self.viewport().update()

    def set_pinned(self, heads: frozenset[tuple[int, int]], unit: int | None) -> None:
        """Mark the heads of the strip, and outline a token's row and column in every tile."""
        if (heads, unit) != (self._pinned, self._pinned_unit):
            self._pinned, self._pinned_unit = heads, unit
            self.viewport().update()

    @property
    def ordered(self) -> Ordered | None:
        """Which heads stand where; None before that is known."""
        return self._ordered

    @property
    def found(self) -> MosaicFound | None:
        """What is drawn."""
        return self._found

    @property
    def is_by_kind(self) -> bool:
        """Whether heads stand in groups of one kind."""
        return not self._in_rows and self._ordered is not None and self._ordered.values_LH is None

    @property
    def _in_rows(self) -> bool:
        """Whether a row is a layer."""
        return self._ordered is None or self._ordered.by_layer

    @property
    def cell_tokens(self) -> int:
        """How many tokens share a cell of a tile, along each side."""
        if self._found is None:
            return 1
        return self._found.block * pooling(self._found, self._tiles.side)

    @property
    def caption(self) -> str:
        """What is drawn, in words."""
        told = mosaic_words.caption(
            self._found, self._shape, self._ordered, self.cell_tokens, self.difference
        )
        if self._n_unknown:
            return f"{NO_NUMBER} in {counted(self._n_unknown, 'head')} · {told}"
        return told

    # ------------------------------------------------------------------------- places

    def side(self, n_layers: int, n_heads: int) -> int:
        """How many device pixels a tile has along a side, by layer, as large as this widget is."""
        return by_layer(n_layers, n_heads, self._room(n_layers, n_heads)).side

    def _room(self, n_layers: int, n_heads: int) -> Room:
        size, ratio = self.maximumViewportSize(), self.devicePixelRatioF()
        label_width, label_height, digits = _label_room(n_layers, n_heads)
        return Room(
            width=max(1, math.floor((size.width() - 2 * MARGIN) * ratio)),
            height=max(1, math.floor((size.height() - self._caption_height - MARGIN) * ratio)),
            label_width=math.ceil(label_width * ratio),
            label_height=math.ceil(label_height * ratio),
            digits=math.ceil(digits * ratio),
        )

    def lay_out(self) -> None:
        n_layers, n_heads = self._shape
        if not n_layers:
            self.scroll_over(QSizeF(), QSizeF())
            return
        room = self._room(n_layers, n_heads)
        self._tiles = self._laid_out(room)
        ratio = self.devicePixelRatioF()
        if self._tiles.size[1] > room.height:  # the scroll bar takes room
            bar = math.ceil(self.verticalScrollBar().sizeHint().width() * ratio)
            narrower = max(1, room.width - bar)
            room = Room(narrower, room.height, room.label_width, room.label_height, room.digits)
            self._tiles = self._laid_out(room)
        whole = QSizeF(self._tiles.size[0] / ratio, self._tiles.size[1] / ratio)
        seen = whole.boundedTo(QSizeF(room.width / ratio, room.height / ratio))
        left = 0 if not self._in_rows else (room.width / ratio - seen.width()) / 2
        x, y = MARGIN + left, (room.height / ratio - seen.height()) / 2
        # Tiles lie on whole device pixels.
        x, y = round(x * ratio) / ratio, round(y * ratio) / ratio
        self._window = QRectF(x, y, seen.width(), seen.height())
        self.scroll_over(whole, seen)

    def _laid_out(self, room: Room) -> Tiles:
        return laid_out(self._ordered, self._shape, room)

    def tile_rect(self, layer: int, head: int) -> QRectF:
        """Where a head's tile is in the viewport."""
        ratio, at = self.devicePixelRatioF(), self.scrolled
        side = self._tiles.side / ratio
        return QRectF(
            self._window.left() + self._tiles.x_LH[layer, head] / ratio - at.x(),
            self._window.top() + self._tiles.y_LH[layer, head] / ratio - at.y(),
            side,
            side,
        )

    def cell_at(self, at: QPoint) -> MosaicCell | None:
        """The head and its cell under a point; gaps belong to the nearest tile."""
        if not self._shape[0] or not self._window.adjusted(-2, -2, 2, 2).contains(QPointF(at)):
            return None
        ratio, moved = self.devicePixelRatioF(), self.scrolled
        x = (at.x() + 0.5 - self._window.left() + moved.x()) * ratio
        y = (at.y() + 0.5 - self._window.top() + moved.y()) * ratio
        found = self._tiles.tile_at(x, y)
        if found is None:
            return None
        layer, head = found
        if self._found is None:
            return MosaicCell(layer, head, 0, 0)
        cells = self._found.maxima.shape[-1]
        k = pooling(self._found, self._tiles.side)
        n = math.ceil(cells / k)
        row = min(max(int((y - self._tiles.y_LH[found]) / self._tiles.side * n), 0), n - 1)
        column = min(max(int((x - self._tiles.x_LH[found]) / self._tiles.side * n), 0), n - 1)
        row, column = self._largest(layer, head, row * k, column * k, k)
        return MosaicCell(layer, head, row * self._found.block, column * self._found.block)

    def _largest(self, layer: int, head: int, row: int, column: int, k: int) -> tuple[int, int]:
        """The cell of the answer whose colour a cell of a tile has."""
        assert self._found is not None
        drawn = self._found.maxima if self.difference is None else np.abs(self.difference.values)
        block = drawn[layer, head, row : row + k, column : column + k]
        at = int(block.argmax())  # NaN, which a cell shows where there is one, counts as largest
        return row + at // block.shape[1], column + at % block.shape[1]

    def reveal(self, layer: int, head: int) -> None:
        """Scroll so that a head's tile is seen."""
        if self._has_tile((layer, head)):
            self.scroll_to(self.tile_rect(layer, head).adjusted(-2, -2, 2, 2), self._window)

    def _has_tile(self, at: tuple[int, int]) -> bool:
        n_layers, n_heads = self._tiles.x_LH.shape
        return at[0] < n_layers and at[1] < n_heads and bool(self._tiles.shown_LH[at])

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        if not self._shape[0]:
            return
        painter.save()
        painter.setClipRect(self._window.adjusted(-3, -3, 3, 3))
        image = self._picture()
        image.setDevicePixelRatio(self.devicePixelRatioF())
        corner = self._window.topLeft() - QPointF(self.scrolled)
        paint_cells(painter, QRectF(corner, image.deviceIndependentSize()), image)
        paint_labels(painter, self._tiles.labels, corner, self.devicePixelRatioF())
        painter.restore()
        self._paint_caption(painter)

    def _picture(self) -> QImage:
        """All tiles; kept while one scrolls, since to make it takes as long as a frame has."""
        key = (self._found, self._tiles, self.difference, theme.current().name)
        if self._kept is None or any(a is not b for a, b in zip(self._kept[0], key, strict=True)):
            self._kept = key, tiles_image(self._found, self._tiles, self.difference)
        return self._kept[1]

    def _paint_caption(self, painter: QPainter) -> None:
        size, high = self.viewport().size(), self._caption_height
        area = QRectF(MARGIN, size.height() - high, size.width() - MARGIN - 4, high)
        GraphCaption(self.caption).paint(painter, area)

    @property
    def _caption_height(self) -> int:
        """One line, or two where it is narrow: whatever is said, the tiles stay where they are."""
        size = self.maximumViewportSize()
        line = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE)).lineSpacing()
        two = size.width() < TWO_LINES and size.height() > 9 * CAPTION_HEIGHT
        return CAPTION_HEIGHT + (round(line) if two else 0)

    def paint_overlay(self, painter: QPainter) -> None:
        if not self._shape[0]:
            return
        t = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setClipRect(self._window.adjusted(-3, -3, 3, 3))
        if self._found is not None and self._pinned_unit is not None:
            corner = self._window.topLeft() - QPointF(self.scrolled)
            cell = self._pinned_unit // self._found.block
            paint_cell_lines(
                painter, self._tiles, corner, self.ratio, cell, self._found.maxima.shape[-1]
            )
        painter.setPen(QPen(t.color("negative"), 1.5))
        for at in filter(self._has_tile, self._cut | self._changed):
            box = self.tile_rect(*at).adjusted(1, 1, -1, -1)
            painter.drawLine(box.bottomLeft(), box.topRight())
            if at in self._cut:
                painter.drawLine(box.topLeft(), box.bottomRight())
        painter.setPen(QPen(t.color("warning"), 1))
        for at in filter(self._has_tile, self._pinned):
            painter.drawRect(self.tile_rect(*at).adjusted(-1, -1, 0, 0))
        for at, color in self._chosen.items():
            if self._has_tile(at):
                painter.setPen(QPen(color, 2))
                painter.drawRect(self.tile_rect(*at).adjusted(-1, -1, 1, 1))
        hovered = self._hovered
        if hovered is not None and self._has_tile((hovered.layer, hovered.head)):
            painter.setPen(QPen(t.color("dim"), 1))
            box = self.tile_rect(hovered.layer, hovered.head)
            painter.drawRect(box.adjusted(-1, -1, 0, 0))
        if self._has_tile(self._selected):
            painter.setPen(QPen(t.color("accent"), 1))
            painter.drawRect(self.tile_rect(*self._selected).adjusted(-1, -1, 0, 0))
            if self._selected not in self._chosen:
                painter.drawRect(self.tile_rect(*self._selected).adjusted(-2, -2, 1, 1))
        elif self._ordered is not None and not self._ordered.n:
            painter.setClipping(False)
            painter.setFont(theme.sans())
            painter.setPen(t.color("dim"))
            words = "No head passes the filter."
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, words)

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        cell = None if at is None else self.cell_at(at)
        if cell != self._hovered:
            self._hovered = cell
            self.viewport().update()
            self.cell_hovered.emit(cell)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        cell = self.cell_at(at)
        if cell is None:
            return
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.head_toggled.emit(cell.layer, cell.head)
        else:
            self.head_chosen.emit(cell.layer, cell.head)

    def tooltip(self, at: QPoint) -> str:
        if at.y() >= self.viewport().height() - self._caption_height:
            return self.caption.replace(" · ", "\n")
        cell = self.cell_at(at)
        return "" if cell is None or self.describe is None else self.describe(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        key = Qt.Key(event.key())
        if not self._shape[0]:
            event.ignore()
        elif key in steps:
            self.head_chosen.emit(*self._next(*steps[key]))
        elif key == Qt.Key.Key_Space:
            self.head_toggled.emit(*self._selected)
        else:
            event.ignore()

    def _next(self, right: int, down: int) -> tuple[int, int]:
        if not self._has_tile(self._selected):  # the filter has left it out: begin at the first
            shown = np.argwhere(self._tiles.shown_LH)
            return (int(shown[0][0]), int(shown[0][1])) if len(shown) else self._selected
        if self._ordered is not None and (not self._in_rows or not self._tiles.shown_LH.all()):
            return self._tiles.towards(*self._selected, right, down)
        layer = min(max(self._selected[0] + down, 0), self._shape[0] - 1)
        return layer, min(max(self._selected[1] + right, 0), self._shape[1] - 1)


@lru_cache(maxsize=32)
def _label_room(n_layers: int, n_heads: int) -> tuple[float, float, float]:
    """Width and height of a layer's label and the width of a head's, in logical pixels."""
    metrics = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE))
    return (
        metrics.horizontalAdvance(f"L{n_layers - 1}") + 7,
        metrics.height() + 1,
        metrics.horizontalAdvance(str(n_heads - 1)) + 6,
    )
