"""A queue of sizes: timing it, training it, reading it back, fitting its losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from model.messages.base import Request, Result
from model.train.scaling.fit import LawFit
from model.train.scaling.folder import Expected, QueueRecord, SizeRecord
from model.train.scaling.plan import ScalingPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeQueue(Request):
    """Time a few steps of every size of a plan: `Progress`, then `QueueTimed`. Newest wins."""

    newest_wins: ClassVar[bool] = True

    plan: ScalingPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQueue(Request):
    """Read a queue's folder: `QueueRead`. Newest wins.

    Attributes:
        folder: of the queue.
    """

    newest_wins: ClassVar[bool] = True

    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainQueue(Request):
    """Train what is left of a queue, while no run goes on.

    Answered by `QueueRead`, then `QueueProgressed` many times, then `QueueRead` and `QueueEnded`.

    Attributes:
        folder: with a plan; a new one, if ``plan`` is given.
        plan: what is written into a new folder; None for one that has its plan.
        expected: what was measured of it, to be kept beside the plan.
    """

    finished_at_close: ClassVar[bool] = True

    folder: str
    plan: ScalingPlan | None = None
    expected: Expected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlQueue(Request):
    """Pause the queue that is trained, let it go on, or stop it; what was trained is saved."""

    action: Literal["pause", "resume", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitLaw(Request):
    """Fit a power law to points: `LawFitted`. Newest wins.

    Attributes:
        N, D, loss: parameters, tokens and loss of each.
    """

    newest_wins: ClassVar[bool] = True

    N: tuple[float, ...]
    D: tuple[float, ...]
    loss: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTimed(Result):
    """How long a plan will take."""

    plan: ScalingPlan
    expected: Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRead(Result):
    """A queue as its folder has it."""

    record: QueueRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueProgressed(Result):
    """How far the run is that is trained.

    Attributes:
        size: all of it until now; None while a short run only tries a learning rate.
        doing: what is done just now, in a few words.
        paused: whether it waits.
    """

    size: SizeRecord | None
    doing: str
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEnded(Result):
    """Nothing more comes of a queue: all is trained, or it was stopped.

    Attributes:
        stopped: whether somebody stopped it.
    """

    stopped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LawFitted(Result):
    """A law."""

    fit: LawFit
