"""The figures of a run in words: how far, how good, how fast, how it ended.

Knows the state of a run and what is measured of it, no widget.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar

from gui.panes.training.curves import LOSS_UNIT
from gui.panes.training.figure_grid import Figure
from gui.session.training_run import Run
from model.messages import AnalogyMeasured
from model.train import metrics
from model.train.events import Evaluated, StepDone
from model.train.metrics import Measure


class _Dated(Protocol):
    @property
    def step(self) -> int: ...


E = TypeVar("E", bound=_Dated)


def run_figures(run: Run, step: int | None = None) -> tuple[Figure, ...]:
    """What is worth knowing: how far, then every measure, what is said of a run first.

    While it goes on, how far stands in the header: these figures are changed less often, and would
    tell of another step.

    Args:
        run: whose.
        step: at which of its steps; None for the last.
    """
    figures = []
    if not run.running or run.paused:
        at = run.step if step is None else step
        figures.append(Figure("step", f"{at:,} / {run.recipe.steps:,}"))
    spoken = [measure for measure in metrics.MEASURES if measure.said]
    silent = [measure for measure in metrics.MEASURES if not measure.said]
    for measure in (*spoken, *silent):
        figure = _figure(run, measure, step)
        if figure is not None:
            figures.append(figure)
    last = run.steps[-1] if run.steps else None
    if run.running and last is not None and last.step:
        left = (run.recipe.steps - last.step) * last.seconds / last.step
        figures.append(Figure("left", f"≈ {duration(left)}", "At the pace until now"))
    point = analogy_at(run, step)
    if point is not None:
        figures += [
            Figure(
                "rank",
                f"{point.rank:,} ({point.rank_all_words:,})",
                f"{point.expression}: the answer's rank by cosine in W_E without the three words "
                "of the question; in brackets with them",
            ),
            Figure(
                "analogies",
                f"{point.share:.1%}",
                f"Of {point.n:,} gendered analogies (all ordered pairs of pairs), how many have "
                "the right answer at rank 1, the three words left out",
            ),
        ]
    info = run.started.info
    figures.append(Figure("parameters", f"{info.n_params:,}", "Tied ones counted once"))
    return tuple(figures)


def analogy_at(run: Run, step: int | None) -> AnalogyMeasured | None:
    """What had become of the analogy at a step, or at last; None before it was measured."""
    found = up_to(run.analogies, step)
    return found[-1] if found else None


def up_to(events: Sequence[E], step: int | None) -> Sequence[E]:
    """Those of some events that have happened by a step; None for all."""
    if step is None:
        return events
    return events[: bisect_right(events, step, key=lambda event: event.step)]


def _figure(run: Run, measure: Measure, step: int | None) -> Figure | None:
    """A measure at a step, or the newest; None before it is measured."""
    if measure.name == "step":
        return None  # stands first, with the number of all steps
    of_steps = StepDone in measure.on
    every: Sequence[StepDone | Evaluated] = run.steps if of_steps else run.evaluations
    events = up_to(every, step)
    if not events:
        return None
    last = events[-1]
    value = measure.of(last)
    if value is None or (math.isnan(value) and (run.program or not measure.kept)):
        return None
    if run.program and measure.name == "tokens" and not value:
        return None  # its log has none
    tip = measure.sentence + (f", {measure.unit}" if measure.unit else "")
    if not of_steps:
        tip += f"; at step {last.step:,}"
        if measure.unit == LOSS_UNIT:
            best = min(every, key=lambda event: measure.of(event) or math.inf)
            least = measure.of(best)
            tip += f". Best: {'' if least is None else measure.text(least)} at step {best.step:,}"
    said = duration(value) if measure.unit == "s" else measure.text(value)
    return Figure(measure.title, said, tip)


def ending(run: Run) -> tuple[Literal["good", "dim", "bad"], str]:
    """How a run ended: its colour, and a sentence."""
    finished = run.finished
    if finished is None:
        return "dim", ""
    match finished.reason:
        case "diverged":
            return "bad", finished.message
        case "stopped":
            return "dim", finished.message
        case _:
            return "good", finished.message


def written_elsewhere(writer: str, age: float, problem: str) -> str:
    """What is known of who writes a run that isn't trained here, and how lately.

    Args:
        writer: who, where that can be seen.
        age: seconds since the last row.
        problem: what can't be read just now, a sentence.
    """
    who = f" by {writer}" if writer else ""
    ago = f"{age:.0f} s" if age < 60 else duration(age)
    return f"Written elsewhere{who}, last row {ago} ago. {problem}".strip()


def duration(seconds: float) -> str:
    """A time span: 8.2 s, 1:05 min, 2:10 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d} h"
