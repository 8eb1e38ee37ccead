"""The tree drawn: branches as thick as they are likely, tokens at their ends, a path lit.

Knows the theme and the answer; no store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.continuations.tree_layout import (
    LEAST_COLUMN,
    LEAST_OF_TWO,
    Node,
    TreeLayout,
    laid_out,
)
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import Text as Line
from gui.widgets.drawing_cache import line
from model.probe.continuations.asks import ROOT, ContinuationsFound
from model.probe.question import Array

TONES = ("negative", "accent")
"""Of A and of B, as everywhere where B − A is drawn."""
STRAND = 9.0
"""Of a branch that one side is certain of; a probability is drawn as its share of that."""
LEAST_STRAND = 0.35
"""Of what is less than likely enough to be seen nothing is drawn, logical pixels."""
LEAST_NAME = 40.0
MARGIN = 8.0
PAD = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Strands:
    """Both sides of a tree.

    Attributes:
        chances: of A and of B, each node's probability after those before it.
        figures: what stands beside each node: A's, then B's.
        kept: nodes on the ways that either side finds likeliest.
        names: of A and B.
        roots: the end of A's and B's text, where they differ; else empty.
    """

    chances: tuple[Array, Array]
    figures: tuple[tuple[str, str], ...]
    kept: frozenset[int]
    names: tuple[str, str]
    roots: tuple[str, ...] = ()


class TreeView(Canvas):
    """Left to right: the text, then the tokens that may follow.

    Signals:
        node_taken: a node was clicked, or Return was pressed on it.
        node_lit: a node is under the mouse, or was reached by a key; None for none.
    """

    node_taken = Signal(int)
    node_lit = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Tree of continuations")
        self._found: ContinuationsFound | None = None
        self._name: Callable[[int], str] = str
        self._root = ""
        self._strands: Strands | None = None
        self._layout: TreeLayout | None = None
        self._lit: int | None = None
        self._font = theme.mono()
        self._small = theme.mono(theme.SMALL_FONT_SIZE)
        self.tip: Callable[[int], str] = lambda node: ""

    # ------------------------------------------------------------------------ contents

    def show_tree(
        self,
        found: ContinuationsFound | None,
        root: str,
        name: Callable[[int], str],
        strands: Strands | None = None,
    ) -> None:
        """Draw a tree.

        Args:
            found: that; None for nothing.
            root: the end of the text that is continued.
            name: a token's bytes made visible.
            strands: of two sides, whose tree this is; None where one is drawn.
        """
        before = self._found
        same = (
            found is not None
            and before is not None
            and (found.question, found.subject) == (before.question, before.subject)
            # While it grows, nodes are added at the end; merged with another's it is another.
            and np.array_equal(found.ids[: len(before.ids)], before.ids)
        )
        if not same:
            self._lit = None
        self._found, self._root, self._name = found, root, name
        self._strands = strands
        self.lay_out()
        self.redraw()

    @property
    def found(self) -> ContinuationsFound | None:
        """The tree that is drawn."""
        return self._found

    @property
    def places(self) -> TreeLayout | None:
        """Where its nodes stand, before scrolling."""
        return self._layout

    @property
    def lit(self) -> int | None:
        """The node whose path is lit."""
        return self._lit

    def place_of(self, node: int) -> QPointF:
        """The middle of a node's words, in the viewport."""
        assert self._layout is not None
        return self._layout.nodes[node].box.center() + self._offset()

    def lay_out(self) -> None:
        found, size = self._found, self.viewport().size()
        if found is None:
            self._layout = None
            return
        room = QSizeF(size.width() - 2 * MARGIN, size.height() - 2 * MARGIN)
        kept, least = None, LEAST_COLUMN
        if self._strands is not None:
            kept, least = self._strands.kept, LEAST_OF_TWO
        width, height = room.width(), room.height()
        self._layout = laid_out(found, width, height, self._width_of, kept, least)
        whole = QSizeF(self._layout.width + 2 * MARGIN, self._layout.height + 2 * MARGIN)
        self.scroll_over(whole, QSizeF(size))

    def _width_of(self, index: int) -> float:
        """Of a node's words, with room around them."""
        found = self._found
        assert found is not None
        name = line(self._name(int(found.ids[index])), self._font)
        chances = sum(chance.width + PAD for chance, _ in self._chances(index))
        return name.width + chances + 2 * PAD

    def _chances(self, index: int) -> list[tuple[Line, str]]:
        """The figures beside a token, each with its tone."""
        assert self._found is not None
        if self._strands is None:
            said = percent(float(self._found.probabilities[index]))
            return [(line(said, self._small), "dim")]
        figures = zip(self._strands.figures[index], TONES, strict=True)
        return [(line(said, self._small), tone) for said, tone in figures]

    def _offset(self) -> QPointF:
        assert self._layout is not None
        spare = self.viewport().height() - 2 * MARGIN - self._layout.height
        return QPointF(MARGIN, MARGIN + max(0.0, spare / 2)) - QPointF(self.scrolled)

    # ------------------------------------------------------------------------ painting

    def paint_ground(self, painter: QPainter) -> None:
        found, places = self._found, self._layout
        if found is None or places is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._offset())
        t = theme.current()
        painter.setPen(Qt.PenStyle.NoPen)
        if self._strands is None:
            self._paint_branches(painter, found, places)
        else:
            self._paint_strands(painter, found, places, self._strands)
        for index, node in places.nodes.items():
            if index == ROOT:
                painter.setPen(t.color("dim"))
                self._paint_root(painter, node)
            else:
                self._paint_node(painter, node, "text" if node.kept else "dim")
        painter.resetTransform()

    def _paint_root(self, painter: QPainter, node: Node) -> None:
        """The end of the text; of two texts that end otherwise both, A's above."""
        roots = () if self._strands is None else self._strands.roots
        high = 18.0
        for at, root in enumerate(roots or (self._root,)):
            words = line(root, self._font, node.box.width() - PAD, Qt.TextElideMode.ElideLeft)
            middle = node.box.center().y() + (at - 0.5 if roots else 0.0) * high
            if roots:
                painter.setPen(theme.current().color(TONES[at]))
            words.draw(painter, node.box.right() - PAD - words.width, middle)

    def _paint_branches(
        self, painter: QPainter, found: ContinuationsFound, places: TreeLayout
    ) -> None:
        t = theme.current()
        best = {int(d): float(found.cumulative[found.depths == d].max()) for d in {*found.depths}}
        for kept in (False, True):  # those that were followed to their end lie above
            for index, node in places.nodes.items():
                if index != ROOT and node.kept == kept:
                    before = places.nodes[int(found.parents[index])]
                    # Bright where the whole way is likely beside others of its length.
                    of_best = float(found.cumulative[index]) / best[int(found.depths[index])]
                    strength = round(0.4 + 0.6 * of_best**0.5, 2)
                    painter.setBrush(t.color("accent", strength) if kept else t.color("faint", 0.6))
                    painter.drawPath(branch(before, node))

    def _paint_strands(
        self, painter: QPainter, found: ContinuationsFound, places: TreeLayout, strands: Strands
    ) -> None:
        """A branch as two strands that touch: A's above, B's below."""
        t = theme.current()
        for index, node in places.nodes.items():
            if index == ROOT:
                continue
            before = places.nodes[int(found.parents[index])]
            for which, tone in enumerate(TONES):
                thick = STRAND * float(np.nan_to_num(strands.chances[which][index]))
                if thick < LEAST_STRAND:
                    continue
                middle = -thick / 2 if which == 0 else thick / 2
                painter.setBrush(t.color(tone, 0.9 if node.kept else 0.45))
                painter.drawPath(ribbon(before.exit, node.entry, thick, middle))

    def _paint_node(self, painter: QPainter, node: Node, tone: str) -> None:
        found = self._found
        assert found is not None
        t = theme.current()
        left, right = node.box.left() + PAD, node.box.right()
        middle = node.box.center().y()
        room = right - left
        if self._strands is not None:  # both figures are what is compared: a long name is cut
            figures = sum(chance.width + PAD for chance, _ in self._chances(node.index))
            room = max(LEAST_NAME, room - figures)
        words = line(self._name(int(found.ids[node.index])), self._font, room)
        painter.setPen(t.color(tone))
        words.draw(painter, left, middle)
        left += words.width + PAD
        for chance, of in self._chances(node.index):
            if left + chance.width > right:  # the name comes first
                break
            painter.setPen(t.color(of))
            chance.draw(painter, left, middle)
            left += chance.width + PAD

    def paint_overlay(self, painter: QPainter) -> None:
        found, places = self._found, self._layout
        if found is not None and self._strands is not None:
            self._paint_legend(painter, self._strands)
        if found is None or places is None or self._lit is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._offset())
        t = theme.current()
        before = places.nodes[ROOT]
        for index in found.path(self._lit):
            node = places.nodes[index]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("text"))
            painter.drawPath(branch(before, node))
            last = index == self._lit
            painter.setBrush(t.color("accent_soft" if last else "raised"))
            painter.drawRoundedRect(node.box.adjusted(2, 2, -2, -2), theme.RADIUS, theme.RADIUS)
            self._paint_node(painter, node, "accent" if last else "text")
            before = node
        painter.resetTransform()

    def _paint_legend(self, painter: QPainter, strands: Strands) -> None:
        """Which strand is whose, over the text's own column."""
        t, y = theme.current(), MARGIN + 8
        assert self._layout is not None
        root = self._layout.nodes[ROOT].box.center().y() + self._offset().y()
        if root < self.viewport().height() / 2:  # where the text itself does not stand
            y = self.viewport().height() - MARGIN - 24
        for name, tone in zip(strands.names, TONES, strict=True):
            painter.fillRect(QRectF(MARGIN, y - 4, 8, 8), t.color(tone))
            painter.setPen(t.color("text"))
            line(name, theme.sans(theme.SMALL_FONT_SIZE)).draw(painter, MARGIN + 14, y)
            y += 16

    # ------------------------------------------------------------------ mouse and keys

    def light(self, node: int | None) -> None:
        """Light the path to a node."""
        if node != self._lit:
            self._lit = node
            self.viewport().setCursor(
                Qt.CursorShape.ArrowCursor if node is None else Qt.CursorShape.PointingHandCursor
            )
            self.viewport().update()
            self.node_lit.emit(node)

    def _node_at(self, at: QPoint) -> int | None:
        return None if self._layout is None else self._layout.at(QPointF(at) - self._offset())

    def hover(self, at: QPoint | None) -> None:
        self.light(None if at is None else self._node_at(at))

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        node = self._node_at(at)
        if node is not None:
            self.node_taken.emit(node)

    def tooltip(self, at: QPoint) -> str:
        node = self._node_at(at)
        return "" if node is None else self.tip(node)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        found = self._found
        key = event.key()
        if found is None or not len(found.ids):
            super().keyPressEvent(event)
            return
        lit = self._lit
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and lit is not None:
            self.node_taken.emit(lit)
        elif key == Qt.Key.Key_Right:
            after = found.children(ROOT if lit is None else lit)
            self._reach(after[0] if after else lit)
        elif key == Qt.Key.Key_Left and lit is not None:
            before = int(found.parents[lit])
            self._reach(None if before == ROOT else before)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._reach(self._beside(lit, 1 if key == Qt.Key.Key_Down else -1))
        else:
            super().keyPressEvent(event)

    def _beside(self, node: int | None, step: int) -> int | None:
        """The node of the same depth that stands above or below."""
        found, places = self._found, self._layout
        assert found is not None
        assert places is not None
        if node is None:
            return found.children(ROOT)[0]
        column = [i for i in range(len(found.ids)) if found.depths[i] == found.depths[node]]
        column.sort(key=lambda i: places.nodes[i].box.top())
        return column[max(0, min(column.index(node) + step, len(column) - 1))]

    def _reach(self, node: int | None) -> None:
        self.light(node)
        if node is not None and self._layout is not None:
            box = self._layout.nodes[node].box.translated(self._offset())
            self.scroll_to(box, QRectF(self.viewport().rect()))


def branch(before: Node, node: Node) -> QPainterPath:
    """The shape from one node to the next: as thick all along as the next is likely."""
    return ribbon(before.exit, node.entry, node.thickness)


def ribbon(start: QPointF, end: QPointF, thick: float, below: float = 0.0) -> QPainterPath:
    """A bent band from one point to another.

    Args:
        start, end: of its middle.
        thick: all along.
        below: how far its middle is moved down.
    """
    middle = (start.x() + end.x()) / 2
    high, low = below - thick / 2, below + thick / 2
    path = QPainterPath(QPointF(start.x(), start.y() + high))
    path.cubicTo(
        QPointF(middle, start.y() + high),
        QPointF(middle, end.y() + high),
        QPointF(end.x(), end.y() + high),
    )
    path.lineTo(QPointF(end.x(), end.y() + low))
    path.cubicTo(
        QPointF(middle, end.y() + low),
        QPointF(middle, start.y() + low),
        QPointF(start.x(), start.y() + low),
    )
    path.closeSubpath()
    return path


def percent(p: float) -> str:
    """A probability in at most five characters."""
    if p >= 0.9995:
        return "100%" if p == 1 else ">99.9%"
    if p >= 0.01:
        return f"{100 * p:.0f}%"
    return f"{100 * p:.1f}%" if p >= 0.001 else "<0.1%"
