"""What is cut, scaled or taken away is seen on the stage: a sentence, a frame, what was before."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.stage.changes import Changed, Ghost
from gui.panes.stage.marks import Bars, Dots, Grid
from gui.panes.stage.pane import StagePane
from gui.session.store import Store
from model.interventions import (
    AblateHead,
    CutEdge,
    Intervention,
    PatchActivation,
    RemoveMask,
    RemoveNorm,
    RemovePositions,
    RemoveResidual,
    ScaleHead,
    ScaleOutput,
    SetNeuron,
    Steer,
)
from tests.gui.desk import Desk
from tests.gui.panes.stage.test_stage_pane import go_to, settle, shown
from tests.gui.pixels import pixels

SIZE = (1200, 620)


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> StagePane:
    pane = shown(qtbot, live_store, SIZE)
    pane.store.select(head=1)
    settle(pane)
    return pane


def frames(pane: StagePane) -> list[Changed]:
    return [mark for mark in pane.view.marks if isinstance(mark, Changed)]


CASES = [
    (AblateHead(1, 1), "mix", "Cut: head 1.1 writes zero."),
    (AblateHead(1, 1, mean=True), "mix", "Head 1.1 writes its mean over all positions."),
    (ScaleHead(1, 1, 0.5), "mix", "What head 1.1 writes is multiplied by 0.5."),
    (AblateHead(1, 0), "attn_out", "What it reads is changed: cut head 1.0."),
    (ScaleOutput(1, "attn"), "attn_out", "Cut: attention of block 1 writes zero."),
    (ScaleOutput(1, "mlp", 2.0), "mlp_out", "What is written is multiplied by 2."),
    (SetNeuron(1, 7, 3.0), "mlp_act", "Neuron 7 is set to 3, whatever it reads."),
    (SetNeuron(1, 7, 90.0), "mlp_out", "What it reads is changed: neuron 7 of layer 1 set to 90."),
    (RemoveMask(1), "mask", "Taken away: nothing is masked"),
    (RemoveMask(1), "dot", "A step of this is changed: no mask in layer 1."),
    (RemoveNorm(), "norm", "Taken away: the norm passes on what it reads."),
    (RemovePositions(), "pos_embed", "Taken away: the position's vector is zero."),
    (RemoveResidual(1, "attn"), "add", "Cut: the stream is not added"),
    (PatchActivation("blocks.1.hook_attn_out", (5, 6, 7)), "attn_out", "Put in from another text"),
]


@pytest.mark.parametrize(("cut", "kind", "says"), CASES)
def test_an_intervention_is_said_and_framed(
    pane: StagePane, cut: Intervention, kind: str, says: str
) -> None:
    pane.store.select(position=2)
    go_to(pane, kind)
    plain = pixels(pane.view.viewport()).astype(int)
    assert not frames(pane)
    assert says not in pane.sentence.text()
    pane.store.intervening.add(cut)
    settle(pane)
    assert pane.sentence.text().startswith(says)
    assert frames(pane)
    drawn = pixels(pane.view.viewport()).astype(int)
    color = theme.current().color("warning")
    wanted = np.array([color.red(), color.green(), color.blue()])
    for picture, seen in ((plain, False), (drawn, True)):
        is_there = (np.abs(picture - wanted).max(axis=2) < 12).sum() > 20
        assert is_there == seen
    pane.store.intervening.clear()
    settle(pane)
    assert not frames(pane)


def test_a_steering_direction_is_seen_at_its_position_only(pane: StagePane) -> None:
    pane.store.intervening.add(Steer(1, (5,), (), 2.0, (3,)))
    ops = pane.store.operations
    at = next(i for i, op in enumerate(ops) if op.output == "blocks.1.hook_resid_post")
    for position, seen in ((3, True), (2, False)):
        pane.store.select(operation=at, position=position)
        settle(pane)
        assert bool(frames(pane)) == seen
        assert ("A direction is added" in pane.sentence.text()) == seen


def test_another_head_is_not_marked(pane: StagePane) -> None:
    pane.store.intervening.add(AblateHead(1, 2))
    go_to(pane, "mix")
    assert not frames(pane)
    assert "Cut" not in pane.sentence.text()
    pane.store.select(head=2)
    settle(pane)
    assert frames(pane)


def test_what_is_nothing_is_hatched_and_what_is_something_is_not(pane: StagePane) -> None:
    for cut, nothing in ((AblateHead(1, 1), True), (ScaleHead(1, 1, 0.5), False)):
        pane.store.intervening.set_all((cut,))
        go_to(pane, "mix")
        z = next(m for m in pane.view.marks if isinstance(m, Grid) and m.panel.role == "out")
        frame = next(f for f in frames(pane) if f.box == z.box)
        assert frame.is_nothing == nothing


def test_a_cut_head_is_a_row_of_the_joined_heads(pane: StagePane) -> None:
    pane.store.intervening.add(AblateHead(1, 2))
    go_to(pane, "attn_out")
    rows = [
        m.rect_of((2, 0))
        for m in pane.view.marks
        if isinstance(m, Grid) and m.panel.letters[0] == "H"
    ]
    assert len(rows) == 2
    boxes = [(frame.box.top(), frame.box.height()) for frame in frames(pane)]
    assert boxes == [(row.top(), row.height()) for row in rows]


def test_a_cut_edge_is_marked_at_its_key(pane: StagePane) -> None:
    read = pane.store.read
    assert read is not None
    at = read.n_tokens - 1
    pane.store.select(position=at)
    pane.store.intervening.add(CutEdge(1, at, 1, 1))
    go_to(pane, "pattern")
    bars = [m for m in pane.view.marks if isinstance(m, Bars)][-1]
    keys = list(bars.panel.at_columns)  # type: ignore[arg-type]
    (frame,) = frames(pane)
    assert frame.box == bars.rect_of((0, keys.index(1)))
    assert frame.is_nothing
    assert float(bars.values[keys.index(1)]) == 0


def test_a_set_neuron_is_marked_on_the_curve(pane: StagePane) -> None:
    pane.store.intervening.add(SetNeuron(1, 7, 3.0))
    go_to(pane, "mlp_act")
    dots = next(m for m in pane.view.marks if isinstance(m, Dots))
    assert any(frame.box == dots.rect_of((0, 7)) for frame in frames(pane))


# ------------------------------------------------------------------------------- what was before


def test_the_difference_shows_what_a_vector_was(pane: StagePane, desk: Desk) -> None:
    go_to(pane, "mix")
    pane.store.intervening.add(AblateHead(1, 1))
    settle(pane)
    ghosts = [m for m in pane.view.marks if isinstance(m, Grid) and "before" in m.panel.name]
    assert not ghosts
    pane.store.intervening.set_view("difference")
    settle(pane)
    (ghost,) = [m for m in pane.view.marks if isinstance(m, Grid) and "before" in m.panel.name]
    read = pane.store.read
    assert read is not None
    clean = desk.lm.trace(list(read.subject.ids))["blocks.1.attn.hook_z"]
    wanted = clean[0, pane.store.selection.position, 1].numpy()
    assert ghost.values[0] == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    picture = pixels(pane.view.viewport())
    colors = theme.diverging_table()
    for column in (0, 9, 30):
        spot = ghost.rect_of((0, column)).center()
        value = min(1.0, max(-1.0, float(wanted[column]) / ghost.limit))
        drawn = picture[int(spot.y()), int(spot.x())].astype(int)
        assert np.abs(drawn - colors[round(127.5 * (value + 1))].astype(int)).max() <= 6
    pane.store.intervening.set_view("after")
    settle(pane)
    assert not [m for m in pane.view.marks if isinstance(m, Grid) and "before" in m.panel.name]


def test_the_difference_shows_where_bars_ended(pane: StagePane, desk: Desk) -> None:
    pane.store.intervening.add(ScaleOutput(0, "block", 0.3))
    pane.store.intervening.set_view("difference")
    go_to(pane, "pattern")
    ghosts = [m for m in pane.view.marks if isinstance(m, Ghost)]
    weights = ghosts[-1]
    read = pane.store.read
    assert read is not None
    clean = desk.lm.trace(list(read.subject.ids))["blocks.1.attn.hook_pattern"]
    row = clean[0, 1, pane.store.selection.position].numpy()
    keys = weights.bars.panel.at_columns
    assert keys is not None
    assert weights.values == pytest.approx(row[keys], abs=1e-5)
    for at, key in enumerate(keys):
        share = min(1.0, float(row[key]) / weights.bars.limit)
        assert weights.span(at).width() == pytest.approx(share * weights.bars._room, abs=0.1)


def test_before_is_not_asked_where_it_is_not_seen(pane: StagePane) -> None:
    owner = "stage: the other side"
    pane.store.intervening.add(AblateHead(1, 1))
    pane.store.intervening.set_view("difference")
    go_to(pane, "mix")
    assert pane.store.asked.slot(owner, "scene") is not None
    pane.hide()
    assert pane.store.asked.slot(owner, "scene") is None


def test_another_prompt_has_its_ghosts_and_the_header_says_which_side_is_drawn(
    pane: StagePane, desk: Desk
) -> None:
    go_to(pane, "mix")
    read = pane.store.read
    assert read is not None
    b = read.text.replace("queen", "duke")
    assert len(desk.lm.ids(b)[0]) == read.n_tokens
    pane.store.comparing.compare_prompt(b)
    settle(pane)
    (ghost,) = [m for m in pane.view.marks if isinstance(m, Grid) and m.panel.name.endswith(" B")]
    wanted = desk.lm.trace(b)["blocks.1.attn.hook_z"]
    row = wanted[0, pane.store.selection.position, 1].numpy()
    assert ghost.values[0] == pytest.approx(row, rel=1e-4, abs=1e-6)
    assert "A, ghost: B" in pane.header_note()
    pane.store.comparing.set_view("b")
    settle(pane)
    assert pane.header_note().endswith(" · B")
    assert not [m for m in pane.view.marks if isinstance(m, Grid) and m.panel.name.endswith(" B")]
    pane.store.comparing.compare_prompt(f"{b} and")
    settle(pane)
    assert "A alone" in pane.header_note(), "positions are others: no ghost"
