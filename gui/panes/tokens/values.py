"""The surprisals that can be drawn with a prompt's tokens, of answers that come little by little.

Pure: knows answers and subjects; no store, no widget.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.probe.surprisal.asks import SurprisalFound
from model.subject import Subject


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What is known of each token.

    Attributes:
        bits_T: surprisals; NaN where there is none.
        no_number_T: where the model's answer is NaN.
        pending: whether what has no value yet will get one.
    """

    bits_T: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    no_number_T: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    pending: bool = False

    def bits(self, index: int) -> float:
        """Of one token; NaN for none."""
        return float(self.bits_T[index]) if 0 <= index < len(self.bits_T) else float("nan")

    @classmethod
    def none(cls, n_tokens: int) -> Values:
        """Of tokens that nobody asks about."""
        return cls(np.full(n_tokens, np.nan), np.zeros(n_tokens, np.bool_))

    @classmethod
    def of(
        cls,
        subject: Subject,
        found: SurprisalFound | None,
        drawn: Values | None,
        *,
        whole: bool,
        refused: bool,
    ) -> Values:
        """What an answer says of a subject's tokens.

        Args:
            subject: whose tokens are drawn.
            found: the newest answer, perhaps about another prompt.
            drawn: what is drawn of the same subject; None where something else is.
            whole: whether the answer is about this subject and nothing more will come.
            refused: whether none will come.
        """
        bits_T = values_for(subject, found)
        if drawn is not None:
            # A first part of an answer takes nothing away that was known of an earlier prompt.
            bits_T = np.where(np.isnan(bits_T), drawn.bits_T, bits_T)
        no_number_T = np.isnan(bits_T) & (np.arange(subject.n_tokens) > 0) & whole
        return cls(bits_T, no_number_T, not whole and not refused)


def values_for(subject: Subject, found: SurprisalFound | None) -> NDArray[np.float64]:
    """What an answer says about the tokens of a subject, ``[T]``; NaN where it says nothing.

    A token's surprisal follows from the tokens up to it: where two prompts begin alike, what is
    known of the one holds of the other. Of the same tokens at another training step, or under
    other interventions, it is the picture that stays until the new answer is there.
    """
    bits_T = np.full(subject.n_tokens, np.nan)
    if found is None:
        return bits_T
    of = found.subject
    same = of.model == subject.model and of.ids == subject.ids
    n = subject.n_tokens if same else subject.shared_prefix(of)
    bits_T[:n] = found.bits_T[:n]
    return bits_T
