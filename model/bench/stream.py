"""What is kept of one subject: the residual stream at every block border, keys and values.

From it any activation is had again by one block's operations. A prompt that goes on shares the
buffers of the one that it continues; one that was edited in the middle copies what lies before.

Knows tensors and subjects; computes nothing. Shape suffixes: T positions, D d_model, L layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import torch
from torch import Tensor

from model.bench.plan import Plan, plan_of
from model.interventions.window import Read, nothing_to_read
from model.network.attention import KVCache
from model.subject import Subject
from model.transformer import Transformer

KEPT_BYTES = 48 * 2**20
"""A short prompt's activations are all kept as they are computed, up to this size: at 32 tokens,
having one block's again costs as much as having it for the first time."""

QUERY_BYTES = 96 * 2**20
"""Queries are kept up to this size: computing them again for every look at a head is a twelfth of a
block. Of longer texts they are a third of what is kept, and had again window by window."""


COMPUTED_AGAIN = 2_000_000
"""Products of a block for which a beginning in common is computed again: to copy what is kept of it
takes longer, and what is asked of all positions finds less of it kept. Of a block of 128 numbers a
vector, 10 positions; of 768, none."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Activations of positions ``start`` to ``stop`` that were kept as they came by.

    Attributes:
        tensors: name -> ``[1, stop - start, …]``.
        n_bytes: memory that they take; asked for with every edit, so that it is counted once.
    """

    start: int
    stop: int
    tensors: Mapping[str, Tensor]
    n_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_bytes", sum(map(_n_bytes, self.tensors.values())))


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
        self.cache = KVCache(c, 1, like, capacity)
        # Of what components add, a row each; always in the CPU's memory.
        self.lengths_NT = torch.zeros(0, capacity)
        self._row_of: dict[str, int] = {}
        self._n_bytes: int | None = None  # None after it has changed
        self._q_LBHTK: list[Tensor] = []
        # How many positions' queries are there; a block that runs otherwise may have none.
        self._n_queries = [0] * c.n_layers
        shape = (1, c.n_heads, capacity, c.d_head)
        if c.n_layers * prod(shape) * like.element_size() <= QUERY_BYTES:
            self._q_LBHTK = [like.new_empty(shape) for _ in range(c.n_layers)]

    def write(self, border: int, start: int, resid_BTD: Tensor) -> Tensor:
        """Keep the stream at a border, from a position on; returns all of it, ``[1, T, D]``."""
        self._n_bytes = None
        stop = start + resid_BTD.shape[1]
        buffer = self.resid_LTD[border]
        if stop > buffer.shape[1]:
            buffer = self.resid_LTD[border] = _grown(buffer, start, stop, self._n_ctx)
        buffer[:, start:stop] = resid_BTD
        return buffer[:, :stop]

    def write_queries(self, layer: int, start: int, q_BTHK: Tensor) -> None:
        """Keep queries as scores read them, from a position on, where there is room."""
        if not self._q_LBHTK:
            return
        stop = start + q_BTHK.shape[1]
        if stop > self._q_LBHTK[layer].shape[2]:  # the text has become long
            self.forget_queries()
        elif start <= self._n_queries[layer]:
            self._q_LBHTK[layer][:, :, start:stop] = q_BTHK.transpose(1, 2)
            self._n_queries[layer] = stop

    def queries(self, layer: int, start: int, stop: int) -> Tensor | None:
        """Queries of some positions, if they were kept, ``[1, n, H, K]``."""
        if not self._q_LBHTK or self._n_queries[layer] < stop:
            return None
        return self._q_LBHTK[layer][:, :, start:stop].transpose(1, 2)

    def forget_queries(self) -> None:
        """They are had again from the stream."""
        if self._q_LBHTK:
            self._q_LBHTK, self._n_bytes = [], None

    def note_length(self, name: str, start: int, vectors_BTD: Tensor) -> None:
        """Keep the lengths of a component's vectors, from a position on."""
        self.put_lengths((name,), start, lengths_of(vectors_BTD))

    def put_lengths(self, names: Sequence[str], start: int, lengths_NT: Tensor) -> None:
        """Keep lengths that are known, from a position on."""
        for name in names:
            self._row_of.setdefault(name, len(self._row_of))
        stop, (height, width) = start + lengths_NT.shape[1], self.lengths_NT.shape
        if len(self._row_of) > height or stop > width:
            wider = max(width, stop, self.resid_LTD[0].shape[1])
            fresh_NT = torch.zeros(len(self._row_of), wider)
            fresh_NT[:height, :width] = self.lengths_NT
            self.lengths_NT, self._n_bytes = fresh_NT, None
        self.lengths_NT[[self._row_of[name] for name in names], start:stop] = lengths_NT

    @property
    def noted(self) -> tuple[str, ...]:
        """Names whose lengths are kept."""
        return tuple(self._row_of)

    def lengths(self, names: Sequence[str], n: int) -> Tensor:
        """Kept lengths of the first positions, ``[N, n]``.

        Raises:
            KeyError: of a name none are kept.
        """
        return self.lengths_NT[[self._row_of[name] for name in names], :n]

    @property
    def n_bytes(self) -> int:
        """Memory that the buffers take; every edit asks that of all of them."""
        if self._n_bytes is not None:
            return self._n_bytes
        cache = self.cache
        kinds = (self.resid_LTD, cache.k_LBGSK, cache.v_LBGSK, self._q_LBHTK, [self.lengths_NT])
        # All of a kind are alike once a run is over.
        self._n_bytes = sum(len(each) * _n_bytes(each[-1]) for each in kinds if each)
        return self._n_bytes


def lengths_of(vectors_NTD: Tensor) -> Tensor:
    """The length of each vector, float32 in the CPU's memory, ``[N, T]``."""
    return torch.linalg.vector_norm(vectors_NTD.float(), dim=-1).cpu()


def _n_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


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
        scored: a position and its logits, the last that were computed for one alone.
        patterns: attention weights of a short text, by block, ``[H, T, T]``.
        plan: of its network.
        done: how many borders are written.
        known: how many positions were there already when it began.
        seconds: of computing it.
        read: how its interventions have activations of other texts.
    """

    subject: Subject
    network: Transformer
    shelf: Shelf
    kept: list[Kept] = field(default_factory=list)
    done: int = 0
    known: int = 0
    seconds: float = 0.0
    scored: tuple[int, Tensor] | None = None
    patterns: dict[int, Tensor] = field(default_factory=dict)
    read: Read = nothing_to_read
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        self.plan = plan_of(self.network.config)

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
        return self.shelf.cache.k_LBGSK[layer][:, :, : self.n_tokens].transpose(1, 2)

    def values(self, layer: int) -> Tensor:
        """``[1, S, G, K]``."""
        return self.shelf.cache.v_LBGSK[layer][:, :, : self.n_tokens].transpose(1, 2)

    def kept_of(self, start: int, stop: int) -> list[Kept]:
        """What was kept that holds all of some positions."""
        return [kept for kept in self.kept if kept.start <= start and stop <= kept.stop]

    def forget_kept(self) -> None:
        """Keep only what the rest is computed from."""
        self.kept = []
        self.scored = None
        self.patterns = {}

    @property
    def n_bytes(self) -> int:
        """Memory that it takes; what it shares counts for each that shares it."""
        kept = sum(each.n_bytes for each in self.kept)
        return self.shelf.n_bytes + kept + sum(map(_n_bytes, self.patterns.values()))


def _block_products(network: Transformer) -> int:
    """Multiplications of one position in a block, about."""
    c = network.config
    return c.d_model * (4 * c.n_heads * c.d_head + 2 * c.d_mlp)


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
    elif known * _block_products(network) < COMPUTED_AGAIN:
        return Stream(subject, network, Shelf(network, subject.n_tokens)), 0
    else:
        shelf = Shelf(network, subject.n_tokens)
        for border in range(before.n_borders):
            shelf.write(border, 0, before.resid(border)[:, :known])
        for layer in range(network.config.n_layers):
            old = before.shelf.cache
            shelf.cache.extend(
                layer, old.k_LBGSK[layer][:, :, :known], old.v_LBGSK[layer][:, :, :known]
            )
            q_BTHK = before.shelf.queries(layer, 0, known)
            if q_BTHK is not None:
                shelf.write_queries(layer, 0, q_BTHK)
        noted = before.shelf.noted
        shelf.put_lengths(noted, 0, before.shelf.lengths(noted, known))
    kept = [each for each in before.kept if each.stop <= known]
    return Stream(subject, network, shelf, kept, known=known), known
