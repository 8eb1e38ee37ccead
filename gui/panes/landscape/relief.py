"""A height field as a picture: every pixel finds the first point of the surface in its way.

Parallel light rays run through each column of pixels from front to back; what rises above all that
lies before it is seen. So hidden surfaces, the cut sides of the block and the place under the mouse
come out of one pass, in NumPy, without OpenGL, the same on every machine.

Knows NumPy only. Shape suffixes: H, W pixels; S samples of a ray; F places of the field's grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rgb = tuple[int, int, int]

TALL = 0.78
"""Height of the block, where its sides are 2 long."""
LIGHT = (-0.42, -0.34, 0.84)
"""Where the light comes from: left, front, above; it goes with the viewer."""
DARK = 72
"""Of 255: below it a contour line is bright."""
NOTHING, SURFACE, SIDE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Look:
    """From where it is looked at.

    Attributes:
        turn: around the vertical axis, degrees; at 0 the first axis goes to the right.
        tilt: above the horizon, degrees; 90 is a map.
        zoom: 1 fits the picture.
    """

    turn: float = -32.0
    tilt: float = 34.0
    zoom: float = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the block lies in a picture of some pixels: the one projection.

    Attributes:
        look: from where.
        x, y: the pixel of the middle of its floor.
        scale: pixels to a unit; the block is 2 wide.
    """

    look: Look
    x: float
    y: float
    scale: float

    def project(self, u: float, v: float, height: float = 0.0) -> tuple[float, float]:
        """The pixel of a point of the block."""
        turn, tilt = radians(self.look.turn), radians(self.look.tilt)
        right = u * cos(turn) - v * sin(turn)
        back = u * sin(turn) + v * cos(turn)
        up = back * sin(tilt) + height * TALL * cos(tilt)
        return self.x + self.scale * right, self.y - self.scale * up

    def depth(self, u: float, v: float) -> float:
        """How far back a place of the floor is."""
        turn = radians(self.look.turn)
        return u * sin(turn) + v * cos(turn)


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """What each pixel shows.

    Attributes:
        rgba_HW4: uint8.
        kind_HW: `NOTHING`, `SURFACE` or `SIDE`.
        u_HW, v_HW: the place of the square that is seen, where there is one.
        depth_HW: how far back that is.
    """

    rgba_HW4: NDArray[np.uint8]
    kind_HW: NDArray[np.uint8]
    u_HW: Floats
    v_HW: Floats
    depth_HW: Floats


def draw(
    heights_FF: Floats,
    place: Place,
    size: tuple[int, int],
    table: NDArray[np.uint8],
    levels: Floats,
    lines: tuple[Rgb, Rgb],
    unknown: Rgb,
    side: Rgb,
) -> Relief:
    """The picture.

    Args:
        heights_FF: from 0 to 1, row is v; NaN where nothing is known.
        place: the projection.
        size: height and width of the picture, pixels.
        table: ``[256, 3]`` colours of heights.
        levels: heights of contour lines, rising.
        lines: their colours, on what is bright and on what is dark.
        unknown: of what is not known.
        side: of the block's sides.
    """
    high, wide = size
    turn, tilt = radians(place.look.turn), radians(place.look.tilt)
    st, ct, sp, cp = sin(turn), cos(turn), sin(tilt), cos(tilt)
    x_W = ((np.arange(wide) + 0.5 - place.x) / place.scale).astype(np.float32)
    near_W, far_W = _through(x_W, st, ct)
    hit_W = far_W > near_W
    n = max(48, min(len(heights_FF), int(2.2 * place.scale * max(sp, 0.35))))
    share_S = np.linspace(0, 1, n, dtype=np.float32)
    back_SW = near_W + share_S[:, None] * (far_W - near_W)
    u_SW, v_SW = x_W * ct + back_SW * st, back_SW * ct - x_W * st
    filled_FF = np.nan_to_num(heights_FF, nan=1.0)
    up_SW = back_SW * np.float32(sp) + _look_up(filled_FF, u_SW, v_SW) * np.float32(TALL * cp)
    up_SW[:, ~hit_W] = -1e6
    # Which sample is the first to reach a pixel: those that stay below it are counted.
    top_SW = np.maximum.accumulate(up_SW, axis=0)
    row_SW = np.ceil(place.y - place.scale * top_SW - 0.5).clip(0, high).astype(np.intp)
    column_W = np.arange(wide)
    counted = np.bincount((row_SW * wide + column_W).ravel(), minlength=(high + 1) * wide)
    # Samples whose row is below: pixel r is reached by none of those with row > r.
    below_HW = counted.reshape(high + 1, wide)[::-1].cumsum(axis=0)[::-1][1:]
    up_H = ((place.y - np.arange(high) - 0.5) / place.scale).astype(np.float32)[:, None]
    floor_W = near_W * np.float32(sp)
    seen = (below_HW < n) & hit_W
    kind_HW = np.where(seen, SURFACE, NOTHING).astype(np.uint8)
    first = seen & (below_HW == 0)
    kind_HW[first & (up_H < up_SW[0])] = SIDE
    kind_HW[first & (up_H < floor_W)] = NOTHING
    behind_HW = below_HW.clip(1, n - 1)
    ahead, behind = up_SW[behind_HW - 1, column_W], up_SW[behind_HW, column_W]
    part = ((up_H - ahead) / np.where(behind > ahead, behind - ahead, 1)).clip(0, 1)
    deep_HW = near_W + (behind_HW - 1 + part) / (n - 1) * (far_W - near_W)
    deep_HW = np.where(kind_HW == SIDE, near_W, deep_HW).astype(np.float32)
    u_HW = (x_W * ct + deep_HW * st).astype(np.float32)
    v_HW = (deep_HW * ct - x_W * st).astype(np.float32)
    rgba_HW4 = np.zeros((high, wide, 4), np.uint8)
    surface = kind_HW == SURFACE
    lit_FF3 = _lit(heights_FF, filled_FF, table, unknown, turn)
    index = _index(filled_FF, u_HW[surface], v_HW[surface])
    rgb = lit_FF3.reshape(-1, 3)[index].astype(np.float32)
    height_HW = np.full((high, wide), np.nan, np.float32)
    height_HW[surface] = _smooth(filled_FF, u_HW[surface], v_HW[surface])
    ink = _contours(height_HW, levels)[surface][:, None]
    # A line is darker than what it lies on; where that is dark itself, brighter.
    own = np.where(rgb.mean(axis=1, keepdims=True) > DARK, _ink(lines[0]), _ink(lines[1]))
    rgba_HW4[surface, :3] = (rgb * (1 - ink) + own * ink).astype(np.uint8)
    rgba_HW4[surface, 3] = 255
    _paint_sides(rgba_HW4, kind_HW, u_HW, v_HW, up_H, floor_W, cp, levels, lines[1], side, turn)
    _soften(rgba_HW4, surface, place, top_SW[-1], hit_W)
    return Relief(rgba_HW4, kind_HW, u_HW, v_HW, deep_HW)


def _through(x_W: Floats, st: float, ct: float) -> tuple[Floats, Floats]:
    """Where a ray at some place across enters and leaves the square, as depths."""
    near = np.full_like(x_W, -np.inf)
    far = np.full_like(x_W, np.inf)
    # u = x ct + y st and v = y ct - x st, both between -1 and 1.
    for along, offset in ((st, x_W * np.float32(ct)), (ct, -x_W * np.float32(st))):
        if abs(along) < 1e-6:
            outside = np.abs(offset) > 1
            near[outside], far[outside] = 1, -1
            continue
        one, other = (-1 - offset) / along, (1 - offset) / along
        near = np.maximum(near, np.minimum(one, other))
        far = np.minimum(far, np.maximum(one, other))
    missed = ~(far > near)
    near[missed], far[missed] = 0, 0
    return near.astype(np.float32), far.astype(np.float32)


def _index(grid_FF: NDArray[np.generic], u: Floats, v: Floats) -> NDArray[np.intp]:
    """The grid's nearest place, as an index into its flat array."""
    n = len(grid_FF) - 1
    half = np.float32(n / 2)
    row = ((v + 1) * half + np.float32(0.5)).astype(np.intp).clip(0, n)
    column = ((u + 1) * half + np.float32(0.5)).astype(np.intp).clip(0, n)
    found: NDArray[np.intp] = row * (n + 1) + column
    return found


def _look_up(grid_FF: Floats, u: Floats, v: Floats) -> Floats:
    return grid_FF.ravel()[_index(grid_FF, u, v)]


def _smooth(grid_FF: Floats, u: Floats, v: Floats) -> Floats:
    """The grid between its places, linear along both axes."""
    n = len(grid_FF) - 1
    x, y = ((u + 1) * (n / 2)).clip(0, n - 1e-3), ((v + 1) * (n / 2)).clip(0, n - 1e-3)
    i, j = x.astype(np.intp), y.astype(np.intp)
    fx, fy = (x - i).astype(np.float32), (y - j).astype(np.float32)
    flat, at = grid_FF.ravel(), j * (n + 1) + i
    low = flat[at] * (1 - fx) + flat[at + 1] * fx
    high = flat[at + n + 1] * (1 - fx) + flat[at + n + 2] * fx
    found: Floats = low * (1 - fy) + high * fy
    return found


def _lit(
    heights_FF: Floats,
    filled_FF: Floats,
    table: NDArray[np.uint8],
    unknown: Rgb,
    turn: float,
) -> NDArray[np.uint8]:
    """The field's colours in the light, ``[F, F, 3]``."""
    n = len(filled_FF) - 1
    along_v, along_u = np.gradient(filled_FF * np.float32(TALL), 2 / n)
    # The light turned to where the block's own axes are.
    right, front, up = LIGHT
    lu = right * cos(turn) + front * sin(turn)
    lv = -right * sin(turn) + front * cos(turn)
    length = np.sqrt(1 + along_u**2 + along_v**2)
    toward = (up - along_u * lu - along_v * lv) / length
    bright = (0.46 + 0.64 * toward.clip(0, 1)).astype(np.float32)
    rgb = table[(filled_FF * 255).round().astype(np.uint8)].astype(np.float32)
    rgb[np.isnan(heights_FF)] = unknown
    shine = (toward.clip(0, 1) ** 24 * 26).astype(np.float32)
    found: NDArray[np.uint8] = (
        (rgb * bright[..., None] + shine[..., None]).clip(0, 255).astype(np.uint8)
    )
    return found


def _contours(height_HW: Floats, levels: Floats) -> Floats:
    """How much of each pixel a contour line covers, from 0 to 1."""
    if not len(levels):
        return np.zeros_like(height_HW)
    down, across = np.gradient(height_HW)
    steep = np.hypot(down, across)
    at = np.searchsorted(levels, np.nan_to_num(height_HW))
    below, above = levels[(at - 1).clip(0)], levels[at.clip(max=len(levels) - 1)]
    away = np.minimum(np.abs(height_HW - below), np.abs(height_HW - above))
    # Half a pixel to both sides; beside a silhouette the field jumps, and there is no line.
    cover = (1.0 - away / np.maximum(steep, 1e-7)).clip(0, 1) * 0.62
    jump = steep > 0.25
    found: Floats = np.where(jump | np.isnan(steep), 0, cover).astype(np.float32)
    return found


def _paint_sides(
    rgba_HW4: NDArray[np.uint8],
    kind_HW: NDArray[np.uint8],
    u_HW: Floats,
    v_HW: Floats,
    up_H: Floats,
    floor_W: Floats,
    cp: float,
    levels: Floats,
    line: Rgb,
    side: Rgb,
    turn: float,
) -> None:
    """The cut sides: their own grey, and the levels as layers."""
    cut = kind_HW == SIDE
    if not cut.any():
        return
    u, v = u_HW[cut], v_HW[cut]
    along_u = np.abs(u) > np.abs(v)
    # How much a side faces the light.
    facing_u = -np.sign(u) * LIGHT[0] * cos(turn) * -1
    facing = np.where(along_u, facing_u, -np.sign(v) * LIGHT[0] * sin(turn))
    height = ((up_H - floor_W) / np.float32(max(TALL * cp, 1e-6)))[cut]
    shade = (0.82 + 0.22 * facing + 0.10 * height).clip(0.5, 1.2)[:, None]
    rgb = _ink(side) * shade
    if len(levels):
        at = np.searchsorted(levels, height)
        below, above = levels[(at - 1).clip(0)], levels[at.clip(max=len(levels) - 1)]
        away = np.minimum(np.abs(height - below), np.abs(height - above))
        step = np.float32(abs(float(up_H[0, 0] - up_H[1, 0])) / max(TALL * cp, 1e-6))
        ink = (1 - away / step).clip(0, 1)[:, None] * 0.22
        rgb = rgb * (1 - ink) + _ink(line) * ink
    rgba_HW4[cut, :3] = rgb.clip(0, 255).astype(np.uint8)
    rgba_HW4[cut, 3] = 255


def _soften(
    rgba_HW4: NDArray[np.uint8],
    surface: NDArray[np.bool_],
    place: Place,
    top_W: Floats,
    hit_W: NDArray[np.bool_],
) -> None:
    """Pixels that the upper edge covers in part."""
    high = len(rgba_HW4)
    edge_W = place.y - place.scale * top_W  # a row, not whole
    row_W = np.floor(edge_W).astype(np.intp)
    columns = np.flatnonzero(hit_W & (row_W >= 0) & (row_W < high - 1))
    rows = row_W[columns]
    free = ~surface[rows, columns] & surface[rows + 1, columns]
    columns, rows = columns[free], rows[free]
    cover = (rows + 1 - edge_W[columns]).clip(0, 1)
    rgba_HW4[rows, columns, :3] = rgba_HW4[rows + 1, columns, :3]
    rgba_HW4[rows, columns, 3] = (255 * cover).astype(np.uint8)


def _ink(color: Rgb) -> Floats:
    return np.array(color, np.float32)
