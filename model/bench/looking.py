"""Any activation of some positions, from what is kept of a subject.

Runs the operations between the nearest border of the residual stream and what is asked: those of
one block, for these positions; keys and values of all are kept.

Shape suffixes: B batch (1), T positions, H heads, G key/value heads, Q queries, S keys, K d_head.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from model.bench.changes import Changes
from model.bench.stream import Stream
from model.network import scores
from model.network.span import Span
from model.operations import INPUT_IDS, keys_and_values, needed, streams

WINDOW = 256
"""Queries that are run at once where each meets all keys: 256 of them and 4,096 keys in 12 heads
are 48 MB."""


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
        self._borders = {name: i for i, name in enumerate(streams(self._config))}

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
        border = self._borders.get(name)
        if border is not None:
            return self._stream.resid(border)[:, self._start : self._stop]
        return self._stream.find_kept(name, self._start, self._stop)

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
        computed = self._network.compute(
            names,
            given,
            tap=self._changes.tap,
            replace=self._changes.replace,
            span=self._span(self._stream.n_tokens),
        )
        return {
            # Keys and values are there of all positions; asked for by name, it is these alone.
            name: self._window(tensor) if name in self._whole(layer) else tensor
            for name, tensor in computed.items()
        }

    def _needs_all(self, layer: int | None, names: Sequence[str]) -> bool:
        """Whether an intervention has to see more positions than these to change them."""
        if self._stop - self._start == self._stream.n_tokens:
            return False
        ops = needed(self._network.operations, names, self._given(layer))
        return self._changes.needs_all([op.output for op in ops])

    def _cut(self, name: str, tensor: Tensor) -> Tensor:
        """These positions of an activation of all."""
        axis = 2 if self._network.shapes[name] == "BHQS" else 1
        return tensor.narrow(axis, self._start, self._stop - self._start)

    def _given(self, layer: int | None) -> dict[str, Tensor]:
        """What the operations of a block, or of both ends, can begin from."""
        borders = streams(self._config)
        if layer is None:
            return {
                INPUT_IDS: self._ids(),
                borders[0]: self._window(self._stream.resid(0)),
                borders[-1]: self._window(self._stream.resid(self._config.n_layers)),
            }
        key, value = self._whole(layer)
        return {
            borders[layer]: self._window(self._stream.resid(layer)),
            key: self._stream.keys(layer),
            value: self._stream.values(layer),
        }

    def _whole(self, layer: int | None) -> tuple[str, ...]:
        """What is given of all positions: keys and values as attention reads them."""
        return () if layer is None else keys_and_values(self._config)[layer]

    def _window(self, tensor_BT: Tensor) -> Tensor:
        return tensor_BT[:, self._start : self._stop]

    def _span(self, n_keys: int) -> Span:
        like = self._network.embed.weight
        return Span(self._config, self._start, self._stop - self._start, like, n_keys)

    # ----------------------------------------------------------------- by layer and head

    def matrix(
        self, layer: int, name: str, heads: Sequence[int] | None, *, seen_only: bool
    ) -> Tensor:
        """Scores or weights of some heads, ``[H', n, S]``.

        Args:
            layer: of which block.
            name: full name of an activation over queries and keys.
            heads: which; all if None.
            seen_only: leave out the keys behind the last query where none may look at them.

        Raises:
            KeyError: the block has no such activation.
        """
        if self._changes.concerns(layer):
            found_BHQS = self.values((name,))[name]
            return found_BHQS[0] if heads is None else found_BHQS[0, list(heads)]
        c = self._config
        own = self._network.aliases.get(name, name)
        chain = [op for op in self._network.operations if op.layer == layer]
        query, key = next(op.inputs for op in chain if op.kind == "dot")
        steps = [op.kind for op in needed(chain, (own,), (query, key))]
        n_keys = self._stop if seen_only and c.causal else self._stream.n_tokens
        span = self._span(n_keys)
        q_BQHK = self.values((query,))[query]
        factor = c.score_scale if "scale" in steps else 1.0
        x = scores.dot(q_BQHK, self._stream.keys(layer)[:, :n_keys], c, heads, factor)
        if "bias" in steps:
            x = scores.bias(x, span, heads, in_place=True)
        if "cap" in steps and c.caps.scores is not None:
            x = scores.cap(x, c.caps.scores, in_place=True)
        if "mask" in steps:
            x = scores.mask(x, span, layer, in_place=True)
        if "pattern" in steps:
            x = torch.softmax(x, -1)
        return x[0]
