"""The tree drawn: branches as thick as they are likely, tokens at their ends, a path lit.

Knows the theme and the answer; no store.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.continuations.tree_layout import Node, TreeLayout, laid_out
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from model.probe.continuations.asks import ROOT, ContinuationsFound

MARGIN = 8.0
PAD = 6.0


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
        self._layout: TreeLayout | None = None
        self._lit: int | None = None
        self._font = theme.mono()
        self._small = theme.mono(theme.SMALL_FONT_SIZE)
        self.tip: Callable[[int], str] = lambda node: ""

    # ------------------------------------------------------------------------ contents

    def show_tree(
        self, found: ContinuationsFound | None, root: str, name: Callable[[int], str]
    ) -> None:
        """Draw a tree.

        Args:
            found: that; None for nothing.
            root: the end of the text that is continued.
            name: a token's bytes made visible.
        """
        same = (
            found is not None
            and self._found is not None
            and found.question == (self._found.question)
        )
        if not same or found is None or self._found is None or found.subject != self._found.subject:
            self._lit = None
        self._found, self._root, self._name = found, root, name
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
        self._layout = laid_out(found, room.width(), room.height(), self._width_of)
        whole = QSizeF(self._layout.width + 2 * MARGIN, self._layout.height + 2 * MARGIN)
        self.scroll_over(whole, QSizeF(size))

    def _width_of(self, index: int) -> float:
        """Of a node's words, with room around them."""
        found = self._found
        assert found is not None
        name = line(self._name(int(found.ids[index])), self._font)
        return (
            name.width
            + line(percent(float(found.probabilities[index])), self._small).width
            + 3 * PAD
        )

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
        best = {int(d): float(found.cumulative[found.depths == d].max()) for d in {*found.depths}}
        for kept in (False, True):  # those that were followed to their end lie above
            for index, node in places.nodes.items():
                if index != ROOT and node.kept == kept:
                    before = places.nodes[int(found.parents[index])]
                    # Bright where the whole way is likely beside others of its length.
                    of_best = float(found.cumulative[index]) / best[int(found.depths[index])]
                    strength = round(0.4 + 0.6 * of_best**0.5, 2)
                    color = t.color("accent", strength) if kept else t.color("faint", 0.6)
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(color)
                    painter.drawPath(branch(before, node))
        for index, node in places.nodes.items():
            if index == ROOT:
                painter.setPen(t.color("dim"))
                words = line(
                    self._root, self._font, node.box.width() - PAD, Qt.TextElideMode.ElideLeft
                )
                words.draw(painter, node.box.right() - PAD - words.width, node.box.center().y())
            else:
                self._paint_node(painter, node, "text" if node.kept else "dim")
        painter.resetTransform()

    def _paint_node(self, painter: QPainter, node: Node, tone: str) -> None:
        found = self._found
        assert found is not None
        t = theme.current()
        left, right = node.box.left() + PAD, node.box.right()
        middle = node.box.center().y()
        words = line(self._name(int(found.ids[node.index])), self._font, right - left)
        painter.setPen(t.color(tone))
        words.draw(painter, left, middle)
        chance = line(percent(float(found.probabilities[node.index])), self._small)
        if left + words.width + PAD + chance.width <= right:  # the name comes first
            painter.setPen(t.color("dim"))
            chance.draw(painter, left + words.width + PAD, middle)

    def paint_overlay(self, painter: QPainter) -> None:
        found, places = self._found, self._layout
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
    half = node.thickness / 2
    start, end = before.exit, node.entry
    middle = (start.x() + end.x()) / 2
    path = QPainterPath(QPointF(start.x(), start.y() - half))
    path.cubicTo(
        QPointF(middle, start.y() - half),
        QPointF(middle, end.y() - half),
        QPointF(end.x(), end.y() - half),
    )
    path.lineTo(QPointF(end.x(), end.y() + half))
    path.cubicTo(
        QPointF(middle, end.y() + half),
        QPointF(middle, start.y() + half),
        QPointF(start.x(), start.y() + half),
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
