from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from gui.panes.attention.curve_raster import curve_opacity, ink

HEIGHT, LENGTH = 80, 400


def painted_by_qt(
    start: list[float], end: list[float], width: list[float], opacity: list[float]
) -> np.ndarray:
    image = QImage(LENGTH, HEIGHT, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for x0, x1, w, alpha in zip(start, end, width, opacity, strict=True):
        color = QColor("white")
        color.setAlphaF(alpha)
        painter.setPen(QPen(color, w))
        path = QPainterPath(QPointF(x0, HEIGHT + 0.0))
        path.cubicTo(x0, HEIGHT / 2, x1, HEIGHT / 2, x1, 0)
        painter.drawPath(path)
    painter.end()
    return alpha_of(image)


def alpha_of(image: QImage) -> np.ndarray:
    pixels = np.frombuffer(image.constBits(), np.uint8)
    return pixels.reshape(image.height(), image.width(), 4)[..., 3] / 255


def whole_picture(
    start: np.ndarray, end: np.ndarray, width: np.ndarray, opacity: np.ndarray, length: int
) -> np.ndarray:
    left, covered = curve_opacity(start, end, width, opacity, HEIGHT, length)
    assert len(covered) == 1
    return np.pad(covered[0], ((0, 0), (left, length - left - covered.shape[2])))


def test_curves_look_as_qt_paints_them() -> None:
    start, end = [30.0, 50.5, 200.0, 390.0, 120.0], [30.0, 120.0, 20.0, 60.0, 380.0]
    width, opacity = [3.0, 2.0, 2.5, 3.0, 2.0], [0.9, 0.6, 0.8, 0.5, 0.7]
    ours = whole_picture(np.array(start), np.array(end), np.array(width), np.array(opacity), LENGTH)
    assert 0 <= ours.min() <= ours.max() <= 1
    theirs = painted_by_qt(start, end, width, opacity)
    inside = np.s_[2:-2]
    assert np.abs(ours[inside] - theirs[inside]).mean() < 0.01
    assert np.abs(ours[inside] - theirs[inside]).max() < 0.35
    # Ink that adds up makes the soft rim of a stroke a little denser than Qt's.
    assert 1 <= ours[inside].sum() / theirs[inside].sum() < 1.12


def test_a_curve_that_begins_outside_the_picture_is_cut_exactly() -> None:
    start, end = np.array([-150.0, 700.0]), np.array([300.0, 100.0])
    width, opacity = np.array([3.0, 1.5]), np.array([0.9, 0.8])
    cut = whole_picture(start, end, width, opacity, LENGTH)
    whole = whole_picture(start + 200, end + 200, width, opacity, LENGTH + 600)
    assert np.allclose(cut, whole[:, 200 : 200 + LENGTH], atol=1e-9)


def test_each_of_several_pictures_is_what_it_is_alone() -> None:
    rng = np.random.default_rng(0)
    start, end = rng.uniform(-40, LENGTH + 40, (2, 30))
    width, opacity = rng.uniform(1, 3, 30), rng.uniform(0.1, 0.9, 30)
    picture = np.arange(30) % 4
    left, covered = curve_opacity(start, end, width, opacity, HEIGHT, LENGTH, picture)
    assert len(covered) == 4
    for number, found in enumerate(covered):
        mine = picture == number
        alone = whole_picture(start[mine], end[mine], width[mine], opacity[mine], LENGTH)
        assert alone.max() > 0.1
        assert np.allclose(alone[:, left : left + found.shape[1]], found, atol=1e-6)
        assert not alone[:, :left].any()
        assert not alone[:, left + found.shape[1] :].any()


def test_ink_has_the_colour_and_the_coverage() -> None:
    red, image = ink(
        np.array([[[1.0, 1.0, 0.0]], [[0.0, 0.5, 1.0]]]), [QColor("#f00"), QColor("#56b8ff")]
    )
    assert red.pixelColor(0, 0) == QColor("#f00")
    assert image.pixelColor(2, 0) == QColor("#56b8ff")
    assert image.pixelColor(0, 0).alpha() == 0
    assert abs(image.pixelColor(1, 0).alphaF() - 0.5) < 0.01
