"""Sums that are built by pointing: a row is added, taken away, or expected at the end.

What comes of it is written into the search field, so that it is the same as a typed sum. Knows the
widgets, what is looked for and what is near; no store.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent

from gui.panes.space.body import SpaceBody
from gui.panes.space.lookup import Lookup
from gui.panes.space.nearness import Nearness, Terms
from gui.panes.space.token_list import TokenList
from gui.widgets.offer_menu import MenuItem, OfferMenu

MOST_TERMS = 12
SIGNS = {Qt.Key.Key_P: 1, Qt.Key.Key_M: -1}
LIST_SIGNS = {**SIGNS, Qt.Key.Key_Plus: 1, Qt.Key.Key_Minus: -1}
"""In the cloud plus and minus zoom."""


class Summing(QObject):
    """Clicks, keys and a menu, in the cloud and in lists.

    Args:
        body: the widgets.
        lookup: the names of rows.
        near: what is looked at.

    Signals:
        expression_wanted: a sum, as it would be typed; empty where nothing is left of it.
        row_wanted: a row alone is left.

    Attributes:
        row: the row that is selected; keys mean it where the mouse is on none.
    """

    expression_wanted = Signal(str)
    row_wanted = Signal(int)

    def __init__(self, body: SpaceBody, lookup: Lookup, near: Nearness) -> None:
        super().__init__(body)
        self._view, self._lookup, self._near = body.view, lookup, near
        self.row: int | None = None
        self._menu: OfferMenu | None = None
        self._view.installEventFilter(self)
        self._view.point_added.connect(self.add)
        self._view.menu_wanted.connect(self._offer_in_cloud)
        self._lists = (body.side.list, *body.column.path.lists)
        for listed in self._lists:
            listed.installEventFilter(self)
            listed.token_added.connect(self.add)
            listed.menu_requested.connect(partial(self._offer_in_list, listed))

    # ------------------------------------------------------------------- what is built

    @property
    def terms(self) -> Terms:
        """What is built on: the sum, or the row that was chosen; the prompt's token is neither."""
        return self._near.terms if self._near.origin != "position" else ()

    def with_row(self, row: int, sign: int) -> Terms:
        """The sum with one more row; one that it holds with the other sign is taken out."""
        terms = list(self.terms)
        if (-sign, row) in terms:
            terms.remove((-sign, row))
        else:
            terms.append((sign, row))
        return tuple(terms)

    def add(self, row: int, sign: int) -> None:
        """Add a row, or take it away."""
        if len(self.terms) < MOST_TERMS:
            self._show(self.with_row(row, sign))

    def take_back(self) -> None:
        """Without what was added last."""
        if self.terms:
            self._show(self.terms[:-1])

    def expect(self, row: int) -> None:
        """The sum should end there: its rank is told."""
        self._show(self.terms, row)

    def _show(self, terms: Terms, expected: int | None = None) -> None:
        end = self._near.expected if expected is None else expected
        if len(terms) == 1 and terms[0][0] > 0 and expected is None:
            self.expression_wanted.emit("")
            self.row_wanted.emit(terms[0][1])
            return
        self.expression_wanted.emit(self.written(terms, end))

    def written(self, terms: Terms, expected: int = -1) -> str:
        """A sum as it would be typed."""
        typed = self._lookup.rows.typed
        parts: list[str] = []
        for at, (sign, row) in enumerate(terms):
            sign_first = ["+" if sign > 0 else "-"] if at or sign < 0 else []
            parts += [*sign_first, typed(row)]
        if parts and expected >= 0:
            parts += ["=", typed(expected)]
        return " ".join(parts)

    # --------------------------------------------------------------------- pointing

    def _offer_in_cloud(self, row: object, at: object) -> None:
        meant = row if isinstance(row, int) else self.row
        if meant is not None and isinstance(at, QPoint):
            self.offer(meant, at)

    def _offer_in_list(self, listed: TokenList, place: object, at: object) -> None:
        index = listed.row_at(place.y()) if isinstance(place, QPoint) else listed.current
        if index is not None and isinstance(at, QPoint):
            self.offer(listed.rows[index].token_id, at)

    def items(self, row: int) -> list[MenuItem]:
        """What can be done with a row, each line with what comes of it."""
        text = self._lookup.text(row)
        full = "" if len(self.terms) < MOST_TERMS else f"A sum has at most {MOST_TERMS} words."
        found = [
            MenuItem(f"+ {text}   →   {self._said(row, 1)}", ("add", row, 1), why_not=full),
            MenuItem(f"− {text}   →   {self._said(row, -1)}", ("add", row, -1), why_not=full),
        ]
        if self._near.origin == "sum":
            about = (f"Expect {text} at the end", f"Without {self._lookup.text(self.terms[-1][1])}")
            found.append(MenuItem(about[0], ("expect", row, 0), group=1))
            found.append(MenuItem(about[1], ("back", row, 0), group=1))
        return found

    def _said(self, row: int, sign: int) -> str:
        terms = self.with_row(row, sign)
        text = self._lookup.text
        return (
            " ".join(
                (("+ " if sign > 0 else "− ") if at or sign < 0 else "") + text(one)
                for at, (sign, one) in enumerate(terms)
            )
            or "nothing"
        )

    def offer(self, row: int, at: QPoint) -> None:
        """A menu of it."""
        self._menu = OfferMenu(self.items(row), self._view)
        self._menu.setAccessibleName("Sums of words")
        self._menu.chosen.connect(self._do)
        self._menu.popup(at)

    def _do(self, thing: object) -> None:
        assert isinstance(thing, tuple)
        what, row, sign = thing
        if what == "add":
            self.add(row, sign)
        elif what == "expect":
            self.expect(row)
        else:
            self.take_back()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key, bare = Qt.Key(event.key()), Qt.KeyboardModifier.NoModifier
            plain = event.modifiers() & ~(
                Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
            )
            signs = SIGNS if watched is self._view else LIST_SIGNS
            if key == Qt.Key.Key_Backspace and self.terms:
                self.take_back()
                return True
            row = self._row_of(watched)
            if key in signs and plain == bare and row is not None:
                self.add(row, signs[key])
                return True
        return super().eventFilter(watched, event)

    def _row_of(self, watched: QObject) -> int | None:
        """The row that a key means: under the mouse, else the one that is lit or selected."""
        if isinstance(watched, TokenList):
            pointed = watched.hovered if watched.hovered is not None else watched.current
            return None if pointed is None else watched.rows[pointed].token_id
        return self.row if self._view.hovered is None else self._view.hovered
