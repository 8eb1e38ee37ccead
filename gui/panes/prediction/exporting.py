"""The whole distribution, for export: a question of its own, asked when an export is chosen.

What is drawn are some tokens; what is exported is one answer, about one prompt: that of the whole
vocabulary if it has come, or else the drawn one, and each row says of how many tokens. Knows the
store; no widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gui.panes.prediction.answers import asked, position_of, row_of
from gui.session.store import Store
from model.messages import ModelInfo
from model.probe.next_token.asks import NextToken, NextTokenFound
from model.probe.question import Question
from model.sampling import CUTS

OWNER = "prediction: an export"


class WholeVocabulary:
    """Asks for all tokens, and keeps the answer until it is taken."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.asked.join(OWNER, self._heard)

    def ask(self, drawn: Question | None) -> None:
        """Ask the question that is drawn about every token.

        Args:
            drawn: what the bars ask; None where nothing can be asked.
        """
        self._give_up()
        if isinstance(drawn, NextToken):
            whole = replace(drawn, n=0, also=())
            self._store.asked.want(OWNER, self._store.subject, {"whole": whole})

    def take(self, drawn: NextTokenFound | None) -> NextTokenFound | None:
        """The whole answer, once, if it is about what is drawn now.

        Of a model that learns it may be some steps older: of when the export was chosen.

        Args:
            drawn: the answer on the screen; None where the pane can't be seen.
        """
        found = self._store.asked.find(OWNER, "whole", NextTokenFound)
        self._give_up()
        subject = self._store.subject if drawn is None else drawn.subject
        if found is None or found.problem or subject is None:
            return None
        if replace(found.subject, step=subject.step) != subject:
            return None
        if drawn is not None and replace(asked(drawn), n=0, also=()) != found.question:
            return None
        return found

    def _give_up(self) -> None:
        self._store.asked.want(OWNER, None, {})

    def _heard(self) -> None:
        """Nothing is drawn of it: it waits to be taken."""


def table(
    found: NextTokenFound,
    model: ModelInfo,
    other: NextTokenFound | None = None,
    names: tuple[str, str] = ("A", "B"),
) -> Mapping[str, NDArray[Any]]:
    """An answer as columns of one length, a row a token, likeliest first.

    While a difference is shown, the other side's probabilities stand beside them, in columns that
    are named by the side; NaN where it wasn't asked.

    Each row says after which position, and of how many tokens the vocabulary has: so that some of
    them aren't taken for all.
    """
    columns = {name: named.values for name, named in found.arrays().items()}
    columns["cut_by"] = np.array(CUTS)[found.cut_by]
    n = len(found.ids)
    texts = np.array([model.token_text(int(token_id)) for token_id in found.ids])
    whole = {
        "id": columns.pop("id"),
        "text": texts,
        **columns,
        "position": np.full(n, position_of(found)),
        "d_vocab": np.full(n, model.config.d_vocab),
    }
    if other is not None:
        beside = [row_of(other, int(token_id)) for token_id in found.ids]
        p_other = [np.nan if row is None else other.probabilities[row] for row in beside]
        whole[f"probability_{names[0]}"] = found.probabilities
        whole[f"probability_{names[1]}"] = np.array(p_other)
    if found.subject.step is not None:
        whole["step"] = np.full(n, found.subject.step)
    return whole
