"""Reading one answer about the next token: where a token stands in it, what it was asked.

Knows the answer; no store, no widget.
"""

from __future__ import annotations

import numpy as np

from model.probe.next_token.asks import NextToken, NextTokenFound


def asked(found: NextTokenFound) -> NextToken:
    """The question that an answer answers."""
    question = found.question
    assert isinstance(question, NextToken)
    return question


def position_of(found: NextTokenFound) -> int:
    """The position that an answer is about."""
    return min(asked(found).position, found.subject.n_tokens - 1)


def row_of(found: NextTokenFound | None, token_id: int | None) -> int | None:
    """Where a token stands in an answer; None if it isn't part of it."""
    if found is None or token_id is None:
        return None
    rows = np.flatnonzero(found.ids == token_id)
    return int(rows[0]) if rows.size else None


def cuts(found: NextTokenFound) -> bool:
    """Whether its sampling leaves tokens out."""
    return asked(found).sampling.cuts
