"""Training a model, and following it while it learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from model.messages.base import Request, Result
from model.messages.opening import ModelInfo
from model.train.events import Event
from model.train.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTraining(Request):
    """Train a new model by a recipe in a new run folder.

    Answered by `TrainingStarted`, then `TrainingProgressed` many times, the last with a terminal
    event.

    Attributes:
        recipe: what to train, on what, how long.
        run_dir: folder to write; must not exist.
        follow: whether prompt, embedding space and all panes follow the model while it learns.
        begin_paused: wait before the first step.
    """

    finished_at_close: ClassVar[bool] = True

    recipe: Recipe
    run_dir: str
    follow: bool = True
    begin_paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTraining(Request):
    """Pause, resume, do one step (and stay paused), or stop the run that is going."""

    action: Literal["pause", "resume", "step", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowTraining(Request):
    """Whether traces are taken of the model that is training (True) or of the open one."""

    follow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStarted(Result):
    """A run has begun; its model is ``info`` (in view if it is followed)."""

    info: ModelInfo
    recipe: Recipe
    run_dir: str
    follow: bool


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
