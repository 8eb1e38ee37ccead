from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.panes.inspector.pane import InspectorPane
from gui.reading.quoting import quoted
from gui.session.state import Inspected
from gui.session.store import Store
from gui.window.export import picture, write_picture
from gui.window.table import table_of
from model.checkpoint.saving import save_checkpoint
from model.config import TransformerConfig
from model.probe.question import Named
from model.probe.routes.asks import RoutesFound
from model.transformer import Transformer
from tests.gui.desk import Desk
from tests.gui.mouse import leave, move_to
from tests.gui.pixels import amounts_of, color_named, image_pixels, pixels


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


def shown(qtbot: QtBot, store: Store, width: int = 1200, height: int = 560) -> AttentionPane:
    pane = AttentionPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    settle(pane)
    return pane


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    return shown(qtbot, live_store)


def settle(pane: AttentionPane) -> None:
    """Draw all that is out of date; placing the views may make some of it so."""
    pane.refresh_now()
    pane.refresh_now()
    for view in (pane.mosaic, pane.heat_map, pane.graph):
        if view.isVisible():
            view.finish()


def pattern(desk: Desk, layer: int, tensor: str = "pattern") -> np.ndarray:
    """What the model itself has there, ``[H, Q, S]``."""
    read = desk.store.read
    assert read is not None
    name = f"blocks.{layer}.attn.hook_{tensor}"
    array: np.ndarray = desk.lm.trace(list(read.subject.ids), name)[name][0].numpy()
    return array


def n_tokens(store: Store) -> int:
    assert store.read is not None
    return store.read.n_tokens


def heads(store: Store) -> list[tuple[int, int]]:
    assert store.model is not None
    config = store.model.config
    return list(itertools.product(range(config.n_layers), range(config.n_heads)))


def lower_triangle(n: int) -> list[tuple[int, int]]:
    return [(query, key) for query in range(n) for key in range(query + 1)]


def cell_color(pane: AttentionPane, image: np.ndarray, row: int, column: int) -> np.ndarray:
    box = pane.heat_map.cell_rect(row, column)
    return image[int(box.bottom()) - 3, int(box.left()) + 3]


def unmarked(pane: AttentionPane) -> np.ndarray:
    """The matrix without the frames of the selection."""
    pane.heat_map.set_marks()
    return pixels(pane.heat_map.viewport())


# ----------------------------------------------------------------------- drawn values


@pytest.mark.parametrize("theme_name", ["dark", "light"])
def test_the_matrix_draws_the_weights_of_the_selected_head(
    pane: AttentionPane, live_store: Store, desk: Desk, theme_name: str
) -> None:
    theme.set_current(theme_name)
    live_store.theme_changed.emit()
    for layer, head in heads(live_store)[::5]:
        live_store.select(layer=layer, head=head)
        settle(pane)
        image, table = unmarked(pane), theme.sequential_table()
        weights = pattern(desk, layer)[head]
        for query, key in lower_triangle(len(weights)):
            low, high = amounts_of(cell_color(pane, image, query, key), table)
            assert low <= weights[query, key] <= high


def test_the_mosaic_draws_the_weights_of_all_heads(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    pane.set_view("heads")
    settle(pane)
    live_store.select(layer=0, head=0)
    image, table = pixels(pane.mosaic.viewport()), theme.sequential_table()
    n = n_tokens(live_store)
    assert pane.mosaic.cell_tokens == 1
    for layer, head in heads(live_store):
        weights, tile = pattern(desk, layer)[head], pane.mosaic.tile_rect(layer, head)
        side = tile.width()
        assert side > 2 * n
        for query, key in lower_triangle(n):
            x, y = tile.left() + (key + 0.5) / n * side, tile.top() + (query + 0.5) / n * side
            low, high = amounts_of(image[int(y), int(x)], table)
            assert low <= weights[query, key] <= high


def test_a_small_tile_draws_the_largest_of_the_weights_that_share_a_cell(
    qtbot: QtBot, live_store: Store, desk: Desk
) -> None:
    live_store.set_prompt("The king lost his crown. The queen lost her crown. " * 5)
    pane = shown(qtbot, live_store, 320, 240)
    pane.set_view("heads")
    settle(pane)
    n, k = n_tokens(live_store), pane.mosaic.cell_tokens
    assert k > 1
    cells = -(-n // k)
    image, table = pixels(pane.mosaic.viewport()), theme.sequential_table()
    weights, tile = pattern(desk, 2)[1], pane.mosaic.tile_rect(2, 1)
    for row in range(cells):
        for column in range(row + 1):
            x = tile.left() + (column + 0.5) / cells * tile.width()
            y = tile.top() + (row + 0.5) / cells * tile.width()
            block = weights[row * k : row * k + k, column * k : column * k + k]
            low, high = amounts_of(image[int(y), int(x)], table)
            assert low <= block.max() <= high
            at = pane.mosaic.cell_at(QPoint(int(x), int(y)))
            assert at is not None
            assert (at.layer, at.head, at.query // k, at.key // k) == (2, 1, row, column)
            last = min(row * k + k, n) - 1
            told = pane.pointing.describe_tile(at)
            assert f"largest of queries {row * k}–{last} × keys" in told
            assert float(told.split("\n")[1].split()[0]) == pytest.approx(block.max(), abs=1e-6)


def test_masked_weights_are_hatched_in_mosaic_and_matrix(
    pane: AttentionPane, live_store: Store
) -> None:
    zero = tuple(theme.sequential_table()[0])
    image = unmarked(pane)
    box = pane.heat_map.cell_rect(1, 4).toRect().adjusted(2, 2, -2, -2)
    patch = image[box.top() : box.bottom(), box.left() : box.right()].reshape(-1, 3)
    hatch = {color_named("panel"), color_named("line")}
    assert {tuple(color) for color in patch.tolist()} == hatch
    live_store.select(layer=0, head=0)
    settle(pane)
    tile = pane.mosaic.tile_rect(1, 1).toRect().adjusted(1, 1, -1, -1)
    corner = pixels(pane.mosaic.viewport())[
        tile.top() : tile.top() + tile.height() // 3,
        tile.right() - tile.width() // 3 : tile.right(),
    ]
    colors = {tuple(color) for color in corner.reshape(-1, 3).tolist()}
    assert zero not in colors
    assert len(colors) == 2


def test_scores_are_signed_on_a_symmetric_map(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=1, head=2)
    pane.controls.set_tensor("attn_scores")
    settle(pane)
    scores = pattern(desk, 1, "attn_scores")[2]
    finite = np.isfinite(scores)
    content = pane.heat_map.content
    assert content is not None
    limit = np.abs(scores[finite]).max()
    assert content.kind == "diverging"
    assert content.limit == pytest.approx(limit)
    assert scores[finite].min() < 0 < scores[finite].max()
    image, table = unmarked(pane), theme.diverging_table()
    for query, key in np.argwhere(finite).tolist():
        low, high = amounts_of(cell_color(pane, image, query, key), table)
        assert low <= (scores[query, key] / limit + 1) / 2 <= high
    assert content.masked_RC is not None
    assert (content.masked_RC == ~finite).all()


def test_transposing_makes_columns_the_queries(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=2, head=1)
    pane.toggle_transpose()
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    assert (content.row_title, content.column_title) == ("keys", "queries")
    image, weights = unmarked(pane), pattern(desk, 2)[1]
    for query, key in lower_triangle(len(weights)):
        low, high = amounts_of(cell_color(pane, image, key, query), theme.sequential_table())
        assert low <= weights[query, key] <= high
    pane.heat_map.cell_chosen.emit((2, 5))
    assert (live_store.selection.position, live_store.selection.key) == (5, 2)


def test_hiding_the_first_token_takes_it_out_of_the_colours_and_says_what_it_held(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=1, head=2)
    pane.controls.to_largest.setChecked(True)
    pane.controls.hide_first.setChecked(True)
    settle(pane)
    weights = pattern(desk, 1)[2]
    content = pane.heat_map.content
    assert content is not None
    assert content.limit == pytest.approx(weights[:, 1:].max())
    assert content.hidden_RC is not None
    assert content.hidden_RC[:, 0].all()
    assert np.allclose(content.values_RC, weights, atol=1e-6), "values remain the tensor's"
    held = weights[1:, 0].mean()
    longest = content.value_title[0]
    assert f"{held:.0%}" in longest or f"{held:.1%}" in longest
    image = unmarked(pane)
    for query in range(1, len(weights)):
        low, high = amounts_of(cell_color(pane, image, query, 1), theme.sequential_table())
        assert low <= weights[query, 1] / content.limit <= high


# ------------------------------------------------------------------------------ edges


def brute_force(desk: Desk, chosen: list[tuple[int, int]], threshold: float) -> set[tuple]:
    return {
        (layer, head, query, key)
        for layer, head in chosen
        for query in range(n_tokens(desk.store))
        for key in range(query + 1)
        if pattern(desk, layer)[head, query, key] >= threshold
    }


def as_set(edges: RoutesFound | None) -> set[tuple]:
    assert edges is not None
    columns = (edges.layer_E, edges.head_E, edges.query_E, edges.key_E)
    return set(zip(*(column.tolist() for column in columns), strict=True))


def test_edges_of_the_selected_head_are_its_weights_above_the_slider(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    pane.controls.set_graph_mode("head")
    pane.controls.all_positions.setChecked(True)
    pane.controls.set_threshold(0.05)
    live_store.select(layer=2, head=3)
    settle(pane)
    edges = pane.graph.edges
    assert as_set(edges) == brute_force(desk, [(2, 3)], pane.controls.threshold)
    assert edges is not None
    found = pattern(desk, 2)[3][edges.query_E, edges.key_E]
    assert np.allclose(edges.weight_E, found, atol=1e-6)
    assert (np.diff(edges.weight_E) <= 0).all()
    assert f"{len(edges)} edges ≥ 0.0" in pane.graph.caption


def test_ctrl_click_gathers_heads_and_the_graph_draws_them_in_their_colours(
    pane: AttentionPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    live_store.select(layer=0, head=0)
    settle(pane)
    for layer, head in ((1, 2), (3, 1)):
        at = pane.mosaic.tile_rect(layer, head).center().toPoint()
        qtbot.mouseClick(
            pane.mosaic.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.ControlModifier,
            at,
        )
    settle(pane)
    assert pane.chosen == ((0, 0), (1, 2), (3, 1))
    assert (live_store.selection.layer, live_store.selection.head) == (0, 0)
    pane.controls.all_positions.setChecked(True)
    settle(pane)
    threshold = pane.controls.threshold
    assert as_set(pane.graph.edges) == brute_force(desk, list(pane.chosen), threshold)
    qtbot.keyClick(pane, Qt.Key.Key_Escape)
    settle(pane)
    assert not pane.chosen
    assert as_set(pane.graph.edges) == brute_force(desk, [(0, 0)], threshold)


@pytest.mark.parametrize("mode", ["max", "mean"])
def test_edges_of_all_heads_hold_the_largest_or_the_mean_weight(
    pane: AttentionPane, live_store: Store, desk: Desk, mode: str
) -> None:
    pane.controls.set_graph_mode(mode)
    pane.controls.all_positions.setChecked(True)
    pane.controls.set_threshold(0.1)
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    assert live_store.model is not None
    n_layers = live_store.model.config.n_layers
    reduced = [getattr(pattern(desk, layer), mode)(axis=0) for layer in range(n_layers)]
    assert len(edges) == sum((r >= pane.controls.threshold).sum() for r in reduced) > 0
    for layer, head, query, key, weight in zip(
        edges.layer_E, edges.head_E, edges.query_E, edges.key_E, edges.weight_E, strict=True
    ):
        assert weight == pytest.approx(reduced[layer][query, key], abs=1e-6)
        if mode == "max":
            assert pattern(desk, layer)[head, query, key] == pytest.approx(weight, abs=1e-6)
        else:
            assert head == -1


def test_lit_edges_are_those_with_a_path_to_the_selected_position(
    pane: AttentionPane, live_store: Store
) -> None:
    pane.controls.all_positions.setChecked(True)
    pane.controls.set_threshold(0.2)
    live_store.select(position=6)
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    assert live_store.model is not None
    n_layers = live_store.model.config.n_layers
    steps = list(
        zip(edges.layer_E.tolist(), edges.query_E.tolist(), edges.key_E.tolist(), strict=True)
    )

    def feeds(layer: int, position: int) -> bool:
        """Whether the residual vector of a position after so many layers reaches the top's 6."""
        if layer == n_layers:
            return position == 6
        above = {query for at, query, key in steps if at == layer and key == position}
        return any(feeds(layer + 1, query) for query in above | {position})

    expected = [feeds(layer + 1, query) for layer, query, _ in steps]
    assert pane.graph.lit_E.tolist() == expected
    assert 0 < sum(expected) < len(expected)


@pytest.mark.parametrize("hide_first", [False, True])
def test_the_graph_shows_the_routes_to_the_selected_position(
    pane: AttentionPane, live_store: Store, desk: Desk, hide_first: bool
) -> None:
    pane.controls.set_threshold(0.25)
    pane.controls.hide_first.setChecked(hide_first)
    live_store.select(position=7)
    settle(pane)
    threshold, reached, expected, hidden = pane.controls.threshold, {7}, set(), 0
    for layer in reversed(range(4)):
        weights = pattern(desk, layer)
        rows = {
            (layer, int(weights[:, query, key].argmax()), query, key)
            for query in reached
            for key in range(query + 1)
            if weights[:, query, key].max() >= threshold
        }
        hidden += sum(key == 0 for *_, key in rows) if hide_first else 0
        rows = {row for row in rows if row[3] or not hide_first}
        expected |= rows
        reached |= {key for *_, key in rows}
    assert as_set(pane.graph.edges) == expected
    assert pane.graph.lit_E.all()
    assert pane.graph.caption.startswith("routes to “queen” (7) · largest of 4 heads")
    assert (f"{hidden} to the first token hidden" in pane.graph.caption) == hide_first
    live_store.select(position=3)
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    assert edges.query_E.max() <= 3


def test_the_heaviest_heads_have_hues_of_their_own_and_a_legend(
    pane: AttentionPane, live_store: Store
) -> None:
    pane.set_view("graph")
    pane.controls.set_threshold(0.1)
    settle(pane)
    edges, colors = pane.graph.edges, pane.graph.colors
    assert edges is not None
    names = [color.name() for color in colors.values()]
    assert len(set(names)) == len(names) == 7
    weight_of: dict[tuple[int, int], float] = {}
    for layer, head, key, weight in zip(
        edges.layer_E.tolist(),
        edges.head_E.tolist(),
        edges.key_E.tolist(),
        edges.weight_E.tolist(),
        strict=True,
    ):
        if key > 0:
            weight_of[layer, head] = weight_of.get((layer, head), 0.0) + weight
    assert list(colors) == sorted(weight_of, key=lambda head: -weight_of[head])[:7]
    image = pixels(pane.graph.viewport())
    legend = image[-18:, :]
    for color in colors.values():
        rgb = (color.red(), color.green(), color.blue())
        assert (legend == rgb).all(axis=-1).any()


def test_an_edge_is_drawn_where_the_mouse_finds_it(pane: AttentionPane, live_store: Store) -> None:
    pane.set_view("graph")
    live_store.select(position=0)
    pane.controls.all_positions.setChecked(True)
    pane.controls.set_threshold(0.2)
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    strong = pixels(pane.graph.viewport())
    pane.controls.set_threshold(1.0)
    settle(pane)
    bare = pixels(pane.graph.viewport())
    pane.controls.set_threshold(0.2)
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    for index in range(0, len(edges), 7):
        if edges.query_E[index] == edges.key_E[index]:
            continue
        at = pane.graph.edge_path(index).pointAtPercent(0.5).toPoint()
        near = np.s_[at.y() - 2 : at.y() + 3, at.x() - 2 : at.x() + 3]
        assert (strong[near] != bare[near]).any()
        found = pane.graph.edge_at(at)
        assert found is not None
        # Several edges may cross there; the one that is found passes within reach as well.
        assert edges.layer_E[found] == edges.layer_E[index]


def test_hovering_an_edge_shows_its_exact_weight_and_clicking_inspects_it(
    pane: AttentionPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    pane.controls.set_graph_mode("head")
    pane.controls.set_threshold(0.1)
    live_store.select(layer=2, head=0)
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    at = pane.graph.edge_path(0).pointAtPercent(0.5).toPoint()
    move_to(pane.graph.viewport(), at)
    index = pane.graph.edge_at(at)
    assert index is not None
    query, key = int(edges.query_E[index]), int(edges.key_E[index])
    weight = edges.weight_E[index]
    assert weight == pytest.approx(pattern(desk, 2)[0, query, key], abs=1e-6)
    assert str(weight) in pane._readout.text()
    assert live_store.selection.hovered == key
    qtbot.mouseClick(pane.graph.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert live_store.inspected is not None
    assert live_store.inspected.index == (0, 0, query, key)
    assert live_store.inspected.value == weight


# -------------------------------------------------------------------- mouse and keys


def test_clicking_a_tile_selects_the_head_and_arrows_move_on(
    pane: AttentionPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    at = pane.mosaic.tile_rect(1, 2).center().toPoint()
    qtbot.mouseClick(pane.mosaic.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert (live_store.selection.layer, live_store.selection.head) == (1, 2)
    settle(pane)
    qtbot.keyClick(pane.mosaic, Qt.Key.Key_Right)
    settle(pane)
    qtbot.keyClick(pane.mosaic, Qt.Key.Key_Down)
    assert (live_store.selection.layer, live_store.selection.head) == (2, 3)
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    assert np.allclose(content.values_RC, pattern(desk, 2)[3], atol=1e-6)
    assert pane.header_note().startswith("layer 2 · head 3")


def test_clicking_a_cell_selects_query_and_key_and_inspects_the_exact_number(
    pane: AttentionPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    live_store.select(layer=2, head=1)
    settle(pane)
    at = pane.heat_map.cell_rect(6, 3).center().toPoint()
    move_to(pane.heat_map.viewport(), at)
    assert live_store.selection.hovered == 3
    readout = pane._readout.text()
    weight = float(readout.split()[0])
    assert weight == pytest.approx(pattern(desk, 2)[1, 6, 3], abs=1e-6)
    assert "blocks.2.attn.hook_pattern[0, 1, 6, 3]" in readout
    qtbot.mouseClick(pane.heat_map.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert (live_store.selection.position, live_store.selection.key) == (6, 3)
    inspected = live_store.inspected
    assert isinstance(inspected, Inspected)
    assert inspected.value == pytest.approx(weight)
    trace = desk.lm.trace(live_store.prompt)
    assert float(eval(inspected.code, {"trace": trace})) == pytest.approx(weight, abs=1e-6)
    assert inspected.note.endswith("the value of “his” (3).")


def test_leaving_the_views_clears_what_was_hovered(
    pane: AttentionPane, live_store: Store, qtbot: QtBot
) -> None:
    move_to(pane.heat_map.viewport(), pane.heat_map.cell_rect(5, 2).center().toPoint())
    assert live_store.selection.hovered == 2
    leave(pane.heat_map.viewport())
    assert live_store.selection.hovered is None
    assert "reads first token" in pane._readout.text()


def test_the_next_head_goes_on_in_the_next_layer_and_round(
    pane: AttentionPane, live_store: Store
) -> None:
    assert live_store.model is not None
    config = live_store.model.config
    live_store.select(layer=0, head=config.n_heads - 1)
    pane.select_next_head(1)
    assert (live_store.selection.layer, live_store.selection.head) == (1, 0)
    live_store.select(layer=0, head=0)
    pane.select_next_head(-1)
    assert live_store.selection.layer == config.n_layers - 1
    pane.select_next_layer(-1)
    assert live_store.selection.layer == config.n_layers - 2


def test_the_facts_are_measured_from_the_pattern(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=1, head=1)
    settle(pane)
    weights = pattern(desk, 1)[1]
    n = len(weights)
    previous = np.mean([weights[query, query - 1] for query in range(1, n)])
    first = np.mean([weights[query, 0] for query in range(1, n)])
    for share in (previous, first):
        text = f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"
        assert text in pane.header_note()


# --------------------------------------------------------------------- states and room


def test_without_a_model_or_a_prompt_the_pane_says_what_to_do(qtbot: QtBot, desk: Desk) -> None:
    pane = shown(qtbot, desk.store)
    assert pane._empty.isVisible()
    assert "Open a model" in pane._empty.text()
    assert not pane.heat_map.isVisible()
    assert pane.header_note() == ""
    assert not pane.export_data()


def test_a_refused_prompt_is_explained_in_place(pane: AttentionPane, live_store: Store) -> None:
    live_store.set_prompt("")
    settle(pane)
    assert pane._empty.isVisible()
    assert pane._empty.text() == live_store.prompt_problem
    live_store.set_prompt("The queen")
    settle(pane)
    assert not pane._empty.isVisible()
    assert pane.heat_map.isVisible()


@pytest.mark.parametrize(
    ("size", "views"),
    [
        ((300, 200), {"heat_map"}),
        ((340, 560), {"heat_map", "mosaic"}),
        ((860, 283), {"heat_map", "mosaic", "graph"}),
        ((640, 400), {"heat_map", "mosaic"}),
        ((700, 760), {"heat_map", "mosaic", "graph"}),
        ((1200, 480), {"heat_map", "mosaic", "graph"}),
    ],
)
def test_the_room_decides_which_views_stand_side_by_side_and_none_overlap(
    qtbot: QtBot, live_store: Store, size: tuple[int, int], views: set[str]
) -> None:
    pane = shown(qtbot, live_store, *size)
    for view in ("all", "graph", "matrix", "heads"):
        pane.set_view(view)
        settle(pane)
        children = [
            child
            for child in pane.children()
            if isinstance(child, QWidget) and child.isVisible() and child is not pane._empty
        ]
        for a, b in itertools.combinations(children, 2):
            if {a, b} == {pane.heat_map, pane.controls.matrix_row}:
                continue  # in a low pane they share a corner: the next test
            assert not a.geometry().intersects(b.geometry()), f"{a} and {b} in {view}"
        assert all(pane.rect().contains(child.geometry()) for child in children)
        if view == "all":
            names = ("heat_map", "mosaic", "graph")
            assert {name for name in names if getattr(pane, name).isVisible()} == views


@pytest.mark.parametrize("view", ["all", "matrix"])
@pytest.mark.parametrize("height", [260, 283, 329])
def test_a_low_pane_gives_the_matrix_all_of_its_height(
    qtbot: QtBot, live_store: Store, height: int, view: str
) -> None:
    pane = shown(qtbot, live_store, 860, height)
    pane.set_view(view)
    settle(pane)
    assert pane.heat_map.height() == height
    row = pane.controls.matrix_row.geometry().translated(-pane.heat_map.pos())
    if not pane.heat_map.rect().intersects(row):
        return
    # Where the controls stand the matrix paints nothing.
    assert pane.heat_map.rect().contains(row)
    image = pixels(pane.heat_map.viewport())[: row.bottom() + 1, : row.right() + 1]
    assert {tuple(color) for color in image.reshape(-1, 3).tolist()} == {color_named("panel")}
    assert pane.heat_map.cell_at(row.center()) is None


@pytest.mark.parametrize("prompt", ["The", "The queen", "The king lost his crown. " * 40])
def test_one_token_and_a_full_context_are_drawn(
    pane: AttentionPane, live_store: Store, prompt: str
) -> None:
    live_store.set_prompt(prompt)
    for mode in ("head", "max", "mean"):
        pane.controls.set_graph_mode(mode)
        pane.controls.set_threshold(0.01)
        settle(pane)
    content = pane.heat_map.content
    assert content is not None
    assert content.shape == (n_tokens(live_store),) * 2
    pane.controls.hide_first.setChecked(True)
    pane.controls.to_largest.setChecked(True)
    settle(pane)
    pane.grab()


def test_another_model_with_fewer_heads_leaves_a_valid_selection(
    pane: AttentionPane, live_store: Store, desk: Desk, tmp_path: Path
) -> None:
    live_store.select(layer=3, head=3)
    pane.toggle_chosen(2, 2)
    settle(pane)
    config = TransformerConfig(n_layers=1, n_heads=2, d_model=8, d_vocab=20, n_ctx=8)
    live_store.opening.open(str(random_checkpoint(tmp_path / "small", config)))
    live_store.set_prompt("1 2 3")
    settle(pane)
    assert (live_store.selection.layer, live_store.selection.head) == (0, 1)
    assert pane.chosen == ()
    content = pane.heat_map.content
    assert content is not None
    assert np.allclose(content.values_RC, pattern(desk, 0)[1], atol=1e-6)


def test_a_picture_of_twice_the_size_is_drawn_at_that_size(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=2, head=1)
    settle(pane)
    pane.heat_map.set_marks()
    large = pane.heat_map.viewport().grab().size()
    twice = picture(pane.heat_map, 2.0)
    assert twice.width() == 2 * large.width()
    image = image_pixels(twice)
    weights, table = pattern(desk, 2)[1], theme.sequential_table()
    for query, key in lower_triangle(len(weights)):
        box = pane.heat_map.cell_rect(query, key)
        color = image[int(2 * box.bottom()) - 6, int(2 * box.left()) + 6]
        low, high = amounts_of(color, table)
        assert low <= weights[query, key] <= high


def test_a_figure_for_print_keeps_its_curves_and_letters(
    pane: AttentionPane, live_store: Store, tmp_path: Path
) -> None:
    pane.set_view("graph")
    settle(pane)
    write_picture(pane, tmp_path / "graph.svg", {})
    text = (tmp_path / "graph.svg").read_text()
    edges = pane.graph.edges
    assert edges is not None
    assert len(re.findall(r"C-?\d", text)) >= len(edges) > 2
    assert "embed" in text


def test_the_mosaic_is_drawn_anew_for_a_key_only_where_it_is_ordered_by_it(
    pane: AttentionPane, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(pane)
    drawn: list[str] = []
    monkeypatch.setattr(pane.mosaic, "redraw", lambda: drawn.append("drawn"))
    store = pane.store
    store.select(key=1)
    pane.invalidate()
    settle(pane)
    assert drawn == []
    pane.controls.set_order("on_key")
    settle(pane)
    drawn.clear()
    store.select(key=0)
    pane.invalidate()
    settle(pane)
    assert drawn


def random_checkpoint(folder: Path, config: TransformerConfig) -> Path:
    network = Transformer(config)
    network.initialize(torch.Generator().manual_seed(0), std=0.3)
    return save_checkpoint(folder, network, None)


def test_144_heads_of_256_tokens_are_drawn(qtbot: QtBot, desk: Desk, tmp_path: Path) -> None:
    config = TransformerConfig(n_layers=12, n_heads=12, d_model=96, d_vocab=300, n_ctx=256)
    store = desk.store
    store.opening.open(str(random_checkpoint(tmp_path / "wide", config)))
    store.set_prompt(" ".join(str(i * 37 % 300) for i in range(256)))
    pane = AttentionPane(store)
    qtbot.addWidget(pane)
    pane.resize(1400, 800)
    with qtbot.waitExposed(pane):
        pane.show()
    began = time.thread_time()
    pane.refresh_now()
    settle(pane)
    print(f"\nall views of 144 heads, 256 tokens: {time.thread_time() - began:.3f} s")
    began = time.thread_time()
    pane.mosaic.redraw()
    pane.mosaic.viewport().repaint()
    print(f"mosaic painted again: {time.thread_time() - began:.4f} s")
    pane.controls.all_positions.setChecked(True)
    pane.controls.set_threshold(0.01)
    settle(pane)
    edges = pane.graph.edges
    assert edges is not None
    assert len(edges) == 4000 < edges.total
    assert f"strongest 4,000 of {edges.total:,} edges" in pane.graph.caption
    k = pane.mosaic.cell_tokens
    assert k > 1
    store.select(layer=0, head=0)
    settle(pane)
    image, table = pixels(pane.mosaic.viewport()), theme.sequential_table()
    for layer, head in ((3, 4), (11, 11)):
        tile = pane.mosaic.tile_rect(layer, head)
        low, high = amounts_of(image[int(tile.top()), int(tile.left())], table)
        assert low <= pattern(desk, layer)[head, :k, :k].max() <= high


def columns_of(pane: AttentionPane) -> dict[str, NDArray[Any]]:
    """What is exported, where that is plain columns of one length."""
    data = pane.export_data()
    return {name: column for name, column in data.items() if not isinstance(column, Named)}


def test_export_is_a_table_with_named_columns(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=2, head=1)
    settle(pane)
    weights = pattern(desk, 2)[1]
    data = columns_of(pane)
    assert table_of(data).columns == (
        *("layer", "head", "query", "key", "weight"),
        *("query_token", "key_token"),
    )
    [(name, drawn)] = pane.export_arrays().items()
    assert name == "blocks.2.attn.hook_pattern.head_1"
    assert drawn.axes == ("query", "key")
    assert np.allclose(drawn.values, weights, atol=1e-6)
    assert set(data["layer"].tolist()) == {2}
    assert set(data["head"].tolist()) == {1}
    expected = weights[data["query"], data["key"]]
    assert np.allclose(data["weight"], expected, atol=1e-6)
    texts = [token.text for token in live_store.read.tokens] if live_store.read else []
    assert data["key_token"].tolist() == [texts[key] for key in data["key"]]

    pane.set_view("graph")
    settle(pane)
    data, edges = columns_of(pane), pane.graph.edges
    assert edges is not None
    assert len(data["weight"]) == len(edges) > 0
    for layer, head, query, key, weight in zip(
        *(data[name].tolist() for name in ("layer", "head", "query", "key", "weight")), strict=True
    ):
        assert weight == pytest.approx(pattern(desk, layer)[head, query, key], abs=1e-6)

    pane.set_view("heads")
    settle(pane)
    table = table_of(pane.export_data())
    assert table.columns == (
        *("layer", "head", "query", "key", "kind"),
        *("weight", "share", "entropy", "strength"),
    )
    [row] = [row for row in table.rows() if row[:4] == (3, 2, 7, 4)]
    assert row[5] == pytest.approx(pattern(desk, 3)[2, 7, 4], abs=1e-6)
    rows = pattern(desk, 3)[2, 1:].astype(float)
    entropy = -(rows * np.log(np.where(rows > 0, rows, 1))).sum(-1).mean()
    said = pane.export_data()["entropy"]
    assert isinstance(said, Named)
    assert said.values[3, 2] == pytest.approx(entropy, abs=1e-5)


def test_a_clicked_cell_is_said_in_words_of_its_own_prompt(live_store: Store, qtbot: QtBot):
    """And of no other: where the prompt is another one, the same place is read and said anew."""
    pane = shown(qtbot, live_store)
    inspector = InspectorPane(live_store)
    qtbot.addWidget(inspector)
    inspector.show()
    pane.set_view("matrix")
    live_store.select(layer=0, head=1, position=8)
    pane.refresh_now()
    pane.heat_map.cell_chosen.emit((8, 1))
    inspector.refresh_now()
    inspected = live_store.inspected
    assert inspected is not None
    assert inspected.subject == live_store.subject
    assert inspected.index == (0, 1, 8, 1)
    assert "“king” (1)" in inspector.value.note_text
    live_store.set_prompt("A girl had seen the old ship and the boy saw")
    inspector.refresh_now()
    assert "king" not in inspector.value.note_text
    assert "“girl” (1)" in inspector.value.note_text


def test_a_view_that_finds_no_room_is_told_of(qtbot: QtBot, live_store: Store) -> None:
    pane = shown(qtbot, live_store, 1200, 560)
    everything = pane.controls.view_row.button(pane.controls._views.actions()[-1])
    assert everything.text() == "All"
    assert "no room" not in pane.header_note()
    pane.resize(560, 400)
    settle(pane)
    assert not pane.graph.isVisible()
    assert pane.mosaic.isVisible()
    assert everything.text() == "2 of 3"
    assert "no room for the graph" in everything.toolTip()
    assert pane.header_note().startswith("no room for the graph")
    pane.set_view("graph")
    settle(pane)
    assert pane.graph.isVisible()
    assert "no room" not in pane.header_note()
    pane.set_view("all")
    pane.resize(1200, 560)
    settle(pane)
    assert pane.graph.isVisible()
    assert everything.text() == "All"


@pytest.mark.parametrize("width", [846, 1000, 1900])
def test_what_the_graph_says_below_is_not_cut(
    qtbot: QtBot, live_store: Store, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    painted: list[str] = []
    original = QFontMetricsF.elidedText

    def elided(self: QFontMetricsF, text: str, *how: Any) -> str:
        painted.append(original(self, text, *how))
        return painted[-1]

    monkeypatch.setattr(QFontMetricsF, "elidedText", elided)
    pane = shown(qtbot, live_store, width, 460)  # as wide as at 1366 × 768, and wider
    pane.graph.grab()
    assert not [text for text in painted if text.startswith("routes") and text.endswith("…")]
    # Its lines take their room from the graph, not from what lies below.
    caption = pane.graph._caption_height(pane.graph.viewport().size())
    place = pane.graph._place
    below = pane.graph.viewport().height() - caption
    labels = 16 if place.flat else place.label_length
    assert place.window.bottom() + labels <= below + 1


def test_the_readout_says_what_the_selected_token_reads_most(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=0, head=1, position=6)
    leave(pane.heat_map.viewport())
    settle(pane)
    row = pattern(desk, 0)[1, 6]
    key = int(row.argmax())
    assert live_store.read is not None
    tokens = [quoted(token.text) for token in live_store.read.tokens]
    whom = "itself" if key == 6 else f"{tokens[key]} ({key})"
    assert pane._readout.text().startswith(f"{tokens[6]} (6) reads most of {whom}: ")
    share = float(pane._readout.text().split(": ")[1].split("%")[0]) / 100
    assert share == pytest.approx(float(row[key]), abs=0.006)
    assert "the head reads first token" in pane._readout.text()
    live_store.select(position=3)
    settle(pane)
    assert pane._readout.text().startswith(f"{tokens[3]} (3) reads most of ")
