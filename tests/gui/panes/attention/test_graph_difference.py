"""B − A of the graph: edges as far as weights differ, on the tokens of both texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QLineF
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.columns import Columns
from gui.panes.attention.pane import AttentionPane
from gui.session.store import Store
from model.interventions import ScaleOutput
from model.language_model import LanguageModel
from model.probe.routes_difference.asks import RoutesDifferenceFound
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.attention.test_attention_pane import settle, shown
from tests.gui.panes.attention.test_difference import LONGER, TEXT_B, patterns
from tests.gui.pixels import color_named, pixels
from tests.small_models import small_llama


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    pane = shown(qtbot, live_store, 900, 620)
    pane.set_view("graph")
    pane.controls.all_positions.setChecked(True)
    settle(pane)
    return pane


def found_in(pane: AttentionPane) -> RoutesDifferenceFound:
    found = pane.graph.edges
    assert isinstance(found, RoutesDifferenceFound)
    return found


def columns_of(pane: AttentionPane) -> Columns:
    columns = pane.views.units["graph"]
    assert isinstance(columns, Columns)
    return columns


def test_its_edges_are_b_minus_a_of_the_head_that_changed_most(pane: AttentionPane, desk: Desk):
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    found = found_in(pane)
    places = [
        tuple(map(int, place))
        for place in zip(found.layer_E, found.head_E, found.query_E, found.key_E, strict=True)
    ]
    expected: dict[tuple[int, ...], float] = {}
    for layer in range(desk.lm.config.n_layers):
        minus = patterns(desk.lm, TEXT_B, layer) - patterns(desk.lm, PROMPT, layer)
        for query, key in np.ndindex(minus.shape[1:]):
            head = int(np.abs(minus[:, query, key]).argmax())
            if abs(minus[head, query, key]) >= 0.05:
                expected[layer, head, query, key] = float(minus[head, query, key])
    assert set(places) == set(expected)
    for index, place in enumerate(places):
        first, *_ = pane.pointing.describe_edge(index).splitlines()
        said = first.removeprefix("B − A ").partition(" ")[0].replace("−", "-")
        assert float(said) == pytest.approx(expected[place], abs=2e-4)
    at = 0
    a = patterns(desk.lm, PROMPT, int(found.layer_E[at]))[found.head_E[at]]
    assert found.own_E[at] == pytest.approx(a[found.query_E[at], found.key_E[at]], abs=1e-5)


def test_what_weighs_more_in_b_is_blue_and_less_is_orange(pane: AttentionPane):
    pane.store.comparing.compare_prompt(TEXT_B)
    pane.controls.set_threshold(0.08)
    settle(pane)
    found, graph = found_in(pane), pane.graph
    image = pixels(graph.viewport()).astype(int)
    seen = set()
    curves = [
        [graph.edge_path(at).pointAtPercent(t / 40) for t in range(41)] for at in range(len(found))
    ]
    for index, curve in enumerate(curves):
        middle = curve[20]
        others = [point for at, one in enumerate(curves) if at != index for point in one]
        if any(QLineF(middle, point).length() < 8 for point in others):
            continue
        x, y = round(middle.x()), round(middle.y())
        patch = image[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3)
        tone = "accent" if found.other_E[index] > found.own_E[index] else "negative"
        toward = np.array(color_named(tone)) - np.array(color_named("panel"))
        strongest = patch[np.abs(patch - np.array(color_named("panel"))).sum(1).argmax()]
        drawn = strongest - np.array(color_named("panel"))
        other = "negative" if tone == "accent" else "accent"
        away = np.array(color_named(other)) - np.array(color_named("panel"))
        assert cosine(drawn, toward) > cosine(drawn, away), (index, tone)
        seen.add(tone)
    assert seen == {"accent", "negative"}
    names = [group.name for group in graph._legend]
    assert names == ["more in B", "more in A"]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / max(1e-9, np.linalg.norm(a) * np.linalg.norm(b)))


def test_tokens_of_b_have_columns_of_their_own(pane: AttentionPane, desk: Desk):
    pane.store.comparing.compare_prompt(LONGER)
    settle(pane)
    found, columns = found_in(pane), columns_of(pane)
    assert desk.store.comparing.other is not None
    alone = [column for column in range(len(columns)) if columns.token_of(column) is None]
    assert [columns[at].text for at in alone] == ["·old"]
    assert columns[alone[0]].place == "1 of B"
    assert columns[2].place == "1, 2 of B"
    assert pane.graph._tones == {alone[0]: "accent"}
    touching = [e for e in range(len(found)) if alone[0] in (found.query_E[e], found.key_E[e])]
    assert touching
    b = patterns(desk.lm, LONGER, int(found.layer_E[touching[0]]))[found.head_E[touching[0]]]
    query, key = (columns_b(found, one[touching[0]]) for one in (found.query_E, found.key_E))
    assert found.weight_E[touching[0]] == pytest.approx(b[query, key], abs=1e-5)
    said = pane.pointing.describe_edge(touching[0])
    assert said.startswith("no difference: the text of A lacks one of the tokens")
    assert any(group.name == "a token of one text alone" for group in pane.graph._legend)
    # What A lacks can't be selected there, nor opened as an edge of it.
    before = pane.store.selection.position
    pane.graph.position_chosen.emit(alone[0])
    pane.graph.edge_chosen.emit(touching[0])
    assert pane.store.selection.position == before
    assert pane.edge.opened is None


def columns_b(found: RoutesDifferenceFound, column: int) -> int:
    return int(found.other_C[column])


def test_tokens_that_were_exchanged_are_both_written(pane: AttentionPane):
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    assert "·queen → ·duke" in pane.graph._labels
    assert pane.graph._tones == {}


def test_before_and_after_a_cut_it_says_what_changed_most(pane: AttentionPane, desk: Desk):
    cut = ScaleOutput(0, "block")
    pane.store.intervening.add(cut)
    pane.store.intervening.set_view("difference")
    settle(pane)
    found = found_in(pane)
    name = f"blocks.{found.layer_E[0]}.attn.hook_pattern"
    place = (found.head_E[0], found.query_E[0], found.key_E[0])
    after = float(desk.lm.trace(PROMPT, name, interventions=(cut,))[name][0][place])
    before = float(patterns(desk.lm, PROMPT, int(found.layer_E[0]))[place])
    assert (found.own_E[0], found.other_E[0]) == pytest.approx((after, before), abs=1e-5)
    assert [group.name for group in pane.graph._legend] == ["more after", "more before"]
    verb = "more" if after > before else "less"
    assert f"Head {found.layer_E[0]}.{found.head_E[0]} reads" in pane.graph.caption
    assert f"{verb} now: " in pane.graph.caption


def test_where_nothing_differs_enough_it_says_how_much_does(pane: AttentionPane):
    pane.store.comparing.compare_prompt(TEXT_B)
    pane.controls.set_threshold(1.0)
    settle(pane)
    found = found_in(pane)
    assert len(found) == 0
    assert 0 < found.largest < 1
    told = f"the largest difference is {found.largest:.2g}."
    assert f"No weight on the way differs by 1 or more: {told}" in pane.graph.caption


def test_the_slider_has_a_least_difference_of_its_own(pane: AttentionPane):
    pane.controls.set_threshold(0.4)
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    assert pane.controls.threshold == pytest.approx(0.05, rel=0.03)
    pane.controls.set_threshold(0.02)
    assert pane.remember()["threshold"] == pytest.approx(0.4, rel=0.03)
    assert pane.remember()["threshold_apart"] == pytest.approx(0.02, rel=0.03)
    pane.store.comparing.set_view("a")
    settle(pane)
    assert pane.controls.threshold == pytest.approx(0.4, rel=0.03)
    assert not isinstance(pane.graph.edges, RoutesDifferenceFound)


def test_routes_are_those_to_the_ends_of_both_texts(pane: AttentionPane):
    pane.controls.all_positions.setChecked(False)
    pane.store.comparing.compare_prompt(LONGER + " crown")
    assert pane.store.read is not None
    pane.store.select(position=pane.store.read.n_tokens - 1)
    settle(pane)
    columns = columns_of(pane)
    assert columns.ends == (len(columns) - 2, len(columns) - 1)
    top = pane.graph.lit_E & (found_in(pane).layer_E == found_in(pane).layer_E.max())
    assert top.any()
    assert pane.graph._reached[-1].nonzero()[0].tolist() == list(columns.ends)


def test_words_of_both_texts_are_aligned(pane: AttentionPane):
    pane.controls.words.setChecked(True)
    pane.store.comparing.compare_prompt(LONGER)
    settle(pane)
    columns = columns_of(pane)
    assert columns.merged
    assert sum(columns.token_of(at) is None for at in range(len(columns))) == 1
    assert len(found_in(pane))


def test_its_table_has_both_sides(pane: AttentionPane):
    pane.store.comparing.compare_prompt(LONGER)
    settle(pane)
    data = {name: np.asarray(column) for name, column in pane.export_data().items()}
    assert list(data)[:2] == ["layer", "head"]
    there = np.isfinite(data["A"]) & np.isfinite(data["B"])
    np.testing.assert_allclose(data["B − A"][there], (data["B"] - data["A"])[there], atol=1e-6)
    assert np.isnan(data["B − A"][~there]).all()
    assert "·old" in set(data["key_token"]) | set(data["query_token"])


def test_of_two_models_it_subtracts_head_by_head(
    pane: AttentionPane, desk: Desk, beside: LanguageModel
):
    settle(pane)
    found = found_in(pane)
    layer, head = int(found.layer_E[0]), int(found.head_E[0])
    minus = patterns(beside, PROMPT, layer)[head] - patterns(desk.lm, PROMPT, layer)[head]
    value = minus[found.query_E[0], found.key_E[0]]
    assert found.other_E[0] - found.own_E[0] == pytest.approx(value, abs=1e-5)


def test_of_a_model_with_other_heads_it_says_that_a_stands_alone(
    pane: AttentionPane, desk: Desk, tmp_path: Path
):
    opening = pane.store.opening
    opening.open(str(small_llama(tmp_path / "other")), beside=True)
    while opening.going:
        desk.advance()
    settle(pane)
    assert pane.store.comparing.shows_difference
    assert not isinstance(pane.graph.edges, RoutesDifferenceFound)
    assert "A alone: B has other heads" in pane.header_note()
