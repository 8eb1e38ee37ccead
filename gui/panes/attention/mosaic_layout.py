"""Where the tiles of a mosaic go: by layer, or by what kind of head they are.

By layer, they stand in as many columns of blocks as make them largest. Plain computing in device
pixels, without a widget. Shape suffixes: L layers, H heads, K places by which a head may look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gui.panes.attention.head_kinds import Kinds

SMALLEST_PITCH = 8
"""From tile to tile, device pixels; where there is room for less, the mosaic scrolls."""
LARGEST_PITCH = 134
BETWEEN_BLOCKS = 12


@dataclass(frozen=True, slots=True)
class Label:
    """A word beside tiles.

    Attributes:
        text: what it says.
        x, y: its right end and its middle, or its left end and its middle where it is a caption,
            or its middle over a column of heads.
        kind: ``layer``, ``head`` or ``group``.
    """

    text: str
    x: float
    y: float
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """Places of all tiles, in device pixels from the content's corner.

    Attributes:
        side: of a tile.
        gap: between two.
        x_LH, y_LH: left and upper edges.
        size: of everything, with labels.
        labels: beside the tiles.
    """

    side: int = 0
    gap: int = 0
    x_LH: NDArray[np.intp] = field(default_factory=lambda: np.zeros((0, 0), np.intp))
    y_LH: NDArray[np.intp] = field(default_factory=lambda: np.zeros((0, 0), np.intp))
    size: tuple[int, int] = (0, 0)
    labels: tuple[Label, ...] = ()

    def tile_at(self, x: float, y: float) -> tuple[int, int] | None:
        """The layer and head of the tile at a place; half the gap around it belongs to it."""
        half = self.gap / 2
        inside = (self.x_LH - half <= x) & (x < self.x_LH + self.side + half)
        inside &= (self.y_LH - half <= y) & (y < self.y_LH + self.side + half)
        found = np.argwhere(inside)
        return (int(found[0][0]), int(found[0][1])) if len(found) else None

    def towards(self, layer: int, head: int, right: int, down: int) -> tuple[int, int]:
        """The nearest tile in a direction; the same one where there is none."""
        across = self.x_LH - self.x_LH[layer, head]
        along = self.y_LH - self.y_LH[layer, head]
        ahead = across * right + along * down
        aside = np.abs(across * down) + np.abs(along * right)
        cost = np.where(ahead > 0, ahead + 4.0 * aside, np.inf)
        if not np.isfinite(cost).any():
            return layer, head
        best = int(cost.argmin())
        return divmod(best, self.x_LH.shape[1])


@dataclass(frozen=True, slots=True)
class Room:
    """What tiles are fitted into, device pixels.

    Attributes:
        width, height: of all.
        label_width: of the longest name of a layer, with the space beside it.
        label_height: of a line of words.
        digits: width of the longest number of a head.
    """

    width: int
    height: int
    label_width: int
    label_height: int
    digits: int


@lru_cache(maxsize=8)
def by_layer(n_layers: int, n_heads: int, room: Room) -> Tiles:
    """Rows are layers, columns are heads; layers wrap into the blocks that make tiles largest."""
    top = room.label_height

    def pitch(blocks: int) -> float:
        across = room.width - blocks * room.label_width - (blocks - 1) * BETWEEN_BLOCKS
        down = room.height - top
        return min(across / (blocks * n_heads), down / math.ceil(n_layers / blocks))

    blocks = max(range(1, n_layers + 1), key=lambda n: (math.floor(pitch(n)), -n))
    each = min(max(math.floor(pitch(blocks)), SMALLEST_PITCH), LARGEST_PITCH)
    if pitch(blocks) < SMALLEST_PITCH:  # as wide as there is room for, and scrolled down
        fitting = (room.width + BETWEEN_BLOCKS) // (
            n_heads * SMALLEST_PITCH + room.label_width + BETWEEN_BLOCKS
        )
        blocks = max(1, min(fitting, n_layers))
    rows = math.ceil(n_layers / blocks)
    blocks = math.ceil(n_layers / rows)
    gap = _gap(each)
    width = room.label_width + n_heads * each + BETWEEN_BLOCKS
    layer_L, head_H = np.arange(n_layers), np.arange(n_heads)
    left_L = (layer_L // rows) * width + room.label_width
    x_LH = left_L[:, None] + head_H[None, :] * each
    y_LH = np.broadcast_to((top + (layer_L % rows) * each)[:, None], x_LH.shape)
    labels = []
    every = max(1, math.ceil(room.label_height / each))
    for layer in range(n_layers):
        if (layer % rows) % every == 0:
            y = top + (layer % rows) * each + (each - gap) / 2
            labels.append(Label(f"L{layer}", float(left_L[layer]) - 6, y, "layer"))
    every = max(1, math.ceil(room.digits / each))
    for block in range(blocks):
        for head in range(0, n_heads, every):
            x = block * width + room.label_width + head * each + (each - gap) / 2
            labels.append(Label(str(head), x, top / 2 - 1, "head"))
    size = blocks * width - BETWEEN_BLOCKS - gap, top + rows * each - gap
    return Tiles(each - gap, gap, x_LH, y_LH.copy(), size, tuple(labels))


def by_kind(kinds: Kinds, room: Room) -> Tiles:
    """Heads in groups of one kind, in each group those first that are most of it."""
    n_layers, n_heads = kinds.shape
    groups = kinds.groups()
    line = room.label_height + 2

    def height(each: int) -> int:
        per_row = max(1, room.width // each)
        return sum(line + 2 + math.ceil(len(heads) / per_row) * each for _, heads in groups)

    each = LARGEST_PITCH
    while each > SMALLEST_PITCH and height(each) > room.height:
        each -= 1
    per_row, gap, y = max(1, room.width // each), _gap(each), 0
    x_LH, y_LH = np.zeros((n_layers, n_heads), np.intp), np.zeros((n_layers, n_heads), np.intp)
    labels = []
    for words, heads in groups:
        labels.append(Label(words, 0, y + line / 2, "group"))
        y += line
        for place, (layer, head) in enumerate(heads):
            x_LH[layer, head] = (place % per_row) * each
            y_LH[layer, head] = y + (place // per_row) * each
        y += math.ceil(len(heads) / per_row) * each + 2
    width = min(per_row, max(len(heads) for _, heads in groups)) * each - gap
    return Tiles(each - gap, gap, x_LH, y_LH, (max(width, room.width // 2), y), tuple(labels))


def _gap(pitch: int) -> int:
    return max(2, round(pitch * 0.1))
