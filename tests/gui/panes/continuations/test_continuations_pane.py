"""The tree is the answer and leads on; the text's sums are those of its tokens."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.continuations import words
from gui.panes.continuations.pane import ContinuationsPane
from gui.panes.continuations.tree_layout import THICKEST
from gui.session.store import Store
from model import messages as m
from model.interventions import AblateHead
from model.probe.continuations.asks import ROOT, Continuations, ContinuationsFound
from model.probe.surprisal.asks import SurprisalFound
from model.sampling import Sampling
from tests.gui.desk import PROMPT, Desk
from tests.gui.pixels import color_named, pixels


def shown(store: Store, qtbot: QtBot, width: int = 900, height: int = 520) -> ContinuationsPane:
    theme.set_current("dark")
    pane = ContinuationsPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> ContinuationsPane:
    return shown(live_store, qtbot)


def tree_of(pane: ContinuationsPane) -> ContinuationsFound:
    found = pane.tree.found
    assert found is not None
    return found


def as_text(pane: ContinuationsPane, order: str = "text") -> SurprisalFound:
    QTest.mouseClick(pane.views.buttons["text"], Qt.MouseButton.LeftButton)
    QTest.mouseClick(pane.text.orders.buttons[order], Qt.MouseButton.LeftButton)
    pane.refresh_now()
    found = pane.answered("text", SurprisalFound)
    assert found is not None
    return found


def click(pane: ContinuationsPane, node: int) -> None:
    at = pane.tree.place_of(node).toPoint()
    QTest.mouseClick(pane.tree.viewport(), Qt.MouseButton.LeftButton, pos=at)


# -------------------------------------------------------------------------------- tree


def test_the_tree_is_that_of_the_prompt_with_the_sampling_in_force(
    pane: ContinuationsPane, live_store: Store, desk: Desk
) -> None:
    for sampling in (Sampling(), Sampling(temperature=2.0, min_p=0.1)):
        live_store.set_sampling(sampling)
        pane.refresh_now()
        assert live_store.subject is not None
        ids = list(live_store.subject.ids)
        expected = desk.lm.ask(ids, Continuations(-1, sampling=sampling))
        assert isinstance(expected, ContinuationsFound)
        assert tree_of(pane).ids.tolist() == expected.ids.tolist()
        assert tree_of(pane).cumulative == pytest.approx(expected.cumulative)


def test_a_branch_is_as_thick_as_its_token_is_likely(
    pane: ContinuationsPane, live_store: Store
) -> None:
    live_store.set_sampling(Sampling(temperature=1.6))
    pane.refresh_now()
    found, places = tree_of(pane), pane.tree.places
    assert places is not None
    rows = pixels(pane.tree.viewport()).astype(int)
    panel = np.array([color_named("panel")])
    measured = 0
    for index in range(len(found.ids)):
        node = places.nodes[index]
        p = float(found.probabilities[index])
        assert node.thickness == pytest.approx(max(1.0, THICKEST * p))
        before = places.nodes[int(found.parents[index])]
        if (
            before.exit.y() == node.entry.y()
            and found.children(int(found.parents[index]))[1:] == ()
        ):
            offset = pane.tree._offset()
            x = round((before.exit.x() + node.entry.x()) / 2 + offset.x())
            y = round(node.entry.y() + offset.y())
            column = np.abs(rows[y - 12 : y + 12, x] - panel).sum(-1) > 30
            assert column.sum() == pytest.approx(node.thickness, abs=2)
            measured += 1
    assert measured


def test_a_click_lets_the_prompt_go_on_and_back_takes_it_step_by_step(
    pane: ContinuationsPane, live_store: Store
) -> None:
    assert live_store.read is not None
    before = live_store.read.subject.ids
    found = tree_of(pane)
    node = found.best[0]
    path = list(found.path(node))
    ids, chances = found.ids[path].tolist(), found.probabilities[path].tolist()
    click(pane, node)
    pane.refresh_now()
    assert live_store.read.subject.ids == (*before, *ids)
    marks = live_store.adding.marks(live_store.read)
    assert [marks[len(before) + i].how for i in range(len(ids))] == ["taken"] * len(ids)
    assert [one.probability for one in live_store.adding.tokens] == pytest.approx(chances)
    for n in range(len(ids) - 1, -1, -1):
        QTest.mouseClick(pane.back_button, Qt.MouseButton.LeftButton)
        pane.refresh_now()
        assert live_store.read.subject.ids == (*before, *ids[:n])
    assert not pane.back_button.isEnabled()


def test_the_tree_is_walked_by_keys(pane: ContinuationsPane, live_store: Store) -> None:
    found, tree = tree_of(pane), pane.tree
    QTest.keyClick(tree, Qt.Key.Key_Right)
    first = found.children(ROOT)[0]
    assert tree.lit == first
    assert pane.sentence.text().startswith(f"“{words.path_text(_model(live_store), found, first)}”")
    QTest.keyClick(tree, Qt.Key.Key_Right)
    assert tree.lit == found.children(first)[0]
    QTest.keyClick(tree, Qt.Key.Key_Down)
    assert tree.lit is not None
    assert found.depths[tree.lit] == 2
    QTest.keyClick(tree, Qt.Key.Key_Left)
    QTest.keyClick(tree, Qt.Key.Key_Left)
    assert tree.lit is None
    QTest.keyClick(tree, Qt.Key.Key_Right)
    QTest.keyClick(tree, Qt.Key.Key_Return)
    assert live_store.adding.tokens[-1].token_id == found.ids[first]


def test_the_sentence_says_what_the_picture_says(
    pane: ContinuationsPane, live_store: Store
) -> None:
    found = tree_of(pane)
    best = found.best[0]
    text = words.path_text(_model(live_store), found, best).strip()
    assert f"“{text}”, {words.share(float(found.cumulative[best]))}" in pane.sentence.text()
    kept = sum(float(found.cumulative[node]) for node in found.best)
    assert f"These {len(found.best)} hold {words.share(kept)}" in pane.sentence.text()


def test_no_words_lie_on_others(pane: ContinuationsPane, live_store: Store) -> None:
    live_store.set_sampling(Sampling(temperature=3.0))
    pane.kept.setValue(24)
    pane.refresh_now()
    places = pane.tree.places
    assert places is not None
    boxes = [node.box.adjusted(0.5, 0.5, -0.5, -0.5) for node in places.nodes.values()]
    for i, box in enumerate(boxes):
        assert not any(box.intersects(other) for other in boxes[i + 1 :])
        assert box.right() <= places.width + 1


def test_a_small_pane_scrolls_to_what_is_reached(live_store: Store, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot, 430, 260)
    pane.kept.setValue(24)
    pane.ahead.setValue(8)
    pane.refresh_now()
    pane.tree._reach(tree_of(pane).best[-1])
    seen = pane.tree.viewport().rect()
    assert seen.contains(pane.tree.place_of(tree_of(pane).best[-1]).toPoint())


def test_a_tree_of_an_earlier_prompt_adds_nothing_to_the_one_of_now(
    pane: ContinuationsPane, live_store: Store, desk: Desk
) -> None:
    desk.hold()
    live_store.set_prompt("The dog")
    pane.take(tree_of(pane).best[0])
    desk.release()
    assert live_store.prompt == "The dog"


def test_under_interventions_it_is_the_changed_model_that_goes_on(
    pane: ContinuationsPane, live_store: Store, desk: Desk
) -> None:
    cuts = tuple(AblateHead(layer, head) for layer in range(4) for head in range(4))
    before = tree_of(pane).cumulative.copy()
    live_store.intervene(cuts)
    pane.refresh_now()
    assert live_store.subject is not None
    logits = desk.lm.trace(list(live_store.subject.ids), interventions=cuts)["logits"][0, -1]
    p = logits.double().softmax(-1).numpy()
    found = tree_of(pane)
    assert found.probabilities[0] == pytest.approx(p.max(), rel=1e-4)
    assert found.cumulative[0] != pytest.approx(before[0], rel=1e-3)


def test_panes_behind_others_ask_nothing_and_views_ask_their_own(
    pane: ContinuationsPane, desk: Desk
) -> None:
    assert set(pane.questions()) == {"tree"}
    as_text(pane)
    assert set(pane.questions()) == {"text"}
    pane.hide()
    n = len(desk.results)
    desk.store.set_prompt("The dog")
    asked = [r.answer.question for r in desk.results[n:] if isinstance(r, m.Answered)]
    assert not [one for one in asked if isinstance(one, Continuations)]


def test_while_it_is_guessed_nothing_is_told(pane: ContinuationsPane, live_store: Store) -> None:
    live_store.guessing.begin("prompt")
    pane.refresh_now()
    assert pane.questions() == {}
    assert not pane.tree.isVisible()
    assert "Hidden while you guess" in pane._empty.text()
    live_store.guessing.stop()
    pane.refresh_now()
    assert pane.tree.isVisible()


def test_who_fills_masks_is_told_why_there_is_no_tree(
    opened: Callable[..., Store], qtbot: QtBot
) -> None:
    pane = shown(opened("bert"), qtbot)
    assert not pane.tree.isVisible()
    assert "no probability of a whole text" in pane._empty.text()


# -------------------------------------------------------------------------------- text


def test_the_sums_are_those_of_the_prompt(
    pane: ContinuationsPane, live_store: Store, desk: Desk
) -> None:
    as_text(pane)
    assert live_store.subject is not None
    ids = list(live_store.subject.ids)
    log_p = desk.lm.logits([ids])[0].double().log_softmax(-1)
    nats = [-float(log_p[i - 1, ids[i]]) for i in range(1, len(ids))]
    total = sum(nats) / math.log(2)
    n_bytes = len(PROMPT.encode()) - len("The")
    figures = [figure.text() for figure in pane.text.figures]
    assert float(figures[0]) == pytest.approx(total, abs=0.06)
    assert float(figures[1]) == pytest.approx(-sum(nats), abs=0.06)
    assert float(figures[2]) == pytest.approx(total / len(nats), abs=0.006)
    assert float(figures[3]) == pytest.approx(math.exp(np.mean(nats)), rel=1e-3)
    assert float(figures[4]) == pytest.approx(total / n_bytes, abs=0.006)


def test_the_most_surprising_tokens_stand_above_and_a_click_selects_one(
    pane: ContinuationsPane, live_store: Store
) -> None:
    found = as_text(pane, "worst")
    rows = pane.text.rows.rows
    order = np.argsort(-found.bits_T[1:]) + 1
    assert [row.position for row in rows] == order.tolist()
    at = pane.text.rows.box_of(1).center().toPoint()
    QTest.mouseClick(pane.text.rows.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert live_store.selection.position == order[1]
    QTest.keyClick(pane.text.rows, Qt.Key.Key_Down)
    assert live_store.selection.position == order[2]


def test_a_bar_is_as_long_as_the_surprisal(pane: ContinuationsPane, live_store: Store) -> None:
    as_text(pane)
    rows = pane.text.rows
    assert live_store.model is not None
    limit = math.log2(live_store.model.config.d_vocab)
    picture = pixels(rows.viewport()).astype(int)
    ink = np.array(color_named("negative"))
    lefts = rows._columns
    room = lefts[6] - lefts[5] - 16
    for index, row in enumerate(rows.rows):
        if math.isnan(row.bits) or row.bits < 0.2:
            continue
        bar = rows.bar_of(index)
        line = picture[round(bar.center().y()), round(bar.left()) :]
        length = (np.abs(line - ink).sum(-1) < 40).sum()
        assert length == pytest.approx(min(1.0, row.bits / limit) * room, abs=2.5)


def test_tokens_say_how_they_came(pane: ContinuationsPane, live_store: Store, desk: Desk) -> None:
    click(pane, tree_of(pane).children(ROOT)[0])
    live_store.generating.start(2, seed=1)
    desk.advance(5)
    as_text(pane, "added")
    assert [row.how for row in pane.text.rows.rows] == ["taken", "drawn", "drawn"]
    data = pane.export_data()
    assert list(data["added"])[-3:] == ["taken", "drawn", "drawn"]  # type: ignore[arg-type]


def test_before_and_after_an_intervention_stand_beside_each_other(
    pane: ContinuationsPane, live_store: Store, desk: Desk
) -> None:
    clean = as_text(pane).total_bits
    live_store.intervene(tuple(AblateHead(0, head) for head in range(4)))
    live_store.intervening.set_view("difference")
    pane.refresh_now()
    pane.refresh_now()
    after = pane.answered("text", SurprisalFound)
    assert after is not None
    assert f"before {clean:,.1f} bits   {after.total_bits - clean:+,.1f}" in pane.text.change.text()
    assert not math.isnan(pane.text.rows.rows[3].other)
    live_store.intervene(())
    pane.refresh_now()
    assert not pane.text.change.isVisible()


def test_two_prompts_stand_beside_each_other(
    pane: ContinuationsPane, live_store: Store, desk: Desk
) -> None:
    as_text(pane)
    b = "The king lost his crown. The duke lost her"
    live_store.comparing.compare_prompt(b)
    desk.advance(5)
    pane.refresh_now()
    pane.refresh_now()
    found = pane.answered("text", SurprisalFound)
    assert found is not None
    ids = desk.lm.ids(b)[0].tolist()
    theirs = desk.lm.logits([ids])[0, :-1].double().log_softmax(-1)
    bits = -theirs[range(len(ids) - 1), ids[1:]].numpy() / math.log(2)
    said = f"B {bits.sum():,.1f} bits   {bits.sum() - found.total_bits:+,.1f}   │ B"
    assert pane.text.change.text() == said
    [duke] = [row for row in pane.text.rows.rows if row.position == 7]
    assert duke.other == pytest.approx(bits[6], abs=1e-3)


def test_one_token_alone_has_no_sum(pane: ContinuationsPane, live_store: Store) -> None:
    live_store.set_prompt("The")
    QTest.mouseClick(pane.views.buttons["text"], Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert "predicted by nothing" in pane._empty.text()


# ---------------------------------------------------------------------------- the rest


def test_what_is_exported_is_the_answer(pane: ContinuationsPane, live_store: Store) -> None:
    found, data = tree_of(pane), pane.export_data()
    assert data["id"] is found.ids
    assert data["cumulative"] is found.cumulative
    last = words.path_text(_model(live_store), found, len(found.ids) - 1)
    assert list(data["text"])[-1] == last  # type: ignore[arg-type]


def test_options_come_back(live_store: Store, qtbot: QtBot) -> None:
    first = shown(live_store, qtbot)
    first.ahead.setValue(3)
    first.kept.setValue(9)
    as_text(first, "worst")
    second = ContinuationsPane(live_store)
    qtbot.addWidget(second)
    second.recall(first.remember())
    assert (second.ahead.value(), second.kept.value()) == (3, 9)
    assert (second.views.current, second.text.orders.current) == ("text", "worst")
    second.recall({"view": "nonsense", "depth": "deep", "beams": -4, "order": None})
    assert (second.ahead.value(), second.kept.value()) == (3, 9)


def test_a_number_that_can_not_be_is_refused_in_place(pane: ContinuationsPane) -> None:
    pane.ahead.selectAll()
    QTest.keyClicks(pane.ahead, "99")
    pane.refresh_now()
    assert pane._says.isVisible()
    assert "no number of tokens" in pane._says.text()
    pane.ahead.selectAll()
    QTest.keyClicks(pane.ahead, "4")
    pane.refresh_now()
    assert not pane._says.isVisible()


def test_a_click_beside_the_nodes_takes_nothing(pane: ContinuationsPane, live_store: Store) -> None:
    places = pane.tree.places
    assert places is not None
    assert places.at(QPointF(1, 1) + places.nodes[ROOT].box.topLeft()) is None
    assert live_store.prompt == PROMPT


def _model(store: Store) -> m.ModelInfo:
    assert store.model is not None
    return store.model
