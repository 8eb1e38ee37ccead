"""The difference: beside each bar of after a mark where it ended before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.prediction.pane import PredictionPane
from gui.session.store import Store
from model.interventions import AblateHead, ScaleOutput
from model.sampling import probabilities
from tests.gui.desk import Desk
from tests.gui.panes.prediction.test_prediction_pane import shown

CUTS = (AblateHead(1, 1), ScaleOutput(0, "block"))


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PredictionPane:
    return shown(live_store, qtbot)


def settle(pane: PredictionPane) -> None:
    for _ in range(3):  # what was before is asked once it is known what is drawn
        pane.refresh_now()


def before_and_after(desk: Desk) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities of the next token by the fast path, and by a trace under the cuts."""
    store = desk.store
    assert store.subject is not None
    ids = store.subject.ids
    trace = desk.lm.trace([ids], "logits", interventions=store.intervening.on)
    clean, changed = desk.lm.logits([ids])[0, -1], trace["logits"][0, -1]
    both = [probabilities(x.float().numpy(), store.sampling) for x in (clean, changed)]
    return both[0], both[1]


def test_each_bar_has_a_mark_where_it_was(pane: PredictionPane, desk: Desk):
    pane.store.intervening.add(*CUTS)
    settle(pane)
    assert all(bar.before is None for bar in pane.bars.shown)
    pane.store.intervening.set_view("difference")
    settle(pane)
    before, after = before_and_after(desk)
    assert pane.bars.shown
    for row, bar in enumerate(pane.bars.shown):
        assert bar.probability == pytest.approx(after[bar.token_id], abs=1e-5)
        assert bar.before == pytest.approx(before[bar.token_id], abs=1e-5)
        mark, track = pane.bars.before_rect(row), pane.bars.track(row)
        at = (mark.center().x() - track.left()) / track.width()
        assert at == pytest.approx(before[bar.token_id], abs=1e-4)


def test_the_mark_is_drawn(pane: PredictionPane):
    pane.store.intervening.add(*CUTS)
    pane.store.intervening.set_view("difference")
    settle(pane)
    at = pane.bars.before_rect(0)
    image = pane.bars.grab().toImage()
    found = image.pixelColor(round(at.left()), round(at.top() + 1))
    assert found == QColor(theme.current().color("text"))


def test_what_was_likeliest_before_is_drawn_however_far_it_fell(pane: PredictionPane, desk: Desk):
    pane.store.intervening.add(*CUTS)
    pane.store.intervening.set_view("difference")
    settle(pane)
    before, after = before_and_after(desk)
    shown = {bar.token_id for bar in pane.bars.shown}
    assert set(np.argsort(-before)[:3].tolist()) <= shown
    assert int(after.argmax()) in shown
    assert int(before.argmax()) != int(after.argmax()), "or nothing would be seen"


def test_hovering_says_by_how_much(pane: PredictionPane, desk: Desk):
    pane.store.intervening.add(*CUTS)
    pane.store.intervening.set_view("difference")
    settle(pane)
    before, after = before_and_after(desk)
    bar = pane.bars.shown[0]
    (line,) = [each for each in pane.describe(bar).splitlines() if "interventions" in each]
    was, moved = before[bar.token_id], after[bar.token_id] - before[bar.token_id]
    assert float(line.split()[0]) == pytest.approx(was, abs=1e-5)
    assert float(line.partition("(")[2].rstrip(")")) == pytest.approx(moved, abs=1e-5)


def test_another_temperature_moves_both(pane: PredictionPane, desk: Desk):
    pane.store.intervening.add(*CUTS)
    pane.store.intervening.set_view("difference")
    pane.store.set_sampling(replace(pane.store.sampling, temperature=2.0))
    settle(pane)
    before, _ = before_and_after(desk)
    for bar in pane.bars.shown:
        assert bar.before == pytest.approx(before[bar.token_id], abs=1e-5)


def test_before_and_after_alone_have_no_marks(pane: PredictionPane, desk: Desk):
    pane.store.intervening.add(*CUTS)
    for view in ("difference", "before", "after"):
        pane.store.intervening.set_view(view)
        settle(pane)
        marked = [bar.before is not None for bar in pane.bars.shown]
        assert all(marked) if view == "difference" else not any(marked)
    pane.store.intervening.set_view("before")
    settle(pane)
    before, _ = before_and_after(desk)
    assert pane.bars.shown[0].probability == pytest.approx(before.max(), abs=1e-5)
