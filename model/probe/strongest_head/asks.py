"""The question for the head that reads one earlier token most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.probe.question import Answer, Named, Question


@dataclass(frozen=True, slots=True)
class StrongestHead(Question):
    """Of all heads, the largest weight at a position.

    Neither on the first token, where heads park what they don't need, nor on the position itself.

    Attributes:
        position: of the query.
    """

    name: ClassVar[str] = "strongest_head"
    title: ClassVar[str] = "strongest head"
    position: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StrongestHeadFound(Answer):
    """Where the weight stands; ``layer`` is None where there is nothing else to look at."""

    layer: int | None
    head: int = 0
    key: int = 0
    weight: float = 0.0

    def arrays(self) -> Mapping[str, Named]:
        return {} if self.layer is None else {"weight": Named(np.array(self.weight), ())}
