"""How far "king - man + woman = queen" holds in a table of token vectors.

The same questions as `model.probe.score`, on a table alone and fast enough to be asked again and
again while a model learns. Knows the world's pairs; no network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from model.probe.score import table_analogies
from model.tokenizer import Tokenizer
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


def measure_analogies(table_VD: Tensor, tokenizer: Tokenizer | None) -> MeasuredAnalogies | None:
    """Measure a table of token vectors.

    Returns:
        None where the questions can't be asked: there is no tokenizer, or one of the four words
        is no single token of it.
    """
    if tokenizer is None:
        return None
    tokens = [tokenizer.encode(f" {word}", add_special=False).ids for word in WATCHED]
    if any(len(ids) != 1 for ids in tokens):
        return None
    a, b, c, d = (ids[0] for ids in tokens)
    vectors_VD = table_VD.detach().float()
    cosine_V = F.normalize(vectors_VD, dim=1) @ (vectors_VD[a] - vectors_VD[b] + vectors_VD[c])
    nearer_V = cosine_V > cosine_V[d]
    nearer_inputs = sum(int(nearer_V[i]) for i in {a, b, c})
    rank_all = int(nearer_V.sum()) + 1
    share, _, _ = table_analogies(
        vectors_VD, tokenizer, [(pair.male, pair.female) for pair in GENDERED_PAIRS]
    )
    if share.value is None:
        return None
    return MeasuredAnalogies(
        expression="{} − {} + {} = {}".format(*WATCHED),
        rank=rank_all - nearer_inputs,
        rank_all_words=rank_all,
        share=share.value,
        n=share.n,
    )
