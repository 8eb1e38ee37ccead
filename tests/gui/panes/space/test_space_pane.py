"""The pane shows the vocabulary where the weights put it, and answers with exact cosines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.space import scene, ways
from gui.panes.space import trails as trail
from gui.panes.space.pane import SpacePane
from gui.panes.space.rows import Rows
from gui.session.store import Store
from gui.widgets.point_cloud.overlay import Line, Overlay
from gui.widgets.point_cloud.renderer import NO_GL_VARIABLE
from model import messages as m
from model.probe.question import Named
from model.space.questions.asks import Metric
from model.tokenizer.tokens import Token
from model.train.presets import preset
from tests.gui.desk import Desk


@pytest.fixture(autouse=True)
def dark_still_and_software(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same pixels on every machine; OpenGL has its own tests, held to the same camera."""
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    monkeypatch.setattr(theme, "MOTION_MS", 0)
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> SpacePane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, width: int = 1000, height: int = 640) -> SpacePane:
    pane = SpacePane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    pane.refresh_now()  # what the first one asked for is there now
    return pane


def table_of(desk: Desk, name: str = "W_E") -> NDArray[np.float64]:
    """Token vectors straight from the model, one a row."""
    weights = desk.lm.parameter(name).detach().double().numpy()
    return weights if name == "W_E" else weights.T


def cosines(table: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Written apart from the program's own, which the test is about."""
    return np.asarray(table @ vector / np.linalg.norm(table, axis=1) / np.linalg.norm(vector))


def token_id(store: Store, word: str) -> int:
    assert store.model is not None
    found = store.model.find_token(word)
    assert found is not None
    return found


def vocabulary_of(store: Store) -> m.VocabularyProjected:
    assert store.vocabulary is not None
    return store.vocabulary


def tokens_of(store: Store) -> tuple[Token, ...]:
    assert store.read is not None
    return store.read.tokens


def answer_of(store: Store) -> m.NeighboursFound:
    assert store.neighbours is not None
    return store.neighbours


def pixels(image: QImage) -> NDArray[np.int64]:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    return rows[:, : image.width(), 2::-1].astype(int)


def rgb(name: str) -> NDArray[np.int64]:
    color = QColor(getattr(theme.current(), name))
    return np.array([color.red(), color.green(), color.blue()])


def settle(pane: SpacePane) -> None:
    """Draw all that is waiting, and what that asks for."""
    for _ in range(3):
        pane.refresh_now()


def move(pane: SpacePane, at: QPoint) -> None:
    view, none = pane.view, Qt.MouseButton.NoButton
    local, world = QPointF(at), QPointF(view.mapToGlobal(at))
    kind, bare = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(view, QMouseEvent(kind, local, world, none, none, bare))


def click(pane: SpacePane, at: QPoint) -> None:
    QTest.mouseClick(pane.view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)


def lonely_tokens(pane: SpacePane, n: int, room: float = 14.0) -> list[int]:
    """Tokens in sight that have no other point near them on the screen."""
    xy = pane.view.project(pane.view.shown_points).xy
    inside = np.all((xy > 15) & (xy < [pane.view.width() - 15, pane.view.height() - 15]), axis=1)
    away = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    np.fill_diagonal(away, np.inf)
    found = np.flatnonzero(inside & (away.min(1) > room))
    assert len(found) >= n
    return [int(token) for token in found[:n]]


def spot(pane: SpacePane, token: int) -> QPoint:
    x, y = pane.view.project(pane.view.shown_points[[token]]).xy[0]
    return QPoint(int(x), int(y))


def choose_source(pane: SpacePane, key: str) -> None:
    """As a person does in the list of tables."""
    sources = pane._body.sources
    sources.setCurrentIndex(sources.findData(key))
    sources.activated.emit(sources.currentIndex())
    settle(pane)


def choose_axes(pane: SpacePane, name: str) -> None:
    """As a person does in the list of projections."""
    projections = pane._body.projections
    projections.setCurrentIndex(projections.findData(name))
    projections.activated.emit(projections.currentIndex())
    settle(pane)


def offered(pane: SpacePane) -> list[str]:
    sources = pane._body.sources
    return [sources.itemData(at) for at in range(sources.count())]


def type_text(pane: SpacePane, text: str) -> None:
    pane.search.clear()
    pane.search.setFocus()
    QTest.keyClicks(pane.search, text)
    settle(pane)


# ------------------------------------------------------------------------------ the cloud


def test_points_are_the_embedding_on_its_principal_axes(pane: SpacePane, desk: Desk) -> None:
    table = table_of(desk)
    centred = table - table.mean(0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ axes[:3].T
    found = pane.view.shown_points
    assert found.shape == (len(table), 3)
    for axis in range(3):  # an axis may point either way
        sign = np.sign(expected[:, axis] @ found[:, axis])
        assert np.allclose(found[:, axis], sign * expected[:, axis], atol=1e-4)
    kept = (singular[:3] ** 2).sum() / (singular**2).sum()
    assert f"{len(table):,} tokens" in pane.header_note()
    assert f"{kept:.1%}" in pane.header_note()


def test_every_lonely_token_is_drawn_at_its_point(pane: SpacePane) -> None:
    pane.view.set_overlay(Overlay())
    picture = pixels(pane.view.grab().toImage())
    lit = (np.abs(picture - rgb("background")).max(-1) > 8).astype(float)
    # Straight from the store's points through the camera, as the camera's own tests check it.
    points = vocabulary_of(pane.store).points
    xy = pane.view.camera.project(points, pane.view.width(), pane.view.height()).xy
    for token in lonely_tokens(pane, 15):
        x, y = xy[token]
        left, top = int(x) - 6, int(y) - 6
        patch = lit[top : top + 13, left : left + 13]
        assert patch.sum() > 1, token
        rows, columns = np.mgrid[top : top + 13, left : left + 13]
        centre = [(patch * (columns + 0.5)).sum(), (patch * (rows + 0.5)).sum()] / patch.sum()
        assert np.abs(centre - [x, y]).max() < 1.0


def test_colour_can_be_the_length_of_the_vector(pane: SpacePane) -> None:
    pane.tools.norm.trigger()
    settle(pane)
    norms = vocabulary_of(pane.store).norms
    assert f"{norms.min():.2f} to {norms.max():.2f}" in pane.status.text()
    pane.view.set_overlay(Overlay())
    picture = pixels(pane.view.grab().toImage())
    tokens = lonely_tokens(pane, 15)
    look = pane.view._look()
    xy, depth = pane.view.project(pane.view.shown_points)
    table = theme.sequential_table().astype(float)
    for token in tokens:
        opacity = look.opacities(depth[[token]])[0]
        found = picture[int(xy[token, 1]), int(xy[token, 0])]
        # Undo the fading, find the colour on the map, and the length that it stands for.
        color = rgb("background") + (found - rgb("background")) / opacity
        share = np.abs(table - color).sum(1).argmin() / 255
        length = norms.min() + (share - 0.25) / 0.75 * np.ptp(norms)
        assert length == pytest.approx(norms[token], abs=0.06 * float(np.ptp(norms)))


def test_the_unembedding_is_one_click_away(pane: SpacePane, desk: Desk) -> None:
    choose_source(pane, "W_U")
    settle(pane)
    table = table_of(desk, "W_U")
    assert vocabulary_of(pane.store).matrix == "W_U"
    assert "of W_U" in pane.header_note()
    centred = table - table.mean(0)
    expected = np.linalg.norm(centred @ np.linalg.svd(centred)[2][:3].T, axis=1)
    assert np.allclose(np.linalg.norm(pane.view.shown_points, axis=1), expected, atol=1e-3)
    # And the neighbours are those of that table.
    found = answer_of(pane.store)
    assert found.matrix == "W_U"
    exact = cosines(table, table[found.terms[0][1]])
    assert np.allclose(found.values, exact[list(found.ids)], atol=1e-5)


def test_tied_embeddings_offer_no_second_table(pane: SpacePane) -> None:
    assert "W_U" in offered(pane)
    model = pane.store.model
    assert model is not None
    info = replace(model, config=replace(model.config, tied_embeddings=True))
    pane.store.receive(m.ModelOpened(request_id=0, info=info, seconds=0.0))
    assert "W_U" not in offered(pane)
    assert "W_E" in offered(pane)


# ------------------------------------------------------------------------ pointing at tokens


def test_hovering_tells_exact_numbers_and_lights_the_prompt(pane: SpacePane) -> None:
    vocabulary = vocabulary_of(pane.store)
    token = lonely_tokens(pane, 1)[0]
    move(pane, spot(pane, token))
    x, y, z = vocabulary.points[token]
    said = pane.status.text()
    assert pane.view.hovered == token
    assert f"W_E[{token}]" in said
    assert f"length {vocabulary.norms[token]:.4f}" in said
    assert f"({x:.4f}, {y:.4f}, {z:.4f})" in said
    assert pane.view.overlay.marks[0].token == token
    king = tokens_of(pane.store)[1]
    pane.view.set_camera(replace(pane.view.camera, target=tuple(vocabulary.points[king.id])))
    move(pane, QPoint(pane.view.width() // 2, pane.view.height() // 2))
    assert pane.store.selection.hovered == 1
    move(pane, QPoint(-50, -50))
    assert pane.store.selection.hovered is None
    assert "W_E[" not in pane.status.text()


def test_a_click_selects_the_token_everywhere(pane: SpacePane, desk: Desk) -> None:
    token = lonely_tokens(pane, 3)[2]
    click(pane, spot(pane, token))
    settle(pane)
    assert pane.store.selection.vocabulary_id == token
    found = answer_of(pane.store)
    assert found.terms == ((1, token),)
    exact = cosines(table_of(desk), table_of(desk)[token])
    order = np.argsort(-exact, kind="stable")[: len(found.ids)]
    assert list(found.ids) == order.tolist()
    assert [row.token_id for row in pane.side.list.rows] == list(found.ids)
    assert [row.cosine for row in pane.side.list.rows] == pytest.approx(exact[order], abs=1e-5)
    assert [row.own for row in pane.side.list.rows] == [True] + [False] * 12
    inspected = pane.store.inspected
    assert inspected is not None
    assert (inspected.name, inspected.index) == ("W_E", (token,))
    length = vocabulary_of(pane.store).norms[token]
    assert length == pytest.approx(np.linalg.norm(table_of(desk)[token]), abs=1e-6)
    assert f"{length:.6f} long" in inspected.note
    # The inspector's line of Python fetches that vector.
    lm = desk.lm
    vector = eval(inspected.code, {"lm": lm}).detach().numpy()
    assert np.allclose(vector, table_of(desk)[token])


def test_bars_are_as_long_as_the_cosines(pane: SpacePane) -> None:
    tokens = pane.side.list
    rows = tokens.rows
    picture = pixels(tokens.viewport().grab().toImage())
    assert len(rows) == 13
    for index, row in enumerate(rows):
        assert row.cosine is not None
        box = tokens.bar_box(index)
        color = rgb("faint") if row.own else rgb("accent")
        line = picture[int(box.center().y()), int(box.left()) : int(box.right()) + 2]
        length = (np.abs(line - color).max(-1) < 12).sum()
        assert length / box.width() == pytest.approx(row.cosine, abs=1.6 / box.width())


def test_neighbours_are_joined_to_their_token(pane: SpacePane) -> None:
    found = answer_of(pane.store)
    points = vocabulary_of(pane.store).points
    others = [token for token, own in zip(found.ids, found.own) if not own]
    start = scene.place(points[found.terms[0][1]])
    for token in others:
        line = next(
            line
            for line in pane.view.overlay.lines
            if line.points == (start, scene.place(points[token]))
        )
        assert line.tone == "accent"
    assert set(others) <= {mark.token for mark in pane.view.overlay.marks}


def test_a_row_of_the_list_selects_its_token(pane: SpacePane) -> None:
    tokens = pane.side.list
    wanted = tokens.rows[2].token_id
    at = tokens.row_box(2).center().toPoint()
    QTest.mouseClick(
        tokens.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at
    )
    settle(pane)
    assert pane.store.selection.vocabulary_id == wanted
    assert answer_of(pane.store).terms == ((1, wanted),)


def test_a_token_selected_elsewhere_is_asked_about_here(pane: SpacePane) -> None:
    wanted = token_id(pane.store, "crown")
    pane.store.select(vocabulary_id=wanted)
    settle(pane)
    assert answer_of(pane.store).terms == ((1, wanted),)
    assert pane.side.title.text() == "·crown"


def test_neighbours_follow_the_selected_position(pane: SpacePane) -> None:
    for position in (1, 3):
        pane.store.select(position=position)
        settle(pane)
        assert answer_of(pane.store).terms == ((1, tokens_of(pane.store)[position].id),)


# ----------------------------------------------------------------------------------- search


def test_typing_lists_and_marks_tokens_and_enter_selects(pane: SpacePane) -> None:
    type_text(pane, "que")
    listed = [row.token_id for row in pane.side.list.rows]
    queen = token_id(pane.store, "queen")
    assert queen in listed
    model = pane.store.model
    assert model is not None
    assert set(listed) == {i for i, raw in enumerate(model.vocabulary) if b"que" in raw.lower()}
    assert queen in {mark.token for mark in pane.view.overlay.marks if mark.ring}
    QTest.keyClick(pane.search, Qt.Key.Key_Return)
    settle(pane)
    assert pane.store.selection.vocabulary_id == listed[0]
    assert answer_of(pane.store).terms == ((1, listed[0]),)


def test_arrow_keys_choose_another_match(pane: SpacePane) -> None:
    type_text(pane, "er")
    rows = pane.side.list.rows
    assert len(rows) > 3
    QTest.keyClick(pane.search, Qt.Key.Key_Down)
    QTest.keyClick(pane.search, Qt.Key.Key_Down)
    QTest.keyClick(pane.search, Qt.Key.Key_Up)
    QTest.keyClick(pane.search, Qt.Key.Key_Return)
    assert pane.store.selection.vocabulary_id == rows[1].token_id


def test_what_is_not_there_is_said(pane: SpacePane) -> None:
    type_text(pane, "zzqx")
    assert pane.side.list.rows == ()
    QTest.keyClick(pane.search, Qt.Key.Key_Return)
    settle(pane)
    assert "No token holds “zzqx”" in pane.side.detail.text()
    assert "No token holds “zzqx”" in pane.status.text()


def test_escape_returns_to_the_prompt(pane: SpacePane) -> None:
    before = answer_of(pane.store).terms
    camera = pane.view.camera
    type_text(pane, "king - man + woman")
    QTest.keyClick(pane.search, Qt.Key.Key_Return)
    settle(pane)
    assert pane.view.camera != camera
    QTest.keyClick(pane.search, Qt.Key.Key_Escape)
    settle(pane)
    assert pane.search.text() == ""
    assert answer_of(pane.store).terms == before
    assert pane.view.camera == camera


# ------------------------------------------------------------------------------ sums of words


def test_king_minus_man_plus_woman_is_queen(pane: SpacePane, desk: Desk) -> None:
    type_text(pane, "king - man + woman")
    store = pane.store
    king, man, woman, queen = (token_id(store, w) for w in ("king", "man", "woman", "queen"))
    table = table_of(desk)
    exact = cosines(table, table[king] - table[man] + table[woman])
    order = np.argsort(-exact, kind="stable")
    others = [token for token in order.tolist() if token not in (king, man, woman)]
    assert others[0] == queen  # what the bundled model was trained for
    rows = pane.side.list.rows
    assert [row.token_id for row in rows] == order[: len(rows)].tolist()
    for row in rows:
        assert row.rank == order.tolist().index(row.token_id) + 1
        assert row.own == (row.token_id in (king, man, woman))
        assert row.rank_without == (0 if row.own else others.index(row.token_id) + 1)
        assert row.cosine == pytest.approx(exact[row.token_id], abs=1e-5)
    assert pane.side.title.text() == "·king − ·man + ·woman"


def test_a_sum_is_drawn_as_arrows_that_end_where_its_vector_is(pane: SpacePane, desk: Desk) -> None:
    pane.show_expression("king - man + woman")
    settle(pane)
    table = table_of(desk)
    king, man, woman = (token_id(pane.store, w) for w in ("king", "man", "woman"))
    vocabulary = vocabulary_of(pane.store)
    vector = table[king] - table[man] + table[woman]
    end = (vector - vocabulary.mean) @ vocabulary.axes.T
    arrows = [line for line in pane.view.overlay.lines if line.arrow and line.tone == "series 2"]
    dashed, solid = arrows
    points = vocabulary.points
    assert dashed.dashed
    assert dashed.points == (scene.place(points[man]), scene.place(points[woman]))
    assert solid.points[0] == scene.place(points[king])
    assert solid.points[1] == pytest.approx(end.tolist(), abs=1e-5)
    # All of it has been brought into sight.
    places = pane.view.project([*dashed.points, *solid.points]).xy
    assert (places > 0).all()
    assert (places < [pane.view.width(), pane.view.height()]).all()


@pytest.mark.parametrize(
    "terms", [((1, 3), (1, 4)), ((-1, 5),), ((1, 3), (-1, 4)), ((-1, 1), (1, 2), (1, 9), (-1, 7))]
)
def test_any_sum_ends_where_its_vector_is(
    pane: SpacePane, desk: Desk, terms: tuple[tuple[int, int], ...]
) -> None:
    vocabulary = vocabulary_of(pane.store)
    lines, end = scene.sum_lines(terms, vocabulary.points, scene.origin(vocabulary))
    table = table_of(desk)
    vector = np.sum([sign * table[token] for sign, token in terms], axis=0)
    expected = (vector - vocabulary.mean) @ vocabulary.axes.T
    assert end == pytest.approx(expected.tolist(), abs=1e-5)
    solid: list[Line] = [line for line in lines if not line.dashed]
    for before, after in pairwise(solid):
        assert before.points[-1] == after.points[0]


def test_a_word_that_is_no_token_gives_a_sentence(pane: SpacePane) -> None:
    pane.show_expression("king - unicorn + woman")
    settle(pane)
    assert "“unicorn” is not one token" in pane.side.detail.text()
    assert pane.status.tone == "warning"
    type_text(pane, "king - man + woman")
    assert pane.status.tone != "warning"
    assert pane.side.list.rows


def test_while_a_sum_is_typed_its_last_word_is_looked_for(pane: SpacePane) -> None:
    model = pane.store.model
    assert model is not None
    assert model.find_token("quee") is None
    type_text(pane, "king - quee")
    assert token_id(pane.store, "queen") in {row.token_id for row in pane.side.list.rows}
    type_text(pane, "king - woman")
    assert pane.side.title.text() == "·king − ·woman"


def test_a_word_that_is_looked_for_after_a_sum_shows_its_own_neighbours(pane: SpacePane) -> None:
    type_text(pane, "king - man + woman")
    QTest.keyClick(pane.search, Qt.Key.Key_Return)
    settle(pane)
    queen = token_id(pane.store, "queen")
    assert queen in answer_of(pane.store).ids
    type_text(pane, "queen")
    QTest.keyClick(pane.search, Qt.Key.Key_Return)
    settle(pane)
    assert answer_of(pane.store).terms == ((1, queen),)
    assert pane.side.title.text() == "·queen"


def test_a_result_can_be_picked_without_losing_the_sum(pane: SpacePane) -> None:
    pane.show_expression("king - man + woman")
    settle(pane)
    terms = answer_of(pane.store).terms
    queen = token_id(pane.store, "queen")
    pane.side.token_chosen.emit(queen)
    settle(pane)
    assert pane.store.selection.vocabulary_id == queen
    assert answer_of(pane.store).terms == terms
    inspected = pane.store.inspected
    assert inspected is not None
    cosine = answer_of(pane.store).values[answer_of(pane.store).ids.index(queen)]
    assert f"Its cosine with ·king − ·man + ·woman is {cosine:.6f}" in inspected.note
    # Nor by moving the mouse over the prompt, or about the space.
    pane.store.select(hovered=2)
    pane.store.select(position=2)
    settle(pane)
    assert answer_of(pane.store).terms == terms


def test_a_sum_that_points_nowhere_is_refused_in_words(pane: SpacePane) -> None:
    pane.show_expression("king - king")
    settle(pane)
    assert "points nowhere" in pane.side.detail.text()
    assert len(pane.view.shown_points), "the cloud stays where it was"
    assert pane.view.isVisible()
    pane.show_expression("king - man + woman")
    settle(pane)
    assert "points nowhere" not in pane.side.detail.text() + pane.status.text()


@pytest.mark.parametrize(
    ("metric", "words"),
    [("cosine", "cosine with"), ("dot", "dot product with"), ("euclidean", "distance from")],
)
def test_what_near_means_is_said_and_the_nearest_has_the_strongest_line(
    pane: SpacePane, metric: Metric, words: str
) -> None:
    pane.show_expression("king - man + woman")
    settle(pane)
    pane.side.metric_chosen.emit(metric)
    settle(pane)
    found = answer_of(pane.store)
    assert found.question.metric == metric
    queen = token_id(pane.store, "queen")
    pane.side.token_chosen.emit(queen)
    settle(pane)
    value = found.values[found.ids.index(queen)]
    assert pane.store.inspected is not None
    said = f"Its {words} ·king − ·man + ·woman is {value:.6f}"
    assert said in pane.store.inspected.note
    lines = scene.neighbour_lines(found, (0.0, 0.0, 0.0), vocabulary_of(pane.store).points)
    opacity = [line.opacity for line in lines]
    assert len(opacity) > 3
    assert (opacity[0], opacity[-1]) == pytest.approx((0.52, 0.12))
    assert opacity == sorted(opacity, reverse=True)


def test_tokens_without_names_can_be_searched_in_vain(pane: SpacePane) -> None:
    model = pane.store.model
    assert model is not None
    nameless = Rows(vocabulary_of(pane.store), replace(model, vocabulary=()))
    assert nameless.n == model.n_tokens
    assert not len(nameless.holding("king"))
    assert not len(nameless.holding("/king/"))
    assert nameless.kind(3)


# ------------------------------------------------------------------- ways through the layers


def path_of(pane: SpacePane) -> Line:
    lines = [line for line in pane.view.overlay.lines if line.tone == ways.PATH_TONE]
    return max(lines, key=lambda line: line.width)


def residuals(desk: Desk, position: int, text: str | None = None) -> NDArray[np.float64]:
    """The stream at every station, from a whole trace."""
    names = ["hook_embed", "blocks.0.hook_resid_pre"]
    names += [f"blocks.{layer}.hook_resid_post" for layer in range(desk.lm.config.n_layers)]
    trace = desk.lm.trace(desk.store.prompt if text is None else text)
    return np.stack([trace[name][0, position].double().numpy() for name in names])


def test_the_path_is_the_residual_stream_on_the_same_axes(pane: SpacePane, desk: Desk) -> None:
    store, vocabulary = pane.store, vocabulary_of(pane.store)
    pane.tools.true_length.trigger()
    store.select(position=4)
    settle(pane)
    expected = (residuals(desk, 4) - vocabulary.mean) @ vocabulary.axes.T
    assert np.allclose(path_of(pane).points, expected, atol=1e-4)
    # It begins at the token's own point.
    token = tokens_of(store)[4].id
    assert np.allclose(path_of(pane).points[0], vocabulary.points[token], atol=1e-5)
    labels = [mark.text for mark in pane.view.overlay.marks if mark.tone == ways.PATH_TONE]
    assert {"+ position", "L0", "L1", "L2", "L3"} <= set(labels)
    longest = np.linalg.norm(residuals(desk, 4), axis=1).max()
    assert f"true lengths, up to {longest:.1f}" in pane.status.text()


def test_the_path_lies_on_the_axes_of_the_table_that_is_drawn(pane: SpacePane, desk: Desk) -> None:
    choose_source(pane, "W_U")
    pane.tools.true_length.trigger()
    settle(pane)
    vocabulary = vocabulary_of(pane.store)
    assert vocabulary.matrix == "W_U"
    stream = residuals(desk, pane.store.selection.position)
    assert np.allclose(
        path_of(pane).points, (stream - vocabulary.mean) @ vocabulary.axes.T, atol=1e-4
    )


def test_lengths_are_made_equal_only_where_it_is_said(pane: SpacePane, desk: Desk) -> None:
    vocabulary = vocabulary_of(pane.store)
    vectors = residuals(desk, pane.store.selection.position)
    lengths = np.linalg.norm(vectors, axis=1)
    mean = vocabulary.norms.mean()
    scaled = vectors / lengths[:, None] * mean
    expected = (scaled - vocabulary.mean) @ vocabulary.axes.T
    assert np.allclose(path_of(pane).points, expected, atol=1e-4)
    assert f"lengths set to {mean:.2f}" in pane.status.text()
    assert f"really up to {lengths.max():.1f}" in pane.status.text()


def test_true_lengths_bring_the_whole_path_into_sight(pane: SpacePane) -> None:
    near = pane.view.camera.distance
    pane.tools.true_length.trigger()
    settle(pane)
    places = pane.view.project(path_of(pane).points).xy
    assert (places > 0).all()
    assert (places < [pane.view.width(), pane.view.height()]).all()
    pane.tools.all_paths.trigger()
    settle(pane)
    for line in pane.view.overlay.lines:
        if line.tone == ways.PATH_TONE:
            places = pane.view.project(line.points).xy
            assert (places > 0).all()
            assert (places < [pane.view.width(), pane.view.height()]).all()
    pane.tools.true_length.trigger()
    settle(pane)
    assert pane.view.camera.distance == pytest.approx(near)


def test_all_positions_have_paths_and_one_is_strong(pane: SpacePane) -> None:
    pane.tools.all_paths.trigger()
    settle(pane)
    lines = [line for line in pane.view.overlay.lines if line.tone == ways.PATH_TONE]
    assert len(lines) == len(tokens_of(pane.store))
    assert sum(line.width > 1.5 for line in lines) == 1
    pane.tools.path.trigger()
    settle(pane)
    assert not [line for line in pane.view.overlay.lines if line.tone == ways.PATH_TONE]
    assert "path" not in pane.status.text()
    assert not pane.tools.all_paths.isEnabled()


def test_until_the_next_path_is_found_the_old_one_stays_with_its_labels(
    pane: SpacePane, desk: Desk
) -> None:
    pane.tools.true_length.trigger()
    settle(pane)
    before, text = path_of(pane), pane.store.prompt
    desk.hold()
    pane.store.select(position=1)
    pane.store.set_prompt("The boy")
    settle(pane)
    assert path_of(pane) == before
    labels = [mark.text for mark in pane.view.overlay.marks if mark.tone == ways.PATH_TONE]
    assert "L3" in labels
    assert "up to" in pane.status.text()
    desk.release()
    settle(pane)
    vocabulary = vocabulary_of(pane.store)
    stream = residuals(desk, pane.store.selection.position, "The boy")
    assert np.allclose(
        path_of(pane).points, (stream - vocabulary.mean) @ vocabulary.axes.T, atol=1e-4
    )
    assert text != pane.store.prompt


def test_a_path_that_takes_long_says_how_far_it_is(
    pane: SpacePane, desk: Desk, qtbot: QtBot
) -> None:
    desk.hold()
    pane.store.select(position=1)
    qtbot.waitUntil(lambda: "path: being found" in pane.status.text(), timeout=5000)
    assert desk.held is not None
    [ask] = [request for request in desk.held if isinstance(request, m.Ask)]
    pane.store.receive(m.Waiting(request_id=ask.id, share=0.4))
    pane.invalidate()
    settle(pane)
    assert "path: being found, 40%" in pane.status.text()
    pane.store.asked.cancel()
    settle(pane)
    assert "path: Cancelled." in pane.status.text()
    desk.release()


def test_the_prompts_tokens_are_marked(pane: SpacePane) -> None:
    marked = {mark.token for mark in pane.view.overlay.marks}
    assert {token.id for token in tokens_of(pane.store)} <= marked


# ------------------------------------------------------------------------ while it trains


def test_while_it_trains_the_cloud_and_the_answer_follow(
    pane: SpacePane, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane.show_expression("king - man + woman")
    settle(pane)
    asked: list[m.FindNeighbours] = []
    original = desk.store._submit

    def submit(request: m.Request) -> None:
        if isinstance(request, m.FindNeighbours):
            asked.append(request)
        original(request)

    monkeypatch.setattr(desk.store, "_submit", submit)
    vocabulary = vocabulary_of(pane.store)
    pane.store.receive(replace(vocabulary, step=7, points=vocabulary.points * 1.5))
    settle(pane)
    assert np.allclose(pane.view.shown_points, vocabulary.points * 1.5)
    assert "step 7" in pane.header_note()
    assert len(asked) == 1
    assert len(asked[0].terms) == 3
    settle(pane)
    assert len(asked) == 1


def test_while_it_learns_cloud_and_path_are_always_of_one_step(
    pane: SpacePane,
    desk: Desk,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name, value in (("LIVE_SECONDS", 0.0), ("LIVE_SHARE", 1e9), ("FLUSH_SECONDS", 0.0)):
        monkeypatch.setattr(f"model.engine.training.{name}", value)
    recipe = replace(preset("tiny"), steps=60, lr=0.05, eval_every=0, sample_every=0)
    recipe = replace(recipe, data_tokens=4_000)
    pane.tools.true_length.trigger()
    desk.store.run.start(recipe, str(tmp_path / "run"))

    def learn(steps: int) -> None:
        run = desk.store.run.current
        until = (0 if run is None else run.step) + steps
        while desk.store.run.current is None or desk.store.run.current.step < until:
            desk.advance()

    def begins_in_the_cloud() -> None:
        token = tokens_of(pane.store)[pane.store.selection.position].id
        assert np.allclose(path_of(pane).points[0], pane.view.shown_points[token], atol=1e-5)

    learn(3)
    settle(pane)
    begins_in_the_cloud()
    cloud, note = pane.view.shown_points.copy(), pane.header_note()
    desk.hold()  # the question about the next look waits
    learn(3)
    settle(pane)
    newest = [result for result in desk.results if isinstance(result, m.VocabularyProjected)][-1]
    assert f"step {newest.step}" not in note
    assert np.array_equal(pane.view.shown_points, cloud), "the cloud waits for its path"
    assert pane.header_note() == note
    begins_in_the_cloud()
    # Nobody waits for ever.
    qtbot.waitUntil(lambda: f"step {newest.step}" in pane.header_note(), timeout=5000)
    qtbot.waitUntil(
        lambda: not [line for line in pane.view.overlay.lines if line.tone == ways.PATH_TONE],
        timeout=5000,
    )
    desk.release()
    settle(pane)
    assert pane.store.vocabulary is not None
    assert f"step {pane.store.vocabulary.step}" in pane.header_note()
    assert not np.allclose(pane.view.shown_points, cloud, atol=1e-4)
    begins_in_the_cloud()
    trails = [line for line in pane.view.overlay.lines if line.tone == trail.TONE]
    token = tokens_of(pane.store)[pane.store.selection.position].id
    ends = [line.points[-1] for line in trails]
    assert np.abs(np.array(ends) - pane.view.shown_points[token]).max(1).min() < 1e-5
    assert "trails: step" in pane.status.text()
    desk.store.run.stop()
    while desk.engine.busy:
        desk.advance()


def test_points_are_on_their_way_while_motion_is_on(
    pane: SpacePane, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(theme, "MOTION_MS", 150)
    vocabulary = vocabulary_of(pane.store)
    goal = vocabulary.points + np.float32(0.1)
    pane.store.receive(replace(vocabulary, step=8, points=goal))
    pane.refresh_now()
    assert pane.view.moving
    qtbot.waitUntil(lambda: not pane.view.moving, timeout=5000)
    assert np.array_equal(pane.view.shown_points, goal)
    # The marks have come along.
    mark = next(mark for mark in pane.view.overlay.marks if mark.token is not None)
    assert mark.at == scene.place(goal[mark.token or 0])


def test_another_model_keeps_the_sum_that_is_watched(pane: SpacePane, desk: Desk) -> None:
    from resources import STORY_WORLD

    pane.show_expression("king - man + woman")
    settle(pane)
    desk.store.opening.open(str(STORY_WORLD))
    settle(pane)
    assert len(answer_of(pane.store).terms) == 3
    assert pane.side.title.text() == "·king − ·man + ·woman"


# -------------------------------------------------------------------- empty, small, themed


def test_without_a_model_the_pane_says_what_to_do(desk: Desk, qtbot: QtBot) -> None:
    pane = shown(desk.store, qtbot)
    assert pane._body.empty.isVisible()
    assert "Open a checkpoint" in pane._body.empty.text()
    assert pane.export_data() == {}
    assert pane.header_note() == ""
    pane.show_expression("king - man")
    pane.reset_view()


def test_without_a_prompt_the_cloud_is_there(pane: SpacePane) -> None:
    pane.store.set_prompt("")
    settle(pane)
    assert pane.store.read is None
    assert len(pane.view.shown_points)
    assert not [line for line in pane.view.overlay.lines if line.tone == ways.PATH_TONE]
    pane.view.grab()


@pytest.mark.parametrize("size", [(180, 120), (300, 200), (420, 560), (700, 300), (1200, 800)])
def test_at_any_size_nothing_overlaps(
    live_store: Store, qtbot: QtBot, size: tuple[int, int]
) -> None:
    pane = shown(live_store, qtbot, *size)
    pane.tools.all_paths.trigger()
    pane.show_expression("king - man + woman")
    settle(pane)
    qtbot.wait(30)
    pane.grab()
    boxes = [label.box for label in pane.view.labels]
    for i, box in enumerate(boxes):
        assert pane.view.rect().toRectF().contains(box)
        assert not any(box.intersects(other) for other in boxes[:i])
    assert pane.view.height() >= 60
    parts = [pane.search, pane.view, pane.status, pane.tools]
    if pane.side.isVisible():
        parts.append(pane.side)
    places = [p.rect().translated(p.mapTo(pane, QPoint())) for p in parts]
    for i, place in enumerate(places):
        assert pane.rect().contains(place)
        assert not any(place.intersects(other) for other in places[:i])


def test_a_long_prompt_is_marked_without_overlap(pane: SpacePane) -> None:
    pane.store.set_prompt("The king lost his crown. The queen found her ring. " * 9)
    pane.tools.all_paths.trigger()
    settle(pane)
    pane.view.grab()
    boxes = [label.box for label in pane.view.labels]
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_change_of_theme_is_followed(pane: SpacePane) -> None:
    theme.set_current("light")
    pane.store.theme_changed.emit()
    settle(pane)
    picture = pixels(pane.view.grab().toImage())
    assert (picture[2, 2] == rgb("background")).all()
    darkest = picture.sum(-1).min()
    assert darkest < rgb("background").sum() - 150


def test_the_view_says_why_it_is_the_software_one(pane: SpacePane) -> None:
    pane.view.grab()
    pane.invalidate()
    settle(pane)
    assert pane.view.renderer_name == "software"
    assert f"software view: {NO_GL_VARIABLE} is set" in pane.status.text()


def test_exported_data_are_what_is_drawn(pane: SpacePane) -> None:
    pane.show_expression("king - man + woman")
    settle(pane)
    data = pane.export_data()
    vocabulary = vocabulary_of(pane.store)
    arrays = {name: named.values for name, named in data.items() if isinstance(named, Named)}
    assert set(arrays) == set(data)
    assert np.array_equal(arrays["points"], vocabulary.points)
    assert np.array_equal(arrays["axes"], vocabulary.axes)
    assert arrays["tokens"][token_id(pane.store, "queen")] == "·queen"
    assert arrays["neighbour_ids"].tolist() == list(answer_of(pane.store).ids)
    terms = zip(arrays["neighbour_term_signs"], arrays["neighbour_term_ids"])
    assert tuple(terms) == answer_of(pane.store).terms
    path = data["path_points"]
    assert isinstance(path, Named)
    assert path.values.shape == (1, 6, 3)
    assert path.axes == ("position", "station", "axis")
    assert path.at["station"][0] == "hook_embed"
    assert path.at["position"].tolist() == [pane.store.selection.position]
    assert np.allclose(path.values[0], path_of(pane).points)


def test_everything_has_a_name_and_a_tip(pane: SpacePane) -> None:
    body, pages = pane._body, pane.column
    for widget in (
        *(pane.search, pane.view, pane.side.list, pane.side.histogram, pane.tools.row),
        *(body.sources, body.projections, pages.suite.editor.field, pages.along.editor.field),
        *(pages.suite.list, pages.along.plot, *body.forms["words"].findChildren(QLineEdit)),
    ):
        assert widget.accessibleName()
    for action in pane.tools.row.offered:
        assert action.toolTip()
    for button in (*pane.side.metrics.buttons.values(), *pages.pages.buttons.values()):
        assert button.toolTip()
        assert button.accessibleName()
    for choice in (body.sources, body.projections):
        tips = [choice.itemData(at, Qt.ItemDataRole.ToolTipRole) for at in range(choice.count())]
        assert all(tips)
    assert pane.search.toolTip()


def test_a_refresh_is_quick(pane: SpacePane) -> None:
    import time

    times = []
    for _ in range(9):
        pane.invalidate()
        start = time.perf_counter()
        pane.refresh_now()
        times.append(time.perf_counter() - start)
    # Under 2 ms on a quiet machine; this bound only notices work that belongs in the worker.
    assert sorted(times)[4] < 0.05


def test_a_token_that_is_not_drawn_yet_is_chosen_without_its_place(
    pane: SpacePane, live_store: Store
) -> None:
    drawn = live_store.vocabulary
    assert drawn is not None
    few = replace(drawn, points=drawn.points[:33], norms=drawn.norms[:33])
    live_store.vocabulary = few
    live_store.vocabulary_changed.emit()
    pane.refresh_now()
    inspected = live_store.inspected
    pane.choose(681)
    pane.refresh_now()
    assert live_store.selection.vocabulary_id == 681
    assert live_store.inspected is inspected
