"""Passes that begin in the middle of one that is kept, with activations put in: many at once.

A batch of variants of one subject. Each begins with a stream that some block reads and runs from
there on; an edit puts in what is read in the place of an activation. Blocks that no edit and no
intervention concerns run fused. In a causal network nothing before the first position that differs
is run again: its keys and values are those that are kept.

Knows the network, one stream and interventions; neither why something is put in nor what is made of
the scores. Shape suffixes: B variants, T positions (n of a window), D d_model, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from copy import copy
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from model.bench.changes import changes_of
from model.bench.stream import Stream
from model.network.attention import KVCache
from model.network.execute import Replace, Tap
from model.network.span import Span
from model.operations import INPUT_IDS, LOGITS

if TYPE_CHECKING:
    from model.bench.bench import Bench
    from model.subject import Subject

Edit: TypeAlias = Callable[[Tensor], Tensor]
"""Gives what is read in the place of an activation of all variants, ``[B, n, …]`` (patterns:
``[B, H, n, S]``), as another tensor."""

TOKENS_AT_ONCE = 192
"""Positions, of all variants together, that run through a block at once: a slice of some 30 ms in
GPT-2 small's shape."""


class Restart:
    """One subject, run on from any block, for some of its positions.

    Args:
        bench: holds its model.
        subject: whose stream is there or computed now; its interventions are done.
        first: nothing differs before this position. Earlier ones are not run where that can be.
        last: nobody looks behind this position; None for the last.

    Attributes:
        start, stop: the positions that are run.
    """

    def __init__(
        self, bench: Bench, subject: Subject, first: int = 0, last: int | None = None
    ) -> None:
        self._bench, self._subject = bench, subject
        self._stream: Stream = bench.stream(subject)
        self._network = self._stream.network
        self._plan = self._stream.plan
        config = self._config = self._network.config
        self._changes = changes_of(subject.interventions, config)
        n = subject.n_tokens
        # An intervention may look at other positions than its own.
        alone = config.causal and not self._changes
        self._alone = alone
        self.start = first if alone else 0
        self.stop = n if last is None or not alone else last + 1
        if config.length_changes_rotations(self.stop, n):
            self.stop = n

    def begun_at(self, first: int) -> Restart:
        """The same, where nothing differs before another position."""
        other = copy(self)
        other.start = first if self._alone else 0
        return other

    @property
    def n_at_once(self) -> int:
        """How many variants are best run together."""
        return max(1, TOKENS_AT_ONCE // (self.stop - self.start))

    def resid(self, border: int, n_variants: int) -> Tensor:
        """The kept stream at a border, of these positions, ``[B, n, D]``; a copy."""
        resid_BTD = self._stream.resid(border)[:, self.start : self.stop]
        return resid_BTD.repeat(n_variants, 1, 1)

    def embedded(self, n_variants: int, edits: Mapping[str, Edit]) -> Tensor:
        """What the first block reads, with edits before it, ``[B, n, D]``."""
        network = self._network
        ids = self._subject.ids[: self.stop]
        ids_BT = torch.tensor([ids] * n_variants, device=network.embed.weight.device)
        name = self._plan.borders[0]
        with torch.inference_mode():
            found = network.compute((name,), {INPUT_IDS: ids_BT}, *self._ways(0, edits))
            return found[name][:, self.start :]

    def onwards(
        self,
        border: int,
        resid_BTD: Tensor,
        edits: Mapping[str, Edit] | None = None,
        keep: Callable[[int, Tensor], None] | None = None,
    ) -> Generator[None, None, Tensor]:
        """Run blocks from a border to the last; yields after each block.

        Args:
            border: index of the first block that runs.
            resid_BTD: what it reads, of the positions ``start`` to ``stop``.
            edits: by full names, no aliases, of activations of these blocks.
            keep: told of every border's index and stream.

        Returns:
            What the last block left, ``[B, n, D]``.

        Raises:
            MovedOnError: the weights are gone meanwhile.
        """
        edits = edits or {}
        edited = {self._network.operation(name).layer for name in edits}
        for layer in range(border, self._config.n_layers):
            self._bench.network(self._subject)
            # Entered for each block anew: the mode must not leak out of a generator that waits.
            with torch.inference_mode():
                if layer in edited or self._changes.runs(layer):
                    resid_BTD = self._explicit(layer, resid_BTD, edits)
                else:
                    resid_BTD = self._fused(layer, resid_BTD)
            if keep is not None:
                keep(layer + 1, resid_BTD)
            yield None
        return resid_BTD

    def logits(self, last_BTD: Tensor, at: int, ids: Tensor | None = None) -> Tensor:
        """Scores after a position, from what the last block left, ``[B, V]``.

        Args:
            last_BTD: of the positions ``start`` to ``stop``.
            at: which position.
            ids: of the tokens that are scored, ``[V']``; None for the vocabulary.

        Raises:
            KeyError: the network has no head that scores tokens.
        """
        network, config = self._network, self._config
        if not config.has_logits:
            raise KeyError(config.no_continuation)
        border, own = self._plan.borders[-1], at - self.start
        with torch.inference_mode():
            if self._changes:  # which may change the scores themselves
                ends = [op.output for op in network.operations if op.group == "unembed"]
                if not self._changes.needs_all(ends):
                    last_BTD, own = last_BTD[:, own : own + 1], 0
                ways = self._ways(at - own, {})
                found = network.compute((LOGITS,), {border: last_BTD}, *ways)
                logits_BV = found[LOGITS][:, own]
                return logits_BV if ids is None else logits_BV[:, ids]
            read = network.operation(LOGITS).inputs[0]
            x_BTE = network.compute((read,), {border: last_BTD[:, own : own + 1]})[read]
            return network.token_scores(x_BTE[:, 0], ids)

    # ------------------------------------------------------------------------- blocks

    def _fused(self, layer: int, resid_BTD: Tensor) -> Tensor:
        config, like = self._config, self._network.embed.weight
        span = Span(config, self.start, self.stop - self.start, like)
        cache = Before(self._stream, self.start, len(resid_BTD)) if self.start else None
        found: Tensor = self._network.blocks[layer](resid_BTD, span, cache)
        return found

    def _explicit(self, layer: int, resid_BTD: Tensor, edits: Mapping[str, Edit]) -> Tensor:
        network, plan = self._network, self._plan
        before, after = plan.borders[layer : layer + 2]
        span = Span(
            self._config, self.start, self.stop - self.start, network.embed.weight, self.stop
        )
        ways = self._ways(self.start, edits)
        given = {before: resid_BTD}
        if self.start:
            key, value = plan.keys[layer], plan.values[layer]
            read = network.compute((key, value), given, *ways, span)
            cache = Before(self._stream, self.start, len(resid_BTD))
            k_BGSK, v_BGSK = cache.extend(
                layer, read[key].transpose(1, 2), read[value].transpose(1, 2)
            )
            given |= {key: k_BGSK.transpose(1, 2), value: v_BGSK.transpose(1, 2)}
        return network.compute((after,), given, *ways, span)[after]

    def _ways(self, start: int, edits: Mapping[str, Edit]) -> tuple[Tap, Replace | None]:
        """What is put in the place of activations from a position on: interventions, then edits."""
        changed, replace = self._changes.within(start, self._stream.read)

        def tap(name: str, tensor: Tensor) -> Tensor:
            if changed is not None:
                tensor = changed(name, tensor)
            edit = edits.get(name)
            return tensor if edit is None else edit(tensor)

        return tap, replace


class Before(KVCache):
    """Keys and values of what stands before a window, the same for all variants; none is added.

    Args:
        stream: that holds them.
        length: how many positions.
        n_variants: how many read them.
    """

    def __init__(self, stream: Stream, length: int, n_variants: int) -> None:
        self._stream, self._n = stream, n_variants
        self.length = length

    def extend(self, layer: int, k_BGTK: Tensor, v_BGTK: Tensor) -> tuple[Tensor, Tensor]:
        """They and a window's own behind them, ``[B, G, S, K]``."""
        n, stream = self.length, self._stream
        return (
            torch.cat((self._of_all(stream.keys(layer)[:, :n]), k_BGTK), 2),
            torch.cat((self._of_all(stream.values(layer)[:, :n]), v_BGTK), 2),
        )

    def _of_all(self, x_BSGK: Tensor) -> Tensor:
        return x_BSGK.transpose(1, 2).expand(self._n, -1, -1, -1)
