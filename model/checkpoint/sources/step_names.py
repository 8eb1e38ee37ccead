"""What the name of a folder or file says of the training step that it was saved at.

As trainers and hubs write them: ``checkpoint-500``, ``ckpt_1000.pt``, ``step1000``,
``global_step1000``, ``epoch=3-step=1000``, ``stage1-step1000-tokens5B``. Knows
names; reads nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_AFTER_STEP = re.compile(r"step[-_=]?(\d{1,12})(?!\d)", re.IGNORECASE)
_ALONE = re.compile(r"(checkpoint|ckpt|iter|epoch)[-_=]?(\d{1,12})", re.IGNORECASE)
_SUFFIX = re.compile(r"\.(pt|pth|ckpt|bin)$")


@dataclass(frozen=True, slots=True)
class StepName:
    """A name with a step in it.

    Attributes:
        step: the first number after "step"; else the one number after what trainers call it.
        series: what stands before: steps of one training have it in common (``stage1-``).
    """

    step: int
    series: str


def step_name(name: str) -> StepName | None:
    """The step in a name; None where there is none."""
    stem = _SUFFIX.sub("", name)
    found = _AFTER_STEP.search(stem)
    if found is not None:
        before = stem[: found.start()].lower()
        # An epoch's number counts on within one training; a stage's names another one.
        return StepName(int(found[1]), re.sub(r"(epoch[-_=]?)\d+", r"\1", before))
    alone = _ALONE.fullmatch(stem)
    return None if alone is None else StepName(int(alone[2]), alone[1].lower())
