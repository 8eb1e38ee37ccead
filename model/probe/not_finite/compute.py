"""The first operation that is not finite: looked for in the first block that left such a number.

Shape suffixes: T positions.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from model.bench import Bench
from model.bench.looking import WINDOW
from model.operations import Operation
from model.probe.not_finite.asks import NotFinite, NotFiniteFound
from model.probe.question import Answer
from model.subject import Subject

_NO_NUMBERS = frozenset(("tokens", "expert_indices", "softmax"))


def answer(question: NotFinite, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A border of the stream a slice; then one block's operations, a window of positions a slice.

    A number that is not finite stays in the stream, so that the last border says whether there
    is one; behind it the logits of the last position are looked at.
    """
    stream = bench.stream(subject)
    network, n = stream.network, subject.n_tokens
    border = None
    for at in range(stream.n_borders) if not is_finite(subject, bench) else ():
        if not _is_finite(stream.resid(at)):
            border = at
            break
        yield None
    layer = None if not border else border - 1
    start, stop = (0, n) if border is not None else (question.position % n, None)
    stop = start + 1 if stop is None else stop
    group = "embed" if border == 0 else "unembed"
    ops = [
        op
        for op in stream.plan.operations[layer]
        if op.kind not in _NO_NUMBERS and (layer is not None or op.group == group)
    ]
    found: tuple[Operation, int] | None = None
    for first in range(start, stop, WINDOW):
        names = [op.output for op in ops]
        values = bench.values(subject, names, first, min(first + WINDOW, stop))
        for index, op in enumerate(ops):
            bad = _first(values[op.output], op.shape, masks=op.kind == "mask")
            if bad is not None:
                found, ops = (op, first + bad), ops[:index]
                break
        yield None
    if found is None and border is not None:
        # Step by step it rounds otherwise than fused, and stays finite by a hair.
        op = network.operation(stream.plan.borders[border])
        found = op, _first(stream.resid(border), op.shape) or 0
    yield NotFiniteFound(
        subject=subject,
        question=question,
        activation="" if found is None else found[0].output,
        label="" if found is None else found[0].label,
        position=0 if found is None else found[1],
        dtype=str(network.embed.weight.dtype).removeprefix("torch."),
    )


def first_not_finite(subject: Subject, bench: Bench, position: int = -1) -> NotFiniteFound:
    """The whole answer at once.

    Args:
        subject: whose way is looked at.
        bench: that holds its model.
        position: as of `NotFinite`.
    """
    *_, found = (part for part in answer(NotFinite(position), subject, bench) if part is not None)
    assert isinstance(found, NotFiniteFound)
    return found


def is_finite(subject: Subject, bench: Bench) -> bool:
    """Whether a subject's stream is finite to its end: what is asked of every prompt."""
    stream = bench.stream(subject)
    return _is_finite(stream.resid(stream.n_borders - 1))


def _is_finite(tensor: Tensor) -> bool:
    return bool(tensor.isfinite().all())


def _first(tensor: Tensor, shape: str, *, masks: bool = False) -> int | None:
    """The first position (of scores: query) at which a tensor is not finite; None if it is.

    Args:
        tensor: of some positions.
        shape: its letters.
        masks: whether −∞ is what a mask has written.
    """
    bad = ~tensor.isfinite()
    if masks:
        bad &= ~tensor.isneginf()
    axis = shape.index("Q" if "Q" in shape else "T")
    at_T = torch.nonzero(bad.movedim(axis, 0).flatten(1).any(1))
    return int(at_T[0]) if len(at_T) else None
