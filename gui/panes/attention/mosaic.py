"""All attention heads of a network as one tiled picture, by layer or by where they look.

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

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.attention.difference import Difference
from gui.panes.attention.head_kinds import Kinds
from gui.panes.attention.mosaic_image import pooling, tiles_image
from gui.panes.attention.mosaic_layout import Room, Tiles, by_kind, by_layer
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas
from gui.widgets.cells import paint_cells
from gui.widgets.text import counted
from model.probe.heads.asks import HeadsFound
from model.probe.mosaic.asks import MosaicFound
from model.probe.not_finite.asks import NO_NUMBER

MARGIN = 4


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
        self._by_kind = False
        self.kinds: HeadsFound | None = None
        self.difference: Difference | None = None
        self._tiles = Tiles()
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
        by_kind: bool = False,
        kinds: HeadsFound | None = None,
        difference: Difference | None = None,
    ) -> None:
        """Draw these heads.

        Args:
            found: the tiles, all of them or so far; None while none is there.
            n_layers, n_heads: how many there will be.
            by_kind: in groups of one kind; it waits until all are there.
            kinds: the labels that they have earned; None while they are not there.
            difference: drawn instead of their weights, where two sides are compared.
        """
        if (n_layers, n_heads) != self._shape:
            self._hovered = None
        self._found, self._shape, self._by_kind = found, (n_layers, n_heads), by_kind
        self.kinds, self.difference = kinds, difference
        self._n_unknown = 0 if found is None else _heads_without_number(found)
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

    @property
    def found(self) -> MosaicFound | None:
        """What is drawn."""
        return self._found

    @property
    def is_by_kind(self) -> bool:
        """Whether heads stand in groups of one kind."""
        return self._by_kind and self._found is not None and self._found.is_whole

    @property
    def cell_tokens(self) -> int:
        """How many tokens share a cell of a tile, along each side."""
        if self._found is None:
            return 1
        return self._found.block * pooling(self._found, self._tiles.side)

    @property
    def caption(self) -> str:
        """What is drawn, in words."""
        n_layers, n_heads = self._shape
        text = f"{counted(n_layers, 'layer')} × {counted(n_heads, 'head')}"
        k = self.cell_tokens
        if k > 1:
            text += f" · cells: largest of {k} × {k}"
        if self.difference is not None:
            ends = f"{self.difference.limit:.2g}"
            text = f"{self.difference.name}, −{ends} to +{ends} · {text}"
        if self._found is not None and not self._found.is_whole:
            text += f" · {counted(self._found.n_layers_there, 'layer')} so far"
        if self._n_unknown:
            text = f"{NO_NUMBER} in {counted(self._n_unknown, 'head')} · {text}"
        return text

    # ------------------------------------------------------------------------- places

    def side(self, n_layers: int, n_heads: int) -> int:
        """How many device pixels a tile has along a side, by layer, as large as this widget is."""
        return by_layer(n_layers, n_heads, self._room(n_layers, n_heads)).side

    def _room(self, n_layers: int, n_heads: int) -> Room:
        size, ratio = self.maximumViewportSize(), self.devicePixelRatioF()
        metrics = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE))
        return Room(
            width=max(1, math.floor((size.width() - 2 * MARGIN) * ratio)),
            height=max(1, math.floor((size.height() - CAPTION_HEIGHT - MARGIN) * ratio)),
            label_width=math.ceil((metrics.horizontalAdvance(f"L{n_layers - 1}") + 7) * ratio),
            label_height=math.ceil((metrics.height() + 1) * ratio),
            digits=math.ceil((metrics.horizontalAdvance(str(n_heads - 1)) + 6) * ratio),
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
        left = 0 if self.is_by_kind else (room.width / ratio - seen.width()) / 2
        x, y = MARGIN + left, (room.height / ratio - seen.height()) / 2
        # Tiles lie on whole device pixels.
        x, y = round(x * ratio) / ratio, round(y * ratio) / ratio
        self._window = QRectF(x, y, seen.width(), seen.height())
        self.scroll_over(whole, seen)

    def _laid_out(self, room: Room) -> Tiles:
        if self.is_by_kind and self._found is not None:
            return by_kind(Kinds(self._found.shares, self.kinds), room)
        return by_layer(*self._shape, room)

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
        if layer < self._tiles.x_LH.shape[0] and head < self._tiles.x_LH.shape[1]:
            self.scroll_to(self.tile_rect(layer, head).adjusted(-2, -2, 2, 2), self._window)

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        if not self._shape[0]:
            return
        painter.save()
        painter.setClipRect(self._window.adjusted(-3, -3, 3, 3))
        image = tiles_image(self._found, self._tiles, self.difference)
        image.setDevicePixelRatio(self.devicePixelRatioF())
        corner = self._window.topLeft() - QPointF(self.scrolled)
        paint_cells(painter, QRectF(corner, image.deviceIndependentSize()), image)
        self._paint_labels(painter)
        painter.restore()
        self._paint_caption(painter)

    def _paint_labels(self, painter: QPainter) -> None:
        small = theme.SMALL_FONT_SIZE
        ratio = self.devicePixelRatioF()
        corner = self._window.topLeft() - QPointF(self.scrolled)
        painter.setPen(theme.current().color("dim"))
        for label in self._tiles.labels:
            x, y = corner.x() + label.x / ratio, corner.y() + label.y / ratio
            painter.setFont(theme.sans(small) if label.kind == "group" else theme.mono(small))
            if label.kind == "layer":
                painter.drawText(QRectF(x - 60, y - 10, 60, 20), _RIGHT, label.text)
            elif label.kind == "head":
                box = QRectF(x - 20, y - 10, 40, 20)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label.text)
            else:
                painter.drawText(QRectF(x, y - 10, 400, 20), _LEFT, label.text)

    def _paint_caption(self, painter: QPainter) -> None:
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(theme.current().color("dim"))
        area = QRectF(0, self.viewport().height() - CAPTION_HEIGHT, self.viewport().width(), 0)
        area.setHeight(CAPTION_HEIGHT)
        area.adjust(MARGIN, 0, -4, 0)
        shown = QFontMetricsF(painter.font()).elidedText(
            self.caption, Qt.TextElideMode.ElideRight, area.width()
        )
        painter.drawText(area, _LEFT, shown)

    def paint_overlay(self, painter: QPainter) -> None:
        n_layers, n_heads = self._shape
        if not n_layers:
            return
        t = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setClipRect(self._window.adjusted(-3, -3, 3, 3))
        painter.setPen(QPen(t.color("negative"), 1.5))
        for layer, head in self._cut | self._changed:
            if layer < n_layers and head < n_heads:
                box = self.tile_rect(layer, head).adjusted(1, 1, -1, -1)
                painter.drawLine(box.bottomLeft(), box.topRight())
                if (layer, head) in self._cut:
                    painter.drawLine(box.topLeft(), box.bottomRight())
        for (layer, head), color in self._chosen.items():
            if layer < n_layers and head < n_heads:
                painter.setPen(QPen(color, 2))
                painter.drawRect(self.tile_rect(layer, head).adjusted(-1, -1, 1, 1))
        if self._hovered is not None:
            painter.setPen(QPen(t.color("dim"), 1))
            box = self.tile_rect(self._hovered.layer, self._hovered.head)
            painter.drawRect(box.adjusted(-1, -1, 0, 0))
        if self._selected[0] < n_layers and self._selected[1] < n_heads:
            painter.setPen(QPen(t.color("accent"), 1))
            painter.drawRect(self.tile_rect(*self._selected).adjusted(-1, -1, 0, 0))
            if self._selected not in self._chosen:
                painter.drawRect(self.tile_rect(*self._selected).adjusted(-2, -2, 1, 1))

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
        if self.is_by_kind:
            return self._tiles.towards(*self._selected, right, down)
        layer = min(max(self._selected[0] + down, 0), self._shape[0] - 1)
        return layer, min(max(self._selected[1] + right, 0), self._shape[1] - 1)


def _heads_without_number(found: MosaicFound) -> int:
    """How many heads hold NaN where a query may look."""
    there = slice(found.n_layers_there)
    bad = np.isnan(found.maxima[there]) & ~found.masked[there, None]
    return int(bad.any((2, 3)).sum())


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
