"""The map without figures of a prompt, kept as a picture.

Letters are typed far more often than the current operation changes. Knows what a picture depends
on and who paints it; no row, no operation.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter, QPixmap

from gui import theme


class NetworkPicture:
    """One picture, painted again when something that it shows is another."""

    def __init__(self) -> None:
        self._picture = QPixmap()
        self._key: tuple[object, ...] = ()

    def of(
        self, key: tuple[object, ...], size: QSize, ratio: float, paint: Callable[[QPainter], None]
    ) -> QPixmap:
        """The picture, as it was or painted now.

        Args:
            key: all that it shows, but for its size and the theme.
            size: in logical pixels.
            ratio: pixels of what is painted on to a logical one.
            paint: paints it.
        """
        key = (*key, size, ratio, theme.current().name)
        if key != self._key:
            picture = QPixmap(size * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(theme.current().color("panel"))
            with QPainter(picture) as painter:
                paint(painter)
            self._picture, self._key = picture, key
        return self._picture
