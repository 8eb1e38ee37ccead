"""The perspectives by name: which panes stand where.

Data without Qt: the command line knows their names before anything heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Split:
    """Parts side by side or on top of each other.

    Attributes:
        direction: "row" is side by side, "column" on top of each other.
        parts: dock keys, or further splits.
        shares: relative sizes, one per part.
    """

    direction: Literal["row", "column"]
    parts: tuple[str | Split, ...]
    shares: tuple[int, ...]


PERSPECTIVES: Mapping[str, Split] = {
    "Explore": Split(
        "row",
        (
            "layers",
            Split(
                "column",
                (
                    Split("row", ("prompt", "tokens"), (30, 70)),
                    "attention",
                    "training",
                ),
                (27, 47, 26),
            ),
            Split("column", ("prediction", "inspector"), (49, 51)),
        ),
        (15, 63, 22),
    ),
    "Space": Split(
        "row",
        (
            Split("column", ("prompt", "tokens", "prediction"), (20, 24, 56)),
            "space",
            "inspector",
        ),
        (24, 56, 20),
    ),
    "Train": Split(
        "row",
        (
            Split("column", ("training", "prompt"), (84, 16)),
            Split("column", ("space", "attention"), (55, 45)),
            Split("column", ("prediction", "inspector"), (55, 45)),
        ),
        (37, 41, 22),
    ),
    "Model": Split(
        "row",
        ("model", Split("column", ("inspector", "prompt"), (74, 26))),
        (78, 22),
    ),
}


def keys(split: Split) -> tuple[str, ...]:
    """All dock keys of an arrangement, in order."""
    found: list[str] = []
    for part in split.parts:
        found.extend(keys(part) if isinstance(part, Split) else (part,))
    return tuple(found)
