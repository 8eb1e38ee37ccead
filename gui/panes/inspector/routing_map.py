"""Which experts each token went to: a row an expert, a column a token, colour the share.

What an expert was not asked for is left empty: there is no number. Knows an answer, the store's
selection and the theme; no pane.

Shape suffixes: T positions, X experts, A active experts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.reading.inspecting import inspected
from gui.reading.quoting import quoted
from gui.session.store import Store
from gui.widgets.cells import paint_cells
from gui.widgets.focus_ring import draw_focus
from gui.widgets.heat_map import cell_image
from gui.widgets.text import as_written
from gui.widgets.tips import Tips
from model import messages as m
from model.probe.tensors.asks import TensorsFound

LARGEST_ROW, SMALLEST_ROW = 15, 3
MOST_HEIGHT = 240
EDGE_FROM = 5
"""Pixels of a cell's side from which on it has an edge."""

LABEL_FROM = 10
"""Pixels of a row from which on every expert has its number beside it."""


class RoutingMap(QWidget):
    """The widget.

    Signals:
        element_chosen: `Inspected`, the share that was clicked.
        position_chosen: position of the column that was clicked.
    """

    element_chosen = Signal(object)
    position_chosen = Signal(int)

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self.store = store
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Which experts each token went to")
        self._name = ""
        self._n_experts = 0
        self._read: m.PromptRead | None = None
        self._found: TensorsFound | None = None
        self._indices_TA: NDArray[np.intp] = np.zeros((0, 0), np.intp)
        self._shares_TA: NDArray[np.floating] = np.zeros((0, 0))
        self._weights_TX: NDArray[np.floating] = np.zeros((0, 0))
        self._font = theme.mono(theme.SMALL_FONT_SIZE - 1)

    # ------------------------------------------------------------------------ contents

    def show_routing(self, found: TensorsFound | None, read: m.PromptRead | None) -> None:
        """Show the routing of a layer; hides itself where there is none.

        Args:
            found: the experts' indices, shares and weights of one layer; None for none.
            read: the prompt that they are of.
        """
        if found is None or read is None:
            self._found = None
            self.setVisible(False)
            return
        if found is not self._found:
            self._found, self._read = found, read
            indices, shares, weights = found.tensors  # in the order in which they were asked for
            self._name = indices.removesuffix("_indices")
            self._indices_TA = found.tensors[indices].astype(np.intp)
            self._shares_TA, self._weights_TX = found.tensors[shares], found.tensors[weights]
            self._n_experts = self._weights_TX.shape[1]
            self.setFixedHeight(self._caption_height + round(self._n_experts * self._row))
        self.setVisible(True)
        self.update()

    @property
    def n_tokens(self) -> int:
        return len(self._indices_TA)

    @property
    def tokens_of(self) -> NDArray[np.intp]:
        """How many tokens went to each expert, ``[X]``."""
        return np.bincount(self._indices_TA.ravel(), minlength=self._n_experts)

    def share_at(self, position: int, expert: int) -> tuple[int, float] | None:
        """Which choice of a position an expert is, and its share; None if it was not asked."""
        found = np.flatnonzero(self._indices_TA[position] == expert)
        if not found.size:
            return None
        return int(found[0]), float(self._shares_TA[position, found[0]])

    # ------------------------------------------------------------------------- places

    @property
    def _row(self) -> float:
        most = MOST_HEIGHT / max(1, self._n_experts)
        return max(SMALLEST_ROW, min(LARGEST_ROW, most))

    @property
    def _caption_height(self) -> int:
        return round(QFontMetricsF(self._font).height()) + 3

    def _side(self, text: str) -> float:
        return QFontMetricsF(self._font).horizontalAdvance(text) + 6

    @property
    def area(self) -> QRectF:
        """Where the cells are."""
        left = self._side(str(self._n_experts - 1))
        right = self._side(str(max(self.tokens_of, default=0)))
        width = max(1.0, self.width() - left - right)
        return QRectF(left, self._caption_height, width, self._n_experts * self._row)

    def cell_rect(self, position: int, expert: int) -> QRectF:
        """Where the cell of a position and an expert is."""
        area = self.area
        width = area.width() / max(1, self.n_tokens)
        return QRectF(
            area.left() + position * width, area.top() + expert * self._row, width, self._row
        )

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """Position and expert under a point."""
        area = self.area
        if not self.n_tokens or not area.contains(point):
            return None
        position = int((point.x() - area.left()) / area.width() * self.n_tokens)
        expert = int((point.y() - area.top()) / self._row)
        return min(position, self.n_tokens - 1), min(expert, self._n_experts - 1)

    def sizeHint(self) -> QSize:
        return QSize(200, self.minimumHeight())

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.n_tokens:
            return
        with QPainter(self) as painter:
            t, area = theme.current(), self.area
            painter.setFont(self._font)
            painter.setPen(t.color("dim"))
            flags = int(Qt.AlignmentFlag.AlignVCenter)
            top = QRectF(area.left(), 0, self.width() - area.left(), self._caption_height)
            painter.drawText(top, flags, "share of each expert that was asked")
            painter.drawText(top, flags | int(Qt.AlignmentFlag.AlignRight), "tokens")
            painter.fillRect(area, t.color("raised"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if self.cell_rect(0, 0).width() > EDGE_FROM:
                self._paint_cells(painter)
            else:
                self._paint_image(painter, area)
            self._paint_sides(painter, area)
            at = self.store.selection.position
            if 0 <= at < self.n_tokens:
                column = self.cell_rect(at, 0)
                column.setHeight(area.height())
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(t.color("accent"), 1.2))
                painter.drawRect(column.adjusted(-0.5, 0, -0.5, -0.5))
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    def _paint_cells(self, painter: QPainter) -> None:
        """One by one, with an edge: a small share is nearly the colour of none."""
        painter.setPen(theme.current().color("faint"))
        for position, experts in enumerate(self._indices_TA):
            for choice, expert in enumerate(experts):
                box = self.cell_rect(position, int(expert)).adjusted(0, 0, -1, -1)
                share = float(self._shares_TA[position, choice])
                painter.fillRect(box, theme.sequential_color(min(max(share, 0.0), 1.0)))
                if box.height() > EDGE_FROM:
                    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_image(self, painter: QPainter, area: QRectF) -> None:
        per_cell = -(-self.n_tokens // max(1, int(area.width())))
        image = self._image(per_cell)
        box = QRectF(area)
        box.setWidth(area.width() * image.width() * per_cell / self.n_tokens)
        painter.save()
        painter.setClipRect(area)  # the last cell may stand for fewer tokens
        paint_cells(painter, box, image)
        painter.restore()

    def _image(self, per_cell: int) -> QImage:
        """All cells at once, each the largest share of so many tokens."""
        shares_XT = np.full((self._n_experts, self.n_tokens), -1.0)
        at_T = np.arange(self.n_tokens)
        for choice in range(self._indices_TA.shape[1]):
            shares_XT[self._indices_TA[:, choice], at_T] = self._shares_TA[:, choice]
        shares_XT = cell_image.pool(shares_XT, per_cell, 1)
        rgb = theme.sequential_rgb(np.clip(shares_XT, 0, 1))
        none = theme.current().color("raised")
        rgb[shares_XT < 0] = none.red(), none.green(), none.blue()
        return cell_image.image(rgb, np.ones(shares_XT.shape, np.bool_))

    def _paint_sides(self, painter: QPainter, area: QRectF) -> None:
        """The number of each expert, or of every few, and how many tokens it was given."""
        painter.setPen(theme.current().color("dim"))
        step = max(1, -(-LABEL_FROM // round(self._row)))
        tokens_of = self.tokens_of
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        for expert in range(0, self._n_experts, step):
            row = QRectF(0, area.top() + expert * self._row, area.left() - 4, self._row)
            # Text may be higher than a row where only every few are named.
            row.adjust(0, -4, 0, 4)
            painter.drawText(row, flags, str(expert))
            if step == 1:
                row.setRight(self.width())
                painter.drawText(row, flags, str(tokens_of[expert]))

    # -------------------------------------------------------------------------- mouse

    def describe(self, position: int, expert: int) -> str:
        """What hovering a cell says."""
        if self._read is None or position >= self.n_tokens:
            return ""
        lines = [self._asked_words(self._read, position, expert)]
        found = self.share_at(position, expert)
        if found is None:
            lines.append("not asked")
        else:
            choice, share = found
            lines += [
                f"share {np.float32(share)!s}",
                f"{self._name}_shares[0, {position}, {choice}]",
            ]
        weight = np.float32(self._weights_TX[position, expert])
        lines += [f"router's weight {weight!s}", f"{self._name}_weights[0, {position}, {expert}]"]
        return "\n".join(lines)

    def _asked_words(self, read: m.PromptRead, position: int, expert: int) -> str:
        return f"expert {expert} · {quoted(read.tokens[position].text)} ({position})"

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        cell = self.cell_at(QPointF(event.pos()))
        if cell is None:
            QToolTip.hideText()
        else:
            area = self.cell_rect(*cell).toAlignedRect()
            QToolTip.showText(event.globalPos(), as_written(self.describe(*cell)), self, area)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        self.store.select(hovered=None if cell is None else cell[0])

    def leaveEvent(self, event: QEvent) -> None:
        self.store.select(hovered=None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.choose(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self.n_tokens:
            super().keyPressEvent(event)
            return
        position = max(0, min(self.store.selection.position + step, self.n_tokens - 1))
        self.choose(position, int(self._indices_TA[position, 0]))

    def choose(self, position: int, expert: int) -> None:
        """Select a token and inspect an expert's share of it, or the router's weight."""
        model, read = self.store.model, self._read
        if model is None or read is None:
            return
        found = self.share_at(position, expert)
        kind, last, value = "weights", expert, float(self._weights_TX[position, expert])
        note = f"{self._asked_words(read, position, expert)} was not asked; this is the router's"
        note += " weight."
        if found is not None:
            kind, (last, value) = "shares", found
            note = f"{self._asked_words(read, position, expert)}."
        self.position_chosen.emit(position)
        self.element_chosen.emit(
            inspected(model, read, f"{self._name}_{kind}", (0, position, last), value, note)
        )
