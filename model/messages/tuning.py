"""Fine-tuning from the window: what it changed, and the two texts of which a person prefers one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from model.messages.base import Request, Result
from model.sampling import Sampling
from model.train.margins_file import MarginsAt
from model.train.moved_rows import Moved
from model.train.preferences import Preference


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawPair(Request):
    """Continue a prompt twice, by chance: `PairDrawn`. Newest wins.

    Attributes:
        text: the prompt.
        max_new_tokens: of each continuation at most.
        sampling: temperature, top-k, top-p, min-p.
        seed: draws the same pair again.
    """

    newest_wins: ClassVar[bool] = True

    text: str
    max_new_tokens: int = 24
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDrawn(Result):
    """Two continuations, which are not the same.

    Attributes:
        text: the prompt, which is not repeated in them.
        model_id: who wrote them.
    """

    text: str
    one: str
    other: str
    model_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteChoices(Request):
    """Write choices as JSON lines: `ChoicesWritten`.

    Attributes:
        path: of the file, whose folder is made where there is none.
    """

    path: str
    choices: tuple[Preference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicesWritten(Result):
    """They are on disk."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTuning(Request):
    """What a run has changed of the model that it began with: `TuningRead`. Newest wins.

    Attributes:
        run_dir: the run's folder, whose first and last snapshots are compared.
    """

    newest_wins: ClassVar[bool] = True

    run_dir: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRead(Result):
    """What it changed.

    Attributes:
        run_dir: as of the request.
        step: of the last snapshot.
        moved: every tensor, the one that moved most for its size first.
        margins: of the preferences, at each step that was measured; none of a text.
        choices: the preferences, in the order of the margins.
        problem: why it can't be said; empty if it can.
    """

    run_dir: str
    step: int = 0
    moved: tuple[Moved, ...] = ()
    margins: tuple[MarginsAt, ...] = ()
    choices: tuple[Preference, ...] = ()
    problem: str = ""
