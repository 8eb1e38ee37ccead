"""The question, at the resolution that is drawn: one number a token; and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class StreamLength(Question):
    """How long the vectors of the residual stream are.

    Attributes:
        layer: after which block.
    """

    name: ClassVar[str] = "stream_length"
    title: ClassVar[str] = "lengths of the stream"
    layer: int

    @property
    def activation(self) -> str:
        """The full name of what is measured."""
        return f"blocks.{self.layer}.hook_resid_post"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamLengthFound(Answer):
    """The lengths.

    Attributes:
        lengths_T: Euclidean, one a position.
    """

    lengths_T: Array

    def arrays(self) -> Mapping[str, Named]:
        return {"length": Named(self.lengths_T, ("position",))}
