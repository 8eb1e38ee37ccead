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
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from model.bench.changes import changes_of
from model.bench.held import Held, MovedOnError
from model.bench.looking import Looking
from model.bench.running import Run
from model.bench.stream import Stream, begun
from model.device import keep_freed_memory
from model.interventions.window import Ids, Read
from model.language_model import LanguageModel
from model.operations import LOGITS
from model.slices import finish
from model.space.projecting import project
from model.space.projections.asks import PrincipalAxes
from model.space.projections.placed import Placed
from model.space.registry import Projection
from model.space.table import VectorTable
from model.subject import Subject
from model.tokenizer.tokenizer import Tokenizer
from model.transformer import Transformer

BUDGET = 512 * 2**20
"""Bytes that streams may take; the newest is kept whatever it takes."""

FRAMES = 128
"""Clouds of token vectors, a step each, that are kept as they were turned."""

IN_VIEW = 2
"""Subjects that are looked at together; of older ones only what the rest is computed from stays."""


class Bench:
    """Holds models by id, and streams of subjects.

    Args:
        budget: bytes for streams.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        keep_freed_memory()  # every edit takes as much as the one before let go
        self.budget = budget
        self._held: dict[int, Held] = {}
        self._streams: OrderedDict[Subject, Stream] = OrderedDict()
        self._running: dict[Subject, Generator[None, None, None]] = {}
        self._last: tuple[Subject, Stream] | None = None  # that was asked for
        self._projections: dict[tuple[int, str, str], tuple[int | None, Projection, Placed]] = {}
        self._frames: OrderedDict[tuple[int, str, Projection, int | None], Placed] = OrderedDict()

    # -------------------------------------------------------------------------- models

    def hold(self, model: int, lm: LanguageModel) -> None:
        """Put a model on the bench; one that has ended learning keeps the text it learned from."""
        texts = [held.texts for held in self._held.values() if held.lm is lm]
        self._held[model] = Held(lm, texts=texts[0] if texts else {})

    def look(self, model: int, step: int) -> None:
        """Copy the weights of a model that learns, as they are after a step.

        Whoever asks about an earlier step from now on is told that the model has moved on.
        """
        held = self._held[model]
        learning = held.lm.transformer
        if held.keeps_before and held.step != step:
            held.turn()
        if held.looked_at is None:
            like = learning.embed.weight
            copied = Transformer(learning.config, empty=True).to(like.device, like.dtype)
            held.looked_at = copied.eval().requires_grad_(False)
        if held.step != step:
            with torch.no_grad():
                for mine, its in zip(
                    held.looked_at.parameters(), learning.parameters(), strict=True
                ):
                    mine.copy_(its)
        held.step = step
        self._forget(lambda subject: subject.model == model and not held.can_be_had(subject.step))

    def release(self, model: int) -> None:
        """Take a model off the bench, with all that is kept of it."""
        self._held.pop(model, None)
        self._forget(lambda subject: subject.model == model)
        for key in [key for key in self._projections if key[0] == model]:
            del self._projections[key]
        for frame in [frame for frame in self._frames if frame[0] == model]:
            del self._frames[frame]

    def leave(self, model: int) -> None:
        """Another model has come into view: of this one only what is read in a moment is let go.

        Its weights stay, and the last steps that were looked at; who comes back to it reads and
        computes the rest again.
        """
        held = self._held.get(model)
        if held is None:
            return
        held.steps.keep_within(0)
        while len(held.found) > 1:
            held.found.popitem(last=False)
        self._forget(lambda subject: subject.model == model)
        for frame in [frame for frame in self._frames if frame[0] == model]:
            del self._frames[frame]

    def network(self, subject: Subject) -> Transformer:
        """A subject's network, with the weights of its step.

        Raises:
            MovedOnError: the model isn't open any more, or has learned on since.
        """
        return self.network_at(subject.model, subject.step)

    def network_at(self, model: int, step: int | None) -> Transformer:
        """A model's network, with the weights of a step.

        Raises:
            MovedOnError: as of `network`.
        """
        held = self._held.get(model)
        if held is None:
            raise MovedOnError("That model is no longer open.")
        if step is None:
            return held.lm.transformer
        if held.looked_at is not None and held.step == step:
            return held.looked_at
        if not held.steps.knows(step):
            raise MovedOnError(f"The model has learned on since step {step:,}.")
        network = held.steps.network(step)
        self._keep_steps_within_budget()
        return network

    def set_steps(self, model: int, paths: Mapping[int, Path], own: int | None) -> None:
        """Say where the weights of a model's other steps are.

        Args:
            model: whose.
            paths: by step.
            own: the step of the weights that are held; None where that is not known, or they learn.
        """
        steps = self._held[model].steps
        steps.own = own
        steps.paths.update(paths)

    def knows_step(self, model: int, step: int | None) -> bool:
        """Whether a step of a model can be asked about at any time."""
        held = self._held.get(model)
        return held is not None and held.steps.knows(step)

    def path_of(self, model: int, step: int) -> Path | None:
        """Where the weights of a model's step are."""
        return self._held[model].steps.paths.get(step)

    def reading_step(self, model: int, step: int | None) -> Generator[None, None, None]:
        """Read the weights of a step in slices, if they have to be read.

        Raises:
            CheckpointError: they can't be read.
        """
        held = self._held.get(model)
        if held is None or step is None or step == held.step or not held.steps.knows(step):
            return
        yield from held.steps.reading(step)
        self._keep_steps_within_budget()

    def _keep_steps_within_budget(self) -> None:
        for held in self._held.values():
            held.steps.keep_within(self.budget // 2)
        self._evict()

    def step_of(self, model: int) -> int | None:
        """The step at which a model that learns was looked at last; None for any other."""
        held = self._held.get(model)
        return None if held is None else held.step

    def tokenizer(self, model: int) -> Tokenizer | None:
        """A model's tokenizer; None where only ids can be run, or the model isn't open."""
        held = self._held.get(model)
        return None if held is None else getattr(held.lm, "tokenizer", None)

    def ends(self, model: int) -> frozenset[int]:
        """Tokens that end a text; none where the model isn't open or has none."""
        held = self._held.get(model)
        found: frozenset[int] = getattr(None if held is None else held.lm, "ends", frozenset())
        return found

    def found_of(self, model: int, step: int | None) -> dict[object, object]:
        """What was found of a model's weights alone, to be looked up and added to.

        Raises:
            MovedOnError: as of `network`.
        """
        self.network_at(model, step)
        return self._held[model].found_of(step)

    def held(self, model: int) -> Held:
        """What is held of a model.

        Raises:
            MovedOnError: it isn't open any more.
        """
        held = self._held.get(model)
        if held is None:
            raise MovedOnError("That model is no longer open.")
        return held

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
        """Let go what older streams have kept beside, then the oldest until the budget holds."""
        self._last = None
        whole = [s for s in self._streams.values() if s.is_whole]
        in_view = {id(s.shelf) for s in list(self._streams.values())[-IN_VIEW:]}
        for stream in whole:
            if id(stream.shelf) not in in_view:
                stream.forget_kept()
                stream.shelf.forget_queries()
        while len(self._streams) > 1 and self.n_bytes > self.budget:
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
        stream = self.stream(subject)
        own = stream.network.aliases.get(name, name)
        noted_T = stream.lengths(own)
        if noted_T is not None:
            return noted_T
        vectors_BTD = self.values(subject, (own,))[own]
        return torch.linalg.vector_norm(vectors_BTD[0].float(), dim=-1).cpu()

    def token_table(
        self, model: int, step: int | None, matrix: Literal["W_E", "W_U"]
    ) -> VectorTable:
        """The table of token vectors, with what was found of it.

        Raises:
            MovedOnError: as of `network`.
        """
        found = self.found_of(model, step).setdefault(("table", matrix), {})
        assert isinstance(found, dict)
        rows_VD = self.network_at(model, step).table(matrix)
        return VectorTable(rows_VD, matrix, found=found)

    def projection(
        self,
        model: int,
        step: int | None,
        matrix: Literal["W_E", "W_U"],
        how: Projection | None = None,
    ) -> Placed:
        """The table of token vectors on three axes.

        While a model learns, the cloud is turned to lie as the one before, so that it doesn't flip.

        Args:
            model, step: whose weights.
            matrix: which table.
            how: on which axes; the first principal ones if left out.
        """
        how = PrincipalAxes() if how is None else how
        key = (model, matrix, how.name)
        before = self._projections.get(key)
        if before is not None and before[:2] == (step, how):
            return before[2]
        frame = (model, matrix, how, step)
        if frame in self._frames:
            self._projections[key] = step, how, self._frames[frame]
            return self._frames[frame]
        previous = before[2] if before is not None and before[1] == how else None
        placed = project(how, self.token_table(model, step, matrix), previous)
        self._projections[key] = step, how, placed
        if self.knows_step(model, step):
            # Who comes back to a step finds it as it lay, whichever way it was reached.
            self._frames[frame] = placed
            while len(self._frames) > FRAMES:
                self._frames.popitem(last=False)
        return placed

    def _looking(self, subject: Subject, start: int, stop: int | None) -> Looking:
        stream = self.stream(subject)
        stop = subject.n_tokens if stop is None else min(stop, subject.n_tokens)
        changes = changes_of(subject.interventions, stream.network.config)
        return Looking(stream, start, stop, changes)
