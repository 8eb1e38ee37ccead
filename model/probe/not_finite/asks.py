"""The question for the first operation that writes a number that is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from model.probe.question import Answer, Named, Question

NO_NUMBER = "no number"
"""What NaN is called wherever it is drawn or spoken of."""

LARGEST: Mapping[str, str] = MappingProxyType({"float16": "65,504"})
"""The largest number of a precision, where that is near what networks compute with."""


@dataclass(frozen=True, slots=True)
class NotFinite(Question):
    """The first operation of a prompt's way that writes NaN or infinity.

    What a mask makes −∞ does not count.

    Attributes:
        position: whose logits are looked at where all is finite up to them.
    """

    name: ClassVar[str] = "not_finite"
    title: ClassVar[str] = "first number that is not finite"
    position: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NotFiniteFound(Answer):
    """Where it stands.

    Attributes:
        activation: full name of what the operation writes; empty where all is finite.
        label: the operation's, in a few words.
        position: the first at which it is so.
        dtype: in which the model is open.
    """

    activation: str = ""
    label: str = ""
    position: int = 0
    dtype: str = "float32"

    def arrays(self) -> Mapping[str, Named]:
        """The position; -1 where all is finite."""
        at = self.position if self.activation else -1
        return {"first_position": Named(np.array([at]), ("place",))}

    @property
    def sentence(self) -> str:
        """What is not finite, why that may be, and what to do; empty where all is finite."""
        if not self.activation:
            return ""
        return (
            f"{self.activation} ({self.label}) is the first that is not finite, at position "
            f"{self.position:,}. {remedy(self.dtype)}"
        )


def remedy(dtype: str) -> str:
    """Why numbers of a precision may not be finite, and what to do."""
    if dtype in LARGEST:
        return (
            f"The model is open in {dtype}, whose largest number is {LARGEST[dtype]}: open it in "
            "float32."
        )
    if dtype == "bfloat16":
        return "The model is open in bfloat16: open it in float32."
    return (
        f"The model is open in {dtype}, which is wide enough: its weights are damaged, or its "
        "training diverged."
    )
