"""Values that the store and its features keep: selection, inspected number, a text, a notice.

Without Qt and without behaviour of their own: who keeps one says when it changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from model import messages as m
from model.probe.number.asks import Number
from model.subject import Subject

Says = Callable[[m.PromptRead, tuple[int, ...], float], str]
"""Makes a sentence about a number of a prompt: ``says(read, index, value)``."""


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
        neuron: a neuron of the layer's MLP, or None; of a mixture it counts on through the experts.
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

    Made by `gui.reading.inspecting`.

    Attributes:
        name: the tensor's name: an activation (``blocks.0.attn.hook_pattern``), a parameter
            (``W_E``) or a quantity derived from one (``probabilities``).
        index: full index including batch, for example (0, 3, 4, 1); empty for a whole tensor.
        value: the number, None for a whole tensor.
        dtype: of the model's tensor.
        code: one line of Python that fetches it from ``trace`` or ``lm``.
        note: one sentence about it in words, may be empty; of ``subject`` and no other.
        subject: that it was read of; None for what is about no prompt: the weights.
        question: that reads it anew of any subject; None for a whole tensor and for weights.
        says: makes the sentence anew where the number was read anew; None: then there is none.
    """

    name: str
    index: tuple[int, ...] = ()
    value: float | None = None
    dtype: str = "float32"
    code: str = ""
    note: str = ""
    subject: Subject | None = None
    question: Number | None = None
    says: Says | None = None


@dataclass(slots=True)
class Generation:
    """Text that is being generated, or was.

    Attributes:
        request_id: of the request.
        prompt: that it continues.
        model: that writes it.
        text: what was written so far.
        running: whether more may come.
        steps: a token each.
        finished: how it ended; None while it is running, and where it broke.
        alone: it is one token that whoever asked for it puts into the prompt.
    """

    request_id: int
    prompt: str
    model: m.ModelInfo | None = None
    text: str = ""
    running: bool = True
    steps: tuple[m.TokenGenerated, ...] = ()
    finished: m.GenerationFinished | None = None
    alone: bool = False


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

    @classmethod
    def of(cls, failed: m.Failed, about: str = "") -> Notice:
        """What tells of a failure."""
        return cls(failed.message, failed.details, "error", about)
