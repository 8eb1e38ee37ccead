"""How far "king - man + woman = queen" holds in a table of token vectors.

The same questions as `model.probe.score`, on a table alone and fast enough to be asked again and
again while a model learns. Knows the world's pairs; no network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from model.probe.score.compute import analogy_questions, answered_by_table
from model.tokenizer.tokenizer import Tokenizer
from model.world import GENDERED_PAIRS

WATCHED = ("king", "man", "woman", "queen")
"""a - b + c = d."""


@dataclass(frozen=True, slots=True)
class MeasuredAnalogies:
    """One measurement.

    Attributes:
        expression: the watched analogy in words.
        rank: of its answer by cosine, the three words of the question excluded; 1 is nearest.
        rank_all_words: the same without excluding them.
        share: of all ordered pairs of gendered pairs, how many are right at rank 1, the three
            words excluded; ``n`` is how many there are.
    """

    expression: str
    rank: int
    rank_all_words: int
    share: float
    n: int


class AnalogyProbe:
    """The questions in a tokenizer's ids, to be asked of a table again and again.

    Finding the ids takes as long as answering the questions, so it is done once.

    Args:
        tokenizer: the table's; None has no words to ask about.

    Attributes:
        asks: False where the questions can't be asked: there is no tokenizer, or one of the four
            watched words is no single token of it.
    """

    def __init__(self, tokenizer: Tokenizer | None) -> None:
        tokens = [
            [] if tokenizer is None else tokenizer.encode(f" {word}", add_special=False).ids
            for word in WATCHED
        ]
        self.asks = tokenizer is not None and all(len(ids) == 1 for ids in tokens)
        if tokenizer is None or not self.asks:
            return
        self._watched = tuple(ids[0] for ids in tokens)
        pairs = [(pair.male, pair.female) for pair in GENDERED_PAIRS]
        self._questions_N4, _ = analogy_questions(tokenizer, pairs)

    def measure(self, table_VD: Tensor) -> MeasuredAnalogies | None:
        """Measure a table of token vectors; None where the questions can't be asked."""
        if not self.asks:
            return None
        a, b, c, d = self._watched
        vectors_VD = table_VD.detach().float()
        cosine_V = F.normalize(vectors_VD, dim=1) @ (vectors_VD[a] - vectors_VD[b] + vectors_VD[c])
        nearer_V = cosine_V > cosine_V[d]
        nearer_inputs = sum(int(nearer_V[i]) for i in {a, b, c})
        rank_all = int(nearer_V.sum()) + 1
        share, _ = answered_by_table(vectors_VD, self._questions_N4)
        if share.value is None:
            return None
        return MeasuredAnalogies(
            expression="{} − {} + {} = {}".format(*WATCHED),
            rank=rank_all - nearer_inputs,
            rank_all_words=rank_all,
            share=share.value,
            n=share.n,
        )
