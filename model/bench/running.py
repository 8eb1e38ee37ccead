"""Running a subject's stream, block by block.

Fused where nothing is changed, in chunks of positions, so that a slice stays short and what it
works with stays in the caches; a block that an intervention concerns runs operation by operation.

Shape suffixes: B batch (1), T positions, D d_model.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator

import torch
from torch import Tensor

from model.bench import stepwise
from model.bench.changes import Changes
from model.bench.stream import KEPT_BYTES, Kept, Stream, lengths_of
from model.config import TransformerConfig
from model.network.span import Span

MEASURED = ("hook_attn_out", "hook_mlp_out", "hook_resid_mid")
"""Tails of the names whose vectors' lengths are kept: how much is written, beside what is there."""

CHUNK = 256
"""Positions that are run through a block at once, where earlier ones don't look at later ones. A
block of 1,024 in GPT-2 small's shape takes 160 ms at once, 37 ms a chunk."""


class Run:
    """One subject on its way.

    Args:
        stream: what is written to.
        known: how many positions are there already.
        changes: what interventions do.
        watched: positions whose activations are kept as they come by.
        clean: the whole stream of the same ids without interventions, if there is one.
    """

    def __init__(
        self,
        stream: Stream,
        known: int,
        changes: Changes,
        watched: Collection[int],
        clean: Stream | None = None,
    ) -> None:
        self._stream, self._plan = stream, stream.plan
        self._clean = clean
        self._known = known
        self._changes = changes
        n_new = stream.n_tokens - known
        c = stream.network.config
        experts = 1 if c.experts is None else c.experts.n_active
        width = 5 * c.d_model + 4 * c.n_heads * c.d_head + 3 * c.d_mlp * experts
        element = stream.network.embed.weight.element_size()
        self._keeps_all = n_new <= CHUNK and n_new * width * c.n_layers * element <= KEPT_BYTES
        self._watched = [at for at in sorted(set(watched)) if known <= at < stream.n_tokens]
        self._all: dict[str, Tensor] = {}
        self._some: list[dict[str, Tensor]] = [{} for _ in self._watched]
        self._spans: list[Span] = []
        self._at = known  # the first position of what runs now

    def borders(self) -> Generator[int, None, None]:
        """Runs it; yields how many borders are written, more than once where a block takes long."""
        stream, shelf, network = self._stream, self._stream.shelf, self._stream.network
        shelf.cache.length = self._known
        steps = self._steps()
        border = 0
        while True:
            # Entered for each block anew: the mode must not leak out of a generator that waits.
            with torch.inference_mode():
                try:
                    resid_BTD = next(steps)
                except StopIteration:
                    break
                if resid_BTD is not None:
                    shelf.write(border, self._known, resid_BTD)
            border += resid_BTD is not None
            if border > network.config.n_layers:
                self._put_away()
            yield border
        shelf.length = shelf.cache.length = stream.n_tokens

    def _put_away(self) -> None:
        stream = self._stream
        stream.shelf.length = stream.shelf.cache.length = stream.n_tokens
        if self._keeps_all:
            stream.kept.append(Kept(self._known, stream.n_tokens, self._all))
            measured = [name for name in self._all if name.endswith(MEASURED)]
            if measured:  # all at once: of a short text each operation costs more than its numbers
                vectors_NTD = torch.cat([self._all[name] for name in measured])
                stream.shelf.put_lengths(measured, self._known, lengths_of(vectors_NTD))
        else:
            for at, tensors in zip(self._watched, self._some, strict=True):
                stream.kept.append(Kept(at, at + 1, tensors))

    def _keep(self, name: str, tensor: Tensor) -> None:
        """Called with every activation that the fused path has at hand."""
        shelf, start = self._stream.shelf, self._at
        if not self._keeps_all and name.endswith(MEASURED):
            shelf.note_length(name, start, tensor)
        layer = self._plan.query_at.get(name)
        if layer is not None:
            shelf.write_queries(layer, start, tensor)
        if name not in self._plan.by_position:
            return  # what a text that goes on would have to widen
        if self._keeps_all:
            self._all[name] = tensor
            return
        for at, kept in zip(self._watched, self._some, strict=True):
            if start <= at < start + tensor.shape[1]:
                kept[name] = tensor[:, at - start : at - start + 1].clone()

    # ------------------------------------------------------------------------- blocks

    def _steps(self) -> Iterator[Tensor | None]:
        """The stream at every border, of the new positions; None where a slice is over."""
        if self._changes:
            yield from self._changed()
            return
        stream, network = self._stream, self._stream.network
        ids = stream.subject.ids[self._known :]
        ids_BT = torch.tensor([ids], device=network.embed.weight.device)
        # The first that comes is what the first block reads.
        yield next(network.stream(ids_BT, stream.shelf.cache))
        for layer in range(network.config.n_layers):
            yield from self._fused(layer)

    def _changed(self) -> Iterator[Tensor | None]:
        stream, changes, known = self._stream, self._changes, self._known
        done = 0
        if self._clean is not None and changes.first >= 0:
            yield from stepwise.taken_over(stream, self._clean, known, changes)
            done = changes.first
        else:
            yield stepwise.embedded(stream, known, changes)
        note = stream.shelf.note_length
        for layer in range(done, stream.network.config.n_layers):
            if changes.runs(layer):
                yield from stepwise.block(stream, layer, known, changes, MEASURED, note)
            else:
                yield from self._fused(layer)

    def _fused(self, layer: int) -> Iterator[Tensor | None]:
        """A block as it is, a stretch of positions a slice; what it leaves comes last."""
        stream, known = self._stream, self._known
        network, cache = stream.network, stream.shelf.cache
        resid_BTD = stream.resid(layer)[:, known:]
        parts: list[Tensor] = []
        if not self._spans:  # made once: masks and rotations are the same for many blocks
            like = network.embed.weight
            self._spans = list(chunks(network.config, known, stream.n_tokens, like))
        for span in self._spans:
            if parts:
                yield None
            part_BTD = resid_BTD[:, span.start - known :][:, : span.T]
            # Those before have passed it already.
            cache.length = self._at = span.start
            parts.append(network.blocks[layer](part_BTD, span, cache, self._keep))
            cache.length = self._at = known
        yield parts[0] if len(parts) == 1 else torch.cat(parts, 1)


def chunks(config: TransformerConfig, start: int, stop: int, like: Tensor) -> Iterator[Span]:
    """Stretches of positions that run one after the other.

    One where all look at all, or rotations ask for the length of the whole text.
    """
    whole = not config.causal or config.length_changes_rotations(start + 1, stop)
    height = stop - start if whole else CHUNK
    for first in range(start, stop, height):
        yield Span(config, first, min(height, stop - first), like)
