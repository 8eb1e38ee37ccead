"""All attention heads of a network as one tiled image: rows are layers, columns are heads.

Each tile is a head's pattern in small, queries from top to bottom, keys from left to right. Where
a tile has fewer pixels than tokens, each of its cells shows the largest of k by k weights, and
the caption says so. What is masked is hatched, never coloured as 0.

Knows the patterns that it is given; no store, no model.

Shape suffixes: L layers, H heads, Q queries, S keys, P pixels of a tile's side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.canvas import CAPTION_HEIGHT, Canvas
from gui.widgets.heat_map import cell_image
from gui.widgets.text import counted

SMALLEST_TILE = 10
LARGEST_TILE = 120


@dataclass(frozen=True, slots=True)
class MosaicCell:
    """A place in the mosaic: a head, and a query and a key in its tile."""

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
    """

    cell_hovered = Signal(object)
    head_chosen = Signal(int, int)
    head_toggled = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attention heads: rows are layers, columns are heads")
        self.describe: Callable[[MosaicCell], str] | None = None
        self._patterns_HQS: tuple[NDArray[Any] | None, ...] = ()
        self._n_heads = 0
        self._n_tokens = 0
        self._masked_LQS: tuple[NDArray[np.bool_], ...] = ()
        self._pooled_HQS: list[NDArray[Any] | None] = []
        self._k = 0  # tokens a cell; what `_pooled_HQS` was made for
        self._side = 0  # of a tile, device pixels: tiles lie on whole ones
        self._margin = 0  # between tiles, device pixels
        self._tile = 0.0  # the same two in logical pixels
        self._gap = 0.0
        self._corner = QPoint()  # of the tiles' window in the viewport
        self._window = QSize()
        self._selected = (0, 0)
        self._chosen: dict[tuple[int, int], QColor] = {}
        self._hovered: MosaicCell | None = None

    # ------------------------------------------------------------------------ contents

    def set_patterns(
        self,
        patterns_HQS: Sequence[NDArray[Any] | None],
        n_heads: int,
        masked_LQS: Sequence[NDArray[np.bool_]],
    ) -> None:
        """Draw these heads.

        Args:
            patterns_HQS: one array a layer, None for a layer that isn't here.
            n_heads: heads of each layer.
            masked_LQS: weights that don't exist, or aren't to be drawn, in all heads of a layer.
        """
        self._patterns_HQS = tuple(patterns_HQS)
        self._n_heads = n_heads
        self._n_tokens = masked_LQS[0].shape[0] if masked_LQS else 0
        self._masked_LQS = tuple(masked_LQS)
        self._k = 0
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

    @property
    def n_layers(self) -> int:
        return len(self._patterns_HQS)

    @property
    def cell_tokens(self) -> int:
        """How many tokens share a cell of a tile, along each side."""
        return math.ceil(self._n_tokens / max(1, self._side))

    # ------------------------------------------------------------------------- places

    def lay_out(self) -> None:
        if not self._patterns_HQS or not self._n_tokens:
            self.scroll_over(QSizeF(), QSizeF())
            return
        size = self.maximumViewportSize()
        metrics = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE))
        left = math.ceil(metrics.horizontalAdvance(f"L{self.n_layers - 1}")) + 12
        top = math.ceil(metrics.height()) + 6
        room_w = max(1, size.width() - left - 6)
        room_h = max(1, size.height() - top - CAPTION_HEIGHT - 4)
        pitch = min(room_w / self._n_heads, room_h / self.n_layers, LARGEST_TILE * 1.12)
        ratio = self.devicePixelRatioF()
        self._margin = max(2, round(pitch * ratio * 0.1))
        self._side = max(SMALLEST_TILE, math.floor(pitch * ratio) - self._margin)
        self._tile, self._gap = self._side / ratio, self._margin / ratio
        pitch = self._tile + self._gap
        whole = QSize(
            math.ceil(self._n_heads * pitch - self._gap) + 3,
            math.ceil(self.n_layers * pitch - self._gap) + 3,
        )
        bar = self.verticalScrollBar().sizeHint().width()
        bars_h = whole.width() > room_w
        bars_v = whole.height() > room_h - (bar if bars_h else 0)
        bars_h = whole.width() > room_w - (bar if bars_v else 0)
        room_w -= bar if bars_v else 0
        room_h -= bar if bars_h else 0
        self._window = whole.boundedTo(QSize(room_w, room_h))
        self._corner = QPoint(
            left + (room_w - self._window.width()) // 2,
            top + (room_h - self._window.height()) // 2,
        )
        self.scroll_over(QSizeF(whole), QSizeF(self._window))

    def tile_rect(self, layer: int, head: int) -> QRectF:
        """Where a head's tile is in the viewport."""
        pitch, at = self._tile + self._gap, self.scrolled
        return QRectF(
            self._corner.x() + 1 + head * pitch - at.x(),
            self._corner.y() + 1 + layer * pitch - at.y(),
            self._tile,
            self._tile,
        )

    def cell_at(self, at: QPoint) -> MosaicCell | None:
        """The head and its cell under a point; gaps belong to the tile before them."""
        if not self._patterns_HQS or not self._seen_window().contains(at):
            return None
        pitch, moved = self._tile + self._gap, self.scrolled
        x = at.x() - self._corner.x() - 1 + moved.x()
        y = at.y() - self._corner.y() - 1 + moved.y()
        layer, head = math.floor(y / pitch), math.floor(x / pitch)
        if not (0 <= layer < self.n_layers and 0 <= head < self._n_heads):
            return None
        k = self.cell_tokens
        n_cells = math.ceil(self._n_tokens / k)
        row = min(int((y - layer * pitch) / self._tile * n_cells), n_cells - 1)
        column = min(int((x - head * pitch) / self._tile * n_cells), n_cells - 1)
        return self._largest(layer, head, max(0, row) * k, max(0, column) * k, k)

    def _largest(self, layer: int, head: int, query: int, key: int, k: int) -> MosaicCell:
        """The weight whose colour a cell has: the largest of those that are drawn."""
        pattern_HQS = self._patterns_HQS[layer]
        if pattern_HQS is None or k == 1:
            return MosaicCell(layer, head, query, key)
        block = pattern_HQS[head, query : query + k, key : key + k]
        drawn = ~self._masked_LQS[layer][query : query + k, key : key + k]
        at = int(np.where(drawn, block, -1).argmax())
        return MosaicCell(layer, head, query + at // block.shape[1], key + at % block.shape[1])

    def _seen_window(self) -> QRectF:
        return QRectF(self._corner, self._window)

    def reveal(self, layer: int, head: int) -> None:
        """Scroll so that a head's tile is seen."""
        box = self.tile_rect(layer, head).adjusted(-2, -2, 2, 2)
        self.scroll_to(box, self._seen_window())

    # ------------------------------------------------------------------------ painting

    def _pool(self, seconds: float) -> bool:
        """Bring patterns to the size of the tiles, layer by layer; returns whether all are."""
        k = self.cell_tokens
        if k != self._k:
            self._k, self._pooled_HQS = k, []
        start = perf_counter()
        while len(self._pooled_HQS) < self.n_layers:
            layer = len(self._pooled_HQS)
            pattern_HQS, masked_QS = self._patterns_HQS[layer], self._masked_LQS[layer]
            self._pooled_HQS.append(
                None if pattern_HQS is None else self._pooled(pattern_HQS, masked_QS, k)
            )
            if perf_counter() - start > seconds:
                break
        return len(self._pooled_HQS) == self.n_layers

    def _pooled(
        self, pattern_HQS: NDArray[Any], masked_QS: NDArray[np.bool_], k: int
    ) -> NDArray[Any]:
        pooled = cell_image.pool(pattern_HQS, k, 1)
        if masked_QS[:, 0].all():  # a hidden first key must not be the largest of its cell
            pooled = np.concatenate([np.zeros_like(pooled[..., :1]), pooled[..., 1:]], axis=-1)
        return cell_image.pool(pooled, k, 2)

    def tiles_image(self) -> QImage:
        """All tiles with their gaps, one pixel a pixel of what is painted on."""
        side = round(self._tile * self.ratio)
        pitch = side + round(self._gap * self.ratio)
        n_layers, n_heads = self.n_layers, self._n_heads
        masked = {
            id(mask): ~cell_image.pool(cell_image.pool(~mask, self._k, 0), self._k, 1)
            for mask in self._masked_LQS
        }
        n_cells = math.ceil(self._n_tokens / self._k)
        at_P = (np.arange(side) * n_cells) // side
        palette, hatch_PP = self._palette(), self._hatch(side)
        entries_LHPP = np.full((n_layers, n_heads, side, side), _MASKED, np.uint16)
        for layer, pooled_HQS in enumerate(self._pooled_HQS):
            if pooled_HQS is not None:
                amounts_HQS = np.nan_to_num(np.clip(pooled_HQS, 0, 1), nan=0.0)
                entries_HQS = (amounts_HQS * 255 + 0.5).astype(np.uint16)
                entries_HQS[np.isnan(pooled_HQS)] = _NO_NUMBER
                entries_HQS[:, masked[id(self._masked_LQS[layer])]] = _MASKED
                entries_LHPP[layer] = entries_HQS[:, at_P][:, :, at_P]
        entries_LHPP[(entries_LHPP == _MASKED) & hatch_PP] = _HATCH
        spaced = np.full((n_layers, pitch, n_heads, pitch), _MASKED, np.uint16)
        spaced[:, :side, :, :side] = entries_LHPP.transpose(0, 2, 1, 3)
        pixels = palette[spaced.reshape(n_layers * pitch, n_heads * pitch)]
        height, width = pixels.shape
        return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()

    def _palette(self) -> NDArray[np.uint32]:
        t = theme.current()
        rgb = theme.sequential_table().astype(np.uint32)
        entries = 0xFF000000 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]
        panel = QColor(t.panel).rgb()
        extra = [panel, _between(t.color("panel"), t.color("line")).rgb(), panel]
        return np.append(entries, np.array(extra, np.uint32)).astype(np.uint32)

    def _hatch(self, side: int) -> NDArray[np.bool_]:
        at = np.arange(side)
        return (at[:, None] + at[None, :]) % 6 == 0

    def paint_ground(self, painter: QPainter) -> None:
        if not self._patterns_HQS or not self._n_tokens:
            return
        self._paint_labels(painter)
        self._paint_caption(painter)

    def paint_more(self, painter: QPainter, seconds: float) -> bool:
        if not self._patterns_HQS or not self._n_tokens:
            return True
        complete = self._pool(seconds)
        image = self.tiles_image()
        image.setDevicePixelRatio(self.ratio)
        at = self.scrolled
        painter.save()
        painter.setClipRect(self._seen_window())
        painter.drawImage(self._corner + QPoint(1, 1) - at, image)
        painter.restore()
        return complete

    def _paint_labels(self, painter: QPainter) -> None:
        font = theme.mono(theme.SMALL_FONT_SIZE)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        painter.setPen(theme.current().color("dim"))
        pitch, window = self._tile + self._gap, self._seen_window()
        every = max(1, math.ceil(metrics.height() / pitch))
        for layer in range(0, self.n_layers, every):
            box = self.tile_rect(layer, 0)
            if window.top() <= box.center().y() <= window.bottom():
                label = QRectF(0, box.center().y() - 10, window.left() - 7, 20)
                painter.drawText(label, _RIGHT, f"L{layer}")
        widest = metrics.horizontalAdvance(str(self._n_heads - 1)) + 6
        every = max(1, math.ceil(widest / pitch))
        for head in range(0, self._n_heads, every):
            box = self.tile_rect(0, head)
            if window.left() <= box.center().x() <= window.right():
                label = QRectF(box.center().x() - 20, window.top() - 20, 40, 18)
                painter.drawText(label, Qt.AlignmentFlag.AlignCenter, str(head))

    def _paint_caption(self, painter: QPainter) -> None:
        k = self.cell_tokens
        text = f"{counted(self.n_layers, 'layer')} × {counted(self._n_heads, 'head')}"
        text += f" · cells: largest of {k} × {k}" if k > 1 else ""
        missing = sum(pattern is None for pattern in self._patterns_HQS)
        if missing:
            text += f" · {missing} layers left out of the trace"
        painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        painter.setPen(theme.current().color("dim"))
        area = QRectF(0, self.viewport().height() - CAPTION_HEIGHT, self.viewport().width(), 0)
        area.setHeight(CAPTION_HEIGHT)
        area.adjust(theme.SPACE, 0, -4, 0)
        shown = QFontMetricsF(painter.font()).elidedText(
            text, Qt.TextElideMode.ElideRight, area.width()
        )
        painter.drawText(area, _LEFT, shown)

    def paint_overlay(self, painter: QPainter) -> None:
        if not self._patterns_HQS:
            return
        t = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setClipRect(self._seen_window().adjusted(-2, -2, 2, 2))
        for (layer, head), color in self._chosen.items():
            painter.setPen(QPen(color, 2))
            painter.drawRect(self.tile_rect(layer, head).adjusted(-1, -1, 1, 1))
        if self._hovered is not None:
            painter.setPen(QPen(t.color("dim"), 1))
            box = self.tile_rect(self._hovered.layer, self._hovered.head)
            painter.drawRect(box.adjusted(-1, -1, 0, 0))
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
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        key = Qt.Key(event.key())
        if not self._patterns_HQS:
            event.ignore()
        elif key in steps:
            layer = min(max(self._selected[0] + steps[key][0], 0), self.n_layers - 1)
            head = min(max(self._selected[1] + steps[key][1], 0), self._n_heads - 1)
            self.head_chosen.emit(layer, head)
        elif key == Qt.Key.Key_Space:
            self.head_toggled.emit(*self._selected)
        else:
            event.ignore()


_MASKED = 256  # palette entries behind those of the colour map
_HATCH = 257
_NO_NUMBER = 258
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _between(a: QColor, b: QColor) -> QColor:
    return QColor(
        (a.red() + b.red()) // 2, (a.green() + b.green()) // 2, (a.blue() + b.blue()) // 2
    )
