"""B − A at every operation, block by block; and the divergence of what both predict.

Shape suffixes: N activations, P pairs of positions, V vocabulary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.alignment import Pairs
from model.bench import Bench
from model.likeness import unlike_vocabularies
from model.operations import LOGITS, PROBABILITIES, Operation
from model.operations.operation import shape_of
from model.probe.difference.asks import Difference, DifferenceFound
from model.probe.question import Answer, ProbeError, read_only
from model.subject import Subject

NUMBERS = 2**22
"""Of a pattern so many numbers are held at once: it decides how many queries a slice has."""
MOST_PAIRS, LOGITS_AT_ONCE = 256, 64
TELL_SECONDS = 0.2
DISCRETE = ("tokens", "expert_indices")
"""Kinds of operations whose numbers are names: there is nothing to subtract."""


@dataclass(slots=True)
class _Sums:
    """Of one activation, over the pairs that were gone through."""

    difference_P: np.ndarray
    own_P: np.ndarray
    other: float = 0.0
    product: float = 0.0
    most: float = 0.0
    done: bool = False


@dataclass(slots=True)
class _Predictions:
    """What both say comes next, at every pair."""

    kl_bits_P: np.ndarray
    top_a_P: np.ndarray
    top_b_P: np.ndarray
    why_not: str = ""


def answer(question: Difference, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Operations in order, then what is predicted.

    Raises:
        ValueError: no positions are named, and the texts differ in length.
    """
    other = question.other
    pairs = _pairs(question, subject)
    for _ in bench.streaming(other):
        yield None
    names, left_out = _shared(subject, other, bench)
    n, n_pairs = len(names), len(pairs)
    sums = {name: _Sums(np.zeros(n_pairs), np.zeros(n_pairs)) for name in names}
    nothing = np.full(n_pairs, -1, dtype=np.int64)
    predicted = _Predictions(np.full(n_pairs, np.nan), nothing, nothing.copy())
    letters = {op.output: op.shape for op in bench.network(subject).operations}

    def found(share: float) -> DifferenceFound:
        return _found(question, subject, pairs, sums, predicted, left_out, share)

    told = time.monotonic()
    longest = max(subject.n_tokens, other.n_tokens)
    wide = bench.network(subject).config.n_heads * longest
    step = max(8, min(MOST_PAIRS, NUMBERS // wide))
    n_done = 0
    for some in bench.by_block(subject, names):
        for first in range(0, n_pairs, step):
            window = pairs[first : first + step]
            a = _values(bench, subject, some, [at for at, _ in window], letters)
            b = _values(bench, other, some, [at for _, at in window], letters)
            for name in some:
                keys = pairs if _of_keys(letters[name]) else None
                _add(sums[name], a[name], b[name], first, keys)
            yield None
        for name in some:
            sums[name].done = True
        n_done += len(some)
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            yield found(0.9 * n_done / n)
    if not question.predictions:
        yield found(1.0)
        return
    for _ in _predict(predicted, subject, other, pairs, bench):
        yield None
    yield found(1.0)


def _pairs(question: Difference, subject: Subject) -> Pairs:
    if question.pairs:
        return question.pairs
    n, n_other = subject.n_tokens, question.other.n_tokens
    if n != n_other:
        raise ProbeError(f"A has {n} tokens and B {n_other}: say which positions are compared.")
    return tuple((at, at) for at in range(n))


def _shared(
    subject: Subject, other: Subject, bench: Bench
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Activations that both have in one shape, and those that only one has so."""
    a, b = bench.network(subject), bench.network(other)
    theirs = {op.output: (*shape_of(op, b.config, 1, 1), op.shape) for op in b.operations}
    names: list[str] = []
    left_out: list[str] = []
    for op in a.operations:
        if not _has_numbers(op):
            continue
        # Where streams have other dimensions, also numbers of the same shape mean other things.
        same = a.config.d_model == b.config.d_model and theirs.get(op.output) == (
            *shape_of(op, a.config, 1, 1),
            op.shape,
        )
        (names if same else left_out).append(op.output)
    mine = {op.output for op in a.operations}
    left_out += [op.output for op in b.operations if _has_numbers(op) and op.output not in mine]
    return tuple(names), tuple(left_out)


def _has_numbers(op: Operation) -> bool:
    # Logits are compared as the distributions that they are.
    return op.kind not in DISCRETE and op.output not in (LOGITS, PROBABILITIES)


def _values(
    bench: Bench,
    subject: Subject,
    names: Sequence[str],
    positions: Sequence[int],
    letters: Mapping[str, str],
) -> dict[str, Tensor]:
    """Activations of some positions in rising order: ``[n, …]``, of matrices ``[H, n, S]``."""
    start = positions[0]
    values = bench.values(subject, names, start, positions[-1] + 1)
    rows = [at - start for at in positions]
    if rows == list(range(len(rows))):
        return {name: values[name][0] for name in names}
    return {
        name: _rows(values[name][0], rows, 1 if _of_keys(letters[name]) else 0) for name in names
    }


def _rows(tensor: Tensor, rows: Sequence[int], axis: int) -> Tensor:
    return tensor.index_select(axis, torch.tensor(rows, device=tensor.device))


def _wide(tensor: Tensor) -> Tensor:
    """On the CPU, in no half precision."""
    return tensor.cpu() if tensor.dtype == torch.float64 else tensor.cpu().float()


def _keys(matrix_HQS: Tensor, keys: Sequence[int]) -> Tensor:
    """Some keys of every query: ``[Q, H, S']``."""
    whole = len(keys) == matrix_HQS.shape[2] and keys[-1] == len(keys) - 1
    return (matrix_HQS if whole else _rows(matrix_HQS, keys, 2)).transpose(0, 1)


def _of_keys(letters: str) -> bool:
    """Whether an activation has a number for every query and key."""
    return letters.endswith("QS")


def _add(sums: _Sums, a: Tensor, b: Tensor, first: int, keys: Pairs | None) -> None:
    """Take in a window of pairs.

    Args:
        sums: of the activation.
        a, b: its numbers.
        first: the window's first pair.
        keys: of a matrix, the pairs whose keys are compared.
    """
    a, b = _wide(a), _wide(b)
    if keys is not None:
        a = _keys(a, [at for at, _ in keys])
        b = _keys(b, [at for _, at in keys])
        if not math.isfinite(float(a.sum() + b.sum())):
            hidden = a.isinf() | b.isinf()
            a, b = a.masked_fill(hidden, 0.0), b.masked_fill(hidden, 0.0)
    a, b = a.flatten(1), b.flatten(1)
    apart = b - a
    window = slice(first, first + len(a))
    # Of a pair in the activation's precision, of all pairs in float64.
    sums.difference_P[window] = apart.square().sum(1).double().numpy()
    sums.own_P[window] = a.square().sum(1).double().numpy()
    sums.other += float(b.square().sum(1).double().sum())
    sums.product += float((a * b).sum(1).double().sum())
    most = float(apart.abs().max()) if apart.numel() else 0.0
    sums.most = most if math.isnan(most) else max(sums.most, most)


def _predict(
    predicted: _Predictions, subject: Subject, other: Subject, pairs: Pairs, bench: Bench
) -> Iterator[None]:
    """Divergence and likeliest tokens, some positions at a time."""
    config, its = bench.network(subject).config, bench.network(other).config
    if not (config.has_logits and its.has_logits):
        predicted.why_not = "There is no distribution over tokens in one of them."
        return
    if config.d_vocab != its.d_vocab:
        predicted.why_not = (
            f"A has {config.d_vocab:,} tokens and B {its.d_vocab:,}: predictions can't be compared."
        )
        return
    mine, theirs = bench.tokenizer(subject.model), bench.tokenizer(other.model)
    if mine is not None and theirs is not None and subject.model != other.model:
        predicted.why_not = unlike_vocabularies(mine.vocabulary, theirs.vocabulary)
        if predicted.why_not:
            return
    for first in range(0, len(pairs), LOGITS_AT_ONCE):
        window = pairs[first : first + LOGITS_AT_ONCE]
        a_PV = _log_probabilities(bench, subject, [at for at, _ in window])
        b_PV = _log_probabilities(bench, other, [at for _, at in window])
        where = slice(first, first + len(window))
        # Where A gives nothing, nothing is lost, whatever B gives.
        nats_PV = torch.where(a_PV.isneginf(), 0.0, a_PV.exp() * (a_PV - b_PV))
        predicted.kl_bits_P[where] = nats_PV.sum(1).numpy() / math.log(2)
        predicted.top_a_P[where] = a_PV.argmax(1).numpy()
        predicted.top_b_P[where] = b_PV.argmax(1).numpy()
        yield


def _log_probabilities(bench: Bench, subject: Subject, positions: Sequence[int]) -> Tensor:
    """``[P, V]`` float64 on the CPU."""
    start = positions[0]
    logits = bench.logits(subject, start, positions[-1] + 1).cpu()
    rows = logits[[at - start for at in positions]]
    return rows.double().log_softmax(-1)


def _found(
    question: Difference,
    subject: Subject,
    pairs: Pairs,
    sums: Mapping[str, _Sums],
    predicted: _Predictions,
    left_out: tuple[str, ...],
    share: float,
) -> DifferenceFound:
    """What is known so far."""
    parts = list(sums.values())
    there = np.array([one.done for one in parts], dtype=bool)
    apart_NP = np.array([one.difference_P for one in parts]).reshape(len(parts), len(pairs))
    own_NP = np.array([one.own_P for one in parts]).reshape(len(parts), len(pairs))
    relative_NP = np.where(there[:, None], _ratio(apart_NP, own_NP), np.nan)
    relative_N = np.where(there, _ratio(apart_NP.sum(1), own_NP.sum(1)), np.nan)
    lengths_N = np.sqrt(own_NP.sum(1)) * np.sqrt([one.other for one in parts])
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine_N = np.array([one.product for one in parts]) / lengths_N
    # Rounding may carry it a hair past 1.
    cosine_N = np.where(there, np.clip(cosine_N, -1, 1), np.nan)
    return DifferenceFound(
        subject=subject,
        question=question,
        share=share,
        names=tuple(sums),
        relative_N=read_only(relative_N),
        max_abs_N=read_only(np.where(there, [one.most for one in parts], np.nan)),
        cosine_N=read_only(cosine_N),
        relative_NP=read_only(relative_NP.astype(np.float32)),
        a_P=read_only(np.array([at for at, _ in pairs])),
        b_P=read_only(np.array([at for _, at in pairs])),
        kl_bits_P=read_only(predicted.kl_bits_P.copy()),
        top_a_P=read_only(predicted.top_a_P.copy()),
        top_b_P=read_only(predicted.top_b_P.copy()),
        left_out=left_out,
        no_predictions=predicted.why_not,
    )


def _ratio(apart: np.ndarray, own: np.ndarray) -> np.ndarray:
    """√(apart / own); 0 where nothing differs, also of nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(apart / own)
    nothing: np.ndarray = np.where(apart == 0, 0.0, ratio)
    return nothing
