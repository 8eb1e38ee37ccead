"""What every request and result is, and those that concern the worker itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

_next_id = count(1).__next__
Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something the window wants done. ``id`` is unique in the process.

    Each class says how its requests wait and end; whoever keeps them asks it.

    Attributes:
        newest_wins: whether a newer request of the class makes an older one pointless. One that
            still waits is then forgotten without an answer, one that is being answered is
            cancelled.
        lets_questions_first: whether it waits while questions are answered: it is for later.
        finished_at_close: whether it is brought to its end when the program closes; everything
            else is dropped.
    """

    newest_wins: ClassVar[bool] = False
    finished_at_close: ClassVar[bool] = False
    lets_questions_first: ClassVar[bool] = False

    id: int = field(default_factory=_next_id)

    def replaces(self, other: Request) -> bool:
        """Whether an older request is pointless now that there is this one."""
        return self.newest_wins and type(other) is type(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Request):
    """Stop the request of that id, if it runs or waits.

    A generation answers with `GenerationFinished`, a run is stopped and saved as by
    `ControlTraining`; everything else answers with `Cancelled`.
    """

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An answer. ``request_id`` is the id of the request."""

    request_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Result):
    """A request that could not be done; nothing else changed.

    Attributes:
        message: one or two plain sentences: what is wrong and what to do.
        details: the traceback, for the "Details" button; may be empty.
        request: the request itself.
    """

    message: str
    details: str = ""
    request: Request | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Result):
    """How far a long request is. ``total`` 0 means unknown."""

    what: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(Result):
    """The request was stopped, or there was nothing of it to stop: nothing more comes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Result):
    """What the worker is doing, for the status bar: idle, opening, training."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetThreads(Request):
    """How many threads torch may use."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBudget(Request):
    """How much memory the bench may take for the prompts that were run; from now on.

    Attributes:
        n_bytes: at most that many; what is in view is kept all the same.
    """

    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReady(Result):
    """Torch is imported and the worker takes requests.

    Attributes:
        torch_version, device, device_why: what runs and why there.
        threads: how many threads torch uses.
        seconds: how long the import took.
        device_problem: why it isn't the device that was asked for; empty if it is.
    """

    torch_version: str
    device: str
    device_why: str
    threads: int
    seconds: float
    device_problem: str = ""
