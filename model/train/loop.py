"""The training loop: a generator of typed events, one slice of work between two of them.

Nobody is called back: the caller asks for the next event when it likes, looks at the network in
between, and pauses by not asking. One terminal event ends a run.

Knows its parts, recipe, updates and run folder; no window, no progress bar.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import torch

from model.checkpoint.families import family_for
from model.counting import counted
from model.slices import retold
from model.tokenizer.tokenizer import Tokenizer
from model.train.claim import check_free
from model.train.data import TextData
from model.train.dpo import Preferring
from model.train.events import (
    Evaluated,
    Event,
    Finished,
    FinishReason,
    Measured,
    Sampled,
    SnapshotSaved,
    Started,
    StepDone,
    Working,
)
from model.train.keeping import Keeping
from model.train.margins_file import add_margins
from model.train.measure import exact_match, sample, validate
from model.train.pace import Speed, Stopwatch
from model.train.parts import Parts, getting_ready
from model.train.places import with_whole_paths
from model.train.processes.group import ALONE, Group, naming_the_lost
from model.train.processes.spread import Parallel
from model.train.recipe import Recipe
from model.train.resuming import checked_for_resume
from model.train.run_folder import RunError, read_recipe
from model.train.state import OWED
from model.train.updates import Update
from model.train.watches import ACCURACY, HELD_OUT, TRAINED_ON
from model.train.watching import Asked, Watching
from model.transformer import Transformer


def train(
    recipe: Recipe | None, run_dir: Path, *, device: str = "cpu", resume: bool = False
) -> Iterator[Event]:
    """The events of a run, for who needs neither to stop it nor to look into it."""
    return Training(recipe, run_dir, device=device, resume=resume).events()


class Training:
    """One run, from the text to the last snapshot.

    Args:
        recipe: what to train. None with ``resume`` takes the run's own; another one may change
            what ends the run, what is measured and the rate, but not network, text or tokenizer.
        run_dir: the run folder: new or empty, or with ``resume`` the run to go on with.
        device: where to compute.
        resume: go on from the last saved state.
        group: the processes that train together; all of them make a Training of the same
            arguments and go through its events. Where there are others, ``recipe`` and what lies
            in ``run_dir`` are looked at in the first only.
        parallel: how the network lies over them: ``ddp``, a copy in each; ``fsdp``, in shards;
            ``auto`` takes shards where a copy would fill a GPU.

    Raises:
        RecipeError: the recipe can't be run.
        RunError: the folder is taken, or can't be resumed.
    """

    def __init__(
        self,
        recipe: Recipe | None,
        run_dir: Path,
        *,
        device: str = "cpu",
        resume: bool = False,
        group: Group = ALONE,
        parallel: Parallel = "auto",
    ) -> None:
        self.run_dir = Path(run_dir)
        self.device = device
        self._resume = resume
        self._group = group
        self._parallel: Parallel = parallel
        if not group.is_first:
            recipe = Recipe()  # until the first process hands over its own
        elif resume:
            own = read_recipe(self.run_dir)
            recipe = own if recipe is None else checked_for_resume(with_whole_paths(recipe), own)
        elif recipe is None:
            raise RunError("A new run needs a recipe.")
        else:
            recipe = with_whole_paths(recipe)
            check_free(self.run_dir)
        self.recipe = recipe.validate()
        self._stop_asked = False
        self._began = False
        self._clock = Stopwatch()
        self._speed = Speed()
        self._val_loss: float | None = None
        self._parts: Parts | None = None
        self._watching = Watching()

    # For the caller

    @property
    def transformer(self) -> Transformer:
        """The network that learns; there from `Started` on."""
        return self._run.updates.transformer

    @property
    def family(self) -> str:
        """As which the network is saved; there from `Started` on."""
        return self._run.family or family_for(self.transformer.config)

    @property
    def _tokens_per_step(self) -> int:
        return self.recipe.batch_size * self.recipe.n_ctx

    @property
    def tokenizer(self) -> Tokenizer:
        """The run's tokenizer; there from `Started` on."""
        return self._run.data.tokenizer

    @property
    def data(self) -> TextData:
        """The text that is learned from, as ids; there from `Started` on."""
        return self._run.data

    @property
    def step(self) -> int:
        """Updates that the network has had."""
        return 0 if self._parts is None else self._parts.updates.step

    @property
    def tokens_per_second(self) -> float:
        """Over all steps of this session; evaluation, samples and saving do not count."""
        return self._speed.mean

    def stop(self) -> None:
        """End the run: all is saved, and the next event is the last one.

        On a GPU the numbers of the update that is still on its way come before it.
        """
        self._stop_asked = True

    def watch(
        self,
        watched: tuple[str, ...],
        stop_when: tuple[str, ...],
        picture: str = "",
        every: int = 0,
    ) -> None:
        """Watch other tensors and wait for other conditions, from the next measurement on.

        Args:
            watched, stop_when: as in the recipe, which the run folder then says too.
            picture: place of a watched tensor (``blocks.0.mlp.W_in.grad``) that comes as a picture
                with each measurement; empty for none.
            every: steps between two measurements; 0 leaves that as it is.

        Raises:
            WatchError: this network has no such name, or a condition is none.
        """
        self._watching.ask(self.recipe, Asked(watched, stop_when, picture, every))
        if self._parts is not None:
            self._apply_watching()

    def _apply_watching(self) -> None:
        """Do what was asked for; the run folder says it too."""
        recipe = self._watching.apply(self.recipe, self._run.measuring)
        if recipe != self.recipe:
            self.recipe = recipe
            self._run.folder.keep_recipe(recipe)

    def change_rate(self, lr: float) -> None:
        """Let the next update, and the schedule after it in proportion, have another rate.

        It is on disk before it counts: a run that is killed and resumed has the same rates.

        Args:
            lr: of the next update.

        Raises:
            RunError: the run has not started, several processes train it, or the disk refuses.
            RecipeError: that is no rate.
        """
        run, recipe = self._run, self.recipe
        if not self._group.is_alone:
            raise RunError("Several processes train this run: stop it and resume it instead.")
        recipe = recipe.with_rate(self.step + 1, lr).validate()
        run.folder.change_recipe(recipe)
        self.recipe = run.recipe = run.updates.recipe = recipe

    def events(self) -> Generator[Event, None, None]:
        """Run. To be called once.

        Yields:
            `Prepared` any number of times, `Started`, everything of the run, one `Finished`.

        Raises:
            DataError, TokenizerError: the text or the tokenizer is no good; before `Started`.
            RunError, CheckpointError: the run folder can't be written or resumed. What was
                saved before stays.
        """
        if self._began:
            raise RuntimeError("The events of a run can be had once.")
        self._began = True
        source = self._guarded(self._go())
        stopping = False
        try:
            while True:
                # Of several processes none may leave the others waiting: they agree before a step.
                if self._stop_asked and not stopping and self._group.is_alone:
                    stopping = True
                    source.close()
                    source = self._guarded(self._stop())
                self._clock.start()
                try:
                    with naming_the_lost(self._group):
                        event = next(source)
                finally:
                    self._clock.stop()
                if isinstance(event, Finished):
                    self._close()
                    yield event
                    return
                yield event
        finally:
            # Also after an exception, or when the caller went away: the curve is kept.
            source.close()
            self._close()

    # The run

    def _go(self) -> Generator[Event, None, None]:
        yield from self._prepare()
        recipe = self.recipe  # with the text's place of today; in other processes the first's own
        # Also where a run goes on: it may have been stopped before it had done what was due.
        yield from self._do_what_is_due()
        while (reason := self._reason_to_end()) is None:
            yield from self._advance()
            yield from self._do_what_is_due()
        if reason == "stopped":
            yield from self._stop()
            return
        yield from self._land()
        if self._run.evaluated_at != self.step:
            yield from self._evaluate()
        if recipe.sample_every and self._run.sampled_at != self.step:
            yield from self._sample()
        if self.recipe.curves_every and self._run.measured_at != self.step:
            yield from self._measure()
        if self._run.saved_at != self.step:
            yield from self._save()
        elif self._run.state_is_old:
            self._keeping.save_state(self._clock.seconds, self._val_loss)
        if self._on_target():
            reason = "target"
        start = {
            "time": f"Time is up after {counted(self.step, 'step')}",
            "target": f"The target is reached after {counted(self.step, 'step')}",
        }.get(
            reason,
            "The one step is done" if self.step == 1 else f"All {self.step:,} steps are done",
        )
        yield self._finished(reason, f"{start}: validation loss {self._val_loss:.4f}.")

    def _stop(self) -> Generator[Event, None, None]:
        """The end that the caller asked for: nothing more is measured, all is saved."""
        if self._parts is None:
            yield self._finished(
                "stopped",
                "Stopped before it went on; the run is as it was."
                if self._resume
                else "Stopped before the first step; nothing was written.",
            )
            return
        yield from self._land()
        if self._run.saved_at != self.step:
            for _ in self._save():
                pass  # said by the last event
        elif self._run.state_is_old:
            self._keeping.save_state(self._clock.seconds, self._val_loss)
        yield self._finished(
            "stopped", f"Stopped after {counted(self.step, 'step')}; all is saved."
        )

    def _guarded(self, source: Generator[Event, None, None]) -> Generator[Event, None, None]:
        """The same events, ended by a `Finished` where a number is not finite."""
        try:
            yield from source
        except _Diverged as diverged:
            yield self._finished(
                "diverged",
                f"{diverged.what} is no finite number at step {diverged.step:,}, so the run has "
                "ended; its curve and earlier snapshots are kept. A lower learning rate, a longer "
                "warm-up or gradient clipping may help.",
            )

    def _reason_to_end(self) -> FinishReason | None:
        recipe = self.recipe
        if self.step >= recipe.steps:
            return "steps"
        if not self._group.is_alone and self._group.any(self._stop_asked):
            return "stopped"
        if recipe.max_seconds:
            over = self._clock.seconds >= recipe.max_seconds
            if self._group.any(over and self._group.is_first):  # by one clock
                return "time"
        return "target" if self._on_target() else None

    def _on_target(self) -> bool:
        target = self.recipe.target_val_loss
        return bool(target) and self._val_loss is not None and self._val_loss <= target

    def _finished(self, reason: FinishReason, message: str) -> Finished:
        return Finished(reason, self.step, self._clock.seconds, self._val_loss, message)

    # One step

    def _advance(self) -> Generator[Event, None, None]:
        """One update; on a GPU what is reported is the one before it."""
        self._keeping.let_go()
        began = time.perf_counter()
        update = self._run.updates.advance()
        self._speed.add(self._tokens_per_step, time.perf_counter() - began)
        if update is not None:
            yield from self._report(update)

    def _land(self) -> Generator[Event, None, None]:
        """Report the update that is still on its way, if there is one."""
        update = self._run.updates.land()
        if update is not None:
            yield from self._report(update)

    def _report(self, update: Update) -> Generator[Event, None, None]:
        done = StepDone(
            step=update.step,
            tokens=update.step * self._tokens_per_step,
            seconds=self._clock.seconds,
            train_loss=update.train_loss,
            lr=update.lr,
            grad_norm=update.grad_norm,
            tokens_per_second=self._speed.recent,
        )
        self._run.folder.record(done)
        # Before anybody hears of the step: who stops there doesn't lose what was measured of it.
        found = self._run.measuring.of_update(update.step)
        if found is not None:
            self._run.folder.record(found)
        yield done
        yield from self._watching.check(done)
        if found is not None:
            yield found
            yield from self._watching.check(found)
        if not update.finite:
            what = "The gradient" if math.isfinite(update.train_loss) else "The loss"
            raise _Diverged(what, update.step)

    # Between two steps

    def _do_what_is_due(self) -> Generator[Event, None, None]:
        recipe, run, step = self.recipe, self._run, self.step
        if step >= recipe.steps:
            return  # all of it is done at the end
        jobs = [
            job
            for is_due, done_at, job in (
                (self._validation_is_due, run.evaluated_at, self._evaluate),
                (step > 0 and _divides(recipe.sample_every, step), run.sampled_at, self._sample),
                (self._curves_are_due, run.measured_at, self._measure),
                (self._snapshot_is_due, run.kept_at, self._keep),
            )
            if is_due and done_at != step
        ]
        if jobs:
            yield from self._land()
        for job in jobs:
            yield from job()
        if _divides(recipe.snapshot_every, step) and run.kept_at != step:
            self._save_state()  # where the disk's budget has no room for a snapshot

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
        return self._group.any(allowed and self._group.is_first)

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

    def _evaluate(self) -> Generator[Event, None, None]:
        run, step = self._run, self.step
        spread, most = run.updates.spread, self.recipe.micro_batch
        dtype, answer_at = run.updates.compute_dtype, run.data.answer_at
        if run.updates.preferring is None:
            loss = yield from validate(
                spread, run.validation, self.device, step, most, dtype, answer_at=answer_at
            )
        else:
            loss = yield from self._measure_choices(run.updates.preferring)
        if not math.isfinite(loss):
            raise _Diverged("The validation loss", step)
        old_loss = None
        if run.old:
            old_loss = yield from validate(spread, run.old, self.device, step, most, dtype)
        self._val_loss = loss
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
            share = yield from exact_match(spread, batches, self.device, step, at, most, dtype)
            values.append((place, ACCURACY, share))
        return Measured(step, tuple(values))

    def _measure_choices(self, preferring: Preferring) -> Generator[Event, None, float]:
        """What the network makes of every preference; the mean of their losses."""
        step, n = self.step, len(preferring.pairs)
        found = yield from retold(
            preferring.measure(), lambda done: Working(step, "evaluating", round(done * n), n)
        )
        self._run.folder.flush()
        add_margins(self.run_dir, step, found)
        return found.loss

    def _measure(self) -> Generator[Event, None, None]:
        run, step = self._run, self.step
        whole = self._keeping.whole()
        found = None
        if whole is not None:  # the first process measures
            found = yield from run.measuring.of_weights(whole, step)
        run.measured_at = step
        run.state_is_old = True
        if found is not None:
            run.folder.record(found)
            yield found
            yield from self._watching.check(found)

    def _sample(self) -> Generator[Event, None, None]:
        run, recipe, step = self._run, self.recipe, self.step
        whole = self._keeping.whole()
        text = None
        if whole is not None:  # the first process writes it
            text = yield from sample(
                whole,
                self.tokenizer,
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
        self._save_state()
        self._run.saved_at = self.step
        yield event

    def _write_snapshot(self) -> SnapshotSaved:
        if not self._run.updates.weights_are_finite():
            raise _Diverged("A weight", self.step)
        return SnapshotSaved(self.step, self._keeping.save_snapshot())

    def _save_state(self) -> None:
        self._keeping.save_state(self._clock.seconds, self._val_loss)

    # Set-up

    def _prepare(self) -> Generator[Event, None, None]:
        """Everything up to `Started`."""
        run = yield from getting_ready(
            self.recipe, self.run_dir, self.device, self._resume, self._group, self._parallel
        )
        self._parts = run
        self._keeping = Keeping(run, self.run_dir)
        self.recipe = run.recipe
        self._val_loss = run.val_loss
        self._apply_watching()
        self._watching.take_as_known(run.last_values)
        # Getting ready is no training: the run's seconds begin here.
        self._clock.set(run.seconds)
        yield Started(
            run_dir=self.run_dir,
            recipe=self.recipe,
            config=run.updates.transformer.config,
            n_params=run.updates.transformer.config.n_params,
            n_train_tokens=len(run.data.train_ids),
            n_val_tokens=len(run.data.val_ids),
            step=run.updates.step,
            device=self.device,
            threads=torch.get_num_threads(),
            notes=run.data.notes,
        )

    @property
    def _run(self) -> Parts:
        if self._parts is None:
            raise RunError("The run has not started yet: its text is being prepared.")
        return self._parts

    def _close(self) -> None:
        if self._parts is not None:
            self._parts.folder.close()


def _divides(every: int, step: int) -> bool:
    return every > 0 and step % every == 0


class _Diverged(Exception):
    """A number is not finite, so there is nothing to go on with."""

    def __init__(self, what: str, step: int) -> None:
        super().__init__(what, step)
        self.what = what
        self.step = step
