"""Value-weighted, by words and without the first token: in all three views, and said."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.mosaic_image import color_limits
from gui.panes.attention.pane import AttentionPane
from gui.panes.attention.questions import LONG
from gui.panes.attention.words import percent
from gui.session.store import Store
from model.probe.routes.asks import Routes
from tests.gui.desk import Desk
from tests.gui.panes.attention.test_attention_pane import (
    cell_color,
    heads,
    n_tokens,
    pattern,
    settle,
    shown,
    unmarked,
)
from tests.gui.pixels import amounts_of, pixels

TEXT = "The unkingly kingness of the queenless crown"


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    return shown(qtbot, live_store)


def written(desk: Desk, layer: int) -> np.ndarray:
    """‖A · v · W_O‖ of every head, query and key, from whole vectors."""
    read = desk.store.read
    assert read is not None
    c, name = desk.lm.transformer.config, f"blocks.{layer}.attn.hook_v"
    v = desk.lm.trace(list(read.subject.ids), name)[name][0].numpy()
    out = desk.lm.transformer.state_dict()[f"blocks.{layer}.attn.out.weight"].numpy()
    out = out.reshape(c.d_model, c.n_heads, c.d_head)
    length = np.stack(
        [
            np.linalg.norm(v[:, h // (c.n_heads // c.n_kv_heads)] @ out[:, h].T, axis=-1)
            for h in range(c.n_heads)
        ]
    )
    return pattern(desk, layer) * length[:, None]


def sink(desk: Desk) -> float:
    n_layers = desk.lm.transformer.config.n_layers
    return float(np.mean([pattern(desk, layer)[:, 1:, 0] for layer in range(n_layers)]))


def drawn_in_tiles(pane: AttentionPane, matrices: list[np.ndarray], limits: np.ndarray) -> None:
    """Every cell of every tile has the colour of its number."""
    image, table = pixels(pane.mosaic.viewport()), theme.sequential_table()
    for layer, head in heads(pane.store):
        numbers, tile = matrices[layer][head], pane.mosaic.tile_rect(layer, head)
        n = len(numbers)
        for query in range(1, n):
            for key in range(1, query + 1):
                x = tile.left() + (key + 0.5) / n * tile.width()
                y = tile.top() + (query + 0.5) / n * tile.width()
                low, high = amounts_of(image[int(y), int(x)], table)
                assert low <= min(1, numbers[query, key] / limits[layer]) <= high


@pytest.mark.parametrize("hide", [False, True])
def test_value_weighted_all_views_draw_what_heads_write(
    pane: AttentionPane, live_store: Store, desk: Desk, hide: bool
) -> None:
    pane.controls.valued.setChecked(True)
    pane.controls.hide_first.setChecked(hide)
    live_store.select(layer=2, head=1)
    settle(pane)
    every = [written(desk, layer) for layer in range(4)]
    content = pane.heat_map.content
    assert content is not None
    seen = every[2][1][:, 1:] if hide else every[2][1]
    assert content.limit == pytest.approx(seen.max(), rel=1e-5)
    assert any("‖A·v·W_O‖" in title for title in content.value_title)
    image = unmarked(pane)
    for query in range(1, len(seen)):
        low, high = amounts_of(cell_color(pane, image, query, 1), theme.sequential_table())
        assert low <= every[2][1][query, 1] / content.limit <= high
    tip = pane.pointing.describe_cell(4, 2).split("\n")
    assert float(tip[0]) == pytest.approx(every[2][1][4, 2], rel=1e-5)
    assert tip[2].endswith("· ‖blocks.2.attn.hook_v · W_O‖")

    found = pane.mosaic.found
    assert found is not None
    limits = color_limits(found)
    for layer in range(4):
        here = every[layer][:, :, 1:] if hide else every[layer]
        assert limits[layer] == pytest.approx(here.max(), rel=1e-5)
    assert "colours to each layer's largest" in pane.mosaic.caption

    edges = pane.graph.edges
    assert edges is not None
    names = [f"blocks.{layer}.hook_resid_pre" for layer in range(4)]
    stream = [desk.lm.trace(list(edges.subject.ids), name)[name][0].numpy() for name in names]
    for layer, head, query, key, weight in zip(
        edges.layer_E, edges.head_E, edges.query_E, edges.key_E, edges.weight_E, strict=True
    ):
        length = np.linalg.norm(stream[layer][query])
        assert weight == pytest.approx(every[layer][head, query, key] / length, rel=1e-4)
    assert "of the stream's length" in pane.graph.caption
    pane.set_view("heads")
    settle(pane)
    live_store.select(layer=0, head=0)
    drawn_in_tiles(pane, every, limits)


def test_without_the_first_token_colours_are_rescaled_in_all_views_and_it_is_said(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(layer=1, head=2, position=8)
    held = percent(sink(desk))
    settle(pane)
    assert f"first token holds {held}" in pane.mosaic.caption
    assert "a row a query, a column a key · colours from 0 to 1" in pane.mosaic.caption
    pane.controls.set_threshold(0.05)
    pane.controls.hide_first.setChecked(True)
    settle(pane)
    content, weights = pane.heat_map.content, pattern(desk, 1)[2]
    assert content is not None
    assert content.limit == pytest.approx(weights[:, 1:].max())
    assert (
        f"without the first token, which holds {percent(weights[1:, 0].mean())}"
        in (content.value_title[0])
    )
    largest = max(float(pattern(desk, layer)[:, :, 1:].max()) for layer in range(4))
    assert f"without the first token ({held})" in pane.mosaic.caption
    assert f"colours to {largest:.2g}" in pane.mosaic.caption
    edges = pane.graph.edges
    assert edges is not None
    assert (edges.key_E > 0).all()
    assert f"hidden (it holds {held} of all attention)" in pane.graph.caption
    assert f"ink to {edges.weight_E.max():.2g}" in pane.graph.caption
    assert pane.graph._ink is not None
    strongest = int(edges.weight_E.argmax())
    assert pane.graph._ink.width_E[strongest] == pane.graph._ink.width_E.max()
    pane.controls.hide_first.setChecked(False)
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    assert content.limit == 1.0


def by_words(matrix: np.ndarray, starts: tuple[int, ...]) -> np.ndarray:
    ends = (*starts[1:], matrix.shape[-1])
    rows = [matrix[..., a:b, :].mean(-2) for a, b in zip(starts, ends, strict=True)]
    both = np.stack(rows, -2)
    return np.stack([both[..., a:b].sum(-1) for a, b in zip(starts, ends, strict=True)], -1)


def test_subwords_are_merged_to_words_in_all_views(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    live_store.set_prompt(TEXT)
    live_store.select(layer=2, head=1)
    pane.controls.words.setChecked(True)
    settle(pane)
    units = pane.views.units["matrix"]
    assert units.merged
    assert len(units) == 7 < n_tokens(live_store)
    content = pane.heat_map.content
    assert content is not None
    assert content.row_labels == tuple("·" * (at > 0) + w for at, w in enumerate(TEXT.split()))
    expected = by_words(pattern(desk, 2)[1], units.starts)
    assert np.allclose(content.values_RC, expected, atol=1e-6)
    assert any("of words" in title for title in content.value_title)
    assert "by words" in pane.mosaic.caption
    assert "by words" in pane.graph.caption
    found, edges = pane.mosaic.found, pane.graph.edges
    assert found is not None
    assert found.maxima.shape[-1] == 7
    assert found.maxima[2, 1, 5, 1] == pytest.approx(expected[5, 1], abs=1e-6)
    assert edges is not None
    question = edges.question
    assert isinstance(question, Routes)
    assert question.position == 6
    # A click selects the word's last token, of the query and of the key.
    pane.heat_map.cell_chosen.emit((5, 1))
    assert live_store.selection.position == units[5].last
    assert live_store.selection.key == units[1].last
    settle(pane)
    assert pane.heat_map._cell == (5, 1)
    tip = pane.pointing.describe_cell(5, 1)
    assert "“unkingly”" in tip
    assert f"({units[1].place})" in tip
    assert "sum over the key's tokens, mean over the query's" in tip
    scores = next(a for a in pane.controls.matrix_row._actions if a.text() == "Scores")
    assert not scores.isEnabled(), "scores of tokens have no sum that means anything"
    table = pane.export_data()
    assert set(np.asarray(table["key_token"]).tolist()) == set(units.labels)
    pane.controls.words.setChecked(False)
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    assert len(content.row_labels) == n_tokens(live_store)
    assert np.allclose(content.values_RC, pattern(desk, 2)[1], atol=1e-6)


def test_by_words_of_a_long_text_the_matrix_follows_the_word(
    pane: AttentionPane, live_store: Store, desk: Desk
) -> None:
    pane.controls.words.setChecked(True)
    live_store.set_prompt(" ".join(["The unkingly king and the queen of the north"] * 8))
    live_store.select(layer=1, head=0, position=n_tokens(live_store) - 1)
    settle(pane)
    units = pane.views.units["matrix"]
    n = len(units)
    assert LONG < n < n_tokens(live_store)
    content = pane.heat_map.content
    assert content is not None
    assert content.shape == (n, n)
    rows, _ = pane.heat_map.seen
    assert n - 1 in rows
    expected = by_words(pattern(desk, 1)[0], units.starts)
    place = content.place_of(n - 1, n - 20)
    assert place is not None
    assert content.values_RC[place] == pytest.approx(expected[n - 1, n - 20], abs=1e-6)


def test_what_a_head_reads_names_the_head_where_no_matrix_does(
    pane: AttentionPane, live_store: Store
) -> None:
    for view in ("heads", "graph"):
        pane.set_view(view)
        live_store.select(layer=1, head=2)
        settle(pane)
        assert pane._readout.text().startswith("head 1.2 reads first token"), view
    pane.set_view("matrix")
    settle(pane)
    assert "the head reads first token" in pane._readout.text()
