"""Points as discs of a figure of curves and letters, which stay round at any size.

Knows the camera and how points look; no widget, neither tokens nor panes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from gui.widgets.point_cloud.camera import Camera
from gui.widgets.point_cloud.renderer import Look, back_to_front

MOST_DISCS = 20_000
"""More are a picture: a file of many megabytes is opened by no viewer."""
RATIO = 3.0
"""Pixels of such a picture to a logical one."""


def paint_discs(
    painter: QPainter,
    box: QRectF,
    points_N3: NDArray[np.float32],
    rgb_N3: NDArray[np.uint8],
    camera: Camera,
    look: Look,
) -> None:
    """Paint the ground and every point that is in view, the nearest last."""
    painter.fillRect(box, QColor(*look.background))
    xy, depth = camera.project(np.ascontiguousarray(points_N3, np.float32), *_size(box))
    radius = look.diameters(depth, camera) / 2
    opacity = look.opacities(depth)
    # NaN compares as False: what is behind the viewer is left out here.
    seen = np.flatnonzero(
        (xy[:, 0] >= -radius)
        & (xy[:, 0] <= box.width() + radius)
        & (xy[:, 1] >= -radius)
        & (xy[:, 1] <= box.height() + radius)
    )
    painter.save()
    painter.setClipRect(box)
    painter.setPen(Qt.PenStyle.NoPen)
    ground = np.array(look.background, np.float32)
    for index in seen[back_to_front(depth[seen])]:
        # Mixed with the ground, as on the screen: discs that shine through would add up.
        color = ground + (rgb_N3[index] - ground) * opacity[index]
        painter.setBrush(QColor(*(int(channel + 0.5) for channel in color)))
        size = float(radius[index])
        painter.drawEllipse(QPointF(float(xy[index, 0]), float(xy[index, 1])), size, size)
    painter.restore()


def _size(box: QRectF) -> tuple[int, int]:
    return int(box.width()), int(box.height())
