"""Reading a prompt, and asking about what is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from model.interventions import Intervention
from model.messages.base import Request, Result
from model.probe.question import Answer, Question
from model.subject import Subject
from model.tokenizer.tokens import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPrompt(Request):
    """Cut a prompt into tokens: `PromptRead` or `PromptRefused`. Newest wins.

    The worker then begins to run it, so that questions about it find it under way; `StreamReady`
    says when it was run.

    Attributes:
        text: the prompt, where the model has a tokenizer.
        ids: the prompt as token ids instead.
        interventions: what is changed on its way.
        position: that is about to be asked about; -1 is the last.
        model_id: whose layers and heads the interventions name; another model that is in view by
            then reads the prompt without them. None for whichever.
    """

    newest_wins: ClassVar[bool] = True
    text: str = ""
    ids: tuple[int, ...] | None = None
    interventions: tuple[Intervention, ...] = ()
    position: int = -1
    model_id: int | None = None

    def interventions_of(self, model_id: int) -> tuple[Intervention, ...]:
        """What is changed in a model."""
        return self.interventions if self.model_id in (None, model_id) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CutText(Request):
    """Cut another text into tokens, as the model in view would read it: `TextCut` or `Failed`.

    Attributes:
        text: as it is typed; ids, where the model has no tokenizer.
    """

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOther(Request):
    """Cut the prompt that is compared with into tokens: `OtherRead`, or `Failed`. Newest wins.

    Nothing is run: questions about it do that.

    Attributes:
        text: as it is typed.
        interventions: what is changed on its way.
        model_id: which model reads it; it needs not be in view.
    """

    newest_wins: ClassVar[bool] = True
    text: str
    interventions: tuple[Intervention, ...] = ()
    model_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Request):
    """A question about a subject: any number of `Answered`, the last one whole; or `Failed`.

    Stopped by `Cancel`.

    Attributes:
        subject: about what.
        question: which.
        next: drawn right after the others that are looked at at once, and answered after them.
    """

    subject: Subject
    question: Question
    next: bool = False

    @property
    def turn(self) -> int:
        """0 where the answer is drawn first, 1 where right after that, 2 where later."""
        return 2 if self.question.later else int(self.next)


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted(Request):
    """What was answered is on the screen: what is drawn after it need not be kept back any more.

    Nothing comes of it.

    Attributes:
        turn: the last whose answers are (`Ask.turn`).
    """

    newest_wins: ClassVar[bool] = True
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRead(Result):
    """A prompt as it is read: the subject that questions are about from now on.

    Of a model that learns one comes by itself whenever it is looked at again, with another step.

    Attributes:
        subject: model, step, ids, interventions.
        text: the prompt as it was typed.
        tokens: one per position.
        notes: sentences for the person, for example where the text was cut.
        truncated_at: index of the first character that was cut off, or None.
        n_bytes: UTF-8 bytes of what is read.
    """

    subject: Subject
    text: str
    tokens: tuple[Token, ...]
    notes: tuple[str, ...] = ()
    truncated_at: int | None = None
    n_bytes: int = 0

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)

    @property
    def step(self) -> int | None:
        """The training step of the weights, None for a model that isn't learning."""
        return self.subject.step


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRead(Result):
    """The prompt that is compared with, as it is read.

    Attributes:
        read: subject, text, tokens, notes.
    """

    read: PromptRead


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCut(Result):
    """A text's tokens, at least one and at most as many as the model's context has."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Result):
    """What was found, whole or so far."""

    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReady(Result):
    """A subject was run: from now on questions about it cost only themselves.

    Attributes:
        subject: which.
        n_run: how many of its positions were computed; the rest was known of an earlier prompt.
        seconds: measured time of computing them.
        held_bytes, budget_bytes: memory that the bench takes for all subjects, and may take.
        not_finite: the first operation whose numbers are not all finite, in a sentence that says
            what to do; empty if all are.
    """

    subject: Subject
    n_run: int
    seconds: float
    held_bytes: int
    budget_bytes: int
    not_finite: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Result):
    """How far the run of a subject is that a question waits for, as a share of 1."""

    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRefused(Result):
    """A prompt that can't be run (empty, not ids, …), with what to do about it."""

    message: str
