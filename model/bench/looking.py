"""Any activation of some positions, from what is kept of a subject.

Runs the operations between the nearest border of the residual stream and what is asked: those of
one block, for these positions; keys and values of all are kept.

Shape suffixes: B batch (1), T positions, H heads, G key/value heads, Q queries, S keys, K d_head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from model.bench.changes import Changes
from model.bench.stream import Stream
from model.network import scores
from model.network.span import Span
from model.operations import INPUT_IDS, LOGITS

WINDOW = 256
"""Queries that are run at once where each meets all keys: 256 of them and 4,096 keys in 12 heads
are 48 MB."""

WHOLE_PATTERN = 2**16
"""Numbers of a block's weights that are had all at once, and kept: of a short text two heads and
some rows cost what all cost, and matrix, routes and mosaic ask for them one after the other. Four
heads at 128 tokens."""


class Looking:
    """A look at some positions of one subject.

    Args:
        stream: whole.
        start, stop: the positions (queries, for scores and patterns).
        changes: what interventions do to the network.
    """

    def __init__(self, stream: Stream, start: int, stop: int, changes: Changes) -> None:
        self._stream = stream
        self._start, self._stop = start, stop
        self._changes = changes
        self._network = stream.network
        self._config = stream.network.config
        self._plan = stream.plan
        self._kept = stream.kept_of(start, stop)

    # ------------------------------------------------------------------------ by name

    def values(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Name -> ``[1, n, …]``; ``[1, H, n, S]`` for scores and patterns.

        Raises:
            KeyError: there is no activation of a name.
        """
        same = self._network.aliases
        found: dict[str, Tensor] = {}
        wanted: dict[int | None, list[str]] = {}
        for name in dict.fromkeys(names):
            at_hand = self._at_hand(same.get(name, name))
            if at_hand is not None:
                found[name] = at_hand
            else:
                layer = self._network.operation(name).layer
                wanted.setdefault(layer, []).append(name)
        for layer, some in wanted.items():
            computed = self._compute(layer, [same.get(name, name) for name in some])
            found |= {name: computed[same.get(name, name)] for name in some}
        return found

    def _at_hand(self, name: str) -> Tensor | None:
        """What needs no operation."""
        if name == INPUT_IDS:
            return self._ids()
        border = self._plan.border_at.get(name)
        if border is not None:
            return self._stream.resid(border)[:, self._start : self._stop]
        if name == LOGITS and self._stream.scored is not None:
            at, logits_B1V = self._stream.scored
            if (at, at + 1) == (self._start, self._stop):
                return logits_B1V
        return self._find_kept(name)

    def _find_kept(self, name: str) -> Tensor | None:
        """What was kept as it came by."""
        for kept in self._kept:
            if name in kept.tensors:
                return kept.tensors[name][:, self._start - kept.start : self._stop - kept.start]
        return None

    def _ids(self) -> Tensor:
        ids = self._stream.subject.ids[self._start : self._stop]
        return torch.tensor([ids], device=self._network.embed.weight.device)

    def _compute(self, layer: int | None, names: Sequence[str]) -> dict[str, Tensor]:
        """Activations of one block, or of what lies before the first and after the last."""
        if self._changes and self._needs_all(layer, names):
            whole = Looking(self._stream, 0, self._stream.n_tokens, self._changes)
            found = whole._compute(layer, names)
            return {name: self._cut(name, tensor) for name, tensor in found.items()}
        given = self._given(layer)
        computed = self._network.execute(
            self._plan.needed(layer, names, given),
            given,
            names,
            *self._changes.within(self._start, self._stream.read),
            self._span(self._stream.n_tokens),
        )
        if LOGITS in computed and self._stop == self._start + 1:
            self._stream.scored = self._start, computed[LOGITS]
        return {
            # Keys and values are there of all positions; asked for by name, it is these alone.
            name: self._window(tensor) if name in self._whole(layer) else tensor
            for name, tensor in computed.items()
        }

    def _needs_all(self, layer: int | None, names: Sequence[str]) -> bool:
        """Whether an intervention has to see more positions than these to change them."""
        if self._stop - self._start == self._stream.n_tokens:
            return False
        ops = self._plan.needed(layer, names, self._given(layer))
        return self._changes.needs_all([op.output for op in ops])

    def _cut(self, name: str, tensor: Tensor) -> Tensor:
        """These positions of an activation of all."""
        axis = 2 if self._network.shapes[name] == "BHQS" else 1
        return tensor.narrow(axis, self._start, self._stop - self._start)

    def _given(self, layer: int | None) -> dict[str, Tensor]:
        """What the operations of a block, or of both ends, can begin from."""
        plan = self._plan
        borders = plan.borders
        if layer is None:
            return {
                INPUT_IDS: self._ids(),
                borders[0]: self._window(self._stream.resid(0)),
                borders[-1]: self._window(self._stream.resid(self._config.n_layers)),
            }
        given = {borders[layer]: self._window(self._stream.resid(layer))}
        q_BQHK = self._stream.shelf.queries(layer, self._start, self._stop)
        if q_BQHK is not None:
            given[plan.queries[layer]] = q_BQHK
        if self._kept:
            for op in plan.operations[layer]:
                kept = self._find_kept(op.output)
                if kept is not None:
                    given[op.output] = kept
        given[plan.keys[layer]] = self._stream.keys(layer)
        given[plan.values[layer]] = self._stream.values(layer)
        return given

    def _whole(self, layer: int | None) -> tuple[str, ...]:
        """What is given of all positions: keys and values as attention reads them."""
        return () if layer is None else (self._plan.keys[layer], self._plan.values[layer])

    def _window(self, tensor_BT: Tensor) -> Tensor:
        return tensor_BT[:, self._start : self._stop]

    def _span(self, n_keys: int) -> Span:
        like = self._network.embed.weight
        return Span(self._config, self._start, self._stop - self._start, like, n_keys)

    # ----------------------------------------------------------------- by layer and head

    def matrix(
        self,
        layer: int,
        name: str,
        heads: Sequence[int] | None,
        queries: Sequence[int] | None = None,
        *,
        seen_only: bool,
    ) -> Tensor:
        """Scores or weights of some heads, ``[H', n, S]``.

        Args:
            layer: of which block.
            name: full name of an activation over queries and keys.
            heads: which; all if None.
            queries: which, by their positions; all of the window if None.
            seen_only: leave out the keys behind the last query where none may look at them.

        Raises:
            KeyError: the block has no such activation.
        """
        rows = None if queries is None else [at - self._start for at in queries]
        c = self._config
        found_HQS: Tensor | None = None
        if self._changes.concerns(layer):  # then a query may look where it may not otherwise
            found_HQS = self.values((name,))[name][0]
        elif c.n_heads * self._stream.n_tokens**2 <= WHOLE_PATTERN and name.endswith("_pattern"):
            found_HQS = self._whole_pattern(layer, name)[:, self._start : self._stop]
            found_HQS = found_HQS[:, :, : self._stop] if seen_only and c.causal else found_HQS
        if found_HQS is not None:
            found_HQS = found_HQS if heads is None else found_HQS[list(heads)]
            return found_HQS if rows is None else found_HQS[:, rows]
        return self._matrix(layer, name, heads, queries, seen_only=seen_only)

    def _whole_pattern(self, layer: int, name: str) -> Tensor:
        """All heads' weights at all positions, ``[H, T, T]``, which are kept."""
        kept, n = self._stream.patterns, self._stream.n_tokens
        if layer not in kept:
            whole = Looking(self._stream, 0, n, self._changes)
            kept[layer] = whole._matrix(layer, name, None, None, seen_only=False)
        return kept[layer]

    def _matrix(
        self,
        layer: int,
        name: str,
        heads: Sequence[int] | None,
        queries: Sequence[int] | None,
        *,
        seen_only: bool,
    ) -> Tensor:
        """As of `matrix`, computed from queries and keys."""
        rows = None if queries is None else [at - self._start for at in queries]
        c = self._config
        n_keys = self._stop if seen_only and c.causal else self._stream.n_tokens
        steps = self._plan.steps(layer, name)
        span = self._span(n_keys)
        q_BQHK = self._queries(layer, queries)
        factor = c.score_scale(layer) if "scale" in steps else 1.0
        x = scores.dot(q_BQHK, self._stream.keys(layer)[:, :n_keys], c, heads, factor)
        if "bias" in steps:
            x = scores.bias(x, span, heads, in_place=True, rows=rows)
        if "cap" in steps and c.caps.scores is not None:
            x = scores.cap(x, c.caps.scores, in_place=True)
        if "mask" in steps:
            x = scores.mask(x, span, layer, in_place=True, rows=rows)
        if "pattern" in steps:
            x = torch.softmax(x, -1)
        return x[0]

    def _queries(self, layer: int, which: Sequence[int] | None) -> Tensor:
        """As scores are computed with them, ``[1, n, H, K]``."""
        name = self._plan.queries[layer]
        q_BQHK = self._stream.shelf.queries(layer, self._start, self._stop)
        if which is None:
            return self.values((name,))[name] if q_BQHK is None else q_BQHK
        if q_BQHK is not None:
            return q_BQHK[:, [at - self._start for at in which]]
        parts = []
        for first, stretch in stretches(which):
            looking = Looking(self._stream, first, stretch[-1] + 1, self._changes)
            q_BQHK = looking.values((name,))[name]
            parts.append(q_BQHK[:, [at - first for at in stretch]])
        return torch.cat(parts, 1)


def stretches(positions: Sequence[int], gap: int = 8) -> Iterator[tuple[int, list[int]]]:
    """Positions in rising order, with their first, cut where more than a few lie in between."""
    stretch: list[int] = []
    for at in positions:
        if stretch and at - stretch[-1] > gap:
            yield stretch[0], stretch
            stretch = []
        stretch.append(at)
    if stretch:
        yield stretch[0], stretch
