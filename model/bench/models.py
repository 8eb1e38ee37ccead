"""The models that a bench holds: their weights at each step, and what is found of weights alone.

Knows networks, steps and tables of vectors; what is kept of a text is the bench's own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Literal

import torch

from model.bench.held import Held, MovedOnError
from model.language_model import LanguageModel
from model.space.projecting import project
from model.space.projections.asks import PrincipalAxes
from model.space.projections.placed import Placed
from model.space.registry import Projection
from model.space.table import VectorTable
from model.subject import Subject
from model.tokenizer.tokenizer import Tokenizer
from model.transformer import Transformer

FRAMES = 128
"""Clouds of token vectors, a step each, that are kept as they were turned."""


class Models:
    """Models by id.

    Args:
        budget: bytes; other steps' weights take half of them at most.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._held: dict[int, Held] = {}
        self._projections: dict[tuple[int, str, str], tuple[int | None, Projection, Placed]] = {}
        self._frames: OrderedDict[tuple[int, str, Projection, int | None], Placed] = OrderedDict()

    def _forget(self, gone: Callable[[Subject], bool]) -> None:
        """Let go what is kept of such subjects; here nothing is."""

    def _evict(self) -> None:
        """Let go what is over the budget; here nothing but weights is kept."""

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
            with torch.inference_mode(False):  # gradients are asked of them, too
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
        """Another model has come into view: of this one what is had again in a moment is let go.

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
