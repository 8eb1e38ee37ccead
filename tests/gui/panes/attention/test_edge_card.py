"""A click on an edge of the graph: its heads, what they write, the tokens that they promote."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.session.store import Store
from model.probe.edge.asks import Edge, EdgeFound
from tests.gui.desk import Desk
from tests.gui.pixels import pixels


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> AttentionPane:
    pane = AttentionPane(live_store)
    qtbot.addWidget(pane)
    pane.resize(980, 620)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.set_view("graph")
    settle(pane)
    return pane


def settle(pane: AttentionPane) -> None:
    for _ in range(2):
        pane.ask()
        pane.invalidate()
        pane.refresh_now()


def click_edge(pane: AttentionPane, qtbot: QtBot) -> tuple[int, int, int]:
    """Click the middle of an edge between two tokens; its layer, query and key."""
    graph = pane.graph
    edges = graph.edges
    assert edges is not None
    index = int(np.flatnonzero((edges.query_E > edges.key_E) & (edges.key_E > 0))[0])
    at = graph.edge_path(index).pointAtPercent(0.5).toPoint()
    hit = graph.edge_at(at)
    assert hit is not None
    assert edges.query_E[hit] > edges.key_E[hit]
    qtbot.mouseClick(graph.viewport(), Qt.MouseButton.LeftButton, pos=at)
    settle(pane)
    return int(edges.layer_E[hit]), int(edges.query_E[hit]), int(edges.key_E[hit])


def test_a_click_opens_the_heads_of_the_edge(pane: AttentionPane, desk: Desk, qtbot: QtBot):
    card = pane.edge.card
    assert not card.isVisible()
    layer, query, key = click_edge(pane, qtbot)
    assert card.isVisible()
    assert not card.geometry().intersects(pane.graph.geometry()), "the graph makes room"
    found = card.rows.found
    assert isinstance(found, EdgeFound)
    assert found.question == Edge(layer, query, key)
    ids = list(pane.store.subject.ids)  # type: ignore[union-attr]
    pattern = desk.lm.trace(ids)[f"blocks.{layer}.attn.hook_pattern"]
    assert np.allclose(found.weight_H, pattern[0, :, query, key], atol=1e-5)
    head = int(found.head_N[0])
    best = pane.store.model.token_text(int(found.promoted_NK[0][0]))  # type: ignore[union-attr]
    assert f"head {layer}.{head} carries most" in card.says.text()
    assert f"“{best.strip(' ·')}”" in card.says.text()
    assert "past later layers" in card.note.text(), "it says that it is the direct effect"
    assert f"Head {layer}.{head}: weight" in card.rows.accessibleDescription()
    assert pane.graph.opened is not None
    assert np.array_equal(pane.export_data()["weight"].values, found.weight_H)  # type: ignore[union-attr]
    assert pixels(card.rows.viewport()).std() > 0


def test_the_tokens_of_the_key_alone_are_others(pane: AttentionPane, qtbot: QtBot):
    click_edge(pane, qtbot)
    card = pane.edge.card
    all_it_writes = card.rows.tokens_of(0)
    qtbot.mouseClick(card.which.buttons["along"], Qt.MouseButton.LeftButton)
    found = card.rows.found
    assert found is not None
    scores = [score for _, score in card.rows.tokens_of(0)]
    assert scores == found.carried_score_NK[0].tolist()
    assert scores != [score for _, score in all_it_writes]


def test_a_row_selects_its_head_and_a_token_its_position(pane: AttentionPane, qtbot: QtBot):
    layer, query, key = click_edge(pane, qtbot)
    card, store = pane.edge.card, pane.store
    found = card.rows.found
    assert found is not None
    head = int(found.head_N[1])
    at = QPoint(60, int(card.rows.row_rect(1).center().y()))
    qtbot.mouseClick(card.rows.viewport(), Qt.MouseButton.LeftButton, pos=at)
    s = store.selection
    assert (s.layer, s.head, s.position, s.key) == (layer, head, query, key)
    settle(pane)
    assert card.isVisible(), "another head of the same edge leaves the card"
    qtbot.mouseClick(card.key_button, Qt.MouseButton.LeftButton)
    assert store.selection.position == key


def test_keys_walk_edges_and_heads(pane: AttentionPane, qtbot: QtBot):
    graph, card = pane.graph, pane.edge.card
    lit = np.flatnonzero(graph.lit_E).tolist()
    assert len(lit) >= 2
    qtbot.keyClick(graph, Qt.Key.Key_E)
    settle(pane)
    assert graph.opened == lit[0]
    edges = graph.edges
    assert edges is not None
    qtbot.keyClick(graph, Qt.Key.Key_E)
    settle(pane)
    assert pane.edge.opened is not None
    assert pane.edge.opened.layer == int(edges.layer_E[lit[1]])
    qtbot.keyClick(card.rows, Qt.Key.Key_Down)
    qtbot.keyClick(card.rows, Qt.Key.Key_Return)
    found = card.rows.found
    assert found is not None
    assert pane.store.selection.head == int(found.head_N[1])
    qtbot.keyClick(card.rows, Qt.Key.Key_Escape)
    settle(pane)
    assert not card.isVisible()
    assert graph.opened is None


def test_an_encoder_without_a_head_says_that_no_token_is_promoted(
    opened, pane: AttentionPane, qtbot: QtBot
):
    opened("headless")
    settle(pane)
    pane.edge._open(0)
    settle(pane)
    card = pane.edge.card
    assert card.isVisible()
    assert card.note.text() == "This network scores no tokens, so a head promotes none."
    assert not card.which.isVisible()


def test_an_edge_beyond_another_prompt_asks_nothing(pane: AttentionPane, qtbot: QtBot):
    click_edge(pane, qtbot)
    pane.store.set_prompt("The")
    settle(pane)
    assert "edge" not in pane.questions()
