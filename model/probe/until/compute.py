"""One operation after another is looked at, until a condition holds.

Each condition looks only where it can come true: weights at softmaxes, tokens at the borders of
blocks, lengths where the residual stream is written. Shape suffixes: H heads, S keys, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.changes import of_the_head
from model.bench.looking import WINDOW
from model.operations import LOGITS, Operation, aliases, streams
from model.probe.question import Answer, ProbeError
from model.probe.tensors.compute import to_array
from model.probe.until.asks import Until, UntilFound
from model.subject import Subject
from model.transformer import Transformer

_NO_NUMBERS = frozenset(("tokens", "expert_indices", "softmax"))


def answer(question: Until, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """An operation that is looked at, or a window of its positions, a slice.

    Raises:
        KeyError: there is no such activation, or the network has no logits to read tokens with.
        ValueError: there is no such position, head, key, token or kind.
    """
    network = bench.network(subject)
    ops = network.operations
    first = 0
    if question.after:
        name = aliases(network.config).get(question.after, question.after)
        first = ops.index(network.operation(name)) + 1
    at = _Walk(question, subject, bench, network, _position(question, subject), first)
    found = yield from _LOOKS[question.condition](at)
    looked = len(ops) - first if not found.holds else found.operation + 1 - first
    yield replace(found, n_looked=looked)


Look = Generator[None, None, UntilFound]


@dataclass(frozen=True, slots=True)
class _Walk:
    """What is looked for, and where it begins."""

    question: Until
    subject: Subject
    bench: Bench
    network: Transformer
    position: int
    first: int

    @property
    def ahead(self) -> list[tuple[int, Operation]]:
        """The operations that are still to come, with their indices."""
        return [(i, op) for i, op in enumerate(self.network.operations) if i >= self.first]

    @property
    def never(self) -> UntilFound:
        return UntilFound(subject=self.subject, question=self.question, position=self.position)

    def here(self, index: int) -> UntilFound:
        """It holds at this operation."""
        op = self.network.operations[index]
        return replace(
            self.never, activation=op.output, operation=index, label=op.label, layer=op.layer
        )

    def vector(self, name: str) -> Tensor:
        """An activation of the position."""
        return self.bench.values(self.subject, (name,), self.position, self.position + 1)[name]


def _position(question: Until, subject: Subject) -> int:
    n = subject.n_tokens
    if not -n <= question.position < n:
        raise ProbeError(f"There is no position {question.position}; there are 0 to {n - 1}.")
    return question.position % n


def _weight(at: _Walk) -> Look:
    question, config = at.question, at.network.config
    if not -1 <= question.head < config.n_heads:
        most = config.n_heads - 1
        raise ProbeError(f"There is no head {question.head}; there are 0 to {most}, -1 for any.")
    if not 0 <= question.key < at.subject.n_tokens:
        last = at.subject.n_tokens - 1
        raise ProbeError(f"There is no key {question.key}; there are 0 to {last}.")
    heads = None if question.head < 0 else (question.head,)
    for index, op in at.ahead:
        if op.kind != "pattern" or op.layer is None:
            continue
        row_HS = at.bench.pattern(at.subject, op.layer, heads, at.position, at.position + 1)
        weights_H = to_array(row_HS)[:, 0, question.key]
        most = int(np.nanargmax(weights_H)) if not np.isnan(weights_H).all() else 0
        if weights_H[most] > question.above:
            head = most if heads is None else question.head
            return replace(at.here(index), head=head, value=float(weights_H[most]))
        yield
    return at.never


def _token(at: _Walk) -> Look:
    """Both conditions about the likeliest token."""
    question, config = at.question, at.network.config
    if not config.has_logits:
        raise KeyError(f"{config.no_continuation} A lens reads the stream through that head.")
    wanted = question.token
    if question.condition == "token_is":
        if wanted is None:
            raise ProbeError("Say which token it is to be.")
        if not 0 <= wanted < config.d_vocab:
            raise ProbeError(f"There is no token {wanted}; there are 0 to {config.d_vocab - 1}.")
    places = {op.output: i for i, op in enumerate(at.network.operations)}
    names = streams(config)
    behind = [name for name in names if places[name] < at.first]
    before = None
    if behind and question.condition == "token_changes":
        before = _likeliest(at, behind[-1])[0]
        yield
    for name in names[len(behind) :]:
        token, probability = _likeliest(at, name)
        stop = token == wanted if wanted is not None else before is not None and token != before
        if question.condition == "token_changes":
            stop = before is not None and token != before
        if stop:
            found = at.here(places[name])
            return replace(found, token=token, probability=probability, before=before)
        before = token
        yield
    return at.never


def _likeliest(at: _Walk, name: str) -> tuple[int, float]:
    """The token that the lens reads from the stream, the lowest id of several, and how likely."""
    last = streams(at.network.config)[-1]
    if name == last:  # what the network says itself
        logits_V = at.bench.logits(at.subject, at.position, at.position + 1)[0]
    else:
        with torch.inference_mode():
            ways = of_the_head(at.subject.interventions, at.network.config)
            computed = at.network.compute((LOGITS,), {last: at.vector(name)}, *ways)
        logits_V = computed[LOGITS][0, 0]
    wide_V = np.asarray(logits_V.cpu().double().numpy())
    if not np.isfinite(wide_V).any():
        return -1, np.nan
    token = int(np.nanargmax(wide_V))
    return token, float(1 / np.exp(wide_V - wide_V[token]).sum())


def _norm(at: _Walk) -> Look:
    borders = frozenset(streams(at.network.config))
    for index, op in at.ahead:
        if op.output not in borders and op.kind != "add":
            continue
        vector_D = np.asarray(at.vector(op.output)[0, 0].cpu().double().numpy())
        length = float(np.linalg.norm(vector_D))
        if length > at.question.above:
            return replace(at.here(index), value=length)
        yield
    return at.never


def _not_finite(at: _Walk) -> Look:
    """A number that is not finite stays in the stream: blocks that leave finite ones are passed."""
    stream = at.bench.stream(at.subject)
    n, borders = at.subject.n_tokens, stream.n_borders
    groups: dict[tuple[int | None, str], list[tuple[int, Operation]]] = {}
    for index, op in at.ahead:
        if op.kind not in _NO_NUMBERS:
            group: str = op.group if op.layer is None else ""
            groups.setdefault((op.layer, group), []).append((index, op))
    for (layer, group), some in groups.items():
        start, stop = 0, n
        if group == "unembed":
            start, stop = at.position, at.position + 1
        else:
            border = 0 if layer is None else layer + 1
            if border < borders and bool(stream.resid(border).isfinite().all()):
                yield
                continue
        best: tuple[int, int] | None = None
        for first in range(start, stop, WINDOW):
            names = [op.output for _, op in some]
            values = at.bench.values(at.subject, names, first, min(first + WINDOW, stop))
            for place, (index, op) in enumerate(some):
                bad = _first_bad(values[op.output], op)
                if bad is not None:
                    best, some = (index, first + bad), some[:place]
                    break
            yield
        if best is not None:
            return replace(at.here(best[0]), position=best[1])
    return at.never


def _first_bad(tensor: Tensor, op: Operation) -> int | None:
    """The first position (of scores: query) at which a tensor is not finite; None if it is."""
    bad = ~tensor.isfinite()
    if op.kind == "mask":
        bad &= ~tensor.isneginf()
    axis = op.shape.index("Q" if "Q" in op.shape else "T")
    at_T = torch.nonzero(bad.movedim(axis, 0).flatten(1).any(1))
    return int(at_T[0]) if len(at_T) else None


def _kind(at: _Walk) -> Look:
    kinds = list(dict.fromkeys(op.kind for op in at.network.operations))
    if at.question.kind not in kinds:
        there = ", ".join(kinds)
        raise ProbeError(f"No operation is of the kind {at.question.kind!r}; there are {there}.")
    found = (index for index, op in at.ahead if op.kind == at.question.kind)
    index = next(found, None)
    yield
    return at.never if index is None else at.here(index)


_LOOKS: Mapping[str, Callable[[_Walk], Look]] = {
    "weight": _weight,
    "token_changes": _token,
    "token_is": _token,
    "norm": _norm,
    "not_finite": _not_finite,
    "kind": _kind,
}
