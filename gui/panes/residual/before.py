"""What the model says without the interventions: the same questions about it as it is.

Asked only while the difference is shown and the pane is seen. Knows the store; no widget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from gui.session.store import Store
from model.probe.attribution.asks import Attribution, AttributionFound
from model.probe.lens.asks import Lens, LensFound
from model.probe.question import Answer, Question, TokenId

A = TypeVar("A", bound=Answer)
OWNER = "residual: before"


class Before:
    """Asks what was before, for the answers that are drawn.

    Args:
        store: whose subject is changed.
        changed: called when an answer came.
    """

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        self._names: tuple[str, ...] = ()
        store.asked.join(OWNER, changed)

    @property
    def wanted(self) -> bool:
        """Whether the difference is shown, and there is one."""
        changing = self._store.intervening
        return changing.view == "difference" and bool(changing.applied)

    def ask(self, drawn: Mapping[str, Answer]) -> None:
        """Ask about what is drawn, by name; give up where no difference is shown."""
        drawn = {name: found for name, found in drawn.items() if found.subject.interventions}
        if not self.wanted or not drawn:
            self.give_up()
            return
        subject = next(iter(drawn.values())).subject
        questions = {name: _same(found) for name, found in drawn.items() if found.is_whole}
        self._names = tuple(questions)
        self._store.asked.want(OWNER, subject.of_clean(), questions)

    @property
    def pending(self) -> bool:
        """Whether what was before will be there in a moment: until then the old picture stays."""
        asked = self._store.asked
        slots = [slot for name in self._names if (slot := asked.slot(OWNER, name)) is not None]
        coming = any(not slot.is_current and not slot.problem for slot in slots)
        return self.wanted and coming and asked.waits(OWNER) is None

    def give_up(self) -> None:
        """Nothing is wanted."""
        self._names = ()
        self._store.asked.want(OWNER, None, {})

    def found(self, name: str, drawn: A | None) -> A | None:
        """The answer to what a drawn one answers, about the model as it is."""
        if drawn is None or not self.wanted:
            return None
        found = self._store.asked.find(OWNER, name, type(drawn))
        if found is None or found.question != _same(drawn):
            return None
        return found if found.subject == drawn.subject.of_clean() else None


def _same(found: Answer) -> Question:
    """Its question, about the tokens that the answer was about."""
    question = found.question
    if isinstance(found, LensFound) and isinstance(question, Lens) and question.watch_final:
        ids = () if found.watched_ids_P is None else tuple(found.watched_ids_P.tolist())
        return replace(question, watch_final=False, watch_each=ids)
    if isinstance(found, AttributionFound) and isinstance(question, Attribution):
        return replace(question, target=TokenId(found.target))
    return question
