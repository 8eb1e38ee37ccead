"""The bench: the models that are held, and what is kept of the subjects on the screen.

Of a subject it keeps the residual stream at the block borders, keys and values, within a budget of
bytes. Every other activation is had again when it is looked at, by the operations between the
stream and what is asked: one block, for the positions that are drawn, not the network.

Where an intervention changes a block, that block runs by the explicit path, in windows of
positions; the others run fused.

Knows the network and subjects; no request, no question, no Qt. Shape suffixes: B batch (1 here),
T positions, D d_model, H heads, G key/value heads, Q queries, S keys, K d_head, V vocabulary.
"""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from model.bench.changes import changes_of
from model.bench.looking import Looking
from model.bench.models import Models
from model.bench.running import Run
from model.bench.stream import Stream, begun, lengths_of
from model.device import keep_freed_memory
from model.interventions.window import Ids, Read
from model.operations import LOGITS
from model.slices import finish
from model.subject import Subject

BUDGET = 512 * 2**20
"""Bytes that streams may take; the newest is kept whatever it takes."""

MOST_STREAMS = 32
"""So many are kept at most: of a small model the budget would hold thousands, every edit looks
through them all, and what one saves is less than that costs."""

IN_VIEW = 2
"""Subjects that are looked at together; of older ones only what the rest is computed from stays."""


class Bench(Models):
    """Holds models by id, and streams of subjects.

    Args:
        budget: bytes for streams.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        keep_freed_memory()  # every edit takes as much as the one before let go
        super().__init__(budget)
        self._streams: OrderedDict[Subject, Stream] = OrderedDict()
        self._running: dict[Subject, Generator[None, None, None]] = {}
        self._last: tuple[Subject, Stream] | None = None  # that was asked for

    def beside(self, model: int) -> Bench:
        """Another bench with the same model: what is run there takes no room from the screen's."""
        other = Bench(self.budget)
        if model in self._held:
            other._held[model] = self._held[model]
        return other

    # ------------------------------------------------------------------------- streams

    def has(self, subject: Subject) -> bool:
        """Whether its stream is there already."""
        stream = self._streams.get(subject)
        return stream is not None and stream.is_whole

    def streaming(
        self, subject: Subject, watched: Collection[int] = ()
    ) -> Generator[float, None, Stream]:
        """The subject's stream, block by block: yields the share that is done.

        Several may wait for the same one; each drives it on.

        Args:
            subject: whose.
            watched: positions whose activations are kept as they are computed, for who asks next.

        Raises:
            MovedOnError: as of `network`.
        """
        for _ in self.reading_step(subject.model, subject.step):
            yield 0.0
        self.network(subject)
        while not self.has(subject):
            if subject not in self._running:
                self._running[subject] = self._computing(subject, watched)
            steps = self._running[subject]
            try:
                next(steps)
            except StopIteration:
                self._running.pop(subject, None)
            except BaseException:
                self._running.pop(subject, None)
                self._streams.pop(subject, None)
                raise
            else:
                stream = self._streams[subject]
                yield stream.done / stream.n_borders
        self._streams.move_to_end(subject)
        return self._streams[subject]

    def stream(self, subject: Subject) -> Stream:
        """The subject's stream, computed now if it isn't there."""
        # Who answers a question asks with the very same subject again and again, and to find it
        # by what it says takes as long as the text is.
        if self._last is not None and self._last[0] is subject:
            return self._last[1]
        stream = finish(self.streaming(subject))
        self._last = subject, stream
        return stream

    def abandon(self, subject: Subject) -> None:
        """Nobody waits for its stream any more: stop computing it."""
        if subject in self._running:
            self._running.pop(subject).close()
            self._streams.pop(subject, None)

    @property
    def n_bytes(self) -> int:
        """Memory that streams take, and other steps' weights; shared buffers count once."""
        shelves = {id(s.shelf): s.shelf.n_bytes for s in self._streams.values()}
        kept = sum(s.n_bytes - s.shelf.n_bytes for s in self._streams.values())
        steps = sum(held.steps.n_bytes for held in self._held.values())
        return sum(shelves.values()) + kept + steps

    def _forget(self, gone: Callable[[Subject], bool]) -> None:
        self._last = None
        for subject in [s for s in self._streams if gone(s)]:
            self._running.pop(subject, None)
            del self._streams[subject]

    def set_budget(self, n_bytes: int) -> None:
        """Take at most that much for streams from now on; what is over it is let go at once."""
        self.budget = n_bytes
        self._keep_steps_within_budget()

    def _evict(self) -> None:
        """Let go what older streams have kept beside, then the oldest until the rest may stay."""
        self._last = None
        whole = [s for s in self._streams.values() if s.is_whole]
        in_view = {id(s.shelf) for s in list(self._streams.values())[-IN_VIEW:]}
        for stream in whole:
            if id(stream.shelf) not in in_view:
                stream.forget_kept()
                stream.shelf.forget_queries()
        while len(self._streams) > 1 and (
            len(self._streams) > MOST_STREAMS or self.n_bytes > self.budget
        ):
            oldest = next((s for s in self._streams if s not in self._running), None)
            if oldest is None or oldest == next(reversed(self._streams)):
                return
            del self._streams[oldest]

    def _nearest(self, subject: Subject) -> Stream | None:
        """The stream that begins like the subject for the longest."""
        config = self.network(subject).config
        if not config.causal or not changes_of(subject.interventions, config).keeps_prefix:
            return None
        best: tuple[int, Stream] | None = None
        for other, stream in self._streams.items():
            shared = subject.shared_prefix(other)
            if not shared or not stream.is_whole:
                continue
            # Rotations that ask for the length differ also where a text becomes shorter.
            shorter, longer = sorted((other.n_tokens, subject.n_tokens))
            if shorter != longer and config.length_changes_rotations(shorter, longer):
                continue
            if best is None or shared > best[0]:
                best = shared, stream
        return None if best is None else best[1]

    def _computing(self, subject: Subject, watched: Collection[int]) -> Generator[None, None, None]:
        began = time.perf_counter()
        network = self.network(subject)
        changes = changes_of(subject.interventions, network.config)
        clean = self._streams.get(subject.of_clean()) if changes else None
        stream, known = begun(subject, network, self._nearest(subject))
        if changes.reads:
            stream.read = self._reading(subject)
        self._streams[subject] = stream
        for ids in changes.reads:
            yield from self._beforehand(replace(subject.of_clean(), ids=ids))
        self._evict()
        if clean is not None and not clean.is_whole:
            clean = None
        borders = Run(stream, known, changes, watched, clean).borders()
        stream.seconds = time.perf_counter() - began
        while not stream.is_whole:
            began = time.perf_counter()
            stream.done = next(borders)
            stream.seconds += time.perf_counter() - began
            if not stream.is_whole:
                yield

    def _beforehand(self, other: Subject) -> Generator[None, None, None]:
        """Another text's stream, that interventions read, in slices of its own."""
        whole = False
        try:
            for _ in self.streaming(other):
                yield
            whole = True
        finally:
            if not whole:
                self.abandon(other)

    def _reading(self, subject: Subject) -> Read:
        """How a subject's interventions have activations of another text."""
        clean, bench = subject.of_clean(), weakref.proxy(self)  # or each would hold the other

        def read(ids: Ids, name: str, start: int, stop: int) -> Tensor:
            found: dict[str, Tensor] = bench.values(replace(clean, ids=ids), (name,), start, stop)
            return found[name]

        return read

    # --------------------------------------------------------------------- activations

    def values(
        self, subject: Subject, names: Iterable[str], start: int = 0, stop: int | None = None
    ) -> dict[str, Tensor]:
        """Activations of some positions, by name.

        Args:
            subject: whose; its stream is computed now if it isn't there.
            names: full names or aliases (`model.operations`).
            start, stop: the positions (queries, for scores and patterns); all if left out.

        Returns:
            name -> ``[1, n, …]``, or ``[1, H, n, S]`` with all the keys for scores and patterns,
            as a trace of the whole has them, within rounding. Not to be written to.

        Raises:
            KeyError: there is no activation of a name.
            MovedOnError: as of `network`.
        """
        with torch.inference_mode():
            return self._looking(subject, start, stop).values(names)

    def by_block(self, subject: Subject, names: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """The names in groups that are computed together: one a block, in order.

        Raises:
            KeyError: there is no activation of a name.
        """
        network = self.network(subject)
        groups: dict[int | None, list[str]] = {}
        for name in names:
            layer = network.operation(name).layer
            groups.setdefault(layer, []).append(name)
        yield from (tuple(group) for group in groups.values())

    def logits(self, subject: Subject, start: int = 0, stop: int | None = None) -> Tensor:
        """Scores of the vocabulary at some positions, ``[n, V]``.

        Raises:
            KeyError: the network has no head that scores tokens.
        """
        config = self.network(subject).config
        if not config.has_logits:
            raise KeyError(config.no_continuation)
        return self.values(subject, (LOGITS,), start, stop)[LOGITS][0]

    def pattern(
        self,
        subject: Subject,
        layer: int,
        heads: Sequence[int] | None = None,
        start: int = 0,
        stop: int | None = None,
        tail: str = "pattern",
        *,
        seen_only: bool = False,
        queries: Sequence[int] | None = None,
    ) -> Tensor:
        """Attention weights, or another matrix over queries and keys, of some heads and queries.

        Args:
            subject: whose.
            layer: of which block.
            heads: which; all if left out.
            start, stop: of the queries.
            tail: ``pattern``, or the tail of another operation's name: ``attn_scores``, ….
            seen_only: leave out the keys behind the last query where none may look at them.
            queries: single ones between ``start`` and ``stop``, in rising order; all if left out.

        Returns:
            ``[H', n, S]``. Not to be written to.
        """
        name = f"blocks.{layer}.attn.hook_{tail}"
        with torch.inference_mode():
            looking = self._looking(subject, start, stop)
            return looking.matrix(layer, name, heads, queries, seen_only=seen_only)

    def concerns(self, subject: Subject, layer: int) -> bool:
        """Whether interventions change the scores or weights of a block's own attention.

        Where a query may look is not what the config says then.
        """
        config = self.network(subject).config
        return changes_of(subject.interventions, config).concerns(layer)

    def lengths(self, subject: Subject, name: str) -> Tensor:
        """The length of an activation's vector at every position, ``[T]`` float32."""
        return self.all_lengths(subject, (name,))[0]

    def all_lengths(self, subject: Subject, names: Sequence[str]) -> Tensor:
        """Lengths of several activations' vectors at every position, ``[N, T]`` float32.

        What components add was measured as it came by; the rest is had again, and measured.
        """
        stream = self.stream(subject)
        shelf, same = stream.shelf, stream.network.aliases
        own = [same.get(name, name) for name in names]
        noted = [name for name in shelf.noted if name in own]
        if len(noted) == len(own):
            return shelf.lengths(own, stream.n_tokens)
        others = [name for name in dict.fromkeys(own) if name not in noted]
        vectors = self.values(subject, others)
        lengths = dict(zip(noted, shelf.lengths(noted, stream.n_tokens), strict=True))
        with torch.inference_mode():
            # One by one: embeddings may be narrower than the stream.
            lengths |= {name: lengths_of(vectors[name])[0] for name in others}
            return torch.stack([lengths[name] for name in own])

    def _looking(self, subject: Subject, start: int, stop: int | None) -> Looking:
        stream = self.stream(subject)
        stop = subject.n_tokens if stop is None else min(stop, subject.n_tokens)
        changes = changes_of(subject.interventions, stream.network.config)
        return Looking(stream, start, stop, changes)
