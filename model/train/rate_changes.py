"""Changes of the learning rate while a run goes: from which update on, by which factor.

They are written into the recipe, as text, so that a recipe still decides a run completely: who
resumes it, repeats it or branches from it has the same rates. ``"120:0.5 300:0.1"`` halves the
schedule's rate from update 120 on, and takes a tenth of it from 300 on.

Knows numbers and text; no schedule, no file.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise


def factor_at(changes: str, step: int) -> float:
    """What the schedule's rate of an update is multiplied by; 1 before the first change.

    Raises:
        ValueError: the text tells of no changes.
    """
    factor = 1.0
    for since, value in parsed(changes):
        if since > step:
            break
        factor = value
    return factor


def with_change(changes: str, step: int, factor: float) -> str:
    """The same with one more change; of two at one update the newer counts.

    Args:
        changes: those until now.
        step: the first update that has the new rate; later changes are forgotten.
        factor: of the schedule's rate.
    """
    kept = [(since, value) for since, value in parsed(changes) if since < step]
    before = kept[-1][1] if kept else 1.0
    if factor != before:
        kept.append((step, factor))
    return " ".join(f"{since}:{value!r}" for since, value in kept)


@lru_cache(maxsize=256)
def parsed(changes: str) -> tuple[tuple[int, float], ...]:
    """Update and factor of each change, in order.

    Raises:
        ValueError: with a few words on what is wrong.
    """
    found = []
    for entry in changes.split():
        since, colon, value = entry.partition(":")
        if not (colon and since.isdecimal()):
            raise ValueError(f"{entry!r} is no STEP:FACTOR, for example 120:0.5")
        try:
            factor = float(value)
        except ValueError:
            raise ValueError(f"{entry!r} has no number after its colon") from None
        if not (math.isfinite(factor) and factor > 0):
            raise ValueError(f"the factor of {entry!r} must be above 0")
        found.append((int(since), factor))
    if any(a >= b for (a, _), (b, _) in pairwise(found)):
        raise ValueError("their steps must rise")
    return tuple(found)
