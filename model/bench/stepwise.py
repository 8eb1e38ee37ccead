"""Running what interventions change: operation by operation, in windows of positions.

A block's keys and values come first, of all new positions; then windows of queries meet them. What
is changed by what stands at other positions runs as a whole.

Knows streams and changes; keeps nothing. Shape suffixes: B batch (1), T positions, D d_model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from model.bench.changes import Changes
from model.bench.looking import WINDOW
from model.bench.stream import Kept, Stream
from model.network.span import Span
from model.operations import INPUT_IDS, keys_and_values, needed, streams

Note: TypeAlias = Callable[[str, int, Tensor], None]
"""Told of a vector at every position of a window: its name, the window's start, ``[B, n, D]``."""


def embedded(stream: Stream, known: int, changes: Changes) -> Tensor:
    """What the first block reads, from a position on."""
    network, border = stream.network, streams(stream.network.config)[0]
    whole = changes.needs_all([op.output for op in network.operations if op.group == "embed"])
    start = 0 if whole else known
    like = network.embed.weight
    ids_BT = torch.tensor([stream.subject.ids[start:]], device=like.device)
    span = Span(network.config, start, ids_BT.shape[1], like)
    tap, replace = changes.within(start, stream.read)
    found = network.compute((border,), {INPUT_IDS: ids_BT}, tap, replace, span)
    return found[border][:, known - start :]


def block(
    stream: Stream, layer: int, known: int, changes: Changes, measured: tuple[str, ...], note: Note
) -> Iterator[Tensor | None]:
    """One block's way from a position on; its keys and values go to the stream's cache.

    Args:
        stream: whose border before the block is written.
        layer: index of the block.
        known: how many positions are there already, keys and values too.
        changes: what interventions do.
        measured: tails of the names of what ``note`` is told of.
        note: told of vectors as they come.

    Yields:
        None after each window; at last the stream after the block, ``[B, T - known, D]``.
    """
    network, config, n = stream.network, stream.network.config, stream.n_tokens
    like = network.embed.weight
    before, after = streams(config)[layer : layer + 2]
    key, value = keys_and_values(config)[layer]
    own = [op for op in network.operations if op.layer == layer]
    told = [op.output for op in own if op.output.endswith(measured)]
    resid_BTD = stream.resid(layer)

    to_keys = needed(own, (key, value), (before,))
    start = 0 if changes.needs_all([op.output for op in to_keys]) else known
    read = network.compute(
        (key, value),
        {before: resid_BTD[:, start:]},
        *changes.within(start, stream.read),
        Span(config, start, n - start, like, n),
    )
    k_BGTK, v_BGTK = (read[name][:, known - start :].transpose(1, 2) for name in (key, value))
    stream.shelf.cache.extend(layer, k_BGTK, v_BGTK)

    onwards = needed(own, (after, *told), (before, key, value))
    whole = changes.needs_all([op.output for op in onwards])
    start, height = (0, n) if whole else (known, WINDOW)
    parts: list[Tensor] = []
    for first in range(start, n, height):
        last = min(first + height, n)
        found = network.compute(
            (after, *told),
            {
                before: resid_BTD[:, first:last],
                key: stream.keys(layer),
                value: stream.values(layer),
            },
            *changes.within(first, stream.read),
            Span(config, first, last - first, like, n),
        )
        for name in told:
            note(name, first, found[name])
        parts.append(found[after])
        if last < n:
            yield None
    yield torch.cat(parts, 1)[:, known - start :]


def taken_over(stream: Stream, clean: Stream, known: int, changes: Changes) -> Iterator[Tensor]:
    """What lies before the first block that is changed, as it is without interventions.

    Args:
        stream: that begins with it.
        clean: whole, of the same ids without interventions.
        known: how many positions are there already.
        changes: what interventions do.

    Yields:
        The stream at every border up to that block, from ``known`` on.
    """
    network, first = stream.network, changes.first
    before = {
        op.output
        for op in network.operations
        if op.group == "embed" or (op.layer is not None and op.layer < first)
    }
    real = network.aliases
    for kept in clean.kept:
        tensors = {
            name: tensor for name, tensor in kept.tensors.items() if real.get(name, name) in before
        }
        stream.kept.append(Kept(kept.start, kept.stop, tensors))
    noted = [name for name in clean.shelf.noted if name in before]
    lengths_NT = clean.shelf.lengths(noted, stream.n_tokens)
    stream.shelf.put_lengths(noted, known, lengths_NT[:, known:])
    for border in range(first + 1):
        if border:
            keys, values = clean.keys(border - 1), clean.values(border - 1)
            k_BGTK, v_BGTK = (x[:, known:].transpose(1, 2) for x in (keys, values))
            stream.shelf.cache.extend(border - 1, k_BGTK, v_BGTK)
        yield clean.resid(border)[:, known:]
