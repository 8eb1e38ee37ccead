"""Bars, and what they were before the interventions: the same question about the model as it is.

Asked only while the difference is shown. Knows the store; no widget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gui.panes.prediction.answers import asked, position_of, row_of
from gui.panes.prediction.bars import Bar
from gui.session.store import Store
from model.messages import ModelInfo
from model.probe.next_token.asks import NextTokenFound
from model.sampling import CUTS

OWNER = "prediction: before"
BEST = 3
"""So many of the likeliest tokens of before are drawn in any case: one sees them fall."""


class Before:
    """Asks what was before, for the tokens that are drawn.

    Args:
        store: whose subject is changed.
        changed: called when an answer came.
    """

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        store.asked.join(OWNER, changed)

    @property
    def wanted(self) -> bool:
        """Whether the difference is shown, and there is one."""
        changing = self._store.intervening
        return changing.view == "difference" and bool(changing.applied)

    def ask(self, drawn: NextTokenFound | None) -> None:
        """Ask about the tokens of an answer; give up where no difference is shown."""
        if drawn is None or not self.wanted or not drawn.subject.interventions:
            self._store.asked.want(OWNER, None, {})
            return
        question = replace(asked(drawn), n=BEST, also=tuple(map(int, sorted(drawn.ids))))
        self._store.asked.want(OWNER, drawn.subject.of_clean(), {"before": question})

    def found(self, drawn: NextTokenFound | None) -> NextTokenFound | None:
        """The answer, if it is about the same prompt and position as one that is drawn."""
        found = self._store.asked.find(OWNER, "before", NextTokenFound)
        if found is None or drawn is None or found.problem or not self.wanted:
            return None
        same = found.subject == drawn.subject.of_clean()
        there = asked(found).position == asked(drawn).position
        return found if same and there and asked(found).sampling == asked(drawn).sampling else None

    def best(self, position: int) -> tuple[int, ...]:
        """The likeliest tokens of before, as far as they are known after a position."""
        found = self._store.asked.find(OWNER, "before", NextTokenFound)
        if found is None or found.problem or not self.wanted or asked(found).position != position:
            return ()
        ranked = zip(found.ranks.tolist(), found.ids.tolist(), strict=True)
        return tuple(token_id for rank, token_id in sorted(ranked) if rank <= BEST)

    def probability(self, drawn: NextTokenFound | None, token_id: int) -> float | None:
        """What a token had before; None where it isn't known, or not wanted."""
        found = self.found(drawn)
        row = row_of(found, token_id)
        return None if found is None or row is None else float(found.probabilities[row])


def bars_of(
    found: NextTokenFound, model: ModelInfo, actual: int | None, before: Before
) -> list[Bar]:
    """The bars of an answer, each with its mark of before.

    Args:
        found: the answer.
        model: whose tokens.
        actual: the token that really comes; None where that isn't known.
        before: knows what was before.
    """
    led = before.best(position_of(found))
    return [
        Bar(
            token_id=int(token_id),
            text=model.token_text(int(token_id)),
            rank=int(found.ranks[row]),
            probability=float(found.probabilities[row]),
            uncut=float(found.uncut[row]),
            actual=int(token_id) == actual,
            before=before.probability(found, int(token_id)),
            led=int(token_id) in led,
            cut_by=CUTS[found.cut_by[row]],
        )
        for row, token_id in enumerate(found.ids)
    ]
