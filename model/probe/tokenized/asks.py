"""The question for the tokens of a text that is not the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class Tokenized(Question):
    """How the model's tokenizer cuts a text, as far as it fits the context.

    Attributes:
        written: the text.
    """

    name: ClassVar[str] = "tokenized"
    title: ClassVar[str] = "tokens of a text"
    of_text: ClassVar[bool] = False
    written: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenizedFound(Answer):
    """A token each.

    Attributes:
        ids: ``[T]``, special tokens that the tokenizer puts around a text among them.
        ends: ``[T]``, how many characters of the text have gone by with each.
        special: ``[T]``, whether it stands for no text of its own.
    """

    ids: Array
    ends: Array
    special: Array

    def arrays(self) -> Mapping[str, Named]:
        columns = {"id": self.ids, "character": self.ends, "special": self.special}
        return {name: Named(values, ("token",)) for name, values in columns.items()}
