"""The matrix of one head as it is seen: which part of it is asked for, drawn and marked.

Of a long text it starts at the selected query and follows it; what comes into view by wheel and
keys is asked for. Knows the heat map, answers and the selection; no store.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from gui.panes.attention.difference import Difference
from gui.panes.attention.matrix import Looks, matrix_content, own_scale, to_limit
from gui.panes.attention.questions import LONG
from gui.panes.attention.window import View, Window, first_window, next_window
from gui.session.state import Selection
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.heat_map.layout import SMALLEST_CELL, HeatMapContent
from model.probe.pattern.asks import Pattern, PatternFound


class MatrixView(QObject):
    """What a heat map draws of a head.

    Signals:
        window_changed: other rows and columns must be asked for: `window`.

    Attributes:
        map: the widget.
        found: the answer that is drawn.
        difference: of two sides, drawn instead of its numbers unless both stand beside each other;
            None where nothing is compared.
    """

    window_changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.map = HeatMap(parent)
        self.map.setAccessibleName("Attention of one head: rows are queries, columns are keys")
        self.found: PatternFound | None = None
        self.difference: Difference | None = None
        self._row: PatternFound | None = None
        self._looks = Looks()
        self._content: HeatMapContent | None = None
        self._least = 0.0
        self._fit = False
        self._window = Window()
        self._n_tokens = 0  # that the window is of
        self._followed: tuple[object, ...] = ()
        self.map.seen_changed.connect(self._follow)

    def clear(self) -> None:
        """Nothing is drawn."""
        self.found = self._row = self.difference = None
        self._n_tokens = 0
        self._followed = ()
        self._content = None
        self.map.set_content(None)

    def set_fit(self, fit: bool) -> None:
        """Show the whole matrix, however small its cells."""
        self._fit = fit
        self.map.set_fit(fit)

    # ------------------------------------------------------------------------- asking

    def window(self, selection: Selection, n_tokens: int) -> Window:
        """What to ask for: what is in view, or of a text that isn't drawn yet what will be."""
        if n_tokens == self._n_tokens:
            return self._window
        query = selection.position
        key = query if selection.key is None else selection.key
        cell = SMALLEST_CELL * self.map.devicePixelRatioF()
        return first_window(query, key, n_tokens, self._pixels, cell, fit=self._fit)

    @property
    def _pixels(self) -> tuple[int, int]:
        size, ratio = self.map.viewport().size(), self.map.devicePixelRatioF()
        return round(size.height() * ratio), round(size.width() * ratio)

    def _follow(self) -> None:
        """Other rows and columns are seen."""
        if self.found is None or self.map.content is None or not self.map.cell_size:
            return
        rows, columns = self.map.seen
        n_tokens = self.map.content.shape[0]
        queries, keys = (columns, rows) if self._looks.transposed else (rows, columns)
        cell = self.map.cell_size * self.map.devicePixelRatioF()
        before = self._window if self._n_tokens == n_tokens else _of(self.found)
        window = next_window(before, View(queries, keys, self._pixels, cell), n_tokens)
        if (window, n_tokens) != (self._window, self._n_tokens):
            self._window, self._n_tokens = window, n_tokens
            self.window_changed.emit()

    # ------------------------------------------------------------------------- drawing

    def draw(
        self,
        found: PatternFound,
        row: PatternFound | None,
        head: PatternFound | None,
        labels: tuple[str, ...],
        looks: Looks,
        formula: str,
        difference: Difference | None = None,
        *,
        plain: bool = False,
    ) -> None:
        """Draw a head.

        Args:
            found: what is in view of it.
            row: all of the selected query, whose scale a long text has; what is drawn stays until
                it is there as well.
            head: what is said of all of it.
            labels: the rows' and columns' (tokens or words) of the prompt that it is about.
            looks: how.
            formula: what a score is of a query and a key.
            difference: drawn instead of its numbers, where two sides are compared.
            plain: its numbers are drawn all the same: both sides stand beside each other.
        """
        scale = None
        if len(labels) > LONG:
            if row is None or not _same_numbers(found, row):
                return
            scale = own_scale(row, hide_first=looks.hide_first)
        shares = head.shares if head is not None and _same_head(found, head) else None
        self.found, self._row, self._looks = found, row, looks
        self.difference = difference
        drawn = None if plain else difference
        self._content = matrix_content(found, labels, looks, scale, shares, formula, drawn)
        self._show()
        self._follow()

    @property
    def own_limit(self) -> float:
        """Where the colours would end without `hold_scale`; 0 where nothing is drawn."""
        return 0.0 if self._content is None else self._content.limit

    def hold_scale(self, least: float) -> None:
        """Colours end no earlier than there: two matrices have one scale."""
        if least != self._least:
            self._least = least
            if self._content is not None:
                self._show()

    def _show(self) -> None:
        content = self._content
        if content is not None and self._least > content.limit:
            content = to_limit(content, self._least)
        self.map.set_content(content)

    def mark(self, selection: Selection, hovered: int | None, pinned: int | None = None) -> None:
        """Frame the selected query and key, light what the mouse is over elsewhere.

        Args:
            selection: with positions as rows and columns count them.
            hovered: row and column that light.
            pinned: row and column that stay outlined.
        """
        query, key = selection.position, selection.key
        turned = self._looks.transposed
        self.map.set_marks(
            (None, query) if turned else (query, None),
            None if key is None else (key, query) if turned else (query, key),
        )
        self.map.set_lit(hovered, hovered)
        self.map.set_pinned(pinned, pinned)
        self._reveal(query, key)

    def _reveal(self, query: int, key: int | None) -> None:
        """Bring the selected query and what it reads most into view, once."""
        if self.found is None or self.map.content is None:
            return
        n_tokens = self.map.content.shape[0]
        if n_tokens > LONG:
            row = self._row
            if row is None or row.rows[0] != query:  # it will be here in a moment
                return
            key = _strongest(row) if key is None else key
        place = (self.found.subject.ids, query, key, self._looks.transposed)
        if place != self._followed:
            self._followed = place
            shown = query if key is None else key
            self.map.reveal(*((shown, query) if self._looks.transposed else (query, shown)))

    def turned(self, row: int, column: int) -> tuple[int, int]:
        """Query and key of a cell."""
        return (column, row) if self._looks.transposed else (row, column)

    def place_of(self, row: int, column: int) -> tuple[int, int] | None:
        """Where a cell's number stands in the answer's arrays; None if it is still to come."""
        place = None if self.map.content is None else self.map.content.place_of(row, column)
        if place is None:
            return None
        return place[::-1] if self._looks.transposed else place


def _of(found: PatternFound) -> Window:
    question = found.question
    assert isinstance(question, Pattern)
    return Window(question.rows, question.columns, question.most)


def _same_head(a: PatternFound, b: PatternFound) -> bool:
    """Whether two answers are about one head of one subject."""
    heads = [(f.question.layer, f.question.head) for f in (a, b) if isinstance(f.question, Pattern)]
    return a.subject == b.subject and heads[0] == heads[1]


def _same_numbers(a: PatternFound, b: PatternFound) -> bool:
    """Whether they also hold the same kind of numbers, of the same rows."""
    one, other = a.question, b.question
    assert isinstance(one, Pattern)
    assert isinstance(other, Pattern)
    return _same_head(a, b) and (one.what, one.words) == (other.what, other.words)


def _strongest(row: PatternFound) -> int:
    """The key that a query reads most, but for the first."""
    numbers = np.where(row.masked[0], -np.inf, np.nan_to_num(row.values[0], nan=-np.inf))
    return int(numbers[1:].argmax()) + 1 if len(numbers) > 1 else 0
