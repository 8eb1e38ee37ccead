"""Where the tiles of a mosaic go: in rows of layers, or one behind the other in groups.

By layer, they stand in as many columns of blocks as make them largest. Plain computing in device
pixels, without a widget. Shape suffixes: L layers, H heads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gui.panes.attention.head_order import Heads, Ordered

SMALLEST_PITCH = 8
"""From tile to tile, device pixels; where there is room for less, the mosaic scrolls."""
LARGEST_PITCH = 134
BETWEEN_BLOCKS = 12
NOWHERE = -(10**6)
NAMED_PITCH = 58
"""From tile to tile: from here on each has room for its name below it."""


@dataclass(frozen=True, slots=True)
class Label:
    """A word beside tiles.

    Attributes:
        text: what it says.
        x, y: its right end and its middle, or its left end and its middle where it is a caption,
            or its middle over a column of heads.
        kind: ``layer``, ``head``, ``group`` or, under a tile, ``tile``.
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
        x_LH, y_LH: left and upper edges; a head that isn't shown is far off (`NOWHERE`).
        size: of everything, with labels.
        labels: beside the tiles.
    """

    side: int = 0
    gap: int = 0
    x_LH: NDArray[np.intp] = field(default_factory=lambda: np.zeros((0, 0), np.intp))
    y_LH: NDArray[np.intp] = field(default_factory=lambda: np.zeros((0, 0), np.intp))
    size: tuple[int, int] = (0, 0)
    labels: tuple[Label, ...] = ()

    @property
    def shown_LH(self) -> NDArray[np.bool_]:
        """Which heads have a tile."""
        return self.x_LH > NOWHERE

    def tile_at(self, x: float, y: float) -> tuple[int, int] | None:
        """The layer and head of the tile at a place; half the gap around it belongs to it."""
        half = self.gap / 2
        inside = (self.x_LH - half <= x) & (x < self.x_LH + self.side + half)
        inside &= (self.y_LH - half <= y) & (y < self.y_LH + self.side + half)
        inside &= self.shown_LH
        found = np.argwhere(inside)
        return (int(found[0][0]), int(found[0][1])) if len(found) else None

    def towards(self, layer: int, head: int, right: int, down: int) -> tuple[int, int]:
        """The nearest tile in a direction; the same one where there is none."""
        across = self.x_LH - self.x_LH[layer, head]
        along = self.y_LH - self.y_LH[layer, head]
        ahead = across * right + along * down
        aside = np.abs(across * down) + np.abs(along * right)
        cost = np.where((ahead > 0) & self.shown_LH, ahead + 4.0 * aside, np.inf)
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


def laid_out(order: Ordered | None, shape: tuple[int, int], room: Room) -> Tiles:
    """Tiles in an order; by layer where there is none."""
    if order is None:
        return by_layer(*shape, room)
    if order.by_layer:
        return some_by_layer(list(order.groups[0][1]), shape, room)
    names = {}
    if order.values_LH is not None:
        names = {at: f"{at[0]}.{at[1]} {order.values_LH[at]:.2f}" for at in order.shown}
    return in_groups(order.groups, shape, room, names)


def some_by_layer(heads: Heads, shape: tuple[int, int], room: Room) -> Tiles:
    """The same of some heads: layers that have none close up, other heads leave their place free.

    Args:
        heads: that are shown.
        shape: how many layers, and heads in each.
        room: for all of it.
    """
    n_layers, n_heads = shape
    layers = sorted({layer for layer, _ in heads})
    if len(heads) == n_layers * n_heads or not heads:
        return by_layer(n_layers, n_heads, room) if heads else _nothing(shape)
    tiles = by_layer(len(layers), n_heads, room)
    x_LH, y_LH = _nowhere(shape), _nowhere(shape)
    place = {layer: at for at, layer in enumerate(layers)}
    for layer, head in heads:
        x_LH[layer, head] = tiles.x_LH[place[layer], head]
        y_LH[layer, head] = tiles.y_LH[place[layer], head]
    labels = tuple(
        replace(label, text=f"L{layers[int(label.text[1:])]}") if label.kind == "layer" else label
        for label in tiles.labels
    )
    return Tiles(tiles.side, tiles.gap, x_LH, y_LH, tiles.size, labels)


def in_groups(
    groups: Sequence[tuple[str, Heads]],
    shape: tuple[int, int],
    room: Room,
    names: Mapping[tuple[int, int], str] = MappingProxyType({}),
) -> Tiles:
    """Heads one behind the other in rows, group by group.

    Args:
        groups: caption (none if empty) and heads.
        shape: how many layers, and heads in each.
        room: for all of it.
        names: what stands under a tile, where there is room.
    """
    if not any(heads for _, heads in groups):
        return _nothing(shape)
    lines = [room.label_height + 2 if words else 0 for words, _ in groups]

    def below(each: int) -> int:
        return room.label_height if names and each >= NAMED_PITCH else 0

    def height(each: int) -> int:
        per_row = max(1, room.width // each)
        return sum(
            line + 2 + math.ceil(len(heads) / per_row) * (each + below(each))
            for line, (_, heads) in zip(lines, groups, strict=True)
        )

    each = LARGEST_PITCH
    while each > SMALLEST_PITCH and height(each) > room.height:
        each -= 1
    per_row, gap, y = max(1, room.width // each), _gap(each), 0
    x_LH, y_LH = _nowhere(shape), _nowhere(shape)
    labels = []
    for line, (words, heads) in zip(lines, groups, strict=True):
        if words:
            labels.append(Label(words, 0, y + line / 2, "group"))
        y += line
        rise = each + below(each)
        for place, (layer, head) in enumerate(heads):
            x_LH[layer, head] = (place % per_row) * each
            y_LH[layer, head] = y + (place // per_row) * rise
            if below(each):
                middle = x_LH[layer, head] + (each - gap) / 2
                under = y_LH[layer, head] + each - gap + below(each) / 2 + 1
                name = names.get((layer, head), "")
                labels.append(Label(name, float(middle), float(under), "tile"))
        y += math.ceil(len(heads) / per_row) * rise + 2
    width = min(per_row, max(len(heads) for _, heads in groups)) * each - gap
    size = (max(width, room.width // 2), y)
    return Tiles(each - gap, gap, x_LH, y_LH, size, tuple(labels))


def _nowhere(shape: tuple[int, int]) -> NDArray[np.intp]:
    return np.full(shape, NOWHERE, np.intp)


def _nothing(shape: tuple[int, int]) -> Tiles:
    return Tiles(SMALLEST_PITCH, 2, _nowhere(shape), _nowhere(shape), (1, 1))


def _gap(pitch: int) -> int:
    return max(2, round(pitch * 0.1))
