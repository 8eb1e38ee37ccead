"""Ways through the layers of two texts in one space, and what a token is near after each layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.space import ways
from gui.panes.space.pane import SpacePane
from gui.session.store import Store
from gui.widgets.point_cloud.overlay import Line
from gui.widgets.point_cloud.renderer import NO_GL_VARIABLE
from model.interventions import ScaleOutput
from model.probe.path_near.asks import PathNearFound
from model.probe.question import Named
from tests.gui.desk import Desk
from tests.gui.panes.space.test_space_pane import (
    choose_source,
    cosines,
    settle,
    shown,
    table_of,
    vocabulary_of,
)

A = "The old king lost his crown"
B = "The queen of the north saw the king"


@pytest.fixture(autouse=True)
def still_and_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> SpacePane:
    live_store.set_prompt(A)
    live_store.select(position=2)
    return shown(live_store, qtbot)


def turn_to_paths(pane: SpacePane) -> None:
    QTest.mouseClick(pane.column.pages.buttons["path"], Qt.MouseButton.LeftButton)
    settle(pane)


def compare(pane: SpacePane, text: str) -> None:
    """As a person does on the page."""
    turn_to_paths(pane)
    pane.column.path.other.setText(text)
    QTest.keyClick(pane.column.path.other, Qt.Key.Key_Return)
    settle(pane)


def drawn(pane: SpacePane, tone: str) -> list[Line]:
    return [line for line in pane.view.overlay.lines if line.tone == tone and line.arrow]


def streams(desk: Desk, text: str, at: int) -> NDArray[np.float64]:
    """A position's residual stream at the embedding and after every block, from a plain trace."""
    trace = desk.lm.trace(text)
    names = [
        "hook_embed",
        *(f"blocks.{at}.hook_resid_post" for at in range(desk.lm.config.n_layers)),
    ]
    rows = [torch.as_tensor(trace[name])[0, at].double().numpy() for name in names]
    return np.stack(rows)


def labels(desk: Desk) -> list[str]:
    return ["embed", *(f"L{at}" for at in range(desk.lm.config.n_layers))]


def own_stations(pane: SpacePane, desk: Desk) -> list[int]:
    """Those stations that a trace of the stream has without a position added."""
    found = pane.answered("near", PathNearFound)
    assert found is not None
    return [at for at, one in enumerate(found.stations) if one.label in labels(desk)]


def n_layers(pane: SpacePane) -> int:
    assert pane.store.model is not None
    return pane.store.model.config.n_layers


def king_in_b(pane: SpacePane) -> int:
    other = pane.store.comparing.other
    assert other is not None
    return [token.text for token in other.tokens].index("·king")


def test_two_prompts_are_drawn_as_two_lines_in_one_space(pane: SpacePane, desk: Desk) -> None:
    assert len(drawn(pane, ways.PATH_TONE)) == 1
    assert not drawn(pane, ways.OTHER_TONE)
    compare(pane, B)
    (a,), (b,) = drawn(pane, ways.PATH_TONE), drawn(pane, ways.OTHER_TONE)
    assert not a.dashed
    assert b.dashed
    vocabulary = vocabulary_of(pane.store)
    king = king_in_b(pane)
    for line, text, at in ((a, A, 2), (b, B, king)):
        vectors = streams(desk, text, at)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        length = float(vocabulary.norms.mean())
        places = (unit * length - vocabulary.mean) @ vocabulary.axes.T
        own = [np.array(line.points)[station] for station in own_stations(pane, desk)]
        assert np.allclose(own, places, atol=1e-3)
    assert pane.alone == ""


def test_the_sides_are_named_where_they_are_drawn(pane: SpacePane) -> None:
    compare(pane, B)
    marks = pane.view.overlay.marks
    last = f"L{n_layers(pane) - 1}"
    assert {mark.text for mark in marks if mark.text.endswith(last)} == {f"A {last}", f"B {last}"}
    a, b = pane.column.path.keys
    assert a.text.startswith("A ·king 2 after ")
    assert b.text.startswith(f"B ·king {king_in_b(pane)} after ")


def test_after_each_layer_the_nearest_tokens_of_both_are_listed(
    pane: SpacePane, desk: Desk
) -> None:
    compare(pane, B)
    for layer in (0, desk.lm.config.n_layers - 1):
        pane.store.select(layer=layer)
        settle(pane)
        for listed, text, at in zip(pane.column.path.lists, (A, B), (2, king_in_b(pane))):
            near = cosines(table_of(desk), streams(desk, text, at)[layer + 1])
            rows = listed.rows
            assert [row.token_id for row in rows] == np.argsort(-near)[: len(rows)].tolist()
            assert rows[0].cosine == pytest.approx(near.max(), abs=1e-4)


def test_the_line_says_how_far_both_are_apart_after_every_layer(
    pane: SpacePane, desk: Desk
) -> None:
    turn_to_paths(pane)
    page = pane.column.path
    mine = streams(desk, A, 2)
    own = own_stations(pane, desk)
    assert page.strip.values[own[-1]] == pytest.approx(cosines(mine, mine[0])[-1], abs=1e-5)
    assert "with its embedding" in page.said.text()
    compare(pane, B)
    theirs = streams(desk, B, king_in_b(pane))
    for at, station in enumerate(own):
        apart = cosines(mine[[at]], theirs[at])[0]
        assert page.strip.values[station] == pytest.approx(apart, abs=1e-5)
    assert page.strip.values[0] == pytest.approx(1)  # one word, one vector
    assert "A and B have a cosine of" in page.said.text()


def test_a_click_on_the_line_selects_the_layer_everywhere(pane: SpacePane) -> None:
    compare(pane, B)
    strip = pane.column.path.strip
    last = len(strip.values) - 1
    spot = strip.spot(last).toPoint()
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    settle(pane)
    assert pane.store.selection.layer == n_layers(pane) - 1
    assert strip.current == last
    QTest.keyClick(strip, Qt.Key.Key_Left)
    settle(pane)
    assert pane.store.selection.layer == n_layers(pane) - 2
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(0, 40))
    settle(pane)
    assert strip.current == 0
    assert " after embed" in pane.column.path.keys[0].text


def test_neighbours_after_the_layer_are_marked_in_the_cloud(pane: SpacePane) -> None:
    compare(pane, B)
    page = pane.column.path
    for listed, tone in zip(page.lists, (ways.PATH_TONE, ways.OTHER_TONE)):
        near = {row.token_id for row in listed.rows[: ways.NEAR_DRAWN]}
        marked = {
            mark.token for mark in pane.view.overlay.marks if mark.tone == tone and mark.token
        }
        assert marked == near
    QTest.mouseClick(pane.column.pages.buttons["near"], Qt.MouseButton.LeftButton)
    settle(pane)
    tones = (ways.PATH_TONE, ways.OTHER_TONE)
    assert not [m for m in pane.view.overlay.marks if m.tone in tones and m.token is not None]


def test_an_empty_line_ends_the_comparison(pane: SpacePane) -> None:
    compare(pane, B)
    assert pane.store.comparing.there
    compare(pane, "")
    assert pane.store.comparing.kind == "changes"
    assert not drawn(pane, ways.OTHER_TONE)
    assert not pane.column.path.keys[1].isVisible()


def test_a_token_that_the_other_text_lacks_is_said_to_be_missing(pane: SpacePane) -> None:
    compare(pane, "The queen of the north")
    assert pane.alone == "A alone: The other text has no such token."
    assert not drawn(pane, ways.OTHER_TONE)
    assert "no such token" in pane.column.path.said.text()


def test_the_same_word_is_meant_wherever_it_stands(pane: SpacePane) -> None:
    """Of two texts of one length the tokens are aligned place by place; the word is elsewhere."""
    assert pane.store.read is not None
    compare(pane, "The queen saw the old king")
    other = pane.store.comparing.other
    assert other is not None
    assert other.n_tokens == pane.store.read.n_tokens
    assert pane.column.path.keys[1].text.startswith("B ·king 5 after ")
    compare(pane, "The old duke lost his crown")
    assert pane.column.path.keys[1].text.startswith("B ·duke 2 after ")


def test_before_and_after_an_intervention_are_two_ways_too(pane: SpacePane) -> None:
    turn_to_paths(pane)
    pane.store.intervening.add(ScaleOutput(0, "block"))
    pane.store.intervening.set_view("difference")
    settle(pane)
    before, after = pane.column.path.keys
    assert before.text.startswith("before ·king")
    assert after.text.startswith("after ·king")
    assert len(drawn(pane, ways.PATH_TONE)) == len(drawn(pane, ways.OTHER_TONE)) == 1


def test_another_metric_asks_again(pane: SpacePane, desk: Desk) -> None:
    compare(pane, B)
    buttons = pane.column.path.metrics.buttons
    QTest.mouseClick(buttons["dot"], Qt.MouseButton.LeftButton)
    settle(pane)
    layer = pane.store.selection.layer
    dots = table_of(desk) @ streams(desk, B, king_in_b(pane))[layer + 1]
    rows = pane.column.path.lists[1].rows
    assert [row.token_id for row in rows] == np.argsort(-dots)[: len(rows)].tolist()


def test_of_no_table_of_tokens_the_page_says_what_to_choose(pane: SpacePane) -> None:
    turn_to_paths(pane)
    choose_source(pane, "resid_post")
    settle(pane)
    assert pane.column.path.said.text().startswith("Choose W_E or W_U above")
    assert not pane.column.path.strip.isVisible()


def test_what_is_shown_is_exported(pane: SpacePane, desk: Desk) -> None:
    compare(pane, B)
    data = pane.export_data()
    strip = pane.column.path.strip.values
    assert len(values(data["path_near_token_b"])) == len(strip)
    assert np.allclose(values(data["path_cosines"]), strip)
    assert values(data["other_path_points"]).shape == values(data["path_points"]).shape


def values(of: object) -> NDArray[np.float64]:
    assert isinstance(of, Named)
    return of.values
