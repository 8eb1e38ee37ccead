"""Running on to the next operation at which something holds.

The worker looks; when it has found the place, the selection goes there. Whoever steps or selects
something meanwhile has taken over: then it is given up. Knows the store and one question; no
widget.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gui.session.asked import CANCELLED
from gui.session.walking import Place
from model import messages as m
from model.probe.until.asks import Until, UntilFound

if TYPE_CHECKING:
    from gui.session.store import Store

OWNER = "run until"
"""By what the store knows who asks: not a pane, which asks only while it is seen."""


class RunUntil(QObject):
    """What is run to, and how it ended.

    Signals:
        changed: it begins, has ended, or what it came to is no longer where one is.

    Attributes:
        condition: the last one; its position and its beginning are those of that time.
    """

    changed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self.condition: Until | None = None
        self._from: Place | None = None
        self._ended_at: Place | None = None
        self._found: tuple[UntilFound, m.PromptRead] | None = None
        self._problem = ""
        store.asked.join(OWNER, self._look)
        store.selection_changed.connect(self._on_selection)
        store.prompt_changed.connect(self.cancel)
        store.subject_changed.connect(self._on_subject)
        store.model_changed.connect(self._on_model)

    @property
    def going(self) -> bool:
        """Whether it is looked for."""
        return self._from is not None

    @property
    def found(self) -> tuple[UntilFound, m.PromptRead] | None:
        """What it came to, with the prompt that it is about, as long as one is still there."""
        return self._found

    @property
    def problem(self) -> str:
        """Why nothing came of it; empty where something did."""
        return self._problem

    def start(self, condition: Until) -> None:
        """Run on from the current operation.

        Args:
            condition: what is to hold; its position and its beginning are those of now.
        """
        store = self._store
        if store.subject is None or not store.operations:
            return
        store.walking.stop()
        place = store.walking.place
        at = store.operations[place.operation]
        self.condition = replace(condition, position=place.position, after=at.output)
        self._found, self._problem, self._from, self._ended_at = None, "", place, None
        known = store.asked.want(OWNER, store.subject, {"until": self.condition})
        self.changed.emit()
        if known:
            self._look()

    def again(self) -> bool:
        """The same condition from here on; whether there is one."""
        if self.condition is None:
            return False
        self.start(self.condition)
        return True

    def cancel(self) -> None:
        """Look no further; one stays where one is."""
        if self.going:
            self._end()

    # ---------------------------------------------------------------------------- inside

    def _end(self) -> None:
        self._from = None
        self._store.asked.want(OWNER, None, {})
        self.changed.emit()

    def _look(self) -> None:
        """Something came."""
        slot = self._store.asked.slot(OWNER, "until")
        if slot is None or not self.going:
            return
        if slot.problem:
            self._problem = "Cancelled." if slot.problem == CANCELLED else slot.problem
            self._ended_at = self._from
            self._end()
            return
        answer = slot.answer
        if not slot.is_current or not isinstance(answer, UntilFound) or not answer.is_whole:
            return
        read, began = slot.read, self._from
        self._from = None
        self._store.asked.want(OWNER, None, {})
        if read is not None:
            self._found = answer, read
        if answer.holds:
            changes: dict[str, object] = {"operation": answer.operation}
            if answer.position != (began.position if began is not None else -1):
                changes["position"] = answer.position
            if answer.head is not None:
                changes["head"] = answer.head
            asked = answer.question
            if isinstance(asked, Until) and asked.condition == "weight":
                changes["key"] = asked.key
            self._store.walking.visit(**changes)
        self._ended_at = self._store.walking.place
        self.changed.emit()

    def _on_selection(self) -> None:
        place = self._store.walking.place
        if self._from is not None and place != self._from:
            self._end()
        elif (self._found or self._problem) and self._ended_at not in (None, place):
            self._forget()

    def _on_subject(self) -> None:
        if self.going:
            self._end()
        self._forget()

    def _on_model(self) -> None:
        self.condition = None
        self._on_subject()

    def _forget(self) -> None:
        self._ended_at = None
        if self._found is not None or self._problem:
            self._found, self._problem = None, ""
            self.changed.emit()
