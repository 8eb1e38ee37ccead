"""What the other side of a comparison says comes next: the same question, for the drawn tokens.

What was before the interventions, what another prompt or another model says; and the bars with the
marks of what it says. Knows answers; no store, no widget.
"""

from __future__ import annotations

from dataclasses import replace

from gui.panes.prediction.answers import asked, row_of
from gui.panes.prediction.bars import Bar
from model.messages import ModelInfo
from model.probe.next_token.asks import NextToken, NextTokenFound
from model.sampling import CUTS

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


def bars_of(
    found: NextTokenFound, model: ModelInfo, actual: int | None, other: NextTokenFound | None
) -> list[Bar]:
    """The bars of an answer, each with the other side's mark.

    Args:
        found: the answer.
        model: whose tokens.
        actual: the token that really comes; None where that isn't known.
        other: what the other side says; None where no difference is shown.
    """
    led = best(other)
    return [
        Bar(
            token_id=int(token_id),
            text=model.token_text(int(token_id)),
            rank=int(found.ranks[row]),
            probability=float(found.probabilities[row]),
            uncut=float(found.uncut[row]),
            actual=int(token_id) == actual,
            before=probability(other, int(token_id)),
            led=int(token_id) in led,
            cut_by=CUTS[found.cut_by[row]],
        )
        for row, token_id in enumerate(found.ids)
    ]
