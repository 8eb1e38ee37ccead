"""A prompt's way through a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.messages.base import Array, Request, Result
from model.tokenizer.tokens import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTrace(Request):
    """Run the prompt through the model and record it.

    Answered by `TraceReady` or `PromptRefused`. A newer one replaces an older one that has not
    begun.

    Attributes:
        text: the prompt, where the model has a tokenizer.
        ids: the prompt as token ids instead.
    """

    newest_wins: ClassVar[bool] = True

    text: str = ""
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchActivation(Request):
    """One activation that was too large to come with the trace: `ActivationReady`.

    Of each activation, the newest wins.
    """

    newest_wins: ClassVar[bool] = True

    name: str
    text: str = ""
    ids: tuple[int, ...] | None = None

    def replaces(self, other: Request) -> bool:
        return isinstance(other, FetchActivation) and other.name == self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReady(Result):
    """A prompt's way through the model.

    Attributes:
        model_id: of which model.
        step: the training step of the weights, None for a model that isn't training.
        text: the prompt as it was run.
        tokens: one per position.
        activations: name -> read-only array with its batch dimension, float32 (shapes:
            `model.operations`); aliases too. Includes ``input_ids`` and ``logits``.
        left_out: names that did not fit; `FetchActivation` gets them one by one.
        notes: sentences for the person, for example where the text was cut.
        truncated_at: index of the first character that was cut off, or None.
        seconds: measured time of the traced forward pass.
        n_bytes: bytes of the text that was run.
    """

    model_id: int
    step: int | None
    text: str
    tokens: tuple[Token, ...]
    activations: Mapping[str, Array]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    truncated_at: int | None = None
    seconds: float = 0.0
    n_bytes: int = 0

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)

    @property
    def logits(self) -> Array:
        """``[T, V]``: without the batch dimension. A network without a head has none."""
        return self.activations["logits"][0]

    def pattern(self, layer: int) -> Array | None:
        """``[H, Q, S]`` of one layer, or None if it was left out."""
        array = self.activations.get(f"blocks.{layer}.attn.hook_pattern")
        return None if array is None else array[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRefused(Result):
    """A prompt that can't be run (empty, not ids, …), with what to do about it."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationReady(Result):
    """One activation, with its batch dimension."""

    model_id: int
    name: str
    array: Array
