"""A text file's tokens in the cloud: each in context, coloured and filtered by where it stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.space import choosing
from gui.panes.space.pane import SpacePane
from gui.session.store import Store
from gui.widgets.point_cloud.renderer import NO_GL_VARIABLE
from model import messages as m
from model.probe.question import Named
from model.space.sources.asks import TextInContext
from model.space.text_rows import TextRows
from tests.gui.desk import Desk
from tests.gui.panes.space.test_space_groups import colour_by, hidden, legend, tick
from tests.gui.panes.space.test_space_pane import (
    choose_source,
    cosines,
    lonely_tokens,
    move,
    settle,
    shown,
    spot,
    vocabulary_of,
)

LINES = "The old king lost his crown.\nThe queen of the north saw the king.\n"


@pytest.fixture(autouse=True)
def still_and_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "story.txt"
    path.write_text(LINES * 6, "utf-8")
    return path


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot, file: Path) -> SpacePane:
    pane = shown(live_store, qtbot)
    pane.open_text(str(file))
    settle(pane)
    return pane


def rows_of(pane: SpacePane) -> TextRows:
    text = vocabulary_of(pane.store).text
    assert text is not None
    return text


def held(desk: Desk, layer: int, name: str = "resid_post") -> NDArray[np.float64]:
    """What the model holds for the text's tokens, from a plain trace of its one window."""
    trace = desk.lm.trace(LINES * 6)
    found = torch.as_tensor(trace[f"blocks.{layer}.hook_{name}"])[0]
    return np.asarray(found.double().numpy())


def source_of(pane: SpacePane) -> TextInContext:
    source = vocabulary_of(pane.store).source
    assert isinstance(source, TextInContext)
    return source


def test_each_token_of_the_file_is_a_point(pane: SpacePane, desk: Desk) -> None:
    vocabulary = vocabulary_of(pane.store)
    rows = held(desk, pane.store.selection.layer)
    assert len(vocabulary.points) == len(rows)
    expected = (rows - rows.mean(0)) @ vocabulary.axes.T
    assert np.allclose(vocabulary.points, expected, atol=1e-2)
    assert f"All {len(rows)} tokens of story.txt" in pane.caption.text()
    assert "Residual stream · story.txt" in pane._body.sources.currentText()


def test_a_point_is_shown_with_the_words_around_it(pane: SpacePane) -> None:
    (row,) = lonely_tokens(pane, 1)
    move(pane, spot(pane, row))
    assert pane.view.hovered == row
    text = rows_of(pane)
    said = pane.status.text()
    before, after = pane._lookup.rows.context(row, 8, 6)
    assert said.startswith(f"{before}⟨{vocabulary_of(pane.store).labels[row]}⟩{after}")
    assert f"line {text.lines_N[row]} · position {text.positions_N[row]}" in said
    around = (before + vocabulary_of(pane.store).labels[row].replace("·", " ") + after).strip()
    assert around[:20] in (LINES * 6).replace("\n", " ") or row < 8


def test_neighbours_are_listed_in_context(pane: SpacePane, desk: Desk) -> None:
    row = next(at for at, word in enumerate(vocabulary_of(pane.store).labels) if word == "·king")
    pane.choose(row)
    settle(pane)
    rows = held(desk, pane.store.selection.layer)
    near = cosines(rows, rows[row])
    listed = pane.side.list.rows
    assert listed[0].token_id == row
    assert pane.store.selection.vocabulary_id == rows_of(pane).ids_N[row]  # for other panes
    assert listed[1].token_id == int(np.argsort(-near, kind="stable")[1])
    assert listed[0].before.endswith(" old")
    assert listed[0].after.startswith(" lost")
    tip = pane.side.list.tooltip(pane.side.list.row_box(0).center().toPoint())
    assert "⟨·king⟩" in tip
    assert "line 1" in tip


def test_points_are_coloured_and_filtered_by_token_line_and_position(pane: SpacePane) -> None:
    text = rows_of(pane)
    QTest.mouseClick(pane.column.pages.buttons["groups"], Qt.MouseButton.LeftButton)
    colour_by(pane, "token")
    labels = list(vocabulary_of(pane.store).labels)
    counted = legend(pane)
    assert counted["·the"] == labels.count("·the")
    colour_by(pane, "line")
    assert sum(legend(pane).values()) == len(labels)
    first = next(iter(legend(pane)))
    assert first == "lines 1 to 2"
    assert legend(pane)[first] == int((text.lines_N <= 2).sum())
    tick(pane, 0, on=False)
    assert hidden(pane).tolist() == np.flatnonzero(text.lines_N <= 2).tolist()
    colour_by(pane, "position")
    assert legend(pane)["positions 8 to 15"] == 8
    assert not len(hidden(pane))


def test_only_a_texts_rows_are_offered_a_line(pane: SpacePane) -> None:
    page = pane.column.groups
    assert page.by.findData("line") >= 0
    colour_by(pane, "line")
    choose_source(pane, "W_E")
    settle(pane)
    assert page.by.findData("line") < 0
    assert page.by.findData("prompt") >= 0
    assert page.key == "one"


def test_a_word_is_found_wherever_it_stands(pane: SpacePane) -> None:
    pane.search.setText("king")
    pane.search.textEdited.emit("king")
    settle(pane)
    labels = vocabulary_of(pane.store).labels
    kings = [at for at, word in enumerate(labels) if word == "·king"]
    assert pane.grouping.filtering.lit.tolist() == kings
    assert [row.token_id for row in pane.side.list.rows] == kings
    assert all(row.stands for row in pane.side.list.rows)


def test_another_part_and_another_layer_are_read_again(pane: SpacePane, desk: Desk) -> None:
    pane.store.select(layer=1)
    settle(pane)
    assert source_of(pane).layer == 1  # this one takes no time
    rows = held(desk, 1)
    assert np.allclose(vocabulary_of(pane.store).norms, np.linalg.norm(rows, axis=1), atol=1e-2)
    choose_source(pane, f"{choosing.TEXT}mlp_out")
    settle(pane)
    rows = held(desk, 1, "mlp_out")
    assert np.allclose(vocabulary_of(pane.store).norms, np.linalg.norm(rows, axis=1), atol=1e-2)


def test_a_text_that_takes_long_is_read_again_only_by_run(
    pane: SpacePane, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = source_of(pane)
    monkeypatch.setattr(choosing, "QUICK_SECONDS", 0.0)
    layer = 1 - before.layer
    pane.store.select(layer=layer)
    settle(pane)
    assert source_of(pane) == before
    assert pane._body.run.isVisible()
    assert "Run reads story.txt" in pane.status.text()
    QTest.mouseClick(pane._body.run, Qt.MouseButton.LeftButton)
    settle(pane)
    assert source_of(pane).layer == layer
    assert not pane._body.run.isVisible()


def test_reading_can_be_stopped_and_begun_again(
    pane: SpacePane, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = pane.store.tables
    request = None
    draw = sent.draw

    def hold(wanted: object) -> None:
        nonlocal request
        request = wanted
        sent.drawing = wanted  # type: ignore[assignment]
        sent.problem = ""

    monkeypatch.setattr(sent, "draw", hold)
    choose_source(pane, f"{choosing.TEXT}q")
    settle(pane)
    assert pane._body.run.text() == "Stop"
    monkeypatch.setattr(sent, "draw", draw)
    QTest.mouseClick(pane._body.run, Qt.MouseButton.LeftButton)
    settle(pane)
    assert sent.drawing is None
    assert pane._body.run.text() == "Run"
    assert "Reading was stopped. Run reads story.txt." in pane._body.empty.text()
    QTest.mouseClick(pane._body.run, Qt.MouseButton.LeftButton)
    settle(pane)
    assert source_of(pane).part == "q"


def test_that_the_model_has_learned_on_meanwhile_is_said(
    pane: SpacePane, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = pane.store.tables
    draw, held_back = tables.draw, []

    def hold(request: m.ProjectVocabulary) -> None:
        held_back.append(request)
        tables.drawing = request

    monkeypatch.setattr(tables, "draw", hold)
    choose_source(pane, f"{choosing.TEXT}q")
    settle(pane)
    monkeypatch.setattr(tables, "draw", draw)
    pane.store.receive(m.Cancelled(request_id=held_back[-1].id))
    settle(pane)
    assert "The model has learned on while the text was read" in pane._body.empty.text()
    assert pane._body.run.text() == "Run"
    QTest.mouseClick(pane._body.run, Qt.MouseButton.LeftButton)
    settle(pane)
    assert source_of(pane).part == "q"
    assert not pane._body.empty.isVisible()


def test_how_much_is_read_is_chosen(pane: SpacePane, file: Path) -> None:
    file.write_text(LINES * 400, "utf-8")
    most = pane._body.most
    assert most.isVisible()
    most.setCurrentIndex(0)
    most.activated.emit(0)
    settle(pane)
    assert len(vocabulary_of(pane.store).points) == 2_000
    assert "The first 2,000 tokens of story.txt, read in windows of" in pane.caption.text()


def test_a_file_that_is_no_text_is_refused_in_the_pane(pane: SpacePane, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\0\0")
    pane.open_text(str(path))
    settle(pane)
    assert "is no text" in pane._body.empty.text()
    assert pane._body.empty.isVisible()
    choose_source(pane, "W_E")
    settle(pane)
    assert not pane._body.empty.isVisible()


def test_what_stands_where_is_exported_and_had_again_by_the_lines_of_python(
    pane: SpacePane, desk: Desk
) -> None:
    data = pane.export_data()
    text = rows_of(pane)
    for key, expected in (("lines", text.lines_N), ("positions", text.positions_N)):
        named = data[key]
        assert isinstance(named, Named)
        assert named.values.tolist() == expected.tolist()
    names: dict[str, object] = {"lm": desk.lm}
    exec(pane.code(), names)
    assert np.allclose(names["table"].norms_N, vocabulary_of(pane.store).norms, atol=1e-4)  # type: ignore[attr-defined]
