"""A model on the bench, and what was found of its weights. Knows no subject."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.language_model import LanguageModel
from model.transformer import Transformer


class MovedOnError(Exception):
    """The weights that a subject was about are no longer here; the message is for the person."""


@dataclass(slots=True)
class Held:
    """A model on the bench.

    Attributes:
        lm: the model itself.
        looked_at: of a model that learns, a copy of its weights at ``step``: what is asked about
            it is answered from these, whatever the optimiser does meanwhile.
        step: of the copy; None for a model that isn't learning.
        found: what was found of its weights alone, whatever is read, at ``found_at``.
    """

    lm: LanguageModel
    looked_at: Transformer | None = None
    step: int | None = None
    found: dict[object, object] = field(default_factory=dict)
    found_at: int | None = None

    def found_of(self, step: int | None) -> dict[object, object]:
        """What was found of the weights of a step; of another step nothing is kept."""
        if self.found_at != step:
            self.found, self.found_at = {}, step
        return self.found
