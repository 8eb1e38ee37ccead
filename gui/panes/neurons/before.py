"""What the map's rows were before the interventions: the same neurons of the model as it is.

Asked only while the difference is shown. Knows the store; no widget.
"""

from __future__ import annotations

from collections.abc import Callable

from gui.session.store import Store
from model.probe.neurons.map.asks import NeuronMap, NeuronMapFound

OWNER = "neurons: before"


class Before:
    """Asks what was before, for the rows that are drawn.

    Args:
        store: whose subject is changed.
        changed: called when an answer came.
    """

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        store.asked.join(OWNER, changed)

    def ask(self, drawn: NeuronMapFound | None) -> None:
        """Ask about the rows of an answer; give up where no difference is shown."""
        if drawn is None or not self._is_wanted(drawn):
            self._store.asked.want(OWNER, None, {})
            return
        subject, question = drawn.subject.of_clean(), self._question(drawn)
        self._store.asked.want(OWNER, subject, {"before": question})

    def found(self, drawn: NeuronMapFound) -> NeuronMapFound | None:
        """The answer, if it is about the rows of one that is drawn."""
        found = self._store.asked.find(OWNER, "before", NeuronMapFound)
        if found is None or not self._is_wanted(drawn):
            return None
        same = found.subject == drawn.subject.of_clean()
        return found if same and found.question == self._question(drawn) else None

    def give_up(self) -> None:
        """Nobody sees it."""
        self._store.asked.want(OWNER, None, {})

    def _is_wanted(self, drawn: NeuronMapFound) -> bool:
        changing = self._store.intervening
        return changing.view == "difference" and bool(drawn.subject.interventions)

    def _question(self, drawn: NeuronMapFound) -> NeuronMap:
        asked, rows = drawn.asked, tuple(drawn.rows_R.tolist())
        return NeuronMap(asked.layer, by=asked.by, n=len(rows), rows=rows)
