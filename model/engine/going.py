"""Long work that the engine keeps and advances slice by slice: a training run, a generation.

Keeps the pace: how often the window hears of it, how often a model that learns is looked at.
Knows messages and the trainer; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model import messages as m
from model.engine.opened_model import ModelView
from model.sampling import probabilities

if TYPE_CHECKING:
    from model.probe.analogy.compute import AnalogyProbe
    from model.train.events import Event
    from model.train.loop import Training

FLUSH_SECONDS = 1 / 10
"""Events of a run are handed over in bundles, this often: what hears of them redraws no faster."""

LIVE_SECONDS = 1.0
LIVE_SHARE = 0.02
"""A model that learns is traced at most every LIVE_SECONDS, and so seldom that looking at it
takes at most this share of the run's time."""


class GoingRun:
    """A training run and what the window has been told of it."""

    def __init__(self, request: m.StartTraining, training: Training) -> None:
        self.request = request
        self.training = training
        self.viewed: ModelView | None = None
        self.analogies: AnalogyProbe  # there with `viewed`
        self.going = True
        self.paused_after_step = False
        self._events = training.events()
        self._bundle: list[Event] = []
        self._flushed = 0.0
        self._next_live = 0.0
        self._next_activity = 0.0

    def next_event(self) -> Event | None:
        """Advance the run by one slice; None once it is over."""
        return next(self._events, None)

    def begin(self, run_dir: Path, device: str, model_id: int) -> ModelView:
        """The network exists: look at it from now on."""
        from model.device import DeviceChoice
        from model.language_model import LanguageModel
        from model.probe.analogy.compute import AnalogyProbe

        training = self.training
        lm = LanguageModel(
            transformer=training.transformer,
            tokenizer=training.tokenizer,
            path=run_dir,
            family="gpt2",
            device=DeviceChoice(device, "where the run is"),
        )
        self.viewed = ModelView(lm, model_id, training=True)
        self.analogies = AnalogyProbe(training.tokenizer)
        return self.viewed

    def pause(self) -> None:
        self.going = False
        self.paused_after_step = False

    def resume(self) -> None:
        self.going = True
        self.paused_after_step = False

    def step(self) -> None:
        """Go on for one step, then pause."""
        self.going = True
        self.paused_after_step = True

    def take(self, event: Event) -> None:
        """Keep an event for the next bundle."""
        self._bundle.append(event)

    def flush(self, *, force: bool) -> Iterator[m.TrainingProgressed]:
        """The bundle, if it is time."""
        now = time.monotonic()
        if not force and (not self._bundle or now - self._flushed < FLUSH_SECONDS):
            return
        events, self._bundle, self._flushed = tuple(self._bundle), [], now
        yield m.TrainingProgressed(request_id=self.request.id, events=events, paused=not self.going)

    def live_due(self) -> bool:
        return time.monotonic() >= self._next_live

    def live_done(self, seconds: float) -> None:
        """A look took that long; the next is so far away that the share holds."""
        self._next_live = time.monotonic() + max(LIVE_SECONDS, seconds / LIVE_SHARE)

    def activity_due(self) -> bool:
        """About twice a second."""
        now = time.monotonic()
        if now < self._next_activity:
            return False
        self._next_activity = now + 0.5
        return True


class GoingGeneration:
    """Text that grows by one token at each `advance`."""

    def __init__(self, request: m.Generate, viewed: ModelView, ids: list[int]) -> None:
        from model.generate import generate

        self.request = request
        self.viewed = viewed
        self._n_ctx = viewed.lm.config.n_ctx
        self._n_prompt = len(ids)
        self._new: list[int] = []
        self._ids = ids
        self._began = time.perf_counter()
        self.reason: m.GenerationEnd = "length"
        tokenizer = viewed.lm.tokenizer
        self._stop_ids = frozenset(
            () if tokenizer is None or tokenizer.end_of_text is None else (tokenizer.end_of_text,)
        )
        self._steps = generate(
            viewed.lm.transformer,
            ids,
            request.max_new_tokens,
            request.sampling,
            np.random.default_rng(request.seed),
            stop_ids=self._stop_ids,
        )

    def advance(self) -> m.TokenGenerated | None:
        """One more token, or None at the end (then `reason` says why)."""
        with self.viewed.evaluating():
            step = next(self._steps, None)
        if step is None:
            if self._new and self._new[-1] in self._stop_ids:
                self.reason = "end_of_text"
            elif len(self._new) < self.request.max_new_tokens:
                self.reason = "context"
            return None
        self._new.append(step.token_id)
        chance = probabilities(step.logits_V, self.request.sampling)[step.token_id]
        return m.TokenGenerated(
            request_id=self.request.id,
            token_id=step.token_id,
            text=self._text(),
            probability=float(chance),
            index=len(self._new) - 1,
        )

    def finished(self, reason: m.GenerationEnd) -> m.GenerationFinished:
        seconds = time.perf_counter() - self._began
        return m.GenerationFinished(
            request_id=self.request.id,
            reason=reason,
            text=self._text(),
            n_tokens=len(self._new),
            tokens_per_second=len(self._new) / seconds if seconds > 0 else 0.0,
        )

    def _text(self) -> str:
        tokenizer = self.viewed.lm.tokenizer
        if tokenizer is None:
            return " ".join(str(i) for i in self._new)
        # The difference of two decodings: a new token may complete a character of the prompt.
        before = tokenizer.decode(self._ids)
        after = tokenizer.decode([*self._ids, *self._new])
        return after[len(before) :] if after.startswith(before) else tokenizer.decode(self._new)
