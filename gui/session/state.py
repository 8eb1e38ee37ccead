"""What the window knows, apart: selection, inspected number, a text, a run, a notice.

Values without Qt and without behaviour of their own; `gui.session.store` keeps them and says when
they change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model import messages as m
from model.train.events import (
    Evaluated,
    Event,
    Finished,
    Prepared,
    Sampled,
    SnapshotSaved,
    StepDone,
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The one selection that runs through all panes.

    Attributes:
        position: the token position in focus; a query in attention. -1 before there is one.
        hovered: a position under the mouse, or None.
        key: the key position in focus in attention, or None.
        layer, head: the attention head in focus.
        operation: index into ``store.operations``.
        vocabulary_id: a token of the vocabulary in focus (embedding space, prediction), or None.
        neuron: an MLP neuron, or None.
    """

    position: int = -1
    hovered: int | None = None
    key: int | None = None
    layer: int = 0
    head: int = 0
    operation: int = 0
    vocabulary_id: int | None = None
    neuron: int | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """One exact number, or one tensor, that the inspector shows.

    Attributes:
        name: the tensor's name: an activation (``blocks.0.attn.hook_pattern``), a parameter
            (``W_E``) or a quantity derived from one (``probabilities``).
        index: full index including batch, for example (0, 3, 4, 1); empty for a whole tensor.
        value: the number, None for a whole tensor.
        dtype: of the model's tensor.
        code: one line of Python that fetches it from ``trace`` or ``lm``.
        note: one sentence about it in words, may be empty.
    """

    name: str
    index: tuple[int, ...] = ()
    value: float | None = None
    dtype: str = "float32"
    code: str = ""
    note: str = ""


@dataclass(slots=True)
class Generation:
    """Text that is being generated, or was."""

    request_id: int
    prompt: str
    text: str = ""
    running: bool = True
    steps: tuple[m.TokenGenerated, ...] = ()
    finished: m.GenerationFinished | None = None


class TrainingState:
    """The run that is going or was the last: every point of its curves."""

    def __init__(self, started: m.TrainingStarted) -> None:
        self.started = started
        self.paused = False
        self.steps: list[StepDone] = []
        self.evaluations: list[Evaluated] = []
        self.samples: list[Sampled] = []
        self.snapshots: list[SnapshotSaved] = []
        self.analogies: list[m.AnalogyMeasured] = []
        self.prepared: Prepared | None = None
        self.finished: Finished | None = None

    @property
    def running(self) -> bool:
        """Whether the run can still go on (it may be paused)."""
        return self.finished is None

    def add(self, event: Event) -> None:
        match event:
            case StepDone():
                self.steps.append(event)
            case Evaluated():
                self.evaluations.append(event)
            case Sampled():
                self.samples.append(event)
            case SnapshotSaved():
                self.snapshots.append(event)
            case Prepared():
                self.prepared = event
            case Finished():
                self.finished = event
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person: shown in the window, not in a blocking dialog.

    Attributes:
        message: the sentence.
        details: a traceback, may be empty.
        level: how grave it is.
        about: ``opening`` for what is no longer true once another model is there, else empty.
    """

    message: str
    details: str = ""
    level: Literal["info", "warning", "error"] = "info"
    about: str = ""
