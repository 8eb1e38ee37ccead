"""Parameters as areas: parts, in them layers, in them tensors (squarified treemap).

Knows the tree that it is given; no store, no model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.model.parameter_tree import Node, node_words
from gui.panes.model.squarify import squarify
from gui.panes.model.two_models import TwoModels
from gui.widgets.canvas import Canvas
from gui.widgets.heat_map.color_bar import paint_color_bar
from gui.widgets.parts import part_color, share_words
from gui.widgets.text import ink_on
from model.preview import short_count

LEGEND = 18.0
"""Height of the line that says what colours mean, while two models are compared."""
HEAD = 15.0
"""Height of the line that names a part or a layer, where there is room for one."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A node and where it is drawn, with its name's line if it has one."""

    node: Node
    rect: QRectF
    head: QRectF
    depth: int


class Treemap(Canvas):
    """The widget.

    Signals:
        tensor_chosen: name of the tensor whose tile was clicked or reached by a key.
    """

    tensor_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Share of parameters by part, layer and tensor")
        self._roots: tuple[Node, ...] = ()
        self._total = 0
        self._tiles: list[Tile] = []
        self._chosen = ""
        self._two: TwoModels | None = None
        self._hovered: Tile | None = None

    # ------------------------------------------------------------------------ contents

    def set_roots(self, roots: tuple[Node, ...]) -> None:
        """Draw other parts."""
        if roots == self._roots:
            return
        self._roots = roots
        self._total = sum(node.n for node in roots)
        self._hovered = None
        self.lay_out()
        self.redraw()

    def set_apart(self, two: TwoModels | None) -> None:
        """Colour tensors by how far another model's are from them; None for by part."""
        if two is not self._two:
            legend = (two is None) != (self._two is None)
            self._two = two
            if legend:
                self.lay_out()
            self.redraw()

    def set_chosen(self, name: str) -> None:
        """Outline the tile of a tensor."""
        if name != self._chosen:
            self._chosen = name
            self.viewport().update()

    @property
    def tiles(self) -> list[Tile]:
        """Everything drawn, outer tiles first."""
        return self._tiles

    def tile_at(self, at: QPointF) -> Tile | None:
        """The innermost tile under a point."""
        found = None
        for tile in self._tiles:
            if tile.rect.contains(at):
                found = tile
        return found

    def lay_out(self) -> None:
        area = QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1)
        if self._two is not None:
            area.adjust(0, 0, 0, -LEGEND)
        self._tiles = list(_placed(self._roots, area, 0))

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        paint_tiles(painter, self._tiles, self._total, self._two)
        if self._two is not None:
            line = QRectF(self.viewport().rect()).adjusted(6, 0, -4, 0)
            line.setTop(line.bottom() - LEGEND)
            titles = ("‖B − A‖ / ‖A‖ of each tensor", "‖B − A‖ / ‖A‖")
            paint_color_bar(painter, line, "sequential", self._two.limit, title=titles)

    def paint_overlay(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._hovered is not None:
            painter.fillRect(self._hovered.rect, t.color("text", 0.08))
            painter.setPen(QPen(t.color("text", 0.7), 1))
            painter.drawRect(self._hovered.rect.adjusted(0.5, 0.5, -0.5, -0.5))
        for tile in self._tiles:
            if tile.node.name and tile.node.name == self._chosen:
                painter.setPen(QPen(t.color("accent"), 2))
                painter.drawRect(tile.rect.adjusted(1, 1, -1, -1))

    # ------------------------------------------------------------------ mouse and keys

    def hover(self, at: QPoint | None) -> None:
        tile = None if at is None else self.tile_at(QPointF(at))
        if tile is not self._hovered:
            self._hovered = tile
            self.viewport().update()

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        tile = self.tile_at(QPointF(at))
        if tile is not None and tile.node.name:
            self.tensor_chosen.emit(tile.node.name)

    def tooltip(self, at: QPoint) -> str:
        tile = self.tile_at(QPointF(at))
        if tile is None:
            return ""
        said = node_words(tile.node, self._total)
        apart = None if self._two is None else self._two.by_name.get(tile.node.name)
        return said if apart is None else f"{said}\n{apart.words}"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Up: -1,
        }.get(Qt.Key(event.key()))
        names = [node.name for root in self._roots for node in root.leaves() if node.name]
        if step is None or not names:
            event.ignore()
            return
        at = names.index(self._chosen) + step if self._chosen in names else 0
        self.tensor_chosen.emit(names[max(0, min(at, len(names) - 1))])


def place_parts(roots: tuple[Node, ...], area: QRectF) -> list[Tile]:
    """The tiles of a tree in an area."""
    return list(_placed(roots, area, 0))


def _placed(nodes: tuple[Node, ...], area: QRectF, depth: int) -> Iterator[Tile]:
    for node, rect in zip(nodes, squarify([node.n for node in nodes], area)):
        head = QRectF()
        inner = rect
        if node.children:
            # A line for the name only where enough is left to draw the children in.
            if rect.height() >= 3 * HEAD and rect.width() >= 44:
                head = QRectF(rect.left(), rect.top(), rect.width(), HEAD)
                inner = rect.adjusted(2, HEAD, -2, -2)
            elif min(rect.width(), rect.height()) >= 12:
                inner = rect.adjusted(1, 1, -1, -1)
        yield Tile(node, rect, head, depth)
        if node.children:
            yield from _placed(node.children, inner, depth + 1)


def paint_tiles(
    painter: QPainter, tiles: list[Tile], total: int, two: TwoModels | None = None
) -> None:
    """Paint tiles with their words; words that find no room are left out.

    Args:
        painter: to paint with.
        tiles: outer ones first.
        total: of which shares are.
        two: by what tensors are coloured, where two models are compared.
    """
    t = theme.current()
    small = theme.sans(theme.SMALL_FONT_SIZE)
    strong = theme.sans(theme.SMALL_FONT_SIZE, bold=True)
    mono = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
    for tile in tiles:
        fill = part_color(tile.node.part)
        if two is not None and tile.node.name:
            amount = two.amount(tile.node.name)
            fill = t.color("raised") if amount is None else theme.sequential_color(amount)
        painter.fillRect(tile.rect, t.color("panel"))
        gap = 0.5 if min(tile.rect.width(), tile.rect.height()) > 4 else 0.0
        box = tile.rect.adjusted(gap, gap, -gap, -gap)
        if tile.node.children:
            # Darker or lighter than its children, so that each level is seen.
            painter.fillRect(box, fill)
            painter.fillRect(box, t.color("panel", 0.55 if tile.depth == 0 else 0.3))
        else:
            painter.fillRect(box, fill)
        words = f"{tile.node.label}  {share_words(tile.node.n, total)}"
        if not tile.head.isNull():
            painter.setFont(strong if tile.depth == 0 else small)
            painter.setPen(t.color("text"))
            line = tile.head.adjusted(4, 0, -3, 0)
            if tile.depth == 0 and line.width() > 150:
                words = f"{words}  ·  {short_count(tile.node.n)}"
            _write(painter, line, words if line.width() > 90 else tile.node.label)
        elif not tile.node.children and box.height() >= 11 and box.width() >= 22:
            painter.setFont(mono if tile.node.name else small)
            painter.setPen(ink_on(fill))
            _write_in(painter, box, tile.node, total)


def _write_in(painter: QPainter, box: QRectF, node: Node, total: int) -> None:
    """A leaf's name, and under it its share; whichever finds room."""
    metrics = QFontMetricsF(painter.font())
    full, tail = node.label, node.label.rpartition(".")[2]
    room = box.width() - 4
    label = next((word for word in (full, tail) if metrics.horizontalAdvance(word) <= room), "")
    if not label:
        return
    line = metrics.height()
    two = box.height() >= 2 * line + 4
    top = box.center().y() - (line if two else line / 2)
    centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(QRectF(box.left(), top, box.width(), line), centre, label)
    share = share_words(node.n, total)
    if two and metrics.horizontalAdvance(share) <= room:
        painter.drawText(QRectF(box.left(), top + line, box.width(), line), centre, share)


def _write(painter: QPainter, line: QRectF, words: str) -> None:
    shown = QFontMetricsF(painter.font()).elidedText(
        words, Qt.TextElideMode.ElideRight, line.width()
    )
    painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
