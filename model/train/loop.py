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
from model.tokenizer.tokenizer import Tokenizer
from model.train.between_steps import BetweenSteps, Diverged
from model.train.claim import check_free
from model.train.data import TextData
from model.train.events import (
    Event,
    Finished,
    FinishReason,
    Started,
    StepDone,
)
from model.train.pace import Speed, Stopwatch
from model.train.parts import Parts, getting_ready
from model.train.places import with_whole_paths
from model.train.processes.group import ALONE, Group, naming_the_lost
from model.train.processes.spread import Parallel
from model.train.recipe import Recipe
from model.train.resuming import checked_for_resume
from model.train.run_folder import RunError, read_recipe
from model.train.updates import Update
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
            self.recipe = self._run.recipe = recipe
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
        # Also where a run goes on: it may have been stopped before it had done what was due.
        yield from self._do_what_is_due()
        while (reason := self._reason_to_end()) is None:
            yield from self._advance()
            yield from self._do_what_is_due()
        if reason == "stopped":
            yield from self._stop()
            return
        yield from self._land()
        yield from self._between.rest()
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
        for _ in self._between.save_what_is_new():
            pass  # said by the last event
        yield self._finished(
            "stopped", f"Stopped after {counted(self.step, 'step')}; all is saved."
        )

    def _guarded(self, source: Generator[Event, None, None]) -> Generator[Event, None, None]:
        """The same events, ended by a `Finished` where a number is not finite."""
        try:
            yield from source
        except Diverged as diverged:
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

    @property
    def _val_loss(self) -> float | None:
        return None if self._parts is None else self._between.val_loss

    def _on_target(self) -> bool:
        target = self.recipe.target_val_loss
        return bool(target) and self._val_loss is not None and self._val_loss <= target

    def _finished(self, reason: FinishReason, message: str) -> Finished:
        return Finished(reason, self.step, self._clock.seconds, self._val_loss, message)

    # One step

    def _advance(self) -> Generator[Event, None, None]:
        """One update; on a GPU what is reported is the one before it."""
        self._between.keeping.let_go()
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
            raise Diverged(what, update.step)

    def _do_what_is_due(self) -> Generator[Event, None, None]:
        jobs = self._between.jobs()
        if jobs:
            yield from self._land()
        for job in jobs:
            yield from job()
        self._between.save_state_where_no_snapshot_is()

    # Set-up

    def _prepare(self) -> Generator[Event, None, None]:
        """Everything up to `Started`."""
        run = yield from getting_ready(
            self.recipe, self.run_dir, self.device, self._resume, self._group, self._parallel
        )
        self._parts = run
        self._between = BetweenSteps(run, self.run_dir, self.device, self._clock, self._watching)
        self.recipe = run.recipe
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
