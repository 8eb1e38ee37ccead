"""In what state the run is that is shown, in a line: getting ready, held, written elsewhere, ended.

Knows the store; no widget.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gui.panes.training.figures import ending, written_elsewhere
from gui.session.store import Store
from gui.session.training_run import Run

Color = Literal["dim", "good", "bad"]


@dataclass(frozen=True, slots=True)
class State:
    """A line, and how far it is.

    Attributes:
        words: what is said; empty for nothing.
        color: a colour of the theme.
        progress: how much of how much is done; of 0 where that is not known. None for no bar.
    """

    words: str = ""
    color: Color = "dim"
    progress: tuple[int, int] | None = None


def state_of(store: Store, run: Run | None, failure: str) -> State:
    """The state of what the pane shows.

    Args:
        store: of the window.
        run: that is drawn.
        failure: why nothing has begun that was asked for; empty if nothing has failed.
    """
    starting, preparing = store.run.starting, store.run.preparing
    problem = State(store.run.problem, "bad") if store.run.problem else None
    if starting is not None:
        what = "Getting ready" if preparing is None else preparing.what
        done = (0, 0) if preparing is None else (preparing.done, preparing.total)
        name = Path(starting.run_dir).name
        return State(f"Run {name}: {what[:1].lower()}{what[1:]}", progress=done)
    if run is not None and run.running:
        step = told_step(store, run)
        words = f"Paused at step {step:,}" if run.paused else ""
        if run.paused and run.met is not None:
            words = f"Paused. {run.met.message}"
        seen = seen_step(store, run)
        if not run.elsewhere and seen is not None and seen != run.step:
            words = words or f"The run goes on at step {step:,}"
            words = f"{words.removesuffix('.')}; the panes show step {seen:,}"
        if run.elsewhere:
            watching = store.watching
            words = written_elsewhere(watching.writer, watching.age, watching.problem)
        color: Color = "dim"
        if problem is not None and not words:
            color, words = "bad", problem.words
        return State(words, color, (step, run.recipe.steps))
    if failure:
        return State(failure, "bad")
    if store.scaling.going:
        return State("A queue of sizes is trained: stop it in Scaling to train here")
    if run is not None and run.finished is not None:
        color, words = ending(run)
        return State(words, color) if words or problem is None else problem
    return problem or State()


def seen_step(store: Store, run: Run) -> int | None:
    """The kept step of a run to which a person has gone; None where its newest weights are seen."""
    timeline = store.timeline
    if timeline.live or not store.run.in_view(run):
        return None
    return timeline.step


def told_step(store: Store, run: Run) -> int:
    """The step that the window tells of a run."""
    told = store.run.told(run)
    return run.step if told is None else told.step
