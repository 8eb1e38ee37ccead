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
class Least:
    """A share that is no less than so many pixels, while the others have room for that."""

    share: int
    pixels: int


@dataclass(frozen=True, slots=True)
class Tabs:
    """Docks behind each other, the first in front: where there is no room for all at once."""

    parts: tuple[str, ...]


Direction = Literal["row", "column"]
Share = int | Pixels | Least


@dataclass(frozen=True, slots=True)
class Split:
    """Parts side by side or on top of each other.

    Attributes:
        direction: "row" is side by side, "column" on top of each other.
        parts: dock keys, further splits, or docks behind each other.
        shares: sizes, one per part; those that are no pixels share what the others leave.
    """

    direction: Direction
    parts: tuple[str | Split | Tabs, ...]
    shares: tuple[Share, ...]

    def sizes(self, whole: int) -> list[int]:
        """The parts of a length, in pixels."""
        fixed = sum(share.n for share in self.shares if isinstance(share, Pixels))
        weights = sum(_weight(share) for share in self.shares)
        # Half of it is for what grows with the window, however small that is.
        scale = min(1.0, whole / 2 / fixed) if fixed and weights else 1.0
        left = whole - fixed * scale
        # Too little for a share? Then it has its least, and the others divide the rest.
        held: set[int] = set()
        for index, share in enumerate(self.shares):
            if isinstance(share, Least) and left * share.share / weights < share.pixels <= left / 2:
                held.add(index)
        for index in held:
            share = self.shares[index]
            assert isinstance(share, Least)
            left -= share.pixels
            weights -= share.share
        return [
            share.pixels
            if index in held and isinstance(share, Least)
            else int(share.n * scale)
            if isinstance(share, Pixels)
            else int(left * _weight(share) / weights)
            for index, share in enumerate(self.shares)
        ]


def _weight(share: Share) -> int:
    if isinstance(share, Pixels):
        return 0
    return share.share if isinstance(share, Least) else share


_LAB = (
    "residual",
    "patching",
    "circuit",
    "neurons",
    "continuations",
    "cost",
    "attention",
    "layers",
)
"""The panes for experiments, one behind the other: each needs the room."""

_TRAIN = ("training", "finetune", "preferences", "scaling")
"""What trains, one behind the other."""

PERSPECTIVES: Mapping[str, Split] = {
    "Explore": Split(
        "row",
        (
            "layers",
            Split(
                "column",
                (Split("row", ("prompt", "tokens"), (Least(30, 170), 70)), "stage", "attention"),
                (Pixels(164), 60, 40),
            ),
            Split("column", ("prediction", "inspector", "interventions"), (42, 39, 19)),
        ),
        (Least(17, 150), 62, Least(21, 215)),
    ),
    "Space": Split(
        "row",
        (
            Split("column", ("prompt", "tokens", "prediction"), (Pixels(136), Pixels(206), 1)),
            Tabs(("space", "angles", "bpe", "tokenizer")),
            "inspector",
        ),
        (Least(24, 215), 56, Least(20, 190)),
    ),
    "Train": Split(
        "row",
        (
            Split("column", (Tabs(_TRAIN), "prompt"), (84, 16)),
            Split(
                "column",
                # The cloud in front: with the loss beside it one sees what words become.
                (Tabs(("curves", "runs", "losses", "landscape")), Tabs(("space", "attention"))),
                (52, 48),
            ),
            Split("column", ("prediction", "inspector"), (55, 45)),
        ),
        (37, 41, Least(22, 215)),
    ),
    "Model": Split(
        "row",
        ("model", Split("column", ("inspector", "prompt"), (74, 26))),
        (78, 22),
    ),
    "Lab": Split(
        "row",
        (
            Split("column", ("prompt", "interventions"), (Pixels(140), 1)),
            Split("column", ("tokens", Tabs(_LAB)), (Pixels(140), 1)),
            Split("column", ("prediction", "inspector"), (52, 48)),
        ),
        (Least(19, 170), 60, Least(21, 215)),
    ),
}


LOW = 840
"""A window that is less high has no room for the stage above the attention."""

_EXPLORE_IN_LOW_WINDOWS = Split(
    "row",
    (
        "layers",
        Split(
            "column",
            (
                Split("row", ("prompt", "tokens"), (Least(30, 170), 70)),
                Tabs(("stage", "attention")),
            ),
            (Pixels(164), 1),
        ),
        Split("column", ("prediction", Tabs(("inspector", "interventions"))), (49, 51)),
    ),
    (Least(17, 150), 62, Least(21, 215)),
)


def arrangement(name: str, height: int) -> Split:
    """A perspective as it fits a window of a height, in pixels."""
    if name == "Explore" and height < LOW:
        return _EXPLORE_IN_LOW_WINDOWS
    return PERSPECTIVES[name]


def keys(split: Split | Tabs) -> tuple[str, ...]:
    """All dock keys of an arrangement, in order."""
    found: list[str] = []
    for part in split.parts:
        found.extend((part,) if isinstance(part, str) else keys(part))
    return tuple(found)
