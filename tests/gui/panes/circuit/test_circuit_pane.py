"""The attribution graph: nodes and edges are the probe's, hover lights paths, a click selects."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.base import LAST
from gui.panes.circuit.layout import POINTS, place, row_of, strongest_edges
from gui.panes.circuit.offers import of_edge
from gui.panes.circuit.pane import CircuitPane
from gui.panes.circuit.paths import Paths
from gui.session.store import Store
from gui.widgets.heat_map.layout import label_font
from gui.window.pane_menu import script_of
from model import messages as m
from model.interventions import AblateHead, CutEdge, ScaleOutput
from model.probe.graph.asks import LOGIT, Graph, GraphFound
from model.subject import Subject
from tests.gui.desk import PROMPT, Desk
from tests.gui.mouse import leave, move_to
from tests.gui.pixels import amounts_of, pixels


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> CircuitPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, size: tuple[int, int] = (815, 449)) -> CircuitPane:
    pane = CircuitPane(store)
    qtbot.addWidget(pane)
    pane.resize(*size)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def settle(pane: CircuitPane) -> None:
    """Let the picture have its place, now that it is there."""
    QApplication.sendPostedEvents()
    layout = pane.layout()
    assert layout is not None
    layout.activate()


def run(pane: CircuitPane) -> GraphFound:
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert pane.found is not None, pane._empty.text()
    settle(pane)
    return pane.found


def node_of(found: GraphFound, kind: str, drawn: tuple[int, ...]) -> int:
    """The strongest drawn node of a kind."""
    return next(node for node in drawn if found.node_name(node).startswith(kind))


def test_nothing_runs_before_the_button_is_pressed(pane: CircuitPane, desk: Desk):
    assert not any(
        isinstance(r.answer, GraphFound) for r in desk.results if isinstance(r, m.Answered)
    )
    assert pane._empty.text().startswith("Press Run")
    run(pane)
    assert pane.view.isVisible()


def test_nodes_and_edges_are_what_python_gives(pane: CircuitPane, desk: Desk):
    found = run(pane)
    question = found.question
    assert isinstance(question, Graph)
    again = desk.lm.ask(PROMPT, question)
    assert isinstance(again, GraphFound)
    assert np.allclose(again.relevance_N, found.relevance_N, atol=1e-4)
    view, table = pane.view, theme.diverging_table()
    limit = np.abs(found.relevance_N).max()
    picture = pixels(view.viewport())
    for node in view.drawn_nodes[:8]:
        rect = view.node_rect(node).toRect()
        at = QPoint(rect.left() + 4, rect.center().y())
        low, high = amounts_of(picture[at.y(), at.x()], table)
        assert low <= (found.relevance_N[node] / limit + 1) / 2 <= high


def test_each_node_stands_at_its_token_and_its_layer(pane: CircuitPane):
    found = run(pane)
    view = pane.view
    for node in view.drawn_nodes:
        rect = view.node_rect(node)
        for other in view.drawn_nodes:
            right = found.position_N[other] > found.position_N[node]
            higher = row_of(found, other) > row_of(found, node)
            if right:
                assert view.node_rect(other).center().x() > rect.center().x()
            if higher:
                assert view.node_rect(other).bottom() < rect.top()
    assert all(view.node_rect(LOGIT).bottom() < view.node_rect(n).top() for n in view.drawn_nodes)


def test_every_token_that_has_a_column_has_room_for_its_label(pane: CircuitPane):
    """Also one of which no edge is drawn: it has a column, and a label."""
    run(pane)
    view = pane.view
    pane.slider.setValue(pane.slider.minimum())
    columns = set(np.flatnonzero(~np.isnan(view.place.x_T)).tolist())
    alone = columns - view._shown_positions()
    assert alone
    view._labels = tuple("·six" if at in alone else "a" for at in range(len(view._labels)))
    view.lay_out()
    assert view._below - 6 >= QFontMetricsF(label_font()).horizontalAdvance("·six")


def test_the_slider_keeps_the_strongest_edges(pane: CircuitPane):
    found = run(pane)
    pane.slider.setValue(5)
    drawn = pane.view.place.edges
    left = np.setdiff1d(np.arange(len(found.weight_E)), drawn)
    assert len(drawn) == 5
    assert np.abs(found.weight_E[drawn]).min() >= np.abs(found.weight_E[left]).max()
    touched = set(found.source_E[drawn].tolist()) | set(found.goal_E[drawn].tolist())
    assert set(pane.view.drawn_nodes) == touched - {LOGIT}
    assert pane.n_edges.text() == f"5 of {len(found.weight_E)} edges"
    widths = [pane.view.width_of(int(edge)) for edge in drawn]
    assert widths == sorted(widths), "the strongest are the widest, and lie on top"


def test_hovering_a_node_lights_what_leads_to_it_and_from_it(pane: CircuitPane):
    found = run(pane)
    view = pane.view
    node = node_of(found, "head", view.drawn_nodes)
    before = pixels(view.viewport())
    move_to(view.viewport(), view.node_rect(node).center().toPoint())
    nodes, edges = view.lit
    assert node in nodes
    ends = {(int(found.source_E[e]), int(found.goal_E[e])) for e in edges}
    assert any(goal == node for _, goal in ends)
    assert any(source == node for source, _ in ends)
    for edge in set(view.place.edges.tolist()) - edges:
        assert int(found.source_E[edge]) != node
        assert int(found.goal_E[edge]) != node
    assert not np.array_equal(pixels(view.viewport()), before)
    assert pane.store.selection.hovered == found.position_N[node]
    leave(view.viewport())
    assert view.lit == (frozenset(), frozenset())
    assert np.array_equal(pixels(view.viewport()), before)


def test_paths_go_through_a_node_and_not_around_it():
    #  0 → 1 → 3,  0 → 2 → 3
    paths = Paths(((10, 0, 1), (11, 1, 3), (12, 0, 2), (13, 2, 3)))
    assert paths.through_node(1) == _sets({0, 1, 3}, {10, 11})
    assert paths.through_edge(12) == _sets({0, 2, 3}, {12, 13})
    assert paths.through_node(0) == _sets({0, 1, 2, 3}, {10, 11, 12, 13})


def _sets(nodes: set[int], edges: set[int]) -> tuple[frozenset[int], frozenset[int]]:
    return frozenset(nodes), frozenset(edges)


def test_a_click_selects_head_mlp_or_token(pane: CircuitPane):
    found = run(pane)
    view, store = pane.view, pane.store
    for kind in ("head", "MLP", "embedding"):
        node = node_of(found, kind, view.drawn_nodes)
        at = view.node_rect(node).center().toPoint()
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
        selection = store.selection
        assert selection.position == found.position_N[node]
        op = store.operations[selection.operation]
        if kind == "head":
            assert (selection.layer, selection.head) == (found.layer_N[node], found.head_N[node])
        elif kind == "MLP":
            assert op.output == f"blocks.{found.layer_N[node]}.hook_mlp_out"
        else:
            assert op.kind == "embed"
        assert view.chosen == node
    store.select(layer=int(found.layer_N[0]), position=int(found.position_N[0]))


def test_keys_walk_from_the_logit_down(pane: CircuitPane):
    found = run(pane)
    view = pane.view
    view.set_chosen(None)
    chosen: list[int] = []
    view.node_chosen.connect(chosen.append)
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Down)
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert chosen[0] == LOGIT
    assert chosen[1] != LOGIT
    assert row_of(found, chosen[1]) > 0
    assert chosen[2] == LOGIT


def test_an_edge_says_what_came_that_way(pane: CircuitPane):
    found = run(pane)
    view = pane.view
    pane.slider.setValue(12)
    for index, edge in enumerate(view.place.edges.tolist()):
        point = view.place.curves_ESP[index, POINTS // 2]
        at = QPoint(round(point[0]), round(point[1]))
        near = view.place.edge_at(at.toPointF())
        assert near is not None
        said = pane.pointing._describe_edge(edge)
        assert f"{found.weight_E[edge]:+.4g} came directly that way" in said


def test_cutting_is_offered_where_it_can_be(pane: CircuitPane):
    found = run(pane)
    view = pane.view
    drawn = view.drawn_nodes

    def offered(node: int) -> dict[str, object]:
        items = pane.pointing.offers(view.node_rect(node).center().toPoint())
        return {item.words: item.thing for item in items}

    head = node_of(found, "head", drawn)
    layer, at = int(found.layer_N[head]), int(found.head_N[head])
    assert offered(head)[f"Cut head {layer}.{at}, at every token"] == AblateHead(layer, at)
    mlp = node_of(found, "MLP", drawn)
    layer = int(found.layer_N[mlp])
    assert offered(mlp) == {f"Cut MLP of layer {layer}, at every token": ScaleOutput(layer, "mlp")}
    assert offered(node_of(found, "embedding", drawn)) == {}
    thing = next(iter(offered(head).values()))
    pane.pointing._do(thing)
    assert pane.store.interventions == (thing,)
    pane.refresh_now()
    assert "what was in view before" in pane.sentence.text()


def test_an_edge_into_a_head_can_be_cut(pane: CircuitPane):
    found = run(pane)
    assert pane.store.model is not None
    into = next(
        edge
        for edge in range(len(found.goal_E))
        if found.goal_E[edge] != LOGIT and found.head_N[found.goal_E[edge]] >= 0
    )
    goal, source = int(found.goal_E[into]), int(found.source_E[into])
    (first, *_) = of_edge(found, into, pane.store.model.config)
    query, key = int(found.position_N[goal]), int(found.position_N[source])
    assert first.intervention == CutEdge(
        int(found.layer_N[goal]), query, key, int(found.head_N[goal])
    )


def test_the_check_is_on_request_and_says_what_was_measured(pane: CircuitPane):
    run(pane)
    assert pane.checked.text().startswith("Not checked against real ablation yet")
    QTest.mouseClick(pane.check_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    found = pane.found
    assert found is not None
    assert found.n_cut == 96
    said = pane.checked.text()
    assert f"real ablation: {found.correlation:.2f} over 96 nodes" in said
    assert f"heads {found.correlation_heads:.2f}" in said
    assert f"heads judged by {found.heads_by}" in said
    node = next(n for n in range(len(found.cut_N)) if np.isfinite(found.cut_N[n]))
    assert "really cut out, the metric falls by" in pane.pointing._describe_node(node)


def test_the_rule_for_heads_is_said_and_chosen(pane: CircuitPane):
    relevance = run(pane)
    assert relevance.heads_by == "relevance"
    QTest.mouseClick(pane.rules.buttons["gradient"], Qt.MouseButton.LeftButton)
    gradient = run(pane)
    assert gradient.heads_by == "gradient"
    assert "heads judged by gradient" in pane.checked.text()
    assert not np.array_equal(gradient.relevance_N, relevance.relevance_N)


def test_a_difference_of_two_tokens_is_explained(pane: CircuitPane):
    pane.target.setText("crown")
    pane.against.setText("axe")
    found = run(pane)
    assert found.measure == "logit difference"
    assert pane.status.text().startswith("logit difference “crown” − “axe” = ")
    pane.target.setText("Czechoslovakia")
    pane.run()
    pane.refresh_now()
    assert "no single token" in pane.sentence.text()


def test_it_says_in_words_what_did_most(pane: CircuitPane):
    found = run(pane)
    best = int(found.relevance_N.argmax())
    text = pane.sentence.text()
    assert text.startswith("Most was done by ")
    assert f"+{found.relevance_N[best]:.2f}" in text
    assert "The strongest way:" in text
    assert text.endswith("→ the logit.")


def test_a_run_can_be_stopped(pane: CircuitPane, desk: Desk):
    desk.hold()
    pane.run()
    pane.refresh_now()
    assert (pane.run_button.text(), pane.header_note()) == ("Stop", "running, 0%")
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert pane.run_button.text() == "Run"


def test_run_waits_for_a_prompt_that_is_being_read(pane: CircuitPane, desk: Desk):
    desk.hold()
    pane.store.set_prompt("The capital of Italy is")
    pane.run()
    assert not pane.work.going
    desk.release()
    pane.refresh_now()
    assert pane.found is not None
    assert pane.found.subject == pane.store.subject


def test_the_lines_that_are_copied_give_the_same_graph(pane: CircuitPane):
    found = run(pane)
    space: dict[str, object] = {}
    exec(script_of(pane, pane.store), space)
    again = space["found"]
    assert isinstance(again, GraphFound)
    assert np.allclose(again.relevance_N, found.relevance_N, atol=1e-4)


def test_export_and_memory(pane: CircuitPane, live_store: Store, qtbot: QtBot):
    found = run(pane)
    data = pane.export_data()
    assert np.array_equal(data["relevance"].values, found.relevance_N)
    assert np.array_equal(data["weight"].values, found.weight_E)
    pane.slider.setValue(17)
    pane.target.setText("crown")
    kept = pane.remember()
    other = CircuitPane(live_store)
    qtbot.addWidget(other)
    other.recall(kept)
    assert (other.slider.value(), other.target.text()) == (17, "crown")
    other.recall({"edges": "many", "rule": 3, "baseline": [], LAST: "x"})
    assert other.slider.value() == 17


def test_an_encoder_without_a_head_says_what_can_not_be(opened: Callable[..., Store], qtbot: QtBot):
    pane = shown(opened("headless"), qtbot)
    assert "no head that scores tokens" in pane._empty.text()


def test_a_masked_model_is_explained_at_its_mask(opened: Callable[..., Store], qtbot: QtBot):
    store = opened("bert", "the king [MASK] his crown")
    pane = shown(store, qtbot)
    found = run(pane)
    question = found.question
    assert isinstance(question, Graph)
    assert store.read is not None
    assert store.model is not None
    assert store.read.tokens[question.position].id == store.model.mask_id


def large(n_tokens: int, n_layers: int, n_nodes: int) -> GraphFound:
    """A graph of the size of GPT-2 small, with made-up numbers: only places matter."""
    rng = np.random.default_rng(3)
    layer_N = rng.integers(-1, n_layers, n_nodes)
    head_N = np.where(
        (layer_N >= 0) & (rng.random(n_nodes) < 0.6), rng.integers(0, 12, n_nodes), -1
    )
    layer_N[0], head_N[0] = n_layers - 1, -1
    source_E = rng.integers(1, n_nodes, 60)
    return GraphFound(
        subject=Subject(1, None, tuple(range(n_tokens))),
        question=Graph(),
        layer_N=layer_N,
        head_N=head_N,
        position_N=rng.integers(0, n_tokens, n_nodes),
        relevance_N=rng.normal(size=n_nodes),
        cut_N=np.full(n_nodes, np.nan),
        source_E=source_E,
        goal_E=np.where(rng.random(60) < 0.5, LOGIT, 0),
        weight_E=rng.normal(size=60),
        kept=0.5,
        n_nodes=1000,
        measure="logit",
        target=0,
        against=None,
        value=1.0,
        explained=1.0,
        heads_by="relevance",
    )


@pytest.mark.parametrize(("n_tokens", "n_layers"), [(15, 4), (32, 12), (600, 30)])
def test_nodes_are_large_enough_to_hit_and_apart(n_tokens: int, n_layers: int):
    found = large(n_tokens, n_layers, 60)
    edges = strongest_edges(found, 40)
    laid = place(found, edges, n_layers, n_tokens - 1, QSize(540, 260))
    rects = [rect for rect in (*laid.rects, laid.logit) if not rect.isEmpty()]
    assert min(rect.width() for rect in rects) >= 12
    assert min(rect.height() for rect in rects) >= 6
    same = {
        (int(found.layer_N[n]), int(found.head_N[n]), int(found.position_N[n]))
        for n, rect in enumerate(laid.rects)
        if not rect.isEmpty()
    }
    apart = [
        (a, b)
        for i, a in enumerate(rects)
        for b in rects[i + 1 :]
        if a.adjusted(0, 1, 0, -1).intersects(b.adjusted(0, 1, 0, -1))
    ]
    assert len(same) > 10
    assert not apart


def test_a_small_pane_keeps_its_controls_inside(live_store: Store, qtbot: QtBot):
    pane = shown(live_store, qtbot, (600, 400))
    run(pane)
    for widget in (pane.run_button, pane.rules, pane.slider, pane.check_button):
        assert widget.mapTo(pane, QPoint(widget.width(), 0)).x() <= pane.width()
    qtbot.waitUntil(lambda: pane.view.height() >= 0.4 * pane.height())
