"""What a run does between two steps: validate, measure, sample, keep; and when each is due.

Generators of events, a slice of work between two. Knows the parts of a run; not how steps follow
each other, nor what ends it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from pathlib import Path

from model.slices import retold
from model.train.dpo import Preferring
from model.train.events import (
    Evaluated,
    Event,
    Measured,
    Sampled,
    SnapshotSaved,
    Working,
)
from model.train.keeping import Keeping
from model.train.margins_file import add_margins
from model.train.measure import exact_match, sample, validate
from model.train.pace import Stopwatch
from model.train.parts import Parts
from model.train.recipe import Recipe
from model.train.state import OWED
from model.train.watches import ACCURACY, HELD_OUT, TRAINED_ON
from model.train.watching import Watching


class BetweenSteps:
    """Of one run.

    Args:
        run: its parts, which know at which step what was done last.
        run_dir: its folder.
        device: where it computes.
        clock: its seconds.
        watching: the conditions at which it waits.

    Attributes:
        val_loss: the last one; None before the first.
        keeping: what writes snapshots and states.
    """

    def __init__(
        self, run: Parts, run_dir: Path, device: str, clock: Stopwatch, watching: Watching
    ) -> None:
        self._run = run
        self._run_dir = run_dir
        self._device = device
        self._clock = clock
        self._watching = watching
        self.keeping = Keeping(run, run_dir)
        self.val_loss = run.val_loss

    @property
    def recipe(self) -> Recipe:
        """As it is now: a person may change what is measured and the rate."""
        return self._run.recipe

    @property
    def step(self) -> int:
        """Updates that the network has had."""
        return self._run.updates.step

    @property
    def _tokens_per_step(self) -> int:
        return self.recipe.batch_size * self.recipe.n_ctx

    def jobs(self) -> list[Callable[[], Generator[Event, None, None]]]:
        """What is due at this step and isn't done; at the end of a run all of it is asked for."""
        recipe, run, step = self.recipe, self._run, self.step
        if step >= recipe.steps:
            return []
        return [
            job
            for is_due, done_at, job in (
                (self._validation_is_due, run.evaluated_at, self.evaluate),
                (step > 0 and _divides(recipe.sample_every, step), run.sampled_at, self.sample),
                (self._curves_are_due, run.measured_at, self.measure),
                (self._snapshot_is_due, run.kept_at, self._keep),
            )
            if is_due and done_at != step
        ]

    def save_state_where_no_snapshot_is(self) -> None:
        """At a regular step for which the disk's budget has no room for a snapshot."""
        step = self.step
        if step >= self.recipe.steps:
            return
        if _divides(self.recipe.snapshot_every, step) and self._run.kept_at != step:
            self.save_state()

    def rest(self) -> Generator[Event, None, None]:
        """What a run ends with: all that isn't done at its last step."""
        recipe, run, step = self.recipe, self._run, self.step
        if run.evaluated_at != step:
            yield from self.evaluate()
        if recipe.sample_every and run.sampled_at != step:
            yield from self.sample()
        if recipe.curves_every and run.measured_at != step:
            yield from self.measure()
        yield from self.save_what_is_new()

    def save_what_is_new(self) -> Generator[Event, None, None]:
        """Snapshot and state, or the state alone where something was measured since."""
        if self._run.saved_at != self.step:
            yield from self._save()
        elif self._run.state_is_old:
            self.save_state()

    @property
    def _curves_are_due(self) -> bool:
        """Of a network in shards only where it is gathered anyway: it is measured whole."""
        recipe, step = self.recipe, self.step
        if not _divides(recipe.curves_every, step):
            return False
        gathered = _divides(recipe.sample_every, step) or step in self._run.plan
        return gathered or not self._run.updates.spread.is_sharded

    @property
    def _validation_is_due(self) -> bool:
        return self._run.evaluated_at == OWED or _divides(self.recipe.eval_every, self.step)

    @property
    def _snapshot_is_due(self) -> bool:
        recipe, run, step = self.recipe, self._run, self.step
        if step not in run.plan:
            return False
        if self._is_regular:
            return True
        seconds = self._clock.seconds
        allowed = run.thrift.allows(step, recipe.steps, seconds, recipe.max_seconds)
        # By one clock: a snapshot is gathered from all processes.
        group = run.updates.spread.group
        return group.any(allowed and group.is_first)

    @property
    def _is_regular(self) -> bool:
        """Whether the state is saved at this step too: a run is resumed from there."""
        return self.step == 0 or _divides(self.recipe.snapshot_every, self.step)

    def _keep(self) -> Generator[Event, None, None]:
        """A snapshot; between the regular ones without the state, which takes longer to write."""
        if self._is_regular:
            yield from self._save()
            return
        began = time.perf_counter()
        event = self._write_snapshot()
        self._run.thrift.cost(time.perf_counter() - began)
        yield event

    def evaluate(self) -> Generator[Event, None, None]:
        """The loss on what is never trained on, and what is measured of a task or of choices."""
        run, step = self._run, self.step
        spread, most = run.updates.spread, self.recipe.micro_batch
        dtype, answer_at = run.updates.compute_dtype, run.data.answer_at
        if run.updates.preferring is None:
            loss = yield from validate(
                spread, run.validation, self._device, step, most, dtype, answer_at=answer_at
            )
        else:
            loss = yield from self._measure_choices(run.updates.preferring)
        if not math.isfinite(loss):
            raise Diverged("The validation loss", step)
        old_loss = None
        if run.old:
            old_loss = yield from validate(spread, run.old, self._device, step, most, dtype)
        self.val_loss = loss
        run.evaluated_at = step
        run.state_is_old = True
        evaluated = Evaluated(
            step=step,
            tokens=step * self._tokens_per_step,
            seconds=self._clock.seconds,
            val_loss=loss,
            bits_per_byte=loss / math.log(2) * run.data.val_tokens_per_byte,
            old_loss=old_loss,
        )
        scored = (yield from self._score()) if answer_at else None
        run.folder.record(evaluated)
        if scored is not None:
            run.folder.record(scored)
        yield evaluated
        yield from self._watching.check(evaluated)
        if scored is not None:
            yield scored
            yield from self._watching.check(scored)

    def _score(self) -> Generator[Event, None, Measured]:
        """The share of a task's questions that are answered rightly."""
        run, step, most = self._run, self.step, self.recipe.micro_batch
        spread, dtype, at = run.updates.spread, run.updates.compute_dtype, run.data.answer_at
        values = []
        for place, batches in ((TRAINED_ON, run.trained_on), (HELD_OUT, run.validation)):
            share = yield from exact_match(spread, batches, self._device, step, at, most, dtype)
            values.append((place, ACCURACY, share))
        return Measured(step, tuple(values))

    def _measure_choices(self, preferring: Preferring) -> Generator[Event, None, float]:
        """What the network makes of every preference; the mean of their losses."""
        step, n = self.step, len(preferring.pairs)
        found = yield from retold(
            preferring.measure(), lambda done: Working(step, "evaluating", round(done * n), n)
        )
        self._run.folder.flush()
        add_margins(self._run_dir, step, found)
        return found.loss

    def measure(self) -> Generator[Event, None, None]:
        """The curves' numbers of the weights as they are."""
        run, step = self._run, self.step
        whole = self.keeping.whole()
        found = None
        if whole is not None:  # the first process measures
            found = yield from run.measuring.of_weights(whole, step)
        run.measured_at = step
        run.state_is_old = True
        if found is not None:
            run.folder.record(found)
            yield found
            yield from self._watching.check(found)

    def sample(self) -> Generator[Event, None, None]:
        """A text that the network writes."""
        run, recipe, step = self._run, self.recipe, self.step
        whole = self.keeping.whole()
        text = None
        if whole is not None:  # the first process writes it
            text = yield from sample(
                whole,
                run.data.tokenizer,
                run.prompt_ids,
                recipe.sample_tokens,
                recipe.seed,
                step,
                recipe.interventions(whole.config.n_layers),
            )
        run.sampled_at = step
        run.state_is_old = True
        if text is None:
            return
        sampled = Sampled(step, text)
        run.folder.record(sampled)
        yield sampled

    def _save(self) -> Generator[Event, None, None]:
        """Snapshot first, then the state: a resumed run never lacks a snapshot it counts on."""
        event = self._write_snapshot()
        self.save_state()
        self._run.saved_at = self.step
        yield event

    def _write_snapshot(self) -> SnapshotSaved:
        if not self._run.updates.weights_are_finite():
            raise Diverged("A weight", self.step)
        return SnapshotSaved(self.step, self.keeping.save_snapshot())

    def save_state(self) -> None:
        """What resuming needs."""
        self.keeping.save_state(self._clock.seconds, self.val_loss)


def _divides(every: int, step: int) -> bool:
    return every > 0 and step % every == 0


class Diverged(Exception):
    """A number is not finite, so there is nothing to go on with."""

    def __init__(self, what: str, step: int) -> None:
        super().__init__(what, step)
        self.what = what
        self.step = step
