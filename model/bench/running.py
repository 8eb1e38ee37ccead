"""Running a subject's stream, block by block.

Fused where nothing is changed; a block that an intervention concerns runs operation by operation,
in windows of positions.

Shape suffixes: B batch (1), T positions, D d_model.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator

import torch
from torch import Tensor

from model.bench import stepwise
from model.bench.changes import Changes
from model.bench.stream import KEPT_BYTES, Kept, Stream
from model.network.span import Span

MEASURED = ("hook_attn_out", "hook_mlp_out", "hook_resid_mid")
"""Tails of the names whose vectors' lengths are kept: how much is written, beside what is there."""


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
        self._stream = stream
        self._clean = clean
        self._known = known
        self._changes = changes
        n_new = stream.n_tokens - known
        c = stream.network.config
        experts = 1 if c.experts is None else c.experts.n_active
        width = 5 * c.d_model + 4 * c.n_heads * c.d_head + 3 * c.d_mlp * experts
        element = stream.network.embed.weight.element_size()
        self._keeps_all = n_new * width * c.n_layers * element <= KEPT_BYTES
        self._places = [at - known for at in sorted(set(watched)) if known <= at < stream.n_tokens]
        self._all: dict[str, Tensor] = {}
        self._some: list[dict[str, Tensor]] = [{} for _ in self._places]

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
        else:
            for place, tensors in zip(self._places, self._some):
                at = place + self._known
                stream.kept.append(Kept(at, at + 1, tensors))

    def _keep(self, name: str, tensor: Tensor) -> None:
        """Called with every activation that the fused path has at hand."""
        if name.endswith(MEASURED):
            self._stream.shelf.note_length(name, self._known, tensor)
        if self._stream.network.operation(name).shape == "BHQS":
            return  # what a text that goes on would have to widen
        if self._keeps_all:
            self._all[name] = tensor
            return
        for place, kept in zip(self._places, self._some):
            kept[name] = tensor[:, place : place + 1].clone()

    # ------------------------------------------------------------------------- blocks

    def _steps(self) -> Iterator[Tensor | None]:
        """The stream at every border, of the new positions; None where a slice is over."""
        if self._changes:
            yield from self._changed()
            return
        stream, network = self._stream, self._stream.network
        ids = stream.subject.ids[self._known :]
        ids_BT = torch.tensor([ids], device=network.embed.weight.device)
        yield from network.stream(ids_BT, stream.shelf.cache, self._keep)

    def _changed(self) -> Iterator[Tensor | None]:
        stream, changes, known = self._stream, self._changes, self._known
        network, cache = stream.network, stream.shelf.cache
        done = 0
        if self._clean is not None and changes.first >= 0:
            yield from stepwise.taken_over(stream, self._clean, known, changes)
            done = changes.first
        else:
            yield stepwise.embedded(stream, known, changes)
        span = Span(network.config, known, stream.n_tokens - known, network.embed.weight)
        note = stream.shelf.note_length
        for layer in range(done, network.config.n_layers):
            if changes.runs(layer):
                yield from stepwise.block(stream, layer, known, changes, MEASURED, note)
            else:
                resid_BTD = stream.resid(layer)[:, known:]
                yield network.blocks[layer](resid_BTD, span, cache, self._keep)
