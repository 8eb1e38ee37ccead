"""Training a model, and following it while it learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from model.messages.base import Request, Result
from model.messages.opening import ModelInfo
from model.train.branching.record import Departure
from model.train.branching.tree import RunNode
from model.train.estimate import Estimate
from model.train.events import Event
from model.train.growing import Mark, RunNews
from model.train.recipe import Recipe
from model.train.record import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTraining(Request):
    """Train a new model by a recipe in a new run folder, or go on with a run that is there.

    Answered by `TrainingStarted`, then `TrainingProgressed` many times, the last with a terminal
    event, then `TrainingEnded`.

    Attributes:
        recipe: what to train, on what, how long.
        run_dir: folder to write; must not exist, unless its run goes on.
        resume: go on with the run in ``run_dir`` from its last saved state; ``recipe`` is its own.
        follow: whether prompt, embedding space and all panes follow the model while it learns.
        begin_paused: wait before the first step.
        branch: the run and the step that a new run begins at; None for one that begins anew.
    """

    finished_at_close: ClassVar[bool] = True

    recipe: Recipe
    run_dir: str
    follow: bool = True
    begin_paused: bool = False
    resume: bool = False
    branch: Departure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTraining(Request):
    """Pause, resume, do one step (and stay paused), or stop the run that is going."""

    action: Literal["pause", "resume", "step", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTraining(Request):
    """Watch other tensors of the network that learns, and wait for other conditions.

    Attributes:
        watched, stop_when: as in a recipe; in the place of what it had.
        picture: place of the watched tensor that comes as a picture too; empty for none.
        every: steps between two measurements; 0 leaves that as it is.
    """

    watched: tuple[str, ...] = ()
    stop_when: tuple[str, ...] = ()
    picture: str = ""
    every: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRate(Request):
    """Give the run that is going another learning rate from its next step on: `RecipeChanged`.

    Attributes:
        lr: of the next step; those after it follow the schedule in proportion.
    """

    lr: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeChanged(Result):
    """The run that is going has another recipe from now on.

    Attributes:
        recipe: it.
        step: the first update by it.
    """

    recipe: Recipe
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowTraining(Request):
    """Bring the model of the run into view (True), or the one that a person opened: `ModelOpened`.

    Both are held, also once the run has ended.
    """

    follow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowStep(Request):
    """Bring another step of the model in view into view: `StepShown`, then the prompt is read anew.

    From then on everything about that model is about its weights at that step, until another is
    shown. Newest wins.

    Attributes:
        model_id: whose; of another one than that in view nothing comes.
        step: which; None for the weights that learn just now, or that were opened.
    """

    newest_wins: ClassVar[bool] = True

    model_id: int
    step: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepShown(Result):
    """The model in view is now at that step.

    Attributes:
        step: None for the weights that learn just now.
    """

    model_id: int
    step: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSteps(Request):
    """Ask a model the same at several steps, in the background: `StepMeasured` each. Newest wins.

    Attributes:
        model_id: whose.
        steps: in the order in which they are wanted.
    """

    newest_wins: ClassVar[bool] = True
    lets_questions_first: ClassVar[bool] = True

    model_id: int
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMeasured(Result):
    """What a network can do at a step; NaN where that can't be asked of it.

    Attributes:
        rank: of queen for king − man + woman by cosine, the three words excluded; 1 is nearest.
        analogies: share of the gendered analogies whose answer is nearest; ``n_analogies`` of them.
        facts: share of the story world's facts that it completes; ``n_facts`` of them.
        induction: the highest induction score of all heads (`model.probe.heads`).
        layer, head: which head has it; -1 for none.
    """

    model_id: int
    step: int
    rank: float
    analogies: float
    n_analogies: int
    facts: float
    n_facts: int
    induction: float
    layer: int
    head: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRun(Request):
    """Read what a run folder, or another program's log, tells of its run: `RunRead`.

    Attributes:
        path: the run folder, or the file of the log.
    """

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRuns(Request):
    """Read the runs of a folder, and who branches from whom: `RunsRead`. Newest wins.

    Attributes:
        folder: that holds run folders.
        known: what was read of it before: only what has changed is read again.
    """

    newest_wins: ClassVar[bool] = True
    lets_questions_first: ClassVar[bool] = True

    folder: str
    known: tuple[RunNode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsRead(Result):
    """The runs of a folder.

    Attributes:
        folder: that was asked about.
        runs: each before its branches.
    """

    folder: str
    runs: tuple[RunNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportEvents(Request):
    """Write a run's numbers as a folder of TensorBoard's events: `EventsExported`.

    Attributes:
        run_dir: the run folder.
        out: the folder to make.
    """

    run_dir: str
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsExported(Result):
    """They are written.

    Attributes:
        out: the folder.
    """

    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRecipe(Request):
    """Do some updates of a recipe, to know what a run would take: `RecipeMeasured`. Newest wins."""

    newest_wins: ClassVar[bool] = True

    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeMeasured(Result):
    """What a run of a recipe would take on this machine."""

    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRecipe(Request):
    """Read a recipe from a TOML file, or a run's run.toml: `RecipeRead`."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeRead(Result):
    """The recipe that a file holds."""

    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRecipe(Request):
    """Write a recipe to a TOML file: `RecipeWritten`."""

    recipe: Recipe
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeWritten(Result):
    """It lies there."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteText(Request):
    """Write a text to train on: `TextWritten`.

    Attributes:
        path: of the file, whose folder is made where there is none.
    """

    text: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWritten(Result):
    """It lies there."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtRun(Request):
    """Read what a run folder, which another process may write, has new: `RunLookedAt`.

    Attributes:
        path: the run folder.
        mark: what is known of it.
    """

    path: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStarted(Result):
    """A run has begun, or goes on; its model is ``info`` (in view if it is followed).

    Attributes:
        run_dir: its folder, as a whole path.
        before: what its folder tells of it up to the step at which it goes on; None for a new one.
        notes: what a person should know of its text, sentences.
    """

    info: ModelInfo
    recipe: Recipe
    run_dir: str
    follow: bool
    before: RunRecord | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEnded(Result):
    """Nothing more comes of a run.

    Attributes:
        info: its model, which is open from now on beside the one that a person opened; None where
            it is not kept: of numbers that are none.
    """

    info: ModelInfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRead(Result):
    """What a run folder tells.

    Attributes:
        path: the run folder that was asked about.
        record: its run; None where nothing can be made of it.
        problem: why there is none; empty if there is.
    """

    path: str
    record: RunRecord | None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLookedAt(Result):
    """What a run folder has new; nothing, mostly.

    Attributes:
        path: the run folder that was asked about.
    """

    path: str
    news: RunNews


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgressed(Result):
    """What happened since the last one; no loss point is ever dropped."""

    events: tuple[Event, ...]
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogyMeasured(Result):
    """How far "king - man + woman = queen" has come true in the model that learns.

    Attributes:
        step: of which weights.
        rank: of queen by cosine, the three input words excluded; 1 is nearest.
        rank_all_words: the same with no word excluded.
        share: of all ordered pairs of gendered pairs, how many are right at rank 1 (three
            excluded); ``n`` is how many there are.
    """

    step: int
    expression: str
    rank: int
    rank_all_words: int
    share: float
    n: int
