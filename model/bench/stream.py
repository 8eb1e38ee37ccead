"""What is kept of one subject: the residual stream at every block border, keys and values.

From it any activation is had again by one block's operations. A prompt that goes on shares the
buffers of the one that it continues; one that was edited in the middle copies what lies before.

Knows tensors and subjects; computes nothing. Shape suffixes: T positions, D d_model, L layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from model.network.attention import KVCache
from model.subject import Subject
from model.transformer import Transformer

KEPT_BYTES = 48 * 2**20
"""A short prompt's activations are all kept as they are computed, up to this size: at 32 tokens,
having one block's again costs as much as having it for the first time."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Activations of positions ``start`` to ``stop`` that were kept as they came by.

    Attributes:
        tensors: name -> ``[1, stop - start, …]``.
    """

    start: int
    stop: int
    tensors: Mapping[str, Tensor]


class Shelf:
    """Buffers that hold a sequence as far as it was run; several streams may begin with it.

    Args:
        network: whose sizes and dtype they have.
        n_tokens: how many positions are about to come.
    """

    def __init__(self, network: Transformer, n_tokens: int) -> None:
        c, like = network.config, network.embed.weight
        self._n_ctx = c.n_ctx
        self.length = 0  # as far as every border is written
        # A little more than is needed, so that typing goes on in the same buffers.
        capacity = min(c.n_ctx, max(n_tokens + 64, 64))
        self.resid_LTD = [like.new_empty((1, capacity, c.d_model)) for _ in range(c.n_layers + 1)]
        self.cache = KVCache(c, 1, like)
        self.lengths: dict[str, Tensor] = {}

    def write(self, border: int, start: int, resid_BTD: Tensor) -> Tensor:
        """Keep the stream at a border, from a position on; returns all of it, ``[1, T, D]``."""
        stop = start + resid_BTD.shape[1]
        buffer = self.resid_LTD[border]
        if stop > buffer.shape[1]:
            buffer = self.resid_LTD[border] = _grown(buffer, start, stop, self._n_ctx)
        buffer[:, start:stop] = resid_BTD
        return buffer[:, :stop]

    def note_length(self, name: str, start: int, vectors_BTD: Tensor) -> None:
        """Keep the lengths of a component's vectors, from a position on."""
        lengths_T = torch.linalg.vector_norm(vectors_BTD[0].float(), dim=-1).cpu()
        self.put_lengths(name, start, lengths_T)

    def put_lengths(self, name: str, start: int, lengths_T: Tensor) -> None:
        """Keep lengths that are known, from a position on."""
        stop = start + lengths_T.shape[0]
        lengths = self.lengths.get(name)
        capacity = self.resid_LTD[0].shape[1]
        if lengths is None or stop > lengths.shape[0]:
            fresh = torch.zeros(max(capacity, stop))
            if lengths is not None:
                fresh[:start] = lengths[:start]
            lengths = self.lengths[name] = fresh
        lengths[start:stop] = lengths_T

    @property
    def n_bytes(self) -> int:
        """Memory that the buffers take."""
        tensors = [*self.resid_LTD, self.cache.k_LBGSK, self.cache.v_LBGSK, *self.lengths.values()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _grown(buffer: Tensor, used: int, needed: int, n_ctx: int) -> Tensor:
    capacity = max(needed, min(n_ctx, 2 * buffer.shape[1]))
    grown = buffer.new_empty((1, capacity, buffer.shape[2]))
    grown[:, :used] = buffer[:, :used]
    return grown


@dataclass(slots=True)
class Stream:
    """One subject's stream: whole once ``done`` has reached its last block.

    Attributes:
        subject: whose it is.
        network: that computed it.
        shelf: where it lies.
        kept: activations that were kept, by positions.
        done: how many borders are written.
        known: how many positions were there already when it began.
        seconds: of computing it.
    """

    subject: Subject
    network: Transformer
    shelf: Shelf
    kept: list[Kept] = field(default_factory=list)
    done: int = 0
    known: int = 0
    seconds: float = 0.0

    @property
    def n_tokens(self) -> int:
        return self.subject.n_tokens

    @property
    def is_whole(self) -> bool:
        return self.done > self.network.config.n_layers

    @property
    def n_borders(self) -> int:
        return self.network.config.n_layers + 1

    def resid(self, border: int) -> Tensor:
        """What block ``border`` reads (or the last one left), ``[1, T, D]``."""
        return self.shelf.resid_LTD[border][:, : self.n_tokens]

    def keys(self, layer: int) -> Tensor:
        """As scores are computed with them (rotated, normed), ``[1, S, G, K]``."""
        return self.shelf.cache.k_LBGSK[layer, :, :, : self.n_tokens].transpose(1, 2)

    def values(self, layer: int) -> Tensor:
        """``[1, S, G, K]``."""
        return self.shelf.cache.v_LBGSK[layer, :, :, : self.n_tokens].transpose(1, 2)

    def lengths(self, name: str) -> Tensor | None:
        """‖vector‖ at every position of what attention or an MLP adds, ``[T]``; None if unknown."""
        lengths = self.shelf.lengths.get(name)
        return None if lengths is None else lengths[: self.n_tokens]

    def find_kept(self, name: str, start: int, stop: int) -> Tensor | None:
        """An activation of some positions, if it was kept, ``[1, n, …]``."""
        for kept in self.kept:
            if kept.start <= start and stop <= kept.stop and name in kept.tensors:
                return kept.tensors[name][:, start - kept.start : stop - kept.start]
        return None

    @property
    def n_bytes(self) -> int:
        """Memory that it takes; what it shares counts for each that shares it."""
        kept = sum(t.numel() * t.element_size() for k in self.kept for t in k.tensors.values())
        return self.shelf.n_bytes + kept


def begun(subject: Subject, network: Transformer, before: Stream | None) -> tuple[Stream, int]:
    """A stream in which what another has computed of the same beginning is there already.

    Args:
        subject: whose.
        network: that it will be computed with.
        before: whole, of the same model, step and interventions.

    Returns:
        The stream, and how many positions of it are known.
    """
    known = 0 if before is None else subject.shared_prefix(before.subject)
    # The last position is computed anew where all are known: there must be one to begin with.
    known = min(known, subject.n_tokens - 1)
    if before is None or known == 0:
        return Stream(subject, network, Shelf(network, subject.n_tokens)), 0
    if known == before.n_tokens == before.shelf.length:  # it goes on: nobody wrote behind it yet
        shelf = before.shelf
    else:
        shelf = Shelf(network, subject.n_tokens)
        for border in range(before.n_borders):
            shelf.write(border, 0, before.resid(border)[:, :known])
        for layer in range(network.config.n_layers):
            old = before.shelf.cache
            shelf.cache.extend(
                layer, old.k_LBGSK[layer, :, :, :known], old.v_LBGSK[layer, :, :, :known]
            )
        for name, lengths in before.shelf.lengths.items():
            shelf.lengths[name] = torch.zeros(shelf.resid_LTD[0].shape[1])
            shelf.lengths[name][:known] = lengths[:known]
    kept = [Kept(k.start, k.stop, k.tensors) for k in before.kept if k.stop <= known]
    return Stream(subject, network, shelf, kept, known=known), known
