"""The perspectives by name: which panes stand where.

Data without Qt: the command line knows their names before anything heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Pixels:
    """A size that doesn't grow with the window: the room that something needs."""

    n: int


@dataclass(frozen=True, slots=True)
class Split:
    """Parts side by side or on top of each other.

    Attributes:
        direction: "row" is side by side, "column" on top of each other.
        parts: dock keys, or further splits.
        shares: sizes, one per part; those that are numbers share what the others leave.
    """

    direction: Literal["row", "column"]
    parts: tuple[str | Split, ...]
    shares: tuple[int | Pixels, ...]

    def sizes(self, whole: int) -> list[int]:
        """The parts of a length, in pixels."""
        fixed = sum(share.n for share in self.shares if isinstance(share, Pixels))
        weights = sum(share for share in self.shares if not isinstance(share, Pixels))
        # Half of it is for what grows with the window, however small that is.
        fixed_scale = min(1.0, whole / 2 / fixed) if fixed and weights else 1.0
        left = whole - fixed * fixed_scale
        return [
            int(share.n * fixed_scale) if isinstance(share, Pixels) else int(left * share / weights)
            for share in self.shares
        ]


PERSPECTIVES: Mapping[str, Split] = {
    "Explore": Split(
        "row",
        (
            "layers",
            Split(
                "column",
                (Split("row", ("prompt", "tokens"), (30, 70)), "attention"),
                (Pixels(164), 1),
            ),
            Split("column", ("prediction", "inspector", "interventions"), (42, 39, 19)),
        ),
        (17, 62, 21),
    ),
    "Space": Split(
        "row",
        (
            Split("column", ("prompt", "tokens", "prediction"), (Pixels(130), Pixels(220), 1)),
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
