"""What mouse, keys and the selection do in the pictures of the stream, and what they say.

Knows the store, the two views and what they draw.
"""

from __future__ import annotations

from typing import TypeAlias

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QWidget

from gui.panes.residual import words
from gui.panes.residual.grid import Cell, LayerGrid
from gui.panes.residual.lengths_picture import LengthsDrawn
from gui.panes.residual.lens_picture import LensDrawn
from gui.panes.residual.two_sides import TwoSides
from gui.reading.quoting import quoted
from gui.session.store import Store
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.offer_menu import MenuItem, OfferMenu
from model.operations import streams
from model.probe.stream_at.asks import StreamAtFound

Drawn: TypeAlias = LensDrawn | LengthsDrawn | StreamAtFound | None
"""What the view in front is made of."""


class Pointing(QObject):
    """Connects two views to the one selection.

    Signals:
        watched: another token is watched.

    Attributes:
        drawn: what is drawn now.
    """

    watched = Signal()

    def __init__(
        self, store: Store, grid: LayerGrid, matrix: HeatMap, two_sides: TwoSides, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.store, self.grid, self.matrix = store, grid, matrix
        self.drawn: Drawn = None
        self._two_sides = two_sides
        self._pane = parent
        grid.describe = self._describe
        grid.cell_chosen.connect(self._choose)
        grid.cell_hovered.connect(self._hover)
        grid.watch_wanted.connect(self._watch_cell)
        grid.menu_requested.connect(self._offer)
        matrix.describe = self._describe_angle
        matrix.cell_chosen.connect(self._choose_station)
        store.selection_changed.connect(self.mark)

    # ---------------------------------------------------------------------- selection

    @property
    def border(self) -> int:
        """The row of what is selected: that of the operation, if it writes the stream."""
        model, store = self.store.model, self.store
        if model is None or not store.operations:
            return 0
        op, names = store.operations[store.selection.operation], streams(model.config)
        if op.output in names:
            return names.index(op.output)
        if op.layer is not None:
            return op.layer + 1
        return 0 if op.group == "embed" else model.config.n_layers

    @property
    def position(self) -> int:
        """The selected position, or the last; 0 before there is one."""
        n = 0 if self.store.read is None else self.store.read.n_tokens
        at = self.store.selection.position
        return at if 0 <= at < n else max(0, n - 1)

    def mark(self) -> None:
        """Show the selection in what is drawn; at once."""
        store, drawn = self.store, self.drawn
        if not self._pane.isVisible() or store.read is None or drawn is None:
            return
        if isinstance(drawn, StreamAtFound):
            self.matrix.set_marks(line=(self._station(drawn), None))
        elif drawn.read.subject.ids == store.read.subject.ids:
            mark = self.border, self.position
            self.grid.set_mark(mark)
            self.grid.setAccessibleDescription(self._describe(mark))
            self.grid.set_lit(store.selection.hovered)

    def _station(self, found: StreamAtFound) -> int:
        """The half block of what is selected."""
        op = self.store.operations[self.store.selection.operation]
        names = [one.name for one in found.stations]
        if op.output in names:
            return names.index(op.output)
        layers = [-1 if one.layer is None else one.layer for one in found.stations]
        return len(layers) - 1 - layers[::-1].index(self.border - 1)

    def _choose(self, cell: Cell) -> None:
        """Select a cell's position and the operation that wrote its stream."""
        row, column = cell
        model, changes = self.store.model, dict[str, int]()
        if column is not None:
            changes["position"] = column
        if row is not None and model is not None:
            changes["operation"] = self._operation(streams(model.config)[row])
        self.store.select(**changes)

    def _operation(self, name: str) -> int:
        return next(i for i, op in enumerate(self.store.operations) if op.output == name)

    def _choose_station(self, cell: Cell) -> None:
        row, drawn = cell[0], self.drawn
        if row is not None and isinstance(drawn, StreamAtFound):
            self.store.select(operation=self._operation(drawn.stations[row].name))

    def _hover(self, cell: Cell | None) -> None:
        self.store.select(hovered=None if cell is None else cell[1])

    # ------------------------------------------------------------------------- watching

    def watch(self, token_id: int | None) -> None:
        """Watch a token, everywhere; None for the network's own answer."""
        self.store.select(vocabulary_id=token_id)
        self.watched.emit()

    def _watch_cell(self, cell: tuple[int, int]) -> None:
        drawn = self.drawn
        if isinstance(drawn, LensDrawn) and drawn.sheet.known_LP[cell]:
            self.watch(int(drawn.sheet.ids_LP[cell]))

    def _offer(self, at: QPoint | None, on_screen: QPoint) -> None:
        """A menu of what can be watched."""
        drawn = self.drawn
        row, column = (
            (self.border, self.position) if at is None else self.grid.cell_at(at) or (None, None)
        )
        if not isinstance(drawn, LensDrawn) or row is None or column is None:
            return
        if not drawn.sheet.known_LP[row, column]:
            return
        token, watched = int(drawn.sheet.ids_LP[row, column]), self.store.selection.vocabulary_id
        items = [
            MenuItem(f"Watch {quoted(drawn.model.token_text(token))}", (token,), watched == token),
            MenuItem("Watch the network's own answer", (None,), watched is None),
        ]
        menu = OfferMenu(items, self._pane)
        menu.chosen.connect(self._watch_chosen)
        menu.popup(on_screen)

    def _watch_chosen(self, thing: object) -> None:
        assert isinstance(thing, tuple)
        self.watch(thing[0])

    # --------------------------------------------------------------------------- words

    def _describe(self, cell: Cell) -> str:
        row, column = cell
        drawn = self.drawn
        if not isinstance(drawn, LensDrawn | LengthsDrawn):
            return ""
        if row is None:
            token = "" if column is None else drawn.read.tokens[column].text
            return f"{quoted(token)} (position {column})"
        if isinstance(drawn, LensDrawn):
            return (
                words.lens_cell(drawn, row, column)
                if column is not None
                else (words.lens_row(drawn, row))
            )
        if column is not None:
            return words.lengths_cell(drawn, row, column)
        return "" if drawn.stream is None else words.stream_row(drawn.stream, row)

    def _describe_angle(self, row: int, column: int) -> str:
        drawn = self.drawn
        if not isinstance(drawn, StreamAtFound):
            return ""
        both = self._two_sides
        return words.angle_cell(drawn, both.found("stream", drawn), both.sides, row, column)
