"""Comparing the open model with its original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from model.counting import counted
from model.messages.base import Request, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyModel(Request):
    """Compare the open model with its original: `ModelVerified`, with `Progress` before it.

    Stopped by `Cancel`, and by another model in view. Newest wins.

    Attributes:
        n_tokens: how many to run; fewer where the context is shorter.
        seed: they are drawn with.
    """

    newest_wins: ClassVar[bool] = True

    n_tokens: int = 64
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVerified(Result):
    """How far the open model's numbers are from those of its original.

    Attributes:
        model_id: of which model.
        max_abs_logit_difference: the largest over all tokens and all of the vocabulary; None
            where nothing could be compared.
        tolerance: up to which the difference is rounding, for this dtype and logits this large.
        n_tokens: how many were run.
        compared: ``logits``, or ``last hidden state`` of an encoder without a head.
        dtype: in which both were computed.
        opened: in which the model is open, and what is drawn is computed.
        against: for example ``transformers 5.2.0``, or ``reference.safetensors``.
        notes: what a person should know, for example that the weights were converted first.
        seconds: that it took.
        problem: why nothing could be compared, and what to do; None if it was.
    """

    model_id: int
    max_abs_logit_difference: float | None
    tolerance: float = 0.0
    n_tokens: int = 0
    compared: str = "logits"
    dtype: str = ""
    opened: str = ""
    against: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    problem: str | None = None

    @property
    def equal(self) -> bool:
        """Whether the difference is no more than rounding; NaN is not."""
        difference = self.max_abs_logit_difference
        return difference is not None and difference <= self.tolerance

    @property
    def elsewhere(self) -> bool:
        """Whether it was compared in another precision than what is drawn is computed in."""
        return bool(self.opened) and self.opened != self.dtype

    @property
    def line(self) -> str:
        """One line for a badge."""
        if self.max_abs_logit_difference is None:
            return f"not verified: {self.problem}"
        what = "logit" if self.compared == "logits" else "output"
        verb = "equals" if self.equal else "differs from"
        size = f"{self.max_abs_logit_difference:.1g}".replace("e-0", "e-")
        other = self.against.partition(" ")[0]
        if self.elsewhere:
            other += f" in {self.dtype} (drawn: {self.opened})"
        return f"{verb} {other}: max |Δ {what}| {size} over {counted(self.n_tokens, 'token')}"
