"""What a source takes its table from: the model in view, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from model.bench import Bench


@dataclass(frozen=True, slots=True)
class Place:
    """The model that is in view.

    Attributes:
        bench: that holds it; None where no model is open.
        model, step: whose weights.
        words: what the tokens of a text are called, by id.
        word: the same of any token; None where nobody knows.
    """

    bench: Bench | None = None
    model: int = 0
    step: int | None = None
    words: Mapping[int, str] = field(default_factory=dict)
    word: Callable[[int], str] | None = None

    def called(self, token: int) -> str:
        """What a token is called."""
        return f"‹{token}›" if self.word is None else self.word(token)
