"""Continuing a prompt token by token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from model.interventions import Intervention
from model.messages.base import Request, Result
from model.sampling import Drawn, Sampling

GenerationEnd = Literal["length", "end_of_text", "context", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate(Request):
    """Continue a prompt token by token.

    Answered by `TokenGenerated` for each and one `GenerationFinished`. Stopped by `Cancel`; a new
    `Generate` cancels the old one, and so does another model that is opened.

    Attributes:
        text, ids: the prompt, as of `ReadPrompt`.
        max_new_tokens: at most so many.
        sampling: temperature, top-k, top-p, min-p.
        seed: draws the same text again; None is random.
        interventions: what is changed while each token is computed.
        model_id: that is to write; cancelled where another is in view by then. None for whichever.
    """

    newest_wins: ClassVar[bool] = True

    text: str = ""
    ids: tuple[int, ...] | None = None
    max_new_tokens: int = 50
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None
    interventions: tuple[Intervention, ...] = ()
    model_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGenerated(Result):
    """One more token.

    Attributes:
        token_id: the token.
        text: everything generated so far, decoded (a partial character may be pending).
        probability: with which it was drawn, under the sampling that was asked for.
        index: 0 for the first.
        bits: its surprisal, -log2 p, under the model's own distribution.
        rank: 1 for the token with the largest logit.
        how: the random number, and where it fell; None where it isn't told.
    """

    token_id: int
    text: str
    probability: float
    index: int
    bits: float = float("nan")
    rank: int = 0
    how: Drawn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationFinished(Result):
    """Why it ended: length, end of text, the context is full, cancelled.

    Attributes:
        reason: of these.
        text: all that was written, without the mark that ended it.
        n_tokens: how many were drawn, the mark among them.
        tokens_per_second: measured.
    """

    reason: GenerationEnd
    text: str
    n_tokens: int
    tokens_per_second: float
