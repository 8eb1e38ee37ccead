"""The kinds of sources, as values. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar, Literal

from model.interventions import Intervention
from model.space.registry import Source
from model.subject import Subject

Matrix = Literal["W_E", "W_U"]
WITHIN: dict[str, str] = {
    "resid_post": "blocks.{layer}.hook_resid_post",
    "resid_mid": "blocks.{layer}.hook_resid_mid",
    "q": "blocks.{layer}.attn.hook_q",
    "k": "blocks.{layer}.attn.hook_k",
    "v": "blocks.{layer}.attn.hook_v",
    "z": "blocks.{layer}.attn.hook_z",
    "mlp_out": "blocks.{layer}.hook_mlp_out",
}
"""What of a layer can be looked at, with the activation's name."""
BY_HEAD = frozenset({"q", "k", "v", "z"})
"""Those of which one head is looked at."""


@dataclass(frozen=True, slots=True)
class TokenTable(Source):
    """A table with a row for each token of the vocabulary.

    Attributes:
        matrix: the embedding, or the unembedding (one column of it a token).
    """

    name: ClassVar[str] = "tokens"
    matrix: Matrix = "W_E"

    @property
    def title(self) -> str:
        return self.matrix

    @property
    def of_vocabulary(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class InContext(Source):
    """What an activation holds, a row for each position that a subject reads.

    Attributes:
        subject: whom it is about.
        part: one of `WITHIN`.
        layer: of which block.
        head: where each head has its own: which; of keys and values the group that it reads.
    """

    name: ClassVar[str] = "in_context"
    subject: Subject
    part: str = "resid_post"
    layer: int = 0
    head: int = 0

    @property
    def activation(self) -> str:
        """Its name."""
        return WITHIN[self.part].format(layer=self.layer)

    @property
    def title(self) -> str:
        return f"L{self.layer}{f'H{self.head}' if self.part in BY_HEAD else ''} {self.part}"


@dataclass(frozen=True, slots=True)
class TextInContext(Source):
    """What an activation holds, a row for each token of a text file.

    Attributes:
        path: of the file, or of a folder of text files.
        model, step: which model reads it, with the weights of which step.
        interventions: under which it does.
        part, layer, head: as of `InContext`.
        most: so many tokens at most, from the beginning.
        changed: when the file was written, in nanoseconds: another is read anew.
    """

    name: ClassVar[str] = "text"
    path: str
    model: int = 0
    step: int | None = None
    interventions: tuple[Intervention, ...] = ()
    part: str = "resid_post"
    layer: int = 0
    head: int = 0
    most: int = 20_000
    changed: int = 0

    @property
    def activation(self) -> str:
        """Its name."""
        return WITHIN[self.part].format(layer=self.layer)

    @property
    def title(self) -> str:
        head = f"H{self.head}" if self.part in BY_HEAD else ""
        return f"{PurePath(self.path).name} L{self.layer}{head} {self.part}"


@dataclass(frozen=True, slots=True)
class TableFile(Source):
    """A file of vectors.

    Attributes:
        path: of it.
        sample: every ``sample``-th row; 1 for all.
        changed: when it was written, in nanoseconds, so that it is read anew if it is another.
    """

    name: ClassVar[str] = "file"
    path: str
    sample: int = 1
    changed: int = 0

    @property
    def title(self) -> str:
        return PurePath(self.path).name

    @property
    def of_model(self) -> bool:
        return False
