"""The network as a map from tokens to probabilities: a list of operations, drawn.

On the left runs the residual stream. What reads it branches off to a row; what a branch found
comes back at a sum. Rows, lines and folds follow from the operations alone (`map_layout`), the
figures beside them from answers (`figures`). Knows no store: a pane tells it what is current, and
hears what was clicked and what has come into view.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetricsF,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from gui import theme
from gui.panes.layers.changes import Changes, of_row
from gui.panes.layers.figures import Figures
from gui.panes.layers.map_layout import (
    OperationGraph,
    Row,
    blocks_between,
    lanes,
    lay_out_in,
    scroll_to_see,
    shown_of,
    strip_operation,
)
from gui.panes.layers.map_lines import LANE_GAP, SPINE_X, Geometry, ways_to
from gui.panes.layers.map_motion import Motion
from gui.panes.layers.map_painter import MapPainter, fonts
from gui.panes.layers.map_picture import NetworkPicture
from gui.panes.layers.strips import Key
from gui.panes.layers.words import cell_words, row_words
from gui.reading.thinning import columns
from gui.reading.vectors import Reading
from gui.widgets.canvas import is_vector
from gui.widgets.drawing_cache import DrawingCache
from gui.widgets.focus_ring import draw_focus
from gui.widgets.text import as_written
from gui.widgets.tips import Tips


class OperationMap(QAbstractScrollArea):
    """Draws the operations; click selects one, a block's head folds and unfolds it.

    Signals:
        operation_clicked: index of the operation.
        cell_clicked: index of the operation, and of a value in its strip.
        view_moved: other rows are in view, or soon will be: `near_view`.
        menu_requested: index of an operation at which a menu was asked for, and where on the
            screen.
    """

    operation_clicked = Signal(int)
    cell_clicked = Signal(int, int)
    view_moved = Signal()
    menu_requested = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self.viewport(), self.show_tip)
        self._pane = parent  # which takes its keys
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName("Map of the network")
        bar = self.verticalScrollBar()
        bar.setAccessibleName("Scroll the map")
        bar.valueChanged.connect(self._on_scrolled)
        self.graph = OperationGraph(())
        self.figures: Figures | None = None
        self.current = 0
        self.rows: tuple[Row, ...] = ()
        self._height = 0.0
        self._lanes: dict[int, int] = {}
        self._lane_width = 0.0
        self._opened: set[int] = set()  # blocks unfolded by hand
        self._closed: int | None = None  # the current block, folded by hand
        self._hovered: tuple[str, int] | None = None
        self._changes: Changes = {}
        self._strips: dict[Key, QImage] = {}
        self._network = NetworkPicture()
        self._cache = DrawingCache()
        for name, font in fonts().items():
            self._cache.add_font(name, font)
        self._motion = Motion(self)
        self._motion.advanced.connect(self._advance)

    # ---------------------------------------------------------------- told by the pane

    def set_graph(self, graph: OperationGraph, current: int = 0) -> None:
        """Draw another network, from its current operation on."""
        self.graph = graph
        self._opened, self._closed, self._hovered = set(), None, None
        # Room for the most lanes that any block needs, so that rows keep their place.
        most = max(lanes(graph, range(len(graph.operations))).values(), default=-1) + 1
        self._lane_width = most * LANE_GAP
        self.current = min(current, max(0, len(graph.operations) - 1))
        self._motion.stop()
        self._lay_out()
        self._scroll_to_current()

    def set_figures(self, figures: Figures | None) -> None:
        """Show other values beside the operations."""
        self.figures = figures
        self._strips.clear()
        self.viewport().update()

    def set_changes(self, changes: Changes) -> None:
        """Mark the operations that are changed."""
        if changes != self._changes:
            self._changes = changes
            self.viewport().update()

    def set_current(self, index: int) -> None:
        """Light another operation and bring it into view; its inputs flow to it."""
        if index == self.current or not 0 <= index < len(self.graph.operations):
            return
        before = self._motion.tops(self.rows)
        lit = self.current_row()
        lit_at = before.get(lit.key, lit.top) + lit.height / 2 if lit else 0.0
        layer = self.graph.operations[index].layer
        if layer != self.graph.operations[self.current].layer:
            self._closed = None
        self.current = index
        self._lay_out()
        ways = ways_to(self.graph, index, self.rows, self._lanes, self._geometry())
        self._move(before, lit_at, ways, self._scroll_target())

    def toggle_block(self, layer: int) -> None:
        """Fold a block, or unfold it."""
        before = self._motion.tops(self.rows)
        row = self.current_row()
        if layer in self.unfolded():
            self._opened.discard(layer)
            if layer == self._current_layer():
                self._closed = layer
        else:
            self._opened.add(layer)
            if layer == self._closed:
                self._closed = None
        self._lay_out()
        scroll = self.verticalScrollBar().value()
        self._move(before, row.middle if row else 0.0, (), scroll)
        self.view_moved.emit()

    # ------------------------------------------------------------------ what is where

    def unfolded(self) -> frozenset[int]:
        """Blocks whose operations are shown one by one."""
        shown = set(self._opened)
        layer = self._current_layer()
        if layer is not None and layer != self._closed:
            shown.add(layer)
        return frozenset(shown)

    def current_row(self) -> Row | None:
        """The row that stands for the current operation."""
        return next((row for row in self.rows if row.holds(self.current)), None)

    def row_box(self, row: Row) -> QRectF:
        """Where a row's box is drawn in the viewport, at rest."""
        return self._geometry().box(row).translated(0, -self.verticalScrollBar().value())

    def strip_box(self, row: Row) -> QRectF | None:
        """Where a row's strip of values is drawn in the viewport, at rest; None if nowhere."""
        strip, label = self.strip(row), self._cache.text(row.label, "label")
        n = 0 if strip is None else len(strip.values)
        box = self._geometry().strip(row, n, label.width) if n else None
        return None if box is None else box.translated(0, -self.verticalScrollBar().value())

    def strip(self, row: Row) -> Reading | None:
        """The values that a row's strip shows."""
        index = strip_operation(row, self.graph)
        if self.figures is None or index is None:
            return None
        return self.figures.strip(self.graph.operations[index])

    @property
    def has_column(self) -> bool:
        """Whether there is room for values, beside the rows or in them."""
        return self._geometry().column is not None

    def near_view(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Operations shown one by one, and what folded parts write, a page around the view.

        Of whole blocks, so that what is asked changes rarely.
        """
        if not self.has_column:
            return (), ()
        page, at = self.viewport().height(), self._scroll_at_rest()
        near = blocks_between(self.graph, self.rows, at - page, at + 2 * page)
        return shown_of(near, self.graph, folded=not self._geometry().inside)

    def _scroll_at_rest(self) -> int:
        return self._motion.scroll_to if self._motion.runs else self.verticalScrollBar().value()

    def _on_scrolled(self) -> None:
        if not self._motion.runs:
            self.view_moved.emit()

    def _current_layer(self) -> int | None:
        ops = self.graph.operations
        return ops[self.current].layer if self.current < len(ops) else None

    def _geometry(self) -> Geometry:
        return Geometry.of(self.viewport().width(), self._lane_width, theme.SPACE)

    def _lay_out(self) -> None:
        room = self.viewport().height()
        self.rows, self._height = lay_out_in(self.graph, self.unfolded(), room)
        shown = [row.first for row in self.rows if row.kind == "operation"]
        self._lanes = lanes(self.graph, shown)
        bar = self.verticalScrollBar()
        bar.setPageStep(room)
        bar.setSingleStep(int(theme.ROW_HEIGHT))
        bar.setRange(0, max(0, int(self._height - room)))
        self.viewport().update()

    # ------------------------------------------------------------------------- motion

    def _move(
        self,
        before: Mapping[tuple[str, int], float],
        lit_at: float,
        ways: tuple[QPainterPath, ...],
        scroll_to: int,
    ) -> None:
        """From where the rows were to where they are now; at once where nothing moves."""
        self._motion.stop()
        if theme.MOTION_MS <= 0 or not self.isVisible():
            self.verticalScrollBar().setValue(scroll_to)
            self.viewport().update()
            return
        self._motion.start(before, lit_at, ways, (self.verticalScrollBar().value(), scroll_to))

    def _advance(self) -> None:
        self.verticalScrollBar().setValue(self._motion.scroll)
        self.viewport().update()

    def _scroll_target(self) -> int:
        """Where to scroll so that the current row is seen with some of its surroundings."""
        row, bar = self.current_row(), self.verticalScrollBar()
        if row is None:
            return bar.value()
        return scroll_to_see(row, bar.value(), self.viewport().height(), bar.maximum())

    def _scroll_to_current(self) -> None:
        self.verticalScrollBar().setValue(self._scroll_target())

    # ------------------------------------------------------------------------- events

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            scroll = self.verticalScrollBar().value()
            seen = QRectF(event.rect()).translated(0, scroll)
            if self._motion.runs:
                t = self._motion.share
                painter.fillRect(event.rect(), theme.current().color("panel"))
                drawn = self._painter(painter, self._motion.moving(self.rows))
                drawn.paint_network(seen, drawn.lit_until(self._motion.lit_at, t))
                drawn.paint_values(seen)
                drawn.paint_changes(seen, self._changes)
                drawn.paint_flow(self._motion.ways, t)
            elif is_vector(painter):  # an exported figure keeps its letters and curves
                painter.fillRect(event.rect(), theme.current().color("panel"))
                self._paint_at_rest(painter, seen)
            else:
                painter.drawPixmap(0, 0, self._network_picture(painter.deviceTransform().m11()))
                drawn = self._painter(painter, self.rows)
                drawn.paint_values(seen)
                drawn.paint_changes(seen, self._changes)
            if self._pane is not None and self._pane.hasFocus():
                painter.translate(0, scroll)
                draw_focus(painter, QRectF(self.viewport().rect()))

    def _painter(self, painter: QPainter, rows: tuple[Row, ...]) -> MapPainter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(0, -self.verticalScrollBar().value())
        return MapPainter(
            painter,
            graph=self.graph,
            rows=rows,
            lanes=self._lanes,
            geometry=self._geometry(),
            figures=self.figures,
            strips=self._strips,
            cache=self._cache,
            current=self.current,
            hovered=self._hovered,
        )

    def _paint_at_rest(self, painter: QPainter, seen: QRectF) -> None:
        drawn = self._painter(painter, self.rows)
        drawn.paint_network(seen, drawn.lit_until(0.0, 1.0))
        drawn.paint_values(seen)
        drawn.paint_changes(seen, self._changes)

    def _network_picture(self, ratio: float) -> QPixmap:
        """The network without figures of a prompt."""
        scroll = self.verticalScrollBar().value()
        key = (self.graph, self.rows, self.current, scroll, self._geometry())
        return self._network.of(key, self.viewport().size(), ratio, self._paint_network)

    def _paint_network(self, painter: QPainter) -> None:
        drawn = self._painter(painter, self.rows)
        seen = QRectF(self.viewport().rect()).translated(0, self.verticalScrollBar().value())
        drawn.paint_network(seen, drawn.lit_until(0.0, 1.0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._strips.clear()
        self._lay_out()
        self._scroll_to_current()
        self.view_moved.emit()

    def _row_at(self, point: QPointF) -> Row | None:
        y = point.y() + self.verticalScrollBar().value()
        return next((row for row in self.rows if row.top <= y <= row.top + row.height), None)

    def _cell_at(self, point: QPointF) -> tuple[Row, int] | None:
        """The row and the index of the value drawn under the mouse."""
        row = self._row_at(point)
        box = None if row is None else self.strip_box(row)
        strip = None if row is None else self.strip(row)
        if row is None or box is None or strip is None or not box.contains(point):
            return None
        picks = columns(strip.values, max(1, int(box.width()))).picks
        at = int((point.x() - box.left()) / box.width() * len(picks))
        return row, int(picks[min(max(at, 0), len(picks) - 1)])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position())
        self._hover(row)
        shapes = Qt.CursorShape
        self.viewport().setCursor(shapes.ArrowCursor if row is None else shapes.PointingHandCursor)
        cell = self._cell_at(event.position())
        strip = None if cell is None else self.strip(cell[0])
        if cell is not None and strip is not None:
            at, words = event.globalPosition().toPoint(), cell_words(strip, cell[1])
            QToolTip.showText(at, as_written(words), self.viewport())

    def _hover(self, row: Row | None) -> None:
        key = None if row is None else row.key
        if key == self._hovered:
            return
        for old_or_new in self.rows:
            if old_or_new.key in (key, self._hovered):
                self.viewport().update(self.row_box(old_or_new).toAlignedRect())
        self._hovered = key

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or row is None:
            event.ignore()
            return
        cell = self._cell_at(event.position())
        if row.kind == "section" and row.layer is not None:
            self.toggle_block(row.layer)
        elif cell is not None:
            index = strip_operation(row, self.graph)
            if index is not None:
                self.cell_clicked.emit(index, cell[1])
        else:
            self.operation_clicked.emit(row.first)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        row = self.current_row() if by_key else self._row_at(QPointF(event.pos()))
        if row is not None:
            first = self.current if row.holds(self.current) else row.first
            self.menu_requested.emit(first, event.globalPos())
        event.accept()

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        row = self._row_at(QPointF(event.pos()))
        if row is not None and self._cell_at(QPointF(event.pos())) is None:
            words = row_words(row, self.graph, self.figures, of_row(row, self._changes))
            QToolTip.showText(event.globalPos(), as_written(words), self.viewport())
        elif row is None:
            QToolTip.hideText()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # keys step through the operations: the pane's affair

    def sizeHint(self) -> QSize:
        return QSize(220, 600)

    def minimumSizeHint(self) -> QSize:
        metrics = QFontMetricsF(theme.sans(theme.FONT_SIZE))
        return QSize(int(SPINE_X + 14 + self._lane_width + metrics.averageCharWidth() * 8), 60)
