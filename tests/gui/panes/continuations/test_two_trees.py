"""Two trees of continuations as one: what each side would say, and where they part."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.continuations.pane import ContinuationsPane
from gui.panes.continuations.tree_view import STRAND
from gui.panes.continuations.two_sides import BothTrees
from gui.panes.continuations.words import path_text, share
from gui.session.store import Store
from model.interventions import Intervention, ScaleOutput
from model.language_model import LanguageModel
from model.operations import LOGITS
from model.probe.continuations.asks import ROOT, Continuations, ContinuationsFound
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.continuations.test_continuations_pane import shown
from tests.gui.pixels import color_named, pixels

TEXT_B = "The king lost his crown. The duke lost her"
LONGER = "The old king lost his crown. The queen lost his"
CUT = ScaleOutput(0, "mlp")


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> ContinuationsPane:
    return shown(live_store, qtbot)


def merged(pane: ContinuationsPane) -> BothTrees:
    for _ in range(3):  # both trees, then the chances of both, then the picture
        pane.refresh_now()
    assert pane._both is not None
    assert pane.tree.found is pane._both.tree
    return pane._both


def chances(
    lm: LanguageModel, text: str, path: list[int], some: tuple[Intervention, ...] = ()
) -> list[float]:
    """Of each token of a continuation, out of a trace of the whole text."""
    ids = lm.ids(text)[0].tolist()
    logits = lm.trace([*ids, *path], (LOGITS,), interventions=some)[LOGITS][0].double()
    p = logits.softmax(-1)
    return [float(p[len(ids) - 1 + at, one]) for at, one in enumerate(path)]


def own_tree(desk: Desk, text: str, some: tuple[Intervention, ...] = ()) -> set[tuple[int, ...]]:
    found = desk.lm.ask(text, Continuations(-1), some)
    assert isinstance(found, ContinuationsFound)
    return {tuple(found.ids[list(found.path(at))].tolist()) for at in range(len(found.ids))}


def path_of(both: BothTrees, node: int) -> list[int]:
    found: list[int] = both.tree.ids[list(both.tree.path(node))].tolist()
    return found


def test_every_token_of_either_tree_has_both_probabilities(pane: ContinuationsPane, desk: Desk):
    pane.store.comparing.compare_prompt(TEXT_B)
    both = merged(pane)
    a, b = own_tree(desk, PROMPT), own_tree(desk, TEXT_B)
    paths = [tuple(path_of(both, node)) for node in range(len(both.tree.ids))]
    assert set(paths) == a | b
    assert len(paths) == len(set(paths))
    for node, path in enumerate(paths):
        of_a = chances(desk.lm, PROMPT, list(path))
        of_b = chances(desk.lm, TEXT_B, list(path))
        assert both.a_N[node] == pytest.approx(of_a[-1], rel=1e-3, abs=1e-6)
        assert both.b_N[node] == pytest.approx(of_b[-1], rel=1e-3, abs=1e-6)
        assert both.b_joint_N[node] == pytest.approx(np.prod(of_b), rel=1e-3, abs=1e-7)
        assert (both.of_a_N[node], both.of_b_N[node]) == (path in a, path in b)


def test_before_and_after_a_cut_it_says_where_they_part(pane: ContinuationsPane, desk: Desk):
    pane.store.intervening.add(CUT)
    pane.store.intervening.set_view("difference")
    both = merged(pane)
    assert both.sides.names == ("before", "after")
    best = []
    for some in ((), (CUT,)):
        found = desk.lm.ask(PROMPT, Continuations(-1), some)
        assert isinstance(found, ContinuationsFound)
        best.append(found)
    model, said = pane.store.model, pane.sentence.text()
    assert model is not None
    for name, found in zip(("Before", "After"), best, strict=True):
        last = found.best[0]
        text = path_text(model, found, last).strip()
        assert f"{name}: “{text}”, {share(float(found.cumulative[last]))}." in said
    parts = both.parting
    assert parts is not None
    assert both.tree.parents[parts[0]] == both.tree.parents[parts[1]]
    for node in parts:
        token = model.token_text(int(both.tree.ids[node]))
        assert f"“{token}” {share(both.a_N[node])} → {share(both.b_N[node])}" in said


def test_a_strand_is_as_thick_as_its_side_finds_the_token_likely(pane: ContinuationsPane):
    pane.store.intervening.add(CUT)
    pane.store.intervening.set_view("difference")
    both = merged(pane)
    places = pane.tree.places
    assert places is not None
    rows = pixels(pane.tree.viewport()).astype(int)
    offset, measured = pane.tree._offset(), 0
    colors = {tone: np.array(color_named(tone)) for tone in ("negative", "accent", "panel")}
    for node, place in places.nodes.items():
        parent = ROOT if node == ROOT else int(both.tree.parents[node])
        if node == ROOT or len(both.tree.children(parent)) > 1:
            continue
        before = places.nodes[parent]
        if before.exit.y() != place.entry.y() or not place.kept:
            continue
        middle = QPointF((before.exit.x() + place.entry.x()) / 2, place.entry.y()) + offset
        column = rows[round(middle.y()) - 14 : round(middle.y()) + 14, round(middle.x())]
        for tone, p_N in (("negative", both.a_N), ("accent", both.b_N)):
            toward, other = colors[tone], colors["accent" if tone == "negative" else "negative"]
            near = np.abs(column - toward).sum(1) < np.abs(column - other).sum(1)
            drawn = near & (np.abs(column - colors["panel"]).sum(1) > 60)
            assert drawn.sum() == pytest.approx(STRAND * p_N[node], abs=2)
        measured += 1
    assert measured


def test_of_texts_that_end_otherwise_both_ends_are_written(pane: ContinuationsPane, desk: Desk):
    pane.store.comparing.compare_prompt(LONGER)
    read = pane.store.read
    assert read is not None
    pane.store.select(position=read.n_tokens - 1)
    both = merged(pane)
    strands = pane.tree._strands
    assert strands is not None
    assert strands.roots[0].endswith("·her")
    assert strands.roots[1].endswith("·his")
    first = int(both.tree.ids[0])
    assert both.b_N[0] == pytest.approx(chances(desk.lm, LONGER, [first])[0], rel=1e-3, abs=1e-6)


def test_a_click_goes_on_with_the_chances_of_the_side_in_view(pane: ContinuationsPane, desk: Desk):
    pane.store.intervening.add(CUT)
    pane.store.intervening.set_view("difference")
    both = merged(pane)
    only = int(np.flatnonzero(both.of_a_N & ~both.of_b_N)[0])
    path = path_of(both, only)
    QTest.mouseClick(
        pane.tree.viewport(),
        Qt.MouseButton.LeftButton,
        pos=pane.tree.place_of(only).toPoint(),
    )
    added = pane.store.adding.tokens
    assert [one.token_id for one in added] == path
    assert [one.probability for one in added] == pytest.approx(
        chances(desk.lm, PROMPT, path, (CUT,)), rel=1e-3, abs=1e-6
    )


def test_hovering_says_both_and_the_table_has_both(pane: ContinuationsPane):
    pane.store.comparing.compare_prompt(TEXT_B)
    both = merged(pane)
    tip = pane.tree.tip(0)
    assert f"A: p = {both.a_N[0]:.6g}" in tip
    assert f"B: p = {both.b_N[0]:.6g}" in tip
    assert f"B − A = {both.b_N[0] - both.a_N[0]:+.6f}".replace("-", "−") in tip
    data = pane.export_data()
    np.testing.assert_allclose(
        np.asarray(data["B − A"]), np.asarray(data["B"]) - np.asarray(data["A"])
    )
    pane.tree.light(0)
    assert pane.sentence.text().count("A ") >= 1
    assert f"B {share(float(both.b_joint_N[0]))}" in pane.sentence.text()


def test_a_side_alone_has_its_own_tree_again(pane: ContinuationsPane, desk: Desk):
    pane.store.comparing.compare_prompt(TEXT_B)
    merged(pane)
    pane.tree.light(len(pane.tree.found.ids) - 1 if pane.tree.found else 0)
    pane.store.comparing.set_view("a")
    for _ in range(2):
        pane.refresh_now()
    found = pane.tree.found
    assert found is not None
    paths = {tuple(found.ids[list(found.path(at))].tolist()) for at in range(len(found.ids))}
    assert paths == own_tree(desk, PROMPT)
    assert pane.tree.lit is None
    assert pane.tree._strands is None


def test_where_b_has_no_such_token_it_says_so(pane: ContinuationsPane):
    pane.store.set_prompt(LONGER)
    pane.store.comparing.compare_prompt(PROMPT)
    pane.store.select(position=1)
    for _ in range(3):
        pane.refresh_now()
    assert pane._both is None
    assert "A alone: The other text has no such token." in pane.sentence.text()


@pytest.mark.parametrize("size", [(620, 430), (1500, 900)])
def test_no_words_lie_on_others(live_store: Store, qtbot: QtBot, size: tuple[int, int]):
    pane = shown(live_store, qtbot, *size)
    live_store.comparing.compare_prompt(LONGER)
    merged(pane)
    places = pane.tree.places
    assert places is not None
    boxes = [node.box.adjusted(0.5, 0.5, -0.5, -0.5) for node in places.nodes.values()]
    for i, box in enumerate(boxes):
        assert not any(box.intersects(other) for other in boxes[i + 1 :])
