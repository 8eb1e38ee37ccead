"""The question for the surprisal of every token of the prompt, and of the text as a whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class Surprisal(Question):
    """-log2 p of each token, given those before it, at temperature 1.

    Attributes:
        ranks: find each token's rank among all tokens, too.
    """

    name: ClassVar[str] = "surprisal"
    title: ClassVar[str] = "surprisal"
    later: ClassVar[bool] = True

    ranks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurprisalFound(Answer):
    """Bits.

    The sums are over the tokens that something predicts: all but the first. While the answer is
    coarse, they are over those that are known.

    Attributes:
        bits_T: ``[T]`` float64; NaN for the first token, which nothing predicts, and for those
            that are still to come.
        ranks_T: ``[T]``, 1 for the token with the largest logit, 0 where it isn't known; None
            unless it was asked for.
        bytes_T: ``[T]``, how many bytes of text each token stands for: none for special tokens;
            None where there is no tokenizer.
    """

    bits_T: Array
    ranks_T: Array | None = None
    bytes_T: Array | None = None

    @property
    def known(self) -> Array:
        """``[T]``, which tokens have a surprisal."""
        found: Array = ~np.isnan(self.bits_T)
        return found

    @property
    def n_predicted(self) -> int:
        """How many tokens the sums are over."""
        return int(self.known.sum())

    @property
    def total_bits(self) -> float:
        """-log2 of the probability of the text, given its first token."""
        return float(self.bits_T[self.known].sum())

    @property
    def bits_per_token(self) -> float:
        """NaN for a text of one token."""
        return self.total_bits / self.n_predicted if self.n_predicted else math.nan

    @property
    def perplexity(self) -> float:
        """2 to the bits per token: between how many equally likely tokens it would choose."""
        bits = self.bits_per_token
        return math.inf if bits > 1000 else 2**bits

    @property
    def bits_per_byte(self) -> float:
        """Comparable between tokenizers; NaN where it isn't known how many bytes there are."""
        n = 0 if self.bytes_T is None else int(self.bytes_T[self.known].sum())
        return self.total_bits / n if n else math.nan

    def arrays(self) -> Mapping[str, Named]:
        columns = {"surprisal_bits": self.bits_T, "rank": self.ranks_T, "bytes": self.bytes_T}
        return {
            name: Named(values, ("position",))
            for name, values in columns.items()
            if values is not None
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        sums = {
            "tokens": self.n_predicted,
            "bits": self.total_bits,
            "nats": self.total_bits * math.log(2),
            "bits_per_token": self.bits_per_token,
            "perplexity": self.perplexity,
            "bits_per_byte": self.bits_per_byte,
        }
        finite = {name: one if math.isfinite(one) else None for name, one in sums.items()}
        return {"text": [finite]}
