"""A model on the bench, the steps of it that can be had, and what was found of its weights.

Knows no subject.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from model.bench.steps import StepWeights
from model.language_model import LanguageModel
from model.transformer import Transformer

FOUND_STEPS = 8
"""Of so many steps what was found is kept: going to and fro between two finds nothing twice."""


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
        steps: other steps of it, whose weights lie on the disk.
        found: by step, what was found of its weights alone, whatever is read.
        texts: what batches of its training, or of another text, are cut from; by source.
        keeps_before: whether the copy that was looked at before stays: somebody asks what moved.
        before, before_step: of a model that learns, that copy and its step.
    """

    lm: LanguageModel
    looked_at: Transformer | None = None
    step: int | None = None
    steps: StepWeights = field(init=False)
    found: OrderedDict[int | None, dict[object, object]] = field(default_factory=OrderedDict)
    texts: dict[object, object] = field(default_factory=dict)
    keeps_before: bool = False
    before: Transformer | None = None
    before_step: int | None = None

    def __post_init__(self) -> None:
        self.steps = StepWeights(self.lm.transformer)

    @property
    def lm_path(self) -> Path | None:
        """The folder or file that it was read from, or that its run writes; None for none."""
        found: Path | None = getattr(self.lm, "path", None)
        return found

    def turn(self) -> None:
        """The copy becomes the one before; the older of the two is written over next."""
        self.before, self.looked_at = self.looked_at, self.before
        self.before_step = self.step

    def found_of(self, step: int | None) -> dict[object, object]:
        """What was found of the weights of a step; kept for the last few steps."""
        found = self.found.setdefault(step, {})
        self.found.move_to_end(step)
        while len(self.found) > FOUND_STEPS:
            self.found.popitem(last=False)
        return found

    def can_be_had(self, step: int | None) -> bool:
        """Whether questions about a step can be answered, now and until other weights are saved."""
        return self.steps.knows(step) or (step is not None and step == self.step)
