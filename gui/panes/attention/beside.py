"""A second matrix beside the first: the other side of a comparison, or a pinned head.

Both have one scale. What the mouse is over, what is selected, zoom and, of texts of one length, the
part in view go together. Knows the store's answers through the pane, the first matrix, the pins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QRect, QSize, Signal
from PySide6.QtWidgets import QScrollBar

from gui import theme
from gui.panes.attention.edges import Head
from gui.panes.attention.matrix import Looks
from gui.panes.attention.matrix_view import MatrixView
from gui.panes.attention.questions import LONG
from gui.panes.attention.two_sides import TwoSides
from gui.panes.attention.units import Units
from gui.panes.base import EmptyState, Pane
from gui.session.state import Selection
from gui.widgets.text import Text
from model.alignment import Alignment, by_position
from model.probe.pattern.asks import Pattern, PatternFound
from model.probe.question import Question

NAME = 18
"""Height of the line that says whose matrix it is."""
NOTHING = (
    "Another matrix stands here: choose B − A of a comparison, or select another head than the "
    "pinned one (P pins it)."
)


@dataclass(frozen=True, slots=True)
class Source:
    """What the second matrix is of.

    Attributes:
        head: layer and head.
        units: the rows and columns of its text.
        alignment: from units of the text in view to those.
        of_other: whether it is the other side's; else a pinned head of the side in view.
        names: of the first matrix and of this one.
    """

    head: Head
    units: Units
    alignment: Alignment
    of_other: bool
    names: tuple[str, str]


class Beside(QObject):
    """The second matrix.

    Args:
        pane: whose answers are drawn, and in which it stands.
        first: the matrix that it stands beside.
        two_sides: of a comparison.

    Signals:
        hovered: ``(row, column)`` of the second matrix under the mouse, as its heat map has it.
        chosen: query and key of the text in view that belong to a cell that was clicked; None for
            one of them where a label was, or where that text has none.

    Attributes:
        view: the matrix.
        names: what both are of, above them: the first's, then its own.
        empty: what is said where there is nothing to draw.
        source: what it is of; None where there is nothing.
        of_other: what is asked of the other side for it.
    """

    hovered = Signal(object)
    chosen = Signal(object, object)

    def __init__(self, pane: Pane, first: MatrixView, two_sides: TwoSides) -> None:
        super().__init__(pane)
        self._pane, self._first, self._two_sides = pane, first, two_sides
        self.view = MatrixView(pane)
        self.view.map.setAccessibleName("The second matrix: rows are queries, columns are keys")
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.names = (Text("", pane, font=small), Text("", pane, font=small))
        self.empty = EmptyState(NOTHING, pane)
        self.source: Source | None = None
        self.of_other: Mapping[str, Question] = {}
        self._drawn: tuple[object, ...] = ()
        self._linking = False
        self.view.map.cell_hovered.connect(self._hover)
        self.view.map.cell_chosen.connect(self._choose)
        for heat_map, linked in (
            (first.map, self._follow_first),
            (self.view.map, self._lead_first),
        ):
            heat_map.seen_changed.connect(linked)  # zoomed
            heat_map.horizontalScrollBar().valueChanged.connect(linked)
            heat_map.verticalScrollBar().valueChanged.connect(linked)
        self.show(False)

    @property
    def is_drawn(self) -> bool:
        """Whether what is drawn is of `source`: the old picture stays until the answer is there."""
        return self.source is not None and self._drawn[1:2] == (self.source,)

    @property
    def other_is_first(self) -> bool:
        """Whether it stands before the first matrix: A is at the left."""
        source = self.source
        return source is not None and source.of_other and self._sides.in_view_is_b

    @property
    def _sides(self):  # type: ignore[no-untyped-def]
        return self._pane.store.comparing.sides

    # ------------------------------------------------------------------------- asking

    def state(
        self,
        like: Question | None,
        at: Selection,
        pinned: tuple[Head, ...],
        own: Units,
    ) -> Mapping[str, Question]:
        """Find what stands beside now; gives what is asked of the side in view for it.

        Args:
            like: what the first matrix asks.
            at: the selection, in units of the text in view.
            pinned: heads, the newest last.
            own: those units.
        """
        source = self.find((at.layer, at.head), pinned, own)
        asked = self.questions(like, at)
        self.of_other = asked if source is not None and source.of_other else {}
        return {} if self.of_other else asked

    def leave(self) -> None:
        """Nothing stands beside."""
        self.source, self.of_other = None, {}

    def find(self, head: Head, pinned: tuple[Head, ...], own: Units) -> Source | None:
        """What stands beside now; kept as `source`.

        Args:
            head: the selected one.
            pinned: heads, the newest last.
            own: units of the text in view.
        """
        self.source = None
        comparing = self._pane.store.comparing
        if comparing.shows_difference and comparing.same_places:
            theirs = self._two_sides.other_units(merged=own.merged)
            if theirs is not None:
                alignment = self._two_sides.unit_alignment(own, theirs)
                names = (comparing.sides.in_view, comparing.sides.other)
                self.source = Source(head, theirs, alignment, True, names)
            return self.source
        other = next((one for one in reversed(pinned) if one != head), None)
        if other is not None:
            names = (f"L{head[0]}·{head[1]}", f"L{other[0]}·{other[1]} pinned")
            self.source = Source(other, own, by_position(len(own)), False, names)
        return self.source

    def questions(self, like: Question | None, at: Selection) -> Mapping[str, Question]:
        """What is asked for it, of the side whose it is.

        Args:
            like: what the first matrix asks.
            at: the selection, in units of the text in view.
        """
        source = self.source
        if source is None or not isinstance(like, Pattern):
            return {}
        mine, n = self.in_units(at), len(source.units)
        window = self.view.window(mine, n)
        asked = replace(
            like,
            layer=source.head[0],
            head=source.head[1],
            rows=window.queries,
            columns=window.keys,
            most=window.most,
            words=source.units.starts if source.units.merged else (),
        )
        if n <= LONG:
            return {"second": asked}
        row = (mine.position, mine.position + 1)
        long = replace(asked, rows=row, columns=None, most=(1, n))
        return {"second": asked, "second_row": long}

    def in_units(self, at: Selection) -> Selection:
        """The selection in its own units: what belongs to it, or the nearest before."""
        source = self.source
        assert source is not None
        query = self.unit_of(at.position)
        if query is None:
            before = [pair for pair in source.alignment.pairs if pair[0] <= at.position]
            query = before[-1][1] if before else 0
        key = None if at.key is None else self.unit_of(at.key)
        return replace(at, position=min(query, len(source.units) - 1), key=key)

    def unit_of(self, own: int | None) -> int | None:
        """Its unit that belongs to one of the text in view; the ends belong together."""
        source = self.source
        if source is None or own is None:
            return None
        found = source.alignment.b_of(own)
        at_end = own == source.alignment.n_a - 1 and source.alignment.n_b > 0
        return source.alignment.n_b - 1 if found is None and at_end else found

    def own_unit_of(self, unit: int | None) -> int | None:
        """The other way round."""
        source = self.source
        if source is None or unit is None:
            return None
        return source.alignment.a_of(unit)

    # ------------------------------------------------------------------------- drawing

    def draw(self, looks: Looks, formula: str) -> None:
        """Draw what was answered, and bring both matrices to one scale."""
        source, pane = self.source, self._pane
        get = pane.other if source is not None and source.of_other else pane.answered
        found = get("second", PatternFound)
        row = get("second_row", PatternFound)
        problem = pane.other_problem("second")
        if self._is_coming(source, found, problem):
            return  # in a moment: until then the old picture stays
        if source is None or found is None or not self._is_of(found, source):
            self.view.clear()
            self._drawn = ()
            self._first.hold_scale(0.0)
            self.empty.setText(NOTHING if source is None else problem or "On its way …")
            self._name()
            return
        key = (theme.current().name, source, found, row, looks)
        if key != self._drawn:
            self._drawn = key
            self.view.draw(found, row, None, source.units.labels, looks, formula)
        limit = max(self._first.own_limit, self.view.own_limit)
        self._first.hold_scale(limit)
        self.view.hold_scale(limit)
        self._name()

    def _is_coming(self, source: Source | None, found: PatternFound | None, problem: str) -> bool:
        """Whether another answer will be there in a moment."""
        if source is None or problem or self.view.found is None:
            return False
        waits = self._pane.other_waits or self._pane.store.asked.waits(self._pane.key)
        return not waits and (found is None or not self._is_of(found, source))

    def _is_of(self, found: PatternFound, source: Source) -> bool:
        """Whether an answer is about a source, and the text whose units it has."""
        store, question = self._pane.store, found.question
        assert isinstance(question, Pattern)
        whose = store.comparing.subject if source.of_other else store.subject
        words = source.units.starts if source.units.merged else ()
        place = question.layer, question.head
        return (place, question.words, found.subject) == (source.head, words, whose)

    def _name(self) -> None:
        source = self.source
        names = ("", "") if source is None else source.names
        for text, name in zip(self.names, names, strict=True):
            text.setText(name)
            text.setToolTip(name)

    def mark(self, at: Selection, pinned: int | None) -> None:
        """Frame what belongs to the selection and to the pinned unit of the text in view."""
        if self.view.found is None or not self.is_drawn:
            return
        if self.unit_of(at.position) is None:  # its text has no such query
            self.view.map.set_marks()
            self.view.map.set_pinned(self.unit_of(pinned), self.unit_of(pinned))
            return
        self.view.mark(self.in_units(at), None, self.unit_of(pinned))

    def light(self, cell: tuple[int | None, int | None] | None) -> None:
        """Light what belongs to a cell of the first matrix that the mouse is over."""
        row, column = cell if cell and self.is_drawn else (None, None)
        self.view.map.set_lit(self.unit_of(row), self.unit_of(column))

    def show(self, shown: bool) -> None:
        """Show it, or what is said in its place; or nothing."""
        drawn = shown and self.view.found is not None
        self.view.map.setVisible(drawn)
        self.empty.setVisible(shown and not drawn)
        for name in self.names:
            name.setVisible(shown and self.source is not None)

    def place(self, first: QRect, second: QRect, corner: QSize) -> None:
        """Where both matrices and their names are.

        Args:
            first, second: of the matrices; A is at the left.
            corner: at the left one's upper left, for controls.
        """
        if self.other_is_first:
            first, second = second, first
        left = first if first.left() <= second.left() else second
        for box, name, view in zip(
            (first, second), self.names, (self._first, self.view), strict=True
        ):
            clear = corner.width() + 6 if box == left and not corner.isEmpty() else 4
            name.setGeometry(box.left() + clear, box.top() - NAME, box.width() - clear, NAME)
            view.map.setGeometry(box)
            view.map.set_corner(QSize(0, 0))
        self.empty.setGeometry(second)

    # ------------------------------------------------------------------ what goes together

    def _hover(self, cell: tuple[int | None, int | None] | None) -> None:
        cell = cell if self.is_drawn else None
        self.hovered.emit(cell)
        row, column = cell or (None, None)
        self._first.map.set_lit(self.own_unit_of(row), self.own_unit_of(column))

    def _choose(self, cell: tuple[int | None, int | None]) -> None:
        if not self.is_drawn:
            return
        row, column = cell
        if row is None or column is None:
            own = self.own_unit_of(column if row is None else row)
            self.chosen.emit(own, None)
            return
        query, key = self.view.turned(row, column)
        self.chosen.emit(self.own_unit_of(query), self.own_unit_of(key))

    def _follow_first(self, _: int = 0) -> None:
        self._link(self._first, self.view)

    def _lead_first(self, _: int = 0) -> None:
        self._link(self.view, self._first)

    def _link(self, leads: MatrixView, follows: MatrixView) -> None:
        """Zoom as the other one, and show the same part of a text of the same length."""
        source = self.source
        if self._linking or source is None or not self.view.map.isVisible():
            return
        self._linking = True
        if leads.map.zoom != follows.map.zoom:
            follows.map.set_cell_size(leads.map.zoom)
        if source.alignment.by_position:
            for bar in ("horizontalScrollBar", "verticalScrollBar"):
                theirs: QScrollBar = getattr(follows.map, bar)()
                theirs.setValue(getattr(leads.map, bar)().value())
        self._linking = False
