"""Points drawn by NumPy: project, sort by depth, write small discs into a picture.

Where there is no OpenGL, and where the same points must give the same pixels on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from gui.widgets.point_cloud.camera import Camera
from gui.widgets.point_cloud.renderer import Look, back_to_front


class SoftwareRenderer:
    """The renderer that works everywhere."""

    name = "software"

    def __init__(self) -> None:
        self._points = np.empty((0, 3), dtype=np.float32)
        self._packed: NDArray[np.uint32] = np.empty(0, dtype=np.uint32)
        self._image = QImage()

    def set_points(self, points_N3: NDArray[np.float32]) -> None:
        self._points = np.ascontiguousarray(points_N3, dtype=np.float32)

    def set_colors(self, rgb_N3: NDArray[np.uint8]) -> None:
        # A word a point: sorting a million rows of three bytes takes 35 ms, a million words 2.
        red, green, blue = np.asarray(rgb_N3, dtype=np.uint32).reshape(-1, 3).T
        self._packed = (red << 16 | green << 8 | blue).astype(np.uint32)

    def close(self) -> None:
        pass

    def start(
        self, camera: Camera, look: Look, width: int, height: int, ratio: float = 1.0
    ) -> None:
        wide, high = max(1, round(width * ratio)), max(1, round(height * ratio))
        xy, depth = camera.project(self._points, width, height)
        diameter = look.diameters(depth, camera) * np.float32(ratio)
        # A margin takes the parts of discs that stick out, so that no write needs a check.
        reach = int(np.ceil(np.nanmax(diameter, initial=1.0) / 2)) + 1
        margin = 2 * reach
        stride = wide + 2 * margin
        pixels = np.full((high + 2 * margin) * stride, _word(look.background), dtype=np.uint32)

        column = xy[:, 0] * np.float32(ratio)
        row = xy[:, 1] * np.float32(ratio)
        # NaN compares as False: what is behind the viewer is left out here.
        seen = np.flatnonzero(
            (column >= -reach) & (column < wide + reach) & (row >= -reach) & (row < high + reach)
        )
        order = seen[back_to_front(depth[seen])]
        # Diameters grow as depth falls, so discs of one size are neighbours in the order.
        size = np.rint(diameter[order]).astype(np.intp)
        # The pixel that holds the centre; of an even disc, the one below right of it.
        shift = np.where(size % 2, np.float32(0), np.float32(0.5))
        at = (np.floor(row[order] + shift).astype(np.intp) + margin) * stride
        at += np.floor(column[order] + shift).astype(np.intp) + margin
        words = _words(self._packed[order], look.opacities(depth[order]), look.background)

        starts = np.flatnonzero(np.diff(size, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(size)]):
            stamp = _disc(int(size[start]), stride)
            spots = at[start:stop, None] + stamp
            # Of several writes to a pixel the last one stays: the nearest point's.
            pixels[spots.ravel()] = np.repeat(words[start:stop], len(stamp))

        grid = pixels.reshape(-1, stride)[margin : margin + high, margin : margin + wide]
        image = QImage(
            np.ascontiguousarray(grid).data, wide, high, 4 * wide, QImage.Format.Format_RGB32
        ).copy()
        image.setDevicePixelRatio(ratio)
        self._image = image

    def finish(self) -> QImage:
        return self._image


def _word(rgb: tuple[int, int, int]) -> int:
    return 0xFF000000 | rgb[0] << 16 | rgb[1] << 8 | rgb[2]


def _words(
    packed_N: NDArray[np.uint32], opacity_N: NDArray[np.float32], background: tuple[int, int, int]
) -> NDArray[np.uint32]:
    """Colours over the background, as the picture's 32-bit words."""
    words = np.full(len(packed_N), 0xFF, dtype=np.uint32)
    for shift, back in zip((16, 8, 0), background):
        channel = ((packed_N >> shift) & 0xFF).astype(np.float32)
        channel -= np.float32(back)
        channel *= opacity_N
        channel += np.float32(back + 0.5)
        words <<= 8
        words |= channel.astype(np.uint32)
    return words


_stamps: dict[tuple[int, int], NDArray[np.intp]] = {}


def _disc(size: int, stride: int) -> NDArray[np.intp]:
    """Offsets of the pixels of a disc from the pixel of its centre, or below right of it."""
    key = (size, stride)
    if key not in _stamps:
        if len(_stamps) > 500:  # sizes of many windows
            _stamps.clear()
        half = size // 2
        # An even disc has its centre on a corner: it reaches one pixel more to the left and up.
        reach = np.arange(-half, size - half)
        middle = 0.0 if size % 2 else -0.5
        down, right = np.meshgrid(reach, reach, indexing="ij")
        inside = (down - middle) ** 2 + (right - middle) ** 2 <= (size / 2) ** 2 + 0.1
        _stamps[key] = (down * stride + right)[inside].astype(np.intp)
    return _stamps[key]
