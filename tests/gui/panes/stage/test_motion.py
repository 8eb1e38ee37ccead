"""A step is a motion: what is read comes from where it was written; no key waits for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.stage.marks import Grid
from gui.panes.stage.motion import HURRY_MS, Flow, flows
from gui.panes.stage.pane import StagePane
from gui.session.store import Store
from tests.gui.panes.stage.staging import select, settle, shown
from tests.gui.pixels import pixels


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Motion is on, and slow enough to be looked at."""
    monkeypatch.setattr(theme, "MOTION_MS", 60_000)


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> StagePane:
    pane = shown(qtbot, live_store)
    theme.set_motion(False)
    return pane


@pytest.fixture(autouse=True)
def motion_as_before() -> Iterator[None]:
    before = theme.MOTION_MS
    yield
    theme.set_motion(before > 0)


def step_to(pane: StagePane, name: str, *, at_once: bool = False) -> None:
    """Select, and draw the answer, but let the motion go on; after a rest, or at once."""
    if not at_once:
        QTest.qWait(HURRY_MS + 20)
    ops = pane.store.operations
    pane.store.select(operation=next(i for i, op in enumerate(ops) if op.output == name))
    pane.refresh_now()
    pane.refresh_now()


def way(pane: StagePane, before: str, after: str, name: str) -> Flow:
    """The flow of a tensor between two scenes."""
    select(pane, before)
    old = list(pane.view.marks)
    select(pane, after)
    new = list(pane.view.marks)
    ends = [m.box for m in new if isinstance(m, Grid) and m.panel.name == name]
    found = [f for f in flows(old, new) if any(box.contains(f.end) for box in ends)]
    assert len(found) == 1, found
    return found[0]


def box_of(pane: StagePane, name: str, role: str) -> QRectF:
    return next(
        m.box
        for m in pane.view.marks
        if isinstance(m, Grid) and (m.panel.name, m.panel.role) == (name, role)
    )


def test_what_was_written_goes_to_where_it_is_read(pane: StagePane) -> None:
    norm = "blocks.1.ln1.hook_normalized"
    select(pane, norm)
    written = box_of(pane, norm, "out")
    flow = way(pane, norm, "blocks.1.attn.hook_q", norm)
    assert flow.start == written
    assert flow.end == box_of(pane, norm, "in")
    halfway = flow.at(0.5).center()
    assert halfway.x() == pytest.approx((flow.start.center().x() + flow.end.center().x()) / 2)


def test_a_vector_goes_to_its_row_among_many(pane: StagePane) -> None:
    value = "blocks.1.attn.hook_v"
    flow = way(pane, value, "blocks.1.attn.hook_z", value)
    grid = next(m for m in pane.view.marks if isinstance(m, Grid) and m.panel.name == value)
    at = pane.store.selection.position
    shown_rows = grid.panel.at_rows
    rows = list(range(len(grid.values))) if shown_rows is None else shown_rows.tolist()
    assert flow.end.center().y() == pytest.approx(grid.rect_of((rows.index(at), 0)).center().y())
    assert flow.end.width() == grid.box.width()


def test_scenes_without_a_common_number_have_no_flow(pane: StagePane) -> None:
    select(pane, "blocks.0.attn.hook_q")
    old = list(pane.view.marks)
    select(pane, "blocks.2.attn.hook_q")
    assert flows(old, pane.view.marks) == ()


def test_a_step_moves_and_ends_as_the_scene_is(
    pane: StagePane, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    select(pane, "blocks.1.attn.hook_q")
    still = pixels(pane.view.viewport())
    select(pane, "blocks.1.ln1.hook_normalized")
    monkeypatch.setattr(theme, "MOTION_MS", 120)
    step_to(pane, "blocks.1.attn.hook_q")
    assert pane.view.moving
    assert not np.array_equal(pixels(pane.view.viewport()), still)
    qtbot.waitUntil(lambda: not pane.view.moving, timeout=3000)
    np.testing.assert_array_equal(pixels(pane.view.viewport()), still)


def test_half_way_the_vector_is_between_both_places(
    pane: StagePane, moves: None, qtbot: QtBot
) -> None:
    norm = "blocks.1.ln1.hook_normalized"
    select(pane, norm)
    step_to(pane, "blocks.1.attn.hook_q")
    motion = pane.view._motion
    assert motion.runs
    motion._animation.setCurrentTime(30_000)
    flow = next(f for f in motion._flows if f.end == box_of(pane, norm, "in"))
    between = flow.at(1 - 0.5**3)
    picture = pixels(pane.view.viewport()).astype(int)
    panel = theme.current().color("panel")
    ground = np.array([panel.red(), panel.green(), panel.blue()])
    inside = picture[
        int(between.top()) + 1 : int(between.bottom()) - 1,
        int(between.left()) + 2 : int(between.right()) - 2,
    ]
    assert (np.abs(inside - ground).max(axis=2) > 6).mean() > 0.5


def test_a_step_during_a_motion_jumps_and_nothing_queues(pane: StagePane, moves: None) -> None:
    select(pane, "blocks.1.ln1.hook_normalized")
    step_to(pane, "blocks.1.attn.hook_q")
    assert pane.view.moving
    step_to(pane, "blocks.1.attn.hook_k", at_once=True)
    assert not pane.view.moving
    picture = pixels(pane.view.viewport())
    pane.view.finish()
    np.testing.assert_array_equal(pixels(pane.view.viewport()), picture)
    assert pane.title_line.text() == "Keys"


def test_a_key_that_is_held_down_ends_at_its_last_scene(
    pane: StagePane, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theme, "MOTION_MS", 180)
    pane.store.select(operation=0)
    for _ in range(40):
        pane.store.walking.forward()
    qtbot.waitUntil(lambda: not pane.dirty and not pane.view.moving, timeout=5000)
    settle(pane)
    op = pane.operation
    assert op is not None
    assert pane.store.walking.at == 40
    assert pane.title_line.text() == op.label


def test_with_reduced_motion_nothing_moves(pane: StagePane) -> None:
    theme.set_motion(False)
    select(pane, "blocks.1.ln1.hook_normalized")
    step_to(pane, "blocks.1.attn.hook_q")
    assert not pane.view.moving


def test_another_position_or_head_is_no_motion(pane: StagePane, moves: None) -> None:
    select(pane, "blocks.1.attn.hook_q")
    pane.store.select(position=2)
    pane.refresh_now()
    pane.refresh_now()
    assert not pane.view.moving


def test_the_line_goes_over_what_a_product_writes(pane: StagePane, moves: None) -> None:
    select(pane, "blocks.1.ln1.hook_normalized")
    step_to(pane, "blocks.1.attn.hook_q")
    motion = pane.view._motion
    seen = []
    for time in (15_000, 30_000, 45_000, 59_000):
        motion._animation.setCurrentTime(time)
        seen.append(motion.swept)
    assert seen[0] is None
    columns = [swept[1][1] for swept in seen[1:] if swept is not None]
    assert len(columns) == 3
    assert columns == sorted(set(columns))
    mark = seen[1][0] if seen[1] is not None else None
    assert mark is not None
    assert mark.panel.name == "blocks.1.attn.hook_q"
