"""The folder of a queue: a plan, and a run folder a size; and how far each of them is.

    plan.toml         the plan (`model.train.scaling.plan`)
    expected.toml     what a probe has measured of each size, where there was one
    width-0016/       a run folder, as every other (`model.train.run_folder`)
    .lock             while a process trains it

Whoever writes it, here or elsewhere: it is read as it stands. Knows plans and run folders; no torch
until it is asked whether a run can go on.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.config import TransformerConfig
from model.folder_lock import holder
from model.train.events import Evaluated, StepDone
from model.train.places import with_whole_paths
from model.train.record import RunRecord, reading_record
from model.train.run_folder import RunError, is_run, read_run
from model.train.scaling.counts import ParameterCount, n_parameters, training_flops
from model.train.scaling.plan import PlanError, PlannedRun, ScalingPlan
from model.train.toml import toml_table
from model.whole_file import WriteError, write_whole

PLAN_FILE = "plan.toml"
EXPECTED_FILE = "expected.toml"
CURVE_POINTS = 240
"""Of a curve of training losses: means of equally many steps each. The run has them all."""

Array = NDArray[np.float64]
State = Literal["waiting", "stopped", "training", "done", "diverged", "damaged"]


class ScalingError(ValueError):
    """A queue that can't be read, begun or taken up; the message says why."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SizeRecord:
    """One run of a queue, as its folder has it.

    Attributes:
        name: of its folder.
        run_dir: its folder, as a whole path; it need not be there yet.
        config: of its network; of an unknown vocabulary (``d_vocab`` 0) with one token.
        d_vocab: tokens of its vocabulary; 0 before it is known.
        lr: its learning rate; None while short runs are still to find it.
        state: how far it is.
        step, steps: done, and planned.
        tokens: that it sees in all.
        seconds: that it took so far.
        val_loss: the last on validation text, nats per token; NaN before any.
        train_tokens_C, train_loss_C: its training loss over tokens, in at most `CURVE_POINTS`.
        val_tokens_V, val_loss_V: all its validations.
        problem: what of it can't be read, a sentence.
    """

    name: str
    run_dir: str
    config: TransformerConfig
    d_vocab: int = 0
    lr: float | None
    state: State = "waiting"
    step: int = 0
    steps: int
    tokens: int
    seconds: float = 0.0
    val_loss: float = math.nan
    train_tokens_C: Array
    train_loss_C: Array
    val_tokens_V: Array
    val_loss_V: Array
    problem: str = ""

    @property
    def width(self) -> int:
        return self.config.d_model

    def parameters(self, count: ParameterCount) -> int | None:
        """How many it has; None where embeddings count and the vocabulary isn't known."""
        if count == "all" and not self.d_vocab:
            return None
        return n_parameters(self.config, count)

    def six_nd(self, count: ParameterCount) -> float | None:
        """Six FLOPs a parameter and token, over all its tokens."""
        n = self.parameters(count)
        return None if n is None else 6.0 * n * self.tokens

    @property
    def flops(self) -> float | None:
        """Counted FLOPs of all its tokens; None before the vocabulary is known."""
        return training_flops(self.config) * self.tokens if self.d_vocab else None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Expected:
    """What a short probe on this machine says of the time.

    Attributes:
        seconds: of each run from beginning to end, by name.
        threads: CPU threads that it was measured with.
    """

    seconds: Mapping[str, float]
    threads: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class QueueRecord:
    """A queue, as its folder has it.

    Attributes:
        folder: as a whole path; empty of a plan that has none yet.
        plan: what is trained.
        sizes: its runs, in the order of the plan.
        expected: what was measured of the time; None if nothing was.
        writer: who trains it now, ``"process 4711 on HOST"`` or ``"this process"``; empty for none.
    """

    folder: str
    plan: ScalingPlan
    sizes: tuple[SizeRecord, ...]
    expected: Expected | None = None
    writer: str = ""

    @property
    def done(self) -> tuple[SizeRecord, ...]:
        """The sizes whose loss can be fitted."""
        return tuple(size for size in self.sizes if size.state == "done")

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to train."""
        return all(size.state in ("done", "diverged") for size in self.sizes)


def begin(folder: Path, plan: ScalingPlan) -> None:
    """Write a plan into a folder that is new, empty, or has the same plan.

    Raises:
        PlanError: the plan can't be trained.
        ScalingError: something else lies there, or the folder can't be written.
    """
    plan = replace(plan, recipe=with_whole_paths(plan.recipe)).validate()
    try:
        if (folder / PLAN_FILE).is_file():
            if read_plan(folder) != plan:
                raise ScalingError(
                    f"{folder} has another plan already. Go on with that one (run it without "
                    "options), or choose another folder."
                )
            return
        if folder.exists() and (not folder.is_dir() or not all(map(_is_left, folder.iterdir()))):
            raise ScalingError(f"{folder} exists and is not empty. Choose another folder.")
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
        write_whole(folder / PLAN_FILE, plan.to_toml())
    except WriteError as error:
        raise ScalingError(str(error)) from error
    except OSError as error:
        raise ScalingError(
            f"{folder} can't be made: {error.strerror or error}. Choose another place."
        ) from error


def _is_left(entry: Path) -> bool:
    """Whether it is what a process that was killed as it wrote the plan has left."""
    return entry.name.startswith(f".{PLAN_FILE}.") and entry.name.endswith(".part")


def read_plan(folder: Path) -> ScalingPlan:
    """The plan of a folder.

    Raises:
        ScalingError: there is none, or it can't be read or trained.
    """
    try:
        return ScalingPlan.from_toml((folder / PLAN_FILE).read_text(encoding="utf-8")).validate()
    except FileNotFoundError:
        raise ScalingError(
            f"{folder} holds no queue of sizes: it has no {PLAN_FILE}. "
            "`python -m model scaling plan FOLDER` writes one."
        ) from None
    except PlanError as error:
        raise ScalingError(f"{folder / PLAN_FILE}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ScalingError(f"{folder / PLAN_FILE} can't be read: {error}.") from error


def write_expected(folder: Path, expected: Expected) -> None:
    """Keep what was measured beside the plan."""
    text = toml_table({"threads": expected.threads})
    write_whole(folder / EXPECTED_FILE, f"{text}\n[seconds]\n{toml_table(expected.seconds)}")


def read_expected(folder: Path) -> Expected | None:
    """What was measured, None where nothing was or it can't be read."""
    try:
        table = tomllib.loads((folder / EXPECTED_FILE).read_text(encoding="utf-8"))
        seconds = {str(name): float(value) for name, value in table["seconds"].items()}
        return Expected(seconds=seconds, threads=int(table["threads"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def rates_found(folder: Path, plan: ScalingPlan) -> dict[int, float]:
    """The learning rates that short runs have found, by width; those of which all runs are done.

    Of runs that are equally good the lowest rate is taken; one that diverged is never.
    """
    found: dict[int, float] = {}
    for width in plan.widths:
        trials = plan.trials(width)
        losses = [trial_loss(folder / trial.name, trial) for trial in trials]
        known = [(loss, trial.recipe.lr) for loss, trial in zip(losses, trials) if loss is not None]
        if trials and len(known) == len(trials) and math.isfinite(min(known)[0]):
            found[width] = min(known)[1]
    return found


def trial_loss(run_dir: Path, run: PlannedRun) -> float | None:
    """What a run has ended with; infinity where it diverged, None where it has not ended."""
    if not is_run(run_dir):
        return None
    record = _whole_record(run_dir)
    match state_of(record, run):
        case "done":
            return record.evaluations[-1].val_loss
        case "diverged":
            return math.inf
    return None


def state_of(record: RunRecord, run: PlannedRun) -> State:
    """How far a run is, whoever may be writing it."""
    steps, checks = record.steps, record.evaluations
    if steps and not math.isfinite(steps[-1].train_loss + steps[-1].grad_norm):
        return "diverged"
    if checks and not math.isfinite(checks[-1].val_loss):
        return "diverged"
    last = run.recipe.steps
    # The last row alone is not the end: a run may have been killed before it was validated, saved.
    whole = checks and checks[-1].step == last and any(s.step == last for s in record.snapshots)
    return "done" if whole else "stopped"


def reading_queue(folder: Path) -> Generator[None, None, QueueRecord]:
    """Read a queue's folder, a run a slice.

    Raises:
        ScalingError: it holds none.
    """
    folder = folder.absolute()
    plan = read_plan(folder)
    writer = holder(folder) or ""
    rates = rates_found(folder, plan)
    swept = plan.lr_rule == "sweep"
    sizes = []
    for run in plan.runs(rates):
        sizes.append(
            (yield from reading_size(folder, run, lr_known=not swept or run.width in rates))
        )
        yield
    d_vocab = max((size.d_vocab for size in sizes), default=0)
    return QueueRecord(
        folder=str(folder),
        plan=plan,
        sizes=tuple(_of_vocabulary(size, d_vocab) for size in sizes),
        expected=read_expected(folder),
        writer=writer,
    )


def reading_size(
    folder: Path, run: PlannedRun, *, lr_known: bool = True
) -> Generator[None, None, SizeRecord]:
    """One run of a queue."""
    run_dir = folder / run.name
    if not is_run(run_dir):
        return waiting(str(run_dir), run, lr_known=lr_known)
    try:
        record = yield from reading_record(run_dir)
        d_vocab = int(read_run(run_dir).get("network", {}).get("d_vocab", 0))
    except (RunError, TypeError, ValueError) as error:
        broken = waiting(str(run_dir), run, lr_known=lr_known)
        return replace(broken, state="damaged", problem=str(error))
    state = state_of(record, run)
    if state == "stopped" and holder(run_dir):
        state = "training"
    return size_record(
        run, str(run_dir), d_vocab, record.steps, record.evaluations, state, record.problem
    )


def size_record(
    run: PlannedRun,
    run_dir: str,
    d_vocab: int,
    steps: tuple[StepDone, ...] | list[StepDone],
    checks: tuple[Evaluated, ...] | list[Evaluated],
    state: State,
    problem: str = "",
) -> SizeRecord:
    """A run by its events."""
    tokens_C, loss_C = thinned(
        np.array([one.tokens for one in steps], dtype=np.float64),
        np.array([one.train_loss for one in steps], dtype=np.float64),
    )
    last = max(steps[-1].step if steps else 0, checks[-1].step if checks else 0)
    return SizeRecord(
        name=run.name,
        run_dir=run_dir,
        config=run.recipe.config(max(1, d_vocab)),
        d_vocab=d_vocab,
        lr=run.recipe.lr,
        state=state,
        step=last,
        steps=run.recipe.steps,
        tokens=run.tokens,
        seconds=max([one.seconds for one in (*steps[-1:], *checks[-1:])], default=0.0),
        val_loss=checks[-1].val_loss if checks else math.nan,
        train_tokens_C=tokens_C,
        train_loss_C=loss_C,
        val_tokens_V=_kept([one.tokens for one in checks]),
        val_loss_V=_kept([one.val_loss for one in checks]),
        problem=problem,
    )


def waiting(run_dir: str, run: PlannedRun, *, lr_known: bool = True) -> SizeRecord:
    """A run that has not begun."""
    none = _kept([])
    return SizeRecord(
        name=run.name,
        run_dir=run_dir,
        config=run.recipe.config(run.recipe.bpe_size or 1),
        d_vocab=0,
        lr=run.recipe.lr if lr_known else None,
        steps=run.recipe.steps,
        tokens=run.tokens,
        train_tokens_C=none,
        train_loss_C=none,
        val_tokens_V=none,
        val_loss_V=none,
    )


def of_plan(plan: ScalingPlan, expected: Expected | None = None) -> QueueRecord:
    """A plan that has no folder yet, as a queue of which nothing is done."""
    known = plan.lr_rule != "sweep"
    return QueueRecord(
        folder="",
        plan=plan,
        sizes=tuple(waiting("", run, lr_known=known) for run in plan.runs()),
        expected=expected,
    )


def thinned(tokens: Array, loss: Array, most: int = CURVE_POINTS) -> tuple[Array, Array]:
    """A curve in at most so many points: means of tokens and loss over equally many steps."""
    if len(loss) > most:
        borders = np.linspace(0, len(loss), most + 1).astype(int)[:-1]
        counts = np.diff(np.append(borders, len(loss)))
        tokens = np.add.reduceat(tokens, borders) / counts
        loss = np.add.reduceat(loss, borders) / counts
    return _kept(tokens), _kept(loss)


def _of_vocabulary(size: SizeRecord, d_vocab: int) -> SizeRecord:
    """The vocabulary that one run has found is that of all: the text is the same."""
    if size.d_vocab or not d_vocab:
        return size
    return replace(size, d_vocab=d_vocab, config=replace(size.config, d_vocab=d_vocab))


def _whole_record(run_dir: Path) -> RunRecord:
    from model.slices import finish

    return finish(reading_record(run_dir))


def _kept(values: Array | list[float] | list[int]) -> Array:
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array
