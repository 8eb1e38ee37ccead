"""The question for one number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.probe.question import Answer, Named, Question
from model.sampling import OWN, Sampling


@dataclass(frozen=True, slots=True)
class Number(Question):
    """One number.

    Attributes:
        of: name of the activation, or ``probabilities``.
        index: its full index, batch included.
        sampling: for ``probabilities``.
    """

    name: ClassVar[str] = "number"
    title: ClassVar[str] = "one number"
    later: ClassVar[bool] = True
    of: str
    index: tuple[int, ...]
    sampling: Sampling = OWN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NumberFound(Answer):
    """The number; None where the subject has no such place."""

    value: float | None

    def arrays(self) -> Mapping[str, Named]:
        return {} if self.value is None else {"value": Named(np.array(self.value), ())}
