"""Strips of values: every pixel has the colour of its value, whatever else is coloured with it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from gui import theme
from gui.panes.layers.strips import strip_images
from gui.reading.vectors import Reading, Scale


@pytest.fixture(params=["dark", "light"], autouse=True)
def in_both(request: pytest.FixtureRequest) -> Iterator[None]:
    theme.set_current(request.param)
    yield
    theme.set_current("dark")


def strip(scale: Scale, values: list[float], *, seen: slice = slice(None)) -> Reading:
    array = np.array(values, dtype=np.float32)
    first, last, _ = seen.indices(len(values))
    return Reading("some", "BTD", (0, 0, None), array, scale, n_seen=last, first_seen=first)


def colours(image: QImage) -> list[tuple[int, int, int]]:
    assert image.height() == 1
    found = (QColor(image.pixel(x, 0)) for x in range(image.width()))
    return [(colour.red(), colour.green(), colour.blue()) for colour in found]


def rgb(array: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    return [(int(r), int(g), int(b)) for r, g, b in array]


def test_each_strip_has_the_colours_of_its_own_scale() -> None:
    small, large = [-0.25, 0.5, 0.125], [64.0, -8.0, 0.0, 32.0]
    amounts, shares = [0.0, 2.0, 8.0], [0.25, 0.75]
    nan, still = [1.0, float("nan"), -1.0], [0.0, float("nan")]
    images = strip_images(
        {
            (0, 100): strip("signed", small),
            (1, 100): strip("amount", amounts),
            (2, 100): strip("signed", large),
            (3, 100): strip("share", shares),
            (4, 100): strip("signed", nan),
            (5, 100): strip("signed", still),  # no number but 0: a scale of no width
        }
    )
    of = {key[0]: colours(image) for key, image in images.items()}
    assert of[0] == rgb(theme.diverging_rgb(np.array(small), 0.5))
    assert of[1] == rgb(theme.sequential_rgb(np.array(amounts) / 8))
    assert of[2] == rgb(theme.diverging_rgb(np.array(large), 64.0))
    assert of[3] == rgb(theme.sequential_rgb(np.array(shares)))
    assert of[4] == rgb(theme.diverging_rgb(np.array(nan), 1.0))
    assert of[5] == rgb(theme.diverging_rgb(np.array(still), 0.0))
    assert len({tuple(some) for some in of.values()}) == 6


def test_what_is_masked_has_the_ground_and_no_large_value_is_lost() -> None:
    masked = strip("share", [0.5, 0.5, 0.75, 1.0], seen=slice(1, 3))
    many = strip("signed", [0.0, 0.0, 5.0, 0.0, -1.0, 0.0])
    images = strip_images({(0, 100): masked, (1, 2): many})
    bare = theme.current().color("panel")
    ground = bare.red(), bare.green(), bare.blue()
    shares = rgb(theme.sequential_rgb(np.array([0.5, 0.75])))
    assert colours(images[0, 100]) == [ground, *shares, ground]
    assert colours(images[1, 2]) == rgb(theme.diverging_rgb(np.array([5.0, -1.0]), 5.0))
