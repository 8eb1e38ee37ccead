"""Tokens near a signed sum of token vectors, by cosine.

Shape suffixes: V tokens, D width of a vector.
"""

from __future__ import annotations

from torch import Tensor

from model.probe.geometry.compute import nearest, signed_sum
from model.probe.neighbours.asks import NeighboursAnswer, NeighboursQuestion
from model.transformer import Transformer


def answer(question: NeighboursQuestion, table_VD: Tensor) -> NeighboursAnswer:
    """Look through the whole table.

    Args:
        question: what is asked.
        table_VD: ``question.matrix``, one vector a token; see `table`.

    Raises:
        ValueError: there are no terms, an id is outside the table, or the sum points nowhere.
    """
    ids, cosines = nearest(table_VD, signed_sum(table_VD, question.terms), question.k)
    found = tuple(int(i) for i in ids)
    own = {token_id for _, token_id in question.terms}
    return NeighboursAnswer(
        question=question,
        ids=found,
        cosines=tuple(float(cosine) for cosine in cosines),
        own=tuple(i in own for i in found),
    )


def table(transformer: Transformer, matrix: str) -> Tensor:
    """One row a token, ``[V, D]``: the embedding, or the unembedding transposed.

    Where both are one matrix, or there is no head, it is the embedding.
    """
    if matrix == "W_E" or transformer.unembed is None:
        return transformer.embed.weight.detach()
    return transformer.unembed.weight.detach()
