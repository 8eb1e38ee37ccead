"""Any table is drawn on any axes, and what is asked of it is answered beside the cloud."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.space import words
from gui.panes.space.body import OPEN
from gui.panes.space.form import Form, Looked
from gui.panes.space.forms import FORMS
from gui.panes.space.pane import SpacePane
from gui.session.store import Store
from gui.widgets.point_cloud.renderer import NO_GL_VARIABLE
from model import messages as m
from model.space import projections
from model.space.files import found as limits
from model.space.projections.asks import WordAxes
from model.space.questions.asks import Along, AlongFound, SuiteFound
from model.space.registry import Projection
from model.space.sources.asks import InContext, TableFile
from tests.gui.desk import Desk
from tests.gui.panes.space.test_space_pane import (
    answer_of,
    choose_axes,
    choose_source,
    offered,
    settle,
    shown,
    table_of,
    token_id,
    vocabulary_of,
)
from tests.samples.projection import ENTRY, RandomAxes


@pytest.fixture(autouse=True)
def still_and_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> SpacePane:
    return shown(live_store, qtbot)


@pytest.fixture
def glove(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    names = ["man", "woman", "king", "queen", *(f"w{at}" for at in range(40))]
    rows = random.standard_normal((44, 12))
    rows[3] = rows[2] - rows[0] + rows[1] + 0.1 * random.standard_normal(12)
    path = tmp_path / "glove.txt"
    lines = (f"{w} {' '.join(f'{n:.5f}' for n in row)}\n" for w, row in zip(names, rows))
    path.write_text("".join(lines))
    return path


def rows_of(path: Path) -> np.ndarray:
    return np.array([line.split()[1:] for line in path.read_text().splitlines()], float)


def drop(pane: SpacePane, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
    enter = QDragEnterEvent(QPoint(10, 10), *how, Qt.KeyboardModifier.NoModifier)
    enter.ignore()
    QApplication.sendEvent(pane, enter)
    assert enter.isAccepted()
    event = QDropEvent(QPointF(10, 10), *how, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(pane, event)
    settle(pane)


# ------------------------------------------------------------------------------- sources


def test_a_file_that_is_dropped_is_drawn_searched_and_added_up(
    pane: SpacePane, glove: Path
) -> None:
    drop(pane, glove)
    rows = rows_of(glove)
    drawn = vocabulary_of(pane.store)
    assert isinstance(drawn.source, TableFile)
    assert len(pane.view.shown_points) == 44
    assert pane.header_note().startswith("44 vectors · 3 axes keep")
    assert "44 vectors in 12 dimensions" in pane.caption.text()
    assert pane._body.sources.currentText() == "glove.txt"
    pane.show_expression("king - man + woman = queen")
    settle(pane)
    end = rows[2] - rows[0] + rows[1]
    cosines = rows @ end / np.linalg.norm(rows, axis=1) / np.linalg.norm(end)
    order = np.argsort(-cosines, kind="stable").tolist()
    near = answer_of(pane.store)
    assert list(near.ids) == order[: len(near.ids)]
    rank = 1 + order.index(3)
    without = 1 + [row for row in order if row not in (0, 1, 2)].index(3)
    assert f"queen is number {without} without the words of the sum, {rank} with" in (
        pane.side.detail.text()
    )
    assert vocabulary_of(pane.store).plane, "a sum is seen in its own plane"
    assert "queen" in pane.caption.text()
    # A row of a file is no token: nothing else is selected with it.
    before = pane.store.selection.vocabulary_id
    pane.choose(20)
    settle(pane)
    assert pane.store.selection.vocabulary_id == before
    assert answer_of(pane.store).terms == ((1, 20),)
    assert any(mark.token == 20 and mark.ring for mark in pane.view.overlay.marks)


def test_where_no_model_is_open_a_file_is_drawn_all_the_same(
    desk: Desk, qtbot: QtBot, glove: Path
) -> None:
    pane = shown(desk.store, qtbot)
    assert "drop a file of vectors" in pane._body.empty.text()
    assert offered(pane) == [OPEN]
    drop(pane, glove)
    assert len(pane.view.shown_points) == 44
    assert pane.view.isVisible()
    assert offered(pane) == ["file", OPEN]


def test_a_file_stays_when_another_model_comes_and_the_vocabulary_is_a_choice_away(
    pane: SpacePane, desk: Desk, glove: Path
) -> None:
    from resources import STORY_WORLD

    drop(pane, glove)
    desk.store.opening.open(str(STORY_WORLD))
    settle(pane)
    assert len(pane.view.shown_points) == 44
    choose_source(pane, "W_E")
    assert vocabulary_of(pane.store).matrix == "W_E"
    assert len(pane.view.shown_points) == len(table_of(desk))
    assert pane._lookup.text(token_id(pane.store, "king")) == "·king"


def test_what_is_wrong_with_a_file_is_said_in_its_place(pane: SpacePane, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text("a 1 2 3\nb 1 2\n")
    drop(pane, bad)
    assert pane._body.empty.isVisible()
    assert pane._body.empty.text() == "Line 2 of bad.txt has 2 numbers; 3 are expected."
    assert not pane._body.sample.isVisible()
    choose_source(pane, "W_E")
    assert not pane._body.empty.isVisible()
    np.save(tmp_path / "same.npy", np.ones((30, 4)))
    drop(pane, tmp_path / "same.npy")
    assert "are the same" in pane._body.empty.text()
    np.save(tmp_path / "good.npy", np.random.default_rng(0).standard_normal((30, 4)))
    drop(pane, tmp_path / "good.npy")
    assert not pane._body.empty.isVisible()
    assert len(pane.view.shown_points) == 30


def test_of_too_many_rows_a_sample_is_a_press_away(
    pane: SpacePane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_ROWS", 50)
    monkeypatch.setattr(limits, "SAMPLE_ROWS", 20)
    np.save(tmp_path / "many.npy", np.random.default_rng(0).standard_normal((120, 4)))
    drop(pane, tmp_path / "many.npy")
    assert "about 120 vectors" in pane._body.empty.text()
    pane._body.sample.click()
    settle(pane)
    assert len(pane.view.shown_points) == 20
    assert "A sample: every 6th of about 120 vectors." in pane.caption.text()


def test_the_prompt_in_context_follows_layer_and_head(pane: SpacePane, desk: Desk) -> None:
    choose_source(pane, "k")
    store = pane.store
    assert store.read is not None
    for layer, head in ((0, 0), (1, 1)):
        store.select(layer=layer, head=head)
        settle(pane)
        drawn = vocabulary_of(store)
        assert isinstance(drawn.source, InContext)
        keys = desk.lm.trace(store.prompt)[f"blocks.{layer}.attn.hook_k"][0, :, head]
        assert np.allclose(drawn.norms, keys.norm(dim=-1), atol=1e-4)
        assert len(pane.view.shown_points) == store.read.n_tokens
    # A point is a position: it is selected as one.
    pane.choose(2)
    assert store.selection.position == 2
    settle(pane)
    assert answer_of(store).terms == ((1, 2),)
    rows = keys.double().numpy()
    cosines = rows @ rows[2] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[2])
    order = np.argsort(-cosines, kind="stable")
    assert np.allclose(answer_of(store).values, cosines[order[: len(answer_of(store).ids)]])


def test_a_vocabulary_that_nobody_asked_for_does_not_take_a_files_place(
    pane: SpacePane, glove: Path
) -> None:
    """As it comes again and again of a model that learns."""
    live = vocabulary_of(pane.store)
    drop(pane, glove)
    pane.store.receive(live)
    settle(pane)
    assert len(pane.view.shown_points) == 44
    assert vocabulary_of(pane.store).matrix == "glove.txt"


def test_what_is_missing_for_a_table_in_context_is_said(pane: SpacePane) -> None:
    pane.store.set_prompt("")
    settle(pane)
    choose_source(pane, "v")
    assert pane._body.empty.isVisible()
    assert "Type a prompt" in pane._body.empty.text()
    assert pane.header_note() == ""
    pane.store.set_prompt("The king lost his crown")
    settle(pane)
    assert not pane._body.empty.isVisible()
    pane.store.set_prompt("The")
    settle(pane)
    assert "a picture needs three or more" in pane._body.empty.text()


def test_a_click_elsewhere_ends_the_sum_and_its_plane(pane: SpacePane) -> None:
    pane.show_expression("king - man + woman")
    settle(pane)
    assert pane.tools.flat.isChecked()
    far = int(np.argmax(vocabulary_of(pane.store).off))
    pane.choose(far)
    settle(pane)
    assert not vocabulary_of(pane.store).plane
    assert not pane.tools.flat.isChecked()
    assert answer_of(pane.store).terms == ((1, far),)


def test_a_word_of_several_tokens_is_shown_in_them(pane: SpacePane, desk: Desk) -> None:
    pane.show_expression("king - unicornish + woman")
    settle(pane)
    assert desk.lm.tokenizer is not None
    ids = desk.lm.tokenizer.encode(" unicornish", add_special=False).ids
    pieces = ", ".join(pane._lookup.text(token) for token in ids)
    said = f"It is cut into {len(ids)}: {pieces}."
    assert said in pane.side.detail.text()
    assert said in pane.status.text()


# --------------------------------------------------------------------------- projections


def test_other_principal_axes_are_a_number_or_a_bar_away(pane: SpacePane, desk: Desk) -> None:
    table = table_of(desk)
    centred = table - table.mean(0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    form = pane._body.forms["pca"]
    form.boxes[0].setValue(8)  # type: ignore[attr-defined]
    settle(pane)
    expected = np.abs(centred @ axes[[7, 1, 2]].T)
    assert np.allclose(np.abs(pane.view.shown_points), expected, atol=1e-3)
    shares = singular**2 / (singular**2).sum()
    marks = [mark.text for mark in pane.view.overlay.marks]
    assert f"axis 8  {shares[7]:.1%}" in marks
    strip = form.spectrum  # type: ignore[attr-defined]
    bar = strip.bar(4)
    assert f"axis 5 keeps {shares[4]:.2%}" in strip.tooltip(QPoint(int(bar.center().x()), 5))
    QTest.mouseClick(
        strip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(int(bar.center().x()), 20)
    )
    settle(pane)
    assert f"axis 5  {shares[4]:.1%}" in [mark.text for mark in pane.view.overlay.marks]
    form.boxes[1].setValue(form.boxes[2].value())  # type: ignore[attr-defined]
    settle(pane)
    assert "one stands twice" in pane.status.text()


def test_axes_are_made_of_words_and_say_so(pane: SpacePane, desk: Desk) -> None:
    table = table_of(desk)
    choose_axes(pane, "words")
    assert "Type a direction" in pane.status.text()
    first, second, _ = pane._body.forms["words"].fields  # type: ignore[attr-defined]
    first.setText("woman - man")
    second.setText("unicorn - man")
    first.editingFinished.emit()
    settle(pane)
    assert "“unicorn” is not one token" in pane.status.text()
    second.setText("")
    second.editingFinished.emit()
    settle(pane)
    way = table[token_id(pane.store, "woman")] - table[token_id(pane.store, "man")]
    way /= np.linalg.norm(way)
    expected = (table - table.mean(0)) @ way
    assert np.allclose(pane.view.shown_points[:, 0], expected, atol=1e-4)
    drawn = vocabulary_of(pane.store)
    assert words.axis_names(drawn, pane._lookup.text)[0] == "woman − man"
    # Ways through the layers lie on the same axes.
    paths = pane._cloud.paths
    assert paths is not None


def test_seen_flat_the_first_two_axes_are_as_on_paper(pane: SpacePane) -> None:
    pane.tools.flat.trigger()
    settle(pane)
    points = pane.view.shown_points
    xy = pane.view.project(points).xy
    # One scale for all, however deep a point lies.
    scale = (xy[:, 0] - xy[0, 0])[1:] / (points[:, 0] - points[0, 0])[1:]
    assert np.ptp(scale[np.isfinite(scale)]) < 0.02 * np.abs(np.median(scale))
    camera = pane.view.camera
    QTest.keyClick(pane.view, Qt.Key.Key_Left)
    assert pane.view.camera.target != camera.target, "it moves and does not turn"
    assert np.allclose(pane.view.camera.axes, np.eye(3))
    pane.tools.flat.trigger()
    assert not np.allclose(pane.view.camera.axes, np.eye(3))


def test_what_only_looks_near_is_faint(pane: SpacePane, desk: Desk) -> None:
    pane.show_expression("king - man + woman")
    settle(pane)
    drawn, rgb = vocabulary_of(pane.store), pane.view._rgb.astype(int)
    ground = theme.current().color("background")
    away = np.abs(rgb - [ground.red(), ground.green(), ground.blue()]).sum(1)
    order = np.argsort(drawn.off)
    assert away[order[:5]].mean() > 2 * away[order[-200:]].mean()
    table = table_of(desk)
    king, man, woman = (token_id(pane.store, w) for w in ("king", "man", "woman"))
    end = table[king] - table[man] + table[woman]
    left = table - end - ((table - end) @ drawn.axes.T) @ drawn.axes
    assert np.allclose(drawn.off, np.linalg.norm(left, axis=1), atol=1e-3)


class _NoForm(Form):
    def projection(self, looked: Looked) -> Projection | None:
        return RandomAxes(seed=4)


def test_a_projection_that_takes_long_waits_for_run_and_can_be_stopped(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    """What is added is a line and a form: it is offered, run, drawn while it goes on, stopped."""
    for place in ("body", "chooser", "telling", "path_sides"):
        monkeypatch.setattr(
            f"gui.panes.space.{place}.PROJECTIONS", (*projections.PROJECTIONS, ENTRY)
        )
    for place in ("model.space.projecting", "model.engine.space"):
        monkeypatch.setattr(f"{place}.PROJECTIONS", (*projections.PROJECTIONS, ENTRY))
    monkeypatch.setitem(FORMS, ENTRY.name, _NoForm)
    pane = shown(live_store, qtbot)
    before = pane.view.shown_points
    choose_axes(pane, ENTRY.name)
    assert pane._body.run.isVisible()
    assert pane.view.shown_points is before, "nothing begins by itself"
    desk.hold()
    pane._body.run.click()
    assert pane._body.run.text() == "Stop"
    desk.release()
    settle(pane)
    assert vocabulary_of(pane.store).how == RandomAxes(seed=4)
    assert vocabulary_of(pane.store).share == 1
    assert "A shuffled picture" in pane.caption.text()
    assert pane._body.run.text() == "Run"
    drawn = [r.share for r in desk.results if isinstance(r, m.VocabularyProjected)]
    assert 0.5 in drawn, "seen while it goes on"


# ------------------------------------------------------------------- metrics and pages


def test_near_can_be_a_dot_product_or_a_distance(pane: SpacePane, desk: Desk) -> None:
    king = token_id(pane.store, "king")
    pane.choose(king)
    settle(pane)
    table = table_of(desk)
    for metric, values in (
        ("dot", -(table @ table[king])),
        ("euclidean", np.linalg.norm(table - table[king], axis=1)),
    ):
        pane.side.metrics.buttons[metric].click()
        settle(pane)
        rows = pane.side.list.rows
        order = np.argsort(values, kind="stable")[: len(rows)]
        assert [row.token_id for row in rows] == order.tolist()
        listed = [row.cosine for row in rows if row.cosine is not None]
        assert np.allclose(listed, np.abs(values[order]), atol=1e-4)
        found = answer_of(pane.store).found
        assert found.counts.sum() == len(table)
        assert f"All {len(table):,}" in pane.side.detail.text()
    assert pane.remember()["metric"] == "euclidean"


def test_a_suite_is_scored_and_each_analogy_seen(pane: SpacePane, desk: Desk) -> None:
    pane.column.pages.buttons["suite"].click()
    page = pane.column.suite
    page.editor.field.setPlainText(": royal\nqueen king\nwoman man\nunicorn horse")
    page.editor.button.click()
    settle(pane)
    found = pane.store.tables.answers["suite"].answer
    assert isinstance(found, SuiteFound)
    table = table_of(desk)
    king, man, woman, queen = (token_id(pane.store, w) for w in ("king", "man", "woman", "queen"))
    ranks = []
    for a, b, c, d in ((king, queen, woman, man), (man, woman, queen, king)):
        end = table[a] - table[b] + table[c]
        cosines = table @ end / np.linalg.norm(table, axis=1)
        order = [row for row in np.argsort(-cosines).tolist() if row not in (a, b, c)]
        ranks.append(1 + order.index(d))
    assert found.ranks_Q2[:, 0].tolist() == ranks
    right = sum(rank == 1 for rank in ranks) / 2
    assert page.summary.text().startswith(f"{right:.0%} of 2 analogies right")
    assert "“unicorn”" in page.summary.text()
    assert page.list.lines[0].text.startswith("royal")
    box = page.list.line_box(1)
    QTest.mouseClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=box.center().toPoint())
    settle(pane)
    assert pane.column.page == "near"
    assert vocabulary_of(pane.store).plane
    assert answer_of(pane.store).question.expected in (man, king)


def test_pairs_lie_along_the_direction_of_the_others(pane: SpacePane, desk: Desk) -> None:
    pane.column.pages.buttons["along"].click()
    page = pane.column.along
    page.editor.field.setPlainText("queen king\nwoman man\naunt uncle\ngirl boy")
    page.editor.button.click()
    settle(pane)
    found = pane.store.tables.answers["along"].answer
    assert isinstance(found, AlongFound)
    assert isinstance(found.question, Along)
    assert f"{found.ordered} of 4 pairs in order" in page.summary.text()
    table = table_of(desk)
    steps = np.stack([table[a] - table[b] for a, b in found.question.pairs])
    way = steps[1:].sum(0) / np.linalg.norm(steps[1:].sum(0))
    queen, king = found.question.pairs[0]
    assert np.allclose(found.dots_P2[0], [table[queen] @ way, table[king] @ way], atol=1e-5)
    # Each dot stands where its number is on the axis.
    for _, dots in page.plot.order:
        for dot in dots:
            assert 0 < page.plot.x_of(dot) < page.plot.viewport().width()
    rows, dots = page.plot.order[0]
    spot = QPoint(int(page.plot.x_of(dots[0])), int(page.plot.y_of(0)))
    assert f"{dots[0]:.4f}" in page.plot.tooltip(spot)
    QTest.mouseClick(page.plot.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    settle(pane)
    assert pane.store.selection.vocabulary_id == rows[0]
    page.across.click()
    settle(pane)
    how = vocabulary_of(pane.store).how
    assert isinstance(how, WordAxes)
    assert how.directions[0].plus == tuple(pair[0] for pair in found.question.pairs)
    assert {"along_dot", "off", "similarity_counts"} <= set(pane.export_data())


def test_words_that_are_no_tokens_are_named_where_nothing_is_left(pane: SpacePane) -> None:
    page = pane.column.suite
    page.editor.field.setPlainText("unicorn centaur griffin sphinx")
    page.editor.button.click()
    assert "“unicorn”" in page.summary.text()
    along = pane.column.along
    along.editor.field.setPlainText("unicorn centaur")
    along.editor.button.click()
    assert "“centaur”" in along.summary.text()


def test_what_was_written_comes_back(pane: SpacePane, live_store: Store, qtbot: QtBot) -> None:
    pane.column.suite.editor.field.setPlainText("a b c d")
    pane.column.along.editor.field.setPlainText("a b")
    first = pane._body.forms["words"].fields[0]  # type: ignore[attr-defined]
    first.setText("woman - man")
    pane.side.metrics.buttons["dot"].click()
    kept = pane.remember()
    other = shown(live_store, qtbot)
    other.recall(kept)
    assert other.remember() == kept
    other.recall({"metric": 3, "axes": {"x": 1}, "suite": None})
    assert other.remember() == kept
