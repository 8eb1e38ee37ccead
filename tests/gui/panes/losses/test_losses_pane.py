"""Losses: each token by what it costs, the worst, what flows back, what a step moved."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.losses.pane import LossesPane
from gui.panes.losses.rows import HEAD, HIGH
from gui.panes.losses.words import here
from gui.session.store import Store
from gui.widgets.surprisal import color_of
from gui.window.pane_menu import script_of
from model import messages as m
from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound
from model.probe.loss_flow.asks import LossFlowFound
from model.probe.weights_moved.asks import WeightsMovedFound
from model.train.events import StepDone
from model.train.run_folder import read_metrics
from tests.gui.desk import Desk
from tests.gui.pixels import pixels
from tests.model.probe.runs import RECIPE, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("losses") / "run")


@pytest.fixture
def store(desk: Desk, run: Path) -> Store:
    desk.store.set_prompt("The king")
    desk.store.opening.open(str(run))
    while desk.store.opening.going:
        desk.advance()
    assert desk.store.read is not None
    return desk.store


@pytest.fixture
def pane(store: Store, qtbot: QtBot) -> LossesPane:
    return shown(store, qtbot)


def shown(store: Store, qtbot: QtBot) -> LossesPane:
    pane = LossesPane(store)
    qtbot.addWidget(pane)
    pane.resize(820, 480)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def go_to(desk: Desk, step: int) -> None:
    """Bring a step into view, whatever is asked about it answered."""
    desk.store.timeline.go_to(step)
    while desk.store.timeline.step != step:
        desk.advance()
    desk.finish()


def view(pane: LossesPane, key: str) -> None:
    QTest.mouseClick(pane.controls.views.buttons[key], Qt.MouseButton.LeftButton)
    pane.refresh_now()


def batch(pane: LossesPane) -> BatchLossesFound:
    found = pane.answered("batch", BatchLossesFound)
    assert found is not None
    return found


def click(pane: LossesPane, window: int, place: int) -> None:
    at = pane.texts.box(window, place).center().toPoint()
    QTest.mouseClick(pane.texts.viewport(), Qt.MouseButton.LeftButton, pos=at)
    pane.refresh_now()


def test_the_batch_that_is_learned_next_costs_what_the_run_wrote_down(
    pane: LossesPane, desk: Desk, run: Path
):
    metrics = read_metrics(run)
    rows = dict(zip(metrics["step"].tolist(), metrics["train_loss"].tolist(), strict=True))
    assert "batch 9" in pane.status.text()
    assert "step 9 would learn from" in pane.sentence.text(), "the run ended at step 8"
    go_to(desk, 4)
    pane.refresh_now()
    assert batch(pane).number == 5
    assert batch(pane).loss == pytest.approx(rows[5], abs=1e-6)
    assert f"loss {rows[5]:.4f} nats = {rows[5] / math.log(2):.3f} bits" in pane.status.text()
    assert "This is what step 5 learns from." in pane.sentence.text()


def test_each_token_lies_on_the_colour_of_its_cost(pane: LossesPane):
    found, texts = batch(pane), pane.texts.texts
    assert texts is not None
    picture = pixels(pane.texts.viewport())
    for window, place in ((0, 1), (0, 5), (1, 3)):
        corner = pane.texts.box(window, place).topLeft().toPoint() + QPoint(1, 1)
        bits = float(found.nats_BT[window, place]) / math.log(2)
        color = color_of(min(bits / texts.limit, 1.0))
        drawn = picture[corner.y(), corner.x()].astype(int)
        assert np.abs(drawn - [color.red(), color.green(), color.blue()]).max() <= 2


def test_beside_a_dear_token_stands_what_is_right_before_it(pane: LossesPane):
    found, line = batch(pane), pane.worst.lines[0]
    row, at = (int(one) for one in found.worst_K2[0])
    bits, after, token = line.cells
    assert bits == f"{float(found.nats_BT[row, at]) / math.log(2):.1f}"
    assert token == pane.batch.text_of(int(found.ids_BT[row, at]))
    assert after.endswith(pane.batch.text_of(int(found.ids_BT[row, at - 1])))


def test_a_clicked_token_becomes_the_prompts_and_is_selected(pane: LossesPane, store: Store):
    found = batch(pane)
    click(pane, 1, 6)
    assert store.read is not None
    assert store.model is not None
    vocabulary = store.model.vocabulary
    text = b"".join(vocabulary[int(one)] for one in found.ids_BT[1][:16]).decode()
    assert store.read.text == text
    assert store.selection.position == 6
    assert store.read.tokens[6].id == found.ids_BT[1, 6]
    assert pane.texts.current == (1, 6)


def test_the_last_of_a_window_which_was_only_predicted_finds_room(pane: LossesPane, store: Store):
    found = batch(pane)
    last = found.ids_BT.shape[1] - 1
    click(pane, 0, last)
    assert store.read is not None
    assert store.read.n_tokens == last  # the context is full
    assert store.selection.position == last - 1
    assert store.read.tokens[last - 1].id == found.ids_BT[0, last]


def test_the_worst_are_listed_dearest_first_and_lead_to_their_text(pane: LossesPane, store: Store):
    found = batch(pane)
    shown_bits = [float(line.cells[0]) for line in pane.worst.lines]
    assert shown_bits == sorted(shown_bits, reverse=True)
    at = QPoint(20, int(HEAD + 2.5 * HIGH))
    QTest.mouseClick(pane.worst.viewport(), Qt.MouseButton.LeftButton, pos=at)
    pane.refresh_now()
    row, place = (int(one) for one in found.worst_K2[2])
    assert pane.texts.current == (row, place)
    assert store.read is not None
    assert store.read.tokens[store.selection.position].id == found.ids_BT[row, place]


def test_arrow_keys_walk_through_the_tokens(pane: LossesPane, store: Store):
    click(pane, 0, 3)
    QTest.keyClick(pane.texts, Qt.Key.Key_Right)
    pane.refresh_now()
    assert pane.texts.current == (0, 4)
    assert store.selection.position == 4
    QTest.keyClick(pane.texts, Qt.Key.Key_Down)
    assert pane.texts.current == (1, 4)


def test_a_number_stays_while_the_step_moves_and_next_follows_it(pane: LossesPane, desk: Desk):
    pane.controls.box.setValue(3)
    pane.refresh_now()
    assert batch(pane).number == 3
    go_to(desk, 2)
    pane.refresh_now()
    assert batch(pane).number == 3
    assert "This is what step 3 learns from." in pane.sentence.text()
    QTest.mouseClick(pane.controls.following, Qt.MouseButton.LeftButton)
    go_to(desk, 4)
    pane.refresh_now()
    assert batch(pane).number == 5


def test_validation_batches_are_as_many_as_there_are(pane: LossesPane):
    QTest.mouseClick(pane.controls.parts.buttons["validation"], Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert (batch(pane).number, batch(pane).n_batches) == (0, 2)
    assert pane.controls.box.maximum() == 1
    assert pane.controls.following.isHidden()


def test_the_gradient_is_of_the_selected_token(pane: LossesPane, store: Store):
    click(pane, 1, 6)
    view(pane, "flow")
    found = pane.answered("flow", LossFlowFound)
    assert found is not None
    assert found.target == batch_token(store, 6)
    assert found.nats == pytest.approx(float(np.round(found.nats, 9)))
    content = pane.flow.content
    assert content is not None
    np.testing.assert_array_equal(content.values_RC, found.norm_OT)
    assert content.row_labels[0] == "embed"
    assert [line.cells[2] for line in pane.into.lines] == [f"{x:.3g}" for x in found.embedding_T]
    row = found.names.index("blocks.0.mlp.hook_post")
    pane.flow.cell_chosen.emit((row, 2))
    assert store.operations[store.selection.operation].output == "blocks.0.mlp.hook_post"


def batch_token(store: Store, position: int) -> int:
    assert store.read is not None
    return store.read.tokens[position].id


def test_the_first_token_has_no_loss_that_could_flow(pane: LossesPane, store: Store):
    store.select(position=0)
    view(pane, "flow")
    assert "Nothing predicts the first token" in pane._empty.text()


def test_what_moved_is_a_table_and_a_picture_of_one_tensor(pane: LossesPane, store: Store):
    view(pane, "moved")
    found = pane.answered("moved", WeightsMovedFound)
    assert found is not None
    assert (found.since, found.step) == (6, 8)
    assert "from step 6 to 8" in pane.sentence.text().lower()
    assert [line.cells[0] for line in pane.tensors.lines] == list(found.names)
    other = found.names.index("blocks.0.mlp.W_out")
    pane.tensors.chosen.emit(other)
    pane.refresh_now()
    drawn = pane.answered("moved", WeightsMovedFound)
    assert drawn is not None
    assert drawn.drawn == "blocks.0.mlp.W_out"
    content = pane.picture.content
    assert content is not None
    np.testing.assert_array_equal(content.values_RC, drawn.picture_RC)


def test_a_batch_that_is_known_by_heart_costs_less_than_a_hundredth(pane: LossesPane):
    found = batch(pane)
    free = replace(
        found,
        nats_BT=np.where(np.arange(found.nats_BT.size) == 5, 3.0, 1e-4).reshape(
            found.nats_BT.shape
        ),
    )
    assert "half of them cost less than 0.01 bits each" in here(free)


def test_a_model_without_a_run_shows_the_story_world_and_says_so(live_store: Store, qtbot: QtBot):
    pane = shown(live_store, qtbot)
    assert batch(pane).source == "the story world"
    assert "no run folder" in pane.sentence.text()
    view(pane, "moved")
    assert "open a run folder" in pane._empty.text()


def test_choices_come_back(pane: LossesPane, store: Store, qtbot: QtBot):
    view(pane, "moved")
    other = LossesPane(store)
    qtbot.addWidget(other)
    other.recall(pane.remember())
    assert other.remember()["view"] == "moved"
    other.recall({"view": 3, "part": None})
    assert other.remember()["view"] == "batch"


def test_what_is_copied_and_exported_is_what_is_drawn(pane: LossesPane, store: Store):
    found = batch(pane)
    np.testing.assert_array_equal(pane.export_data()["nats"].values, found.nats_BT)
    space: dict[str, object] = {}
    exec(compile(script_of(pane, store), "<clipboard>", "exec"), space)
    again = [one for one in space.values() if isinstance(one, BatchLossesFound)]
    assert again[0].loss == pytest.approx(found.loss, rel=1e-6)
    assert isinstance(again[0].question, BatchLosses)


def test_one_live_step_moves_what_its_batch_says(desk: Desk, tmp_path: Path, qtbot: QtBot):
    """Of a run that learns: the next batch is at hand, and each single step's move is its own."""
    store = desk.store
    store.set_prompt("The king")
    recipe = replace(RECIPE, snapshot_every=100)
    begin = m.StartTraining(recipe=recipe, run_dir=str(tmp_path / "run"), begin_paused=True)
    desk._submit(begin)
    while store.subject is None:
        desk.advance()
    pane = shown(store, qtbot)
    view(pane, "moved")  # from now on the weights before are kept
    for n in (1, 2, 3):
        desk._submit(m.ControlTraining(action="step"))
        while store.subject is None or store.subject.step != n:
            desk.advance()
        desk.settle()
        pane.refresh_now()
        found = pane.answered("moved", WeightsMovedFound)
        assert found is not None
        assert (found.since, found.step) == (n - 1, n)
        assert 0 < found.max_abs_N.max() < 2 * recipe.lr
        assert "(one step)" in pane.sentence.text()
    view(pane, "batch")
    assert batch(pane).number == 4
    written = batch(pane).loss
    desk._submit(m.ControlTraining(action="step"))
    while store.subject.step != 4:
        desk.advance()
    told = [
        event.train_loss
        for result in desk.results
        if isinstance(result, m.TrainingProgressed)
        for event in result.events
        if isinstance(event, StepDone) and event.step == 4
    ]
    assert told == [pytest.approx(written, abs=1e-6)]
    desk._submit(m.ControlTraining(action="stop"))
    desk.finish()
