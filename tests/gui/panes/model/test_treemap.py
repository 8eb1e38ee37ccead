"""Areas are in proportion to parameters, in the treemap and between models."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF, Qt
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.model.parameter_tree import tree_of, tree_of_config
from gui.panes.model.scale_map import ScaleMap, Sized
from gui.panes.model.squarify import squarify
from gui.panes.model.treemap import Treemap
from gui.session.store import Store
from gui.widgets.parts import part_color
from model import messages as m
from model.published import PUBLISHED
from tests.gui.pixels import pixels


def area(rect: QRectF) -> float:
    return rect.width() * rect.height()


@given(
    sizes=st.lists(st.integers(1, 10**9), min_size=1, max_size=40),
    width=st.floats(20, 2000),
    height=st.floats(20, 2000),
)
def test_rectangles_fill_the_area_in_proportion_and_do_not_overlap(
    sizes: list[int], width: float, height: float
) -> None:
    box = QRectF(3, 5, width, height)
    rects = squarify(sizes, box)
    assert len(rects) == len(sizes)
    for size, rect in zip(sizes, rects):
        assert area(rect) == pytest.approx(area(box) * size / sum(sizes), rel=1e-6, abs=1e-6)
        assert rect.left() >= box.left() - 1e-6
        assert rect.bottom() <= box.bottom() + 1e-6 * height
    for one, other in combinations(rects[:12], 2):
        both = one.intersected(other)
        assert area(both) <= 1e-6 * area(box)


def test_the_example_of_the_paper() -> None:
    """Bruls et al. 2000, figure 4: 6 6 4 3 2 2 1 in 6 × 4."""
    rects = squarify([6, 6, 4, 3, 2, 2, 1], QRectF(0, 0, 6, 4))
    assert (rects[0].width(), rects[0].height()) == pytest.approx((3, 2))
    assert (rects[2].width(), rects[2].height()) == pytest.approx((12 / 7, 7 / 3))


def test_nothing_and_zeros_are_drawn_as_nothing() -> None:
    assert squarify([], QRectF(0, 0, 10, 10)) == []
    assert all(rect.isEmpty() for rect in squarify([0, 0], QRectF(0, 0, 10, 10)))
    assert squarify([3, 0], QRectF(0, 0, 10, 10))[1].isEmpty()


def listed(store: Store) -> tuple[m.WeightTensor, ...]:
    store.weights.list_tensors()
    return store.weights.tensors


@pytest.fixture
def treemap(live_store: Store, qtbot: QtBot) -> Treemap:
    treemap = Treemap()
    qtbot.addWidget(treemap)
    treemap.resize(700, 420)
    treemap.set_roots(tree_of(listed(live_store)))
    with qtbot.waitExposed(treemap):
        treemap.show()
    return treemap


def test_every_parameter_is_in_one_tile_and_tied_ones_once(
    treemap: Treemap, live_store: Store
) -> None:
    assert live_store.model is not None
    leaves = [tile.node for tile in treemap.tiles if not tile.node.children]
    assert sum(node.n for node in leaves) == live_store.model.n_params
    names = [tensor.name for tensor in listed(live_store) if not tensor.tied_to]
    assert sorted(node.name for node in leaves) == sorted(names)
    parts = {tile.node.part: tile.node.n for tile in treemap.tiles if tile.depth == 0}
    assert parts == {part: n for part, n in live_store.model.parameters.items() if n}


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_pixels_of_a_part_are_its_share(treemap: Treemap, live_store: Store, name: str) -> None:
    """Counted on the screen: pixels with the fill of W_U's tile, which has no lines inside."""
    before = theme.current().name
    theme.set_current(name)
    try:
        treemap.redraw()
        rgb = pixels(treemap.viewport())
        color = part_color("unembedding")
        shown = (rgb == [color.red(), color.green(), color.blue()]).all(axis=-1).sum()
        tile = next(t for t in treemap.tiles if t.node.name == "W_U")
        assert shown == pytest.approx(area(tile.rect), rel=0.06)
        assert live_store.model is not None
        part = next(t for t in treemap.tiles if t.node.part == "unembedding" and t.depth == 0)
        share = live_store.model.parameters["unembedding"] / live_store.model.n_params
        whole = treemap.viewport().width() * treemap.viewport().height()
        assert area(part.rect) / whole == pytest.approx(share, rel=0.02)
    finally:
        theme.set_current(before)


def test_a_click_and_the_arrow_keys_choose_tensors(treemap: Treemap, qtbot: QtBot) -> None:
    tile = next(t for t in treemap.tiles if t.node.name == "blocks.1.mlp.W_in")
    with qtbot.waitSignal(treemap.tensor_chosen) as chosen:
        qtbot.mouseClick(
            treemap.viewport(), Qt.MouseButton.LeftButton, pos=tile.rect.center().toPoint()
        )
    assert chosen.args == ["blocks.1.mlp.W_in"]
    treemap.set_chosen("blocks.1.mlp.W_in")
    with qtbot.waitSignal(treemap.tensor_chosen) as chosen:
        qtbot.keyClick(treemap, Qt.Key.Key_Right)
    assert chosen.args != ["blocks.1.mlp.W_in"]


def test_the_tooltip_has_the_exact_number(treemap: Treemap) -> None:
    tile = next(t for t in treemap.tiles if t.node.name == "blocks.1.mlp.W_in")
    words = treemap.tooltip(tile.rect.center().toPoint())
    assert "blocks.1.mlp.W_in" in words
    assert "65,536 parameters" in words
    assert "5.8% of the model" in words


def test_experts_have_tiles_of_their_own() -> None:
    tensors = [
        m.WeightTensor(f"blocks.0.mlp.experts.{e}.W_{what}", (6, 9), "float32", 0, "mlp")
        for e in range(3)
        for what in ("in", "out")
    ]
    tensors.append(m.WeightTensor("blocks.0.mlp.W_router", (6, 3), "float32", 0, "mlp"))
    (mlp,) = tree_of(tensors)
    (layer,) = mlp.children
    labels = [node.label for node in layer.children]
    assert labels == ["expert 0", "expert 1", "expert 2", "mlp.W_router"]
    assert {leaf.name for leaf in mlp.leaves()} == {tensor.name for tensor in tensors}


# ------------------------------------------------------------------------------- to scale


def sized(n_published: int, own: tuple[m.WeightTensor, ...]) -> tuple[Sized, ...]:
    published = [Sized(p.name, tree_of_config(p.config)) for p in PUBLISHED[:n_published]]
    return (Sized("mine", tree_of(own), own=True), *published)


@pytest.mark.parametrize("n_published", [0, 1, 4, 5])
@pytest.mark.parametrize("size", [(1000, 400), (420, 260), (300, 160), (290, 120), (200, 90)])
def test_a_parameter_has_the_same_area_in_every_model(
    live_store: Store, qtbot: QtBot, n_published: int, size: tuple[int, int]
) -> None:
    scale = ScaleMap()
    qtbot.addWidget(scale)
    scale.resize(*size)
    scale.set_models(sized(n_published, listed(live_store)))
    assert len(scale.squares) == n_published + 1
    per_parameter = [area(square.rect) / square.model.n for square in scale.squares]
    assert per_parameter == pytest.approx([per_parameter[0]] * len(per_parameter), rel=1e-6)
    assert scale.squares[-1].rect.width() > 20
    room = QRectF(scale.viewport().rect())
    for square in scale.squares:
        assert room.contains(square.rect)
        assert square.column.right() <= room.right() + 0.5
    for one, other in combinations(scale.squares, 2):
        assert not one.rect.intersects(other.rect)
        assert not one.column.intersects(other.column)


def test_a_model_that_would_be_a_speck_is_shown_in_a_lens_with_its_factor(
    live_store: Store, qtbot: QtBot
) -> None:
    scale = ScaleMap()
    qtbot.addWidget(scale)
    scale.resize(900, 360)
    scale.set_models(sized(5, listed(live_store)))
    own = next(square for square in scale.squares if square.model.own)
    gpt3 = scale.squares[-1]
    assert gpt3.model.name == "GPT-3 175B"
    assert own.rect.width() < 1
    assert scale.lens.width() > 40
    assert scale.enlarged == pytest.approx(scale.lens.width() / own.rect.width())
    assert gpt3.rect.width() / own.rect.width() == pytest.approx(
        math.sqrt(gpt3.model.n / own.model.n)
    )
    words = scale.tooltip(own.rect.center().toPoint())
    assert f"{own.model.n:,} parameters" in words
    found = scale.at(QPointF(scale.lens.center()))
    assert found is not None
    assert found[0] is own


def test_the_tooltip_of_a_published_model_counts_its_mlps(live_store: Store, qtbot: QtBot) -> None:
    scale = ScaleMap()
    qtbot.addWidget(scale)
    scale.resize(900, 360)
    scale.set_models(sized(1, listed(live_store)))
    small = scale.squares[-1]
    words = scale.tooltip(small.column.center().toPoint())
    assert "GPT-2 small: 124,439,808 parameters" in words
    assert "mlp 45.5%" in words


def test_equal_areas_are_read_from_left_to_right_and_from_top_to_bottom() -> None:
    rects = squarify([9.0, *[1.0] * 12, 0.5], QRectF(0, 0, 300, 200))
    places = [(round(rect.top(), 3), round(rect.left(), 3)) for rect in rects[1:13]]
    assert places == sorted(places)
    assert all(rect.width() * rect.height() > 0 for rect in rects)
