"""What everything on the screen is about: which model, at which step, reading what, changed how.

A value: frozen, hashable, free of torch, so that the window and the worker mean the same by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.interventions import Intervention


@dataclass(frozen=True, slots=True)
class Subject:
    """One model reading one sequence of tokens.

    Attributes:
        model: the model's id (`model.messages.ModelInfo.model_id`).
        step: the training step of its weights; None for a model that isn't learning.
        ids: the tokens that are read, at least one.
        interventions: what is changed on the way, in this order.
    """

    model: int
    step: int | None
    ids: tuple[int, ...]
    interventions: tuple[Intervention, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once: everything that is asked and known is looked up by it, and a text may be long.
        own = hash((self.model, self.step, self.ids, self.interventions))
        object.__setattr__(self, "_hash", own)

    def __hash__(self) -> int:
        return self._hash

    @property
    def n_tokens(self) -> int:
        return len(self.ids)

    def of_clean(self) -> Subject:
        """The same without interventions."""
        return replace(self, interventions=()) if self.interventions else self

    def shared_prefix(self, other: Subject) -> int:
        """How many tokens both begin with, if all else is the same; else 0."""
        same = (self.model, self.step, self.interventions)
        if same != (other.model, other.step, other.interventions):
            return 0
        n = min(len(self.ids), len(other.ids))
        if self.ids[:n] == other.ids[:n]:  # the usual case, compared at once
            return n
        return next(i for i in range(n) if self.ids[i] != other.ids[i])
