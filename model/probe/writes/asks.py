"""The question for how much each component adds to the residual stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.probe.question import Answer, Named, Question


@dataclass(frozen=True, slots=True)
class Writes(Question):
    """How much attention and MLP of every block add, relative to what is there."""

    name: ClassVar[str] = "writes"
    title: ClassVar[str] = "what each layer writes"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WritesFound(Answer):
    """The ratios.

    Attributes:
        ratios: name of what is added (``blocks.3.hook_attn_out``) -> the mean over positions of
            ‖added_i‖ / ‖stream_i‖ before the sum; a name whose ratio can't be told is left out.
    """

    ratios: Mapping[str, float]

    def arrays(self) -> Mapping[str, Named]:
        import numpy as np

        names = np.array(list(self.ratios))
        values = np.array(list(self.ratios.values()))
        return {"relative_write": Named(values, ("name",), {"name": names})}
