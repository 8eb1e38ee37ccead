"""A vector out of an activation, as an answer has it, ready to be drawn.

Works on the letters of shapes (`model.operations`), so that another architecture reads itself.
Knows answers and the model's names; no widget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gui.reading.axes import place_words
from gui.reading.inspecting import operation_of
from gui.session.asked import Slot
from model import messages as m
from model.config import TransformerConfig
from model.operations import Operation
from model.probe.vectors.asks import Vector, Vectors, VectorsFound

Scale = Literal["signed", "share", "amount", "ids"]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One vector out of a tensor.

    Attributes:
        name: of the tensor.
        letters: of its shape.
        index: the full index, None at the one axis that is free.
        values: the vector, read-only.
        scale: signed, a share of 1, a positive amount, or ids.
        n_seen: up to where the values are not masked: a query's later keys are.
        first_seen: from where they are not: so are keys farther than a layer looks.
        least: the colour scale ends at no less.
    """

    name: str
    letters: str
    index: tuple[int | None, ...]
    values: NDArray[np.floating]
    scale: Scale
    n_seen: int
    first_seen: int = 0
    least: float = 0.0

    @property
    def seen(self) -> NDArray[np.floating]:
        """The values that are not masked."""
        return self.values[self.first_seen : self.n_seen]

    @property
    def limit(self) -> float:
        """The end of the colour scale: 1 for shares, else the largest finite magnitude."""
        if self.scale == "share":
            return 1.0
        size = np.abs(self.seen)
        largest = float(size.max(initial=-1.0))
        if not math.isfinite(largest):  # rarely: a map asks this of all its strips at every edit
            largest = float(size[np.isfinite(size)].max(initial=-1.0))
        return max(largest, self.least) if largest >= 0 else 0.0

    def is_masked(self, element: int) -> bool:
        """Whether an element is one that does not exist for its query."""
        return not self.first_seen <= element < self.n_seen

    @property
    def free(self) -> str:
        """The letter of the axis that is free."""
        return self.letters[self.index.index(None)]

    def full_index(self, element: int) -> tuple[int, ...]:
        """The index of one element of the vector in the whole tensor."""
        return tuple(element if at is None else at for at in self.index)

    def element_of(self, index: tuple[int, ...]) -> int | None:
        """Which element of the vector a full index names, None if it is elsewhere."""
        if len(index) != len(self.index):
            return None
        free = self.index.index(None)
        fits = all(mine is None or mine == its for mine, its in zip(self.index, index))
        return index[free] if fits and 0 <= index[free] < len(self.values) else None


@dataclass(frozen=True, slots=True, eq=False)
class FoundVectors:
    """An answer's vectors, and the prompt that they are of.

    Attributes:
        answer: the vectors.
        read: the prompt as it was read; its subject is the answer's.
    """

    answer: VectorsFound
    read: m.PromptRead

    @classmethod
    def of(cls, slot: Slot | None) -> FoundVectors | None:
        """What has come under a pane's question for vectors; None before the first answer."""
        if slot is None or slot.read is None or not isinstance(slot.answer, VectorsFound):
            return None
        return cls(slot.answer, slot.read)

    @property
    def asked(self) -> Vectors:
        """What was asked: the position, the head, the sampling."""
        question = self.answer.question
        assert isinstance(question, Vectors)
        return question

    @property
    def position(self) -> int:
        """Whose vectors they are."""
        return min(self.asked.position, self.read.n_tokens - 1)

    def reading(self, name: str, config: TransformerConfig) -> Reading | None:
        """The vector out of an activation; None if it was not asked for, or isn't there."""
        vector = self.answer.vectors.get(name)
        return None if vector is None else reading_of(vector, config)


def reading_of(vector: Vector, config: TransformerConfig) -> Reading:
    """What an answer's vector is: its scale, and which of its values are masked."""
    op = operation_of(config, vector.name)
    scale: Scale = "signed"
    kind = "" if op is None else op.kind
    if kind in ("pattern", "softmax", "expert_weights", "expert_shares"):
        scale = "share"
    elif kind == "norm_scale":
        scale = "amount"
    elif kind in ("tokens", "expert_indices"):
        scale = "ids"
    first, last = 0, len(vector.values)
    if op is not None and kind in ("pattern", "mask"):
        first, last = _seen_keys(config, op, vector)
    return Reading(vector.name, vector.letters, vector.index, vector.values, scale, last, first)


def _seen_keys(config: TransformerConfig, op: Operation, vector: Vector) -> tuple[int, int]:
    """The first key that a query may look at, and one past the last."""
    n, query = len(vector.values), vector.index[2] or 0
    window = None if op.layer is None else config.window_at(op.layer)
    first, last = 0, n
    if config.causal:
        first, last = 0 if window is None else max(0, query - window + 1), query + 1
    elif window is not None:
        first, last = max(0, query - window // 2), min(n, query + window // 2 + 1)
    # Where the mask was taken away, what lies outside is looked at, too. A row of NaN says nothing
    # of that: its masked weights are NaN as well.
    outside = np.concatenate((vector.values[:first], vector.values[last:]))
    nothing = np.isneginf(outside) if op.kind == "mask" else outside == 0
    return (first, last) if (nothing | np.isnan(outside)).all() else (0, n)


def whose(model: m.ModelInfo, ids: Sequence[int], reading: Reading) -> str:
    """Of which position and head a vector is, in words.

    Args:
        model: whose it is.
        ids: the tokens that it was read of.
        reading: the vector.
    """
    parts = [
        place_words(model, ids, letter, at)
        for letter, at in zip(reading.letters, reading.index)
        if at is not None and letter not in "B1"
    ]
    if reading.free == "T":
        parts.append("every position")
    return " · ".join(parts)
