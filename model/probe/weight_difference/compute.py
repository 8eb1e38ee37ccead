"""B − A of every parameter tensor, in slices. Shape suffix: N tensors."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from model.bench import Bench
from model.operations import parameter_names
from model.parameters import parameter
from model.probe.question import Answer, read_only
from model.probe.weight_difference.asks import WeightDifference, WeightDifferenceFound
from model.probe.weights.compute import slices_of_both
from model.subject import Subject
from model.transformer import Transformer

TELL_SECONDS, SLICE_SECONDS = 0.15, 0.02


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """Figures of B − A; see `WeightDifferenceFound`."""

    name: str
    relative: float
    max_abs: float
    cosine: float
    n_changed: int
    n: int


def answer(question: WeightDifference, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Tensors in the order in which the operations read them; kept, for any text."""
    a = bench.network_at(subject.model, subject.step)
    b = bench.network_at(question.other, question.other_step)
    learns = subject.step is not None or question.other_step is not None
    kept = {} if learns else bench.found_of(subject.model, None)
    known = kept.get(question)
    if isinstance(known, WeightDifferenceFound):
        yield _found(question, subject, _rows(known), known.left_out)
        return
    names, left_out = comparable(a, b)
    total = sum(parameter(a, name).numel() for name in names) or 1
    rows: list[TensorDifference] = []
    told = paused = time.monotonic()
    done = 0
    for name in names:
        for step in compared(name, parameter(a, name), parameter(b, name)):
            if isinstance(step, TensorDifference):
                rows.append(step)
            else:
                done += step
            if time.monotonic() - paused > SLICE_SECONDS:
                yield None
                paused = time.monotonic()
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield _found(question, subject, rows, left_out, min(0.99, done / total))
    found = _found(question, subject, rows, left_out)
    kept[question] = found
    yield found


def comparable(a: Transformer, b: Transformer) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parameters that both have in one shape, and what can't be compared, in words."""
    mine, theirs = parameter_names(a.config), set(parameter_names(b.config))
    names, left_out = [], []
    for name in mine:
        if name not in theirs:
            left_out.append(f"{name}: only A has it")
            continue
        shapes = tuple(parameter(a, name).shape), tuple(parameter(b, name).shape)
        if shapes[0] == shapes[1]:
            names.append(name)
        else:
            left_out.append(f"{name}: {_times(shapes[0])} in A, {_times(shapes[1])} in B")
    left_out += [f"{name}: only B has it" for name in parameter_names(b.config) if name not in mine]
    return tuple(names), tuple(left_out)


def compared(name: str, a: Tensor, b: Tensor) -> Generator[int | TensorDifference, None, None]:
    """Yields how many numbers were read, again and again, then what was found."""
    apart = own = other = product = most = 0.0
    n_changed = 0
    for mine, theirs in slices_of_both(a, b):
        x, y = mine.cpu().double().flatten(), theirs.cpu().double().flatten()
        d = y - x
        apart += float(d.dot(d))
        own += float(x.dot(x))
        other += float(y.dot(y))
        product += float(x.dot(y))
        largest = float(d.abs().max()) if d.numel() else 0.0
        most = largest if math.isnan(largest) else max(most, largest)
        n_changed += int(d.count_nonzero())
        yield x.numel()
    relative = 0.0 if apart == 0 else math.inf if own == 0 else math.sqrt(apart / own)
    lengths = math.sqrt(own) * math.sqrt(other)
    cosine = max(-1.0, min(1.0, product / lengths)) if lengths else math.nan
    yield TensorDifference(name, relative, most, cosine, n_changed, a.numel())


def _rows(found: WeightDifferenceFound) -> list[TensorDifference]:
    columns = (found.relative_N, found.max_abs_N, found.cosine_N, found.n_changed_N, found.n_N)
    return [TensorDifference(name, *row) for name, *row in zip(found.names, *columns, strict=True)]


def _found(
    question: WeightDifference,
    subject: Subject,
    rows: list[TensorDifference],
    left_out: tuple[str, ...],
    share: float = 1.0,
) -> WeightDifferenceFound:
    return WeightDifferenceFound(
        subject=subject,
        question=question,
        share=share,
        names=tuple(row.name for row in rows),
        relative_N=read_only(np.array([row.relative for row in rows], dtype=np.float64)),
        max_abs_N=read_only(np.array([row.max_abs for row in rows], dtype=np.float64)),
        cosine_N=read_only(np.array([row.cosine for row in rows], dtype=np.float64)),
        n_changed_N=read_only(np.array([row.n_changed for row in rows], dtype=np.int64)),
        n_N=read_only(np.array([row.n for row in rows], dtype=np.int64)),
        left_out=left_out,
    )


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
