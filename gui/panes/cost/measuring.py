"""The measuring that goes on behind the pane, also while another pane stands in front of it.

It is about the network, not about the prompt: a text that is typed meanwhile ends nothing. Knows
the store; no widget.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from gui.session.store import Store
from model import messages as m
from model.probe.cost.asks import Cost, CostFound
from model.subject import Subject

OWNER = "cost: measuring"
_NAME = "cost"


class Measuring:
    """Asks once, and keeps the newest answer, also of a measuring that was ended early.

    Args:
        store: whose model is measured.
        changed: called when an answer came.

    Attributes:
        found: what is known of the model in view; None before the first.
        problem: why the last measuring failed; empty if it did not.
    """

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        self._changed = changed
        self._runs = count()
        self._asked: tuple[Subject, Cost] | None = None
        self.found: CostFound | None = None
        self.problem = ""
        store.asked.join(OWNER, self._heard)

    @property
    def going(self) -> bool:
        """Whether more is to come."""
        return self._asked is not None

    @property
    def share(self) -> float:
        """How much of what goes on is done."""
        return self.found.share if self.going and self._is_mine(self.found) and self.found else 0.0

    @property
    def refusal(self) -> str:
        """Why nothing can be measured now; empty if it can."""
        if self._store.model is None:
            return "Open a model first."
        if self._store.subject is None:
            return "Type a prompt first: the model is measured once it has read a text."
        if self._store.run.running:
            return "A model is being trained, which would be timed as well. Stop the run first."
        return ""

    def start(self, longest: int) -> None:
        """Measure the model in view.

        Args:
            longest: tokens of the longest text.
        """
        subject = self._store.subject
        if subject is None or self.refusal:
            return
        self.cancel()
        self.problem = ""
        self._asked = subject.of_clean(), Cost(longest, run=next(self._runs))
        self._store.asked.want(OWNER, self._asked[0], {_NAME: self._asked[1]})
        self._heard()

    def cancel(self) -> None:
        """End it; what was measured stays."""
        if self.going:
            self._asked = None
            self._store.asked.want(OWNER, None, {})
            self._changed()

    def look(self) -> None:
        """Forget what was measured of a model that is gone, and hear that it can't go on."""
        model = self._store.model
        if self.found is not None and not _is_of(self.found.subject, model):
            self.found = None
        if self._asked is not None and not _is_of(self._asked[0], model):
            self.cancel()

    def _heard(self) -> None:
        slot = self._store.asked.slot(OWNER, _NAME)
        if slot is None or self._asked is None:
            return
        if isinstance(slot.answer, CostFound) and self._is_mine(slot.answer):
            self.found = slot.answer
        if slot.problem:
            self.problem = slot.problem
        if slot.problem or (self.found is not None and self.share >= 1):
            self._asked = None
            self._store.asked.want(OWNER, None, {})
        self._changed()

    def _is_mine(self, found: CostFound | None) -> bool:
        """Whether an answer is that of the measuring that goes on."""
        return found is not None and (found.subject, found.question) == self._asked


def _is_of(subject: Subject, model: m.ModelInfo | None) -> bool:
    return model is not None and model.model_id == subject.model
