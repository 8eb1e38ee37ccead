"""A task's accuracy in the curves: two lines beside the loss, and the step where it groks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.panes.curves.pane import CurvesPane
from gui.session.moments import Learned
from model.train.events import Measured
from model.train.task_presets import recipe_of_task
from model.train.watches import ACCURACY, HELD_OUT, TRAINED_ON
from tests.gui.desk import Desk

RECIPE = replace(
    recipe_of_task("modular-addition:11"),
    d_model=16,
    d_mlp=16,
    steps=6,
    eval_every=2,
    curves_every=3,
    threads=1,
)


@pytest.fixture
def pane(desk: Desk, qtbot: QtBot, tmp_path: Path) -> CurvesPane:
    """The curves of a run that has ended."""
    pane = CurvesPane(desk.store)
    qtbot.addWidget(pane)
    pane.resize(620, 430)
    pane.show()
    qtbot.waitExposed(pane)
    desk.store.run.start(RECIPE, str(tmp_path / "run"))
    while desk.store.run.shown is None or desk.store.run.shown.finished is None:
        desk.advance()
    pane.refresh_now()
    return pane


def score(pane: CurvesPane, step: int, known: float, held_out: float) -> None:
    run = pane.store.run.shown
    assert run is not None
    run.measured.append(
        Measured(step, ((TRAINED_ON, ACCURACY, known), (HELD_OUT, ACCURACY, held_out)))
    )
    pane.invalidate()
    pane.refresh_now()


def test_accuracy_has_two_lines_next_to_the_loss(pane: CurvesPane) -> None:
    assert pane._series is not None
    loss, accuracy, *_ = pane._series.charts()
    assert (loss.key, accuracy.key) == ("loss", ACCURACY)
    assert [line.place for line in accuracy.lines] == [HELD_OUT, TRAINED_ON]
    run = pane.store.run.shown
    assert run is not None
    for line in accuracy.lines:
        told = [
            (event.step, value)
            for event in run.measured
            for place, measure, value in event.values
            if (place, measure) == (line.place, ACCURACY)
        ]
        assert [step for step, _ in told] == [0, 2, 4, 6]
        assert np.array_equal(line.values, [value for _, value in told])


def test_the_step_where_it_groks_is_marked_and_told(pane: CurvesPane) -> None:
    assert pane._series is not None
    assert pane._series.moment is None
    score(pane, 100, 1.0, 0.3)
    assert pane._series.moment is None
    score(pane, 250, 1.0, 0.96)
    score(pane, 300, 1.0, 1.0)
    moment = pane._series.moment
    assert isinstance(moment, Learned)
    assert moment == Learned(step=250, knew_at=100, share=0.96)
    assert moment.words == "groks, 150 steps after it knew the others"
    assert pane.header_note().endswith("groks at step 250")


def test_a_rule_that_is_found_at_once_is_no_grokking(pane: CurvesPane) -> None:
    score(pane, 100, 0.99, 0.97)
    assert pane._series is not None
    assert isinstance(pane._series.moment, Learned)
    assert not pane._series.moment.groks
    assert pane._series.moment.words == "97% of held-out questions right"
