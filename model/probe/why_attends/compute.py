"""The score of a query and a key as a sum over pairs of parts.

Shape suffixes: Q parts of the query's side, S parts of the key's side, H heads, G key/value heads,
K d_head.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch

from model.bench import Bench
from model.operations import Operation
from model.probe.question import Answer, ProbeError, read_only
from model.probe.why_attends.asks import BIASES, CHANGE, WhyAttends, WhyAttendsFound
from model.probe.why_attends.sides import Parts, Side
from model.subject import Subject


def answer(question: WhyAttends, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block of one side a slice.

    Raises:
        ValueError: there is no such head or position, or the query may not look at the key.
    """
    network = bench.network(subject)
    config, n = network.config, subject.n_tokens
    for what, at, count in (
        ("layer", question.layer, config.n_layers),
        ("head", question.head, config.n_heads),
        ("position", question.query, n),
        ("position", question.key, n),
    ):
        if not 0 <= at < count:
            raise ProbeError(f"There is no {what} {at}; there are 0 to {count - 1}.")
    dot = _scoring(network.operations, question.layer)[0]

    def value(tail: str) -> float:
        """One number of a matrix over queries and keys."""
        row_HQS = bench.pattern(
            subject, question.layer, (question.head,), question.query, question.query + 1, tail
        )
        return float(row_HQS[0, 0, question.key])

    capped = value("attn_scores")
    if capped == -math.inf:
        raise ProbeError(
            f"Position {question.query} may not look at position {question.key}: their score is "
            "masked. Choose a key that it reads."
        )
    changed = frozenset(name for one in subject.interventions for name in one.operations(config))
    query_HK = yield from Side(network, dot.inputs[0], changed).parts(
        subject, bench, question.query
    )
    key_GK = yield from Side(network, dot.inputs[1], changed).parts(subject, bench, question.key)
    group = question.head // (config.n_heads // config.n_kv_heads)
    query_parts, key_parts = _ordered(query_HK), _ordered(key_GK)
    query_QK = torch.stack([query_HK[name][question.head] for name in query_parts])
    key_SK = torch.stack([key_GK[name][group] for name in key_parts])
    values_QS = (query_QK @ key_SK.T) * config.score_scale(question.layer)
    score, bias = _score_and_bias(network.operations, question.layer, value)
    yield WhyAttendsFound(
        subject=subject,
        question=question,
        query_parts=query_parts,
        key_parts=key_parts,
        values_QK=read_only(values_QS.numpy()),
        bias=bias,
        score=score,
        capped=capped,
        weight=value("pattern"),
        remainder=score - float(values_QS.sum()) - bias,
    )


def _scoring(operations: Sequence[Operation], layer: int) -> list[Operation]:
    """From query and key to the score, before a cap and the mask."""
    kinds = ("dot", "scale", "bias")
    return [op for op in operations if op.layer == layer and op.kind in kinds]


def _score_and_bias(
    operations: Sequence[Operation], layer: int, value: Callable[[str], float]
) -> tuple[float, float]:
    steps = _scoring(operations, layer)
    score = value(_tail(steps[-1]))
    bias = score - value(_tail(steps[-2])) if steps[-1].kind == "bias" else 0.0
    return score, bias


def _tail(op: Operation) -> str:
    return op.output.rpartition(".hook_")[2]


def _ordered(parts: Parts) -> tuple[str, ...]:
    """From the embedding upwards; what nobody wrote stands last."""
    last = (BIASES, CHANGE)
    return (*(p for p in parts if p not in last), *(p for p in last if p in parts))
