"""What is exported of the next token is one answer, about one prompt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from gui.panes.prediction.pane import PredictionPane
from gui.session.store import Store
from gui.settings import Settings
from gui.window.files import Files
from gui.window.pane_host import PaneHost
from tests.gui.desk import Desk
from tests.gui.panes.prediction.test_prediction_pane import logits_of, shown, softmax


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PredictionPane:
    return shown(live_store, qtbot)


def test_exported_data_are_the_whole_distribution(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    pane.prepare_export()
    data = pane.export_data()
    logits = logits_of(desk)[pane.position]
    assert sorted(data["id"]) == list(range(len(logits)))
    np.testing.assert_allclose(data["logit"], logits[data["id"]], rtol=0, atol=1e-4)
    np.testing.assert_allclose(data["probability"], softmax(logits)[data["id"]], atol=1e-5)
    assert data["probability"].sum() == pytest.approx(1)
    assert (np.diff(data["probability"]) <= 0).all()
    assert live_store.model is not None
    assert data["text"].tolist() == [live_store.model.token_text(i) for i in data["id"]]
    assert set(data["position"]) == {pane.position}
    assert len({len(column) for column in data.values()}) == 1


def test_before_the_whole_is_there_what_is_drawn_is_exported_and_says_of_how_many(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    drawn = pane.found
    assert drawn is not None
    desk.hold()
    pane.prepare_export()
    data = pane.export_data()
    np.testing.assert_array_equal(data["id"], drawn.ids)
    np.testing.assert_array_equal(data["probability"], drawn.probabilities)
    assert live_store.model is not None
    assert set(data["d_vocab"]) == {live_store.model.config.d_vocab}
    assert len(data["id"]) < live_store.model.config.d_vocab
    desk.release()


def test_an_export_is_of_one_prompt_also_while_the_pane_was_hidden(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    pane.hide()
    live_store.set_prompt("The dog saw a big")
    assert pane.export_data() == {}, "nothing is drawn, and nothing was asked for an export"
    pane.prepare_export()
    data = pane.export_data()
    logits = logits_of(desk)[-1]
    np.testing.assert_allclose(data["logit"], logits[data["id"]], rtol=0, atol=1e-4)
    np.testing.assert_allclose(data["probability"], softmax(logits)[data["id"]], atol=1e-5)
    pane.prepare_export()
    live_store.set_prompt("The cat")
    # What was asked for was about another prompt: it is nobody's any more.
    assert pane.export_data() == {}


def test_nothing_of_a_model_with_another_vocabulary_is_exported(
    pane: PredictionPane, live_store: Store, desk: Desk, opened: Callable[..., Store]
) -> None:
    pane.prepare_export()
    pane.hide()
    assert live_store.model is not None
    larger = live_store.model.config.d_vocab
    opened("mixtral")
    assert live_store.model.config.d_vocab < larger
    assert pane.export_data() == {}
    pane.show()
    pane.refresh_now()
    pane.prepare_export()
    data = pane.export_data()
    assert sorted(data["id"]) == list(range(live_store.model.config.d_vocab))


def test_an_export_is_about_the_position_that_is_drawn(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    pane.prepare_export()
    live_store.select(position=2)
    pane.refresh_now()
    data = pane.export_data()
    assert set(data["position"]) == {2}
    np.testing.assert_allclose(data["logit"], logits_of(desk)[2, data["id"]], rtol=0, atol=1e-4)


def test_the_file_that_a_person_chooses_holds_the_whole_vocabulary(
    pane: PredictionPane, live_store: Store, desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    host = cast(PaneHost, SimpleNamespace(in_focus=pane))
    files = Files(window, live_store, Settings(), host)
    files.ask_export_data()
    dialog = window.findChild(QFileDialog, "file_dialog")
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "next.npz"))
    dialog.close()
    qtbot.waitUntil(lambda: not live_store.exporting.going, timeout=20_000)
    with np.load(tmp_path / "next.npz") as data:
        logits = logits_of(desk)[-1]
        assert len(data["id"]) == len(logits)
        np.testing.assert_allclose(data["logit"], logits[data["id"]], rtol=0, atol=1e-4)
