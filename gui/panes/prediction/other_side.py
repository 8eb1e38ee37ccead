"""What the other side of a comparison says comes next: the same question, for the drawn tokens.

What was before the interventions, what another prompt or another model says. Knows answers; no
store, no widget.
"""

from __future__ import annotations

from dataclasses import replace

from gui.panes.prediction.answers import asked, row_of
from model.probe.next_token.asks import NextToken, NextTokenFound

BEST = 3
"""So many of its likeliest tokens are drawn in any case: one sees them fall."""


def question(drawn: NextTokenFound, position: int) -> NextToken:
    """What is asked of it.

    Args:
        drawn: the answer of the side in view, whose tokens are compared.
        position: the other side's, that belongs to the drawn one.
    """
    tokens = tuple(map(int, sorted(drawn.ids)))
    return replace(asked(drawn), n=BEST, also=tokens, position=position)


def fits(found: NextTokenFound | None, drawn: NextTokenFound | None, position: int | None) -> bool:
    """Whether its answer belongs to what is drawn: to that position, with that temperature."""
    if found is None or drawn is None or found.problem or position is None:
        return False
    return asked(found).position == position and asked(found).sampling == asked(drawn).sampling


def best(found: NextTokenFound | None) -> tuple[int, ...]:
    """Its likeliest tokens."""
    if found is None or found.problem:
        return ()
    ranked = zip(found.ranks.tolist(), found.ids.tolist(), strict=True)
    return tuple(token_id for rank, token_id in sorted(ranked) if rank <= BEST)


def probability(found: NextTokenFound | None, token_id: int) -> float | None:
    """What a token has there; None where it isn't known."""
    row = row_of(found, token_id)
    return None if found is None or row is None else float(found.probabilities[row])
