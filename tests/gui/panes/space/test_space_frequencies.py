"""Colours by how often texts have each token, and how much more often one has it than another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.space import frequency
from gui.panes.space.pane import SpacePane
from gui.session.store import Store
from gui.widgets.point_cloud.renderer import NO_GL_VARIABLE
from model.probe.question import Named
from tests.gui.desk import Desk
from tests.gui.panes.space.test_space_groups import colour_by, hidden, legend, names, tick
from tests.gui.panes.space.test_space_pane import settle, shown, vocabulary_of

KINGS = "The old king lost his crown. The king saw the queen.\n" * 8
RIVERS = "The dog ran to the river. The cat saw the dog.\n" * 3


@pytest.fixture(autouse=True)
def still_and_software(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_GL_VARIABLE, "1")
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> SpacePane:
    return shown(live_store, qtbot)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    paths = tmp_path / "kings.txt", tmp_path / "rivers.txt"
    for path, text in zip(paths, (KINGS, RIVERS)):
        path.write_text(text, "utf-8")
    return str(paths[0]), str(paths[1])


def add(pane: SpacePane, desk: Desk, *paths: str) -> None:
    pane.grouping.frequencies._add_all(list(paths))
    while pane.grouping.frequencies.counts.counting is not None:
        desk.advance()
    settle(pane)


def counted(pane: SpacePane, desk: Desk, text: str) -> NDArray[np.int64]:
    assert desk.lm.tokenizer is not None
    ids = [token.id for token in desk.lm.tokenizer.encode(text, add_special=False).tokens]
    return np.bincount(ids, minlength=len(vocabulary_of(pane.store).points))


def test_points_are_coloured_by_how_often_a_text_has_them(
    pane: SpacePane, desk: Desk, files: tuple[str, str]
) -> None:
    colour_by(pane, "counts")
    assert pane.column.groups.said.text().startswith("Add a text")
    add(pane, desk, files[0])
    counts = counted(pane, desk, KINGS)
    groups = legend(pane)
    assert groups["never"] == int((counts == 0).sum())
    assert groups["2 to 9 ×"] == int(((counts >= 2) & (counts < 10)).sum())
    assert groups["10 to 99 ×"] == int((counts >= 10).sum()) > 0
    said = pane.column.groups.said.text()
    assert said.startswith(f"{counts.sum():,} tokens; {(counts > 0).sum():,} of")
    assert names(pane)[int(counts.argmax())] in said
    tick(pane, list(groups).index("never"), on=False)
    assert hidden(pane).tolist() == np.flatnonzero(counts == 0).tolist()


def test_several_texts_are_counted_together(
    pane: SpacePane, desk: Desk, files: tuple[str, str]
) -> None:
    colour_by(pane, "counts")
    add(pane, desk, *files)
    both = counted(pane, desk, KINGS) + counted(pane, desk, RIVERS)
    assert legend(pane)["never"] == int((both == 0).sum())
    row = pane.column.groups.texts
    assert [row.first.itemText(at) for at in range(row.first.count())] == [
        "all texts together",
        "kings.txt",
        "rivers.txt",
    ]
    row.first.setCurrentIndex(2)
    row.first.activated.emit(2)
    settle(pane)
    assert legend(pane)["never"] == int((counted(pane, desk, RIVERS) == 0).sum())


def test_one_text_is_held_against_another(
    pane: SpacePane, desk: Desk, files: tuple[str, str]
) -> None:
    colour_by(pane, "ratio")
    add(pane, desk, files[0])
    assert "Add another text" in pane.column.groups.said.text()
    add(pane, desk, files[1])
    x, y = counted(pane, desk, KINGS), counted(pane, desk, RIVERS)
    n = len(x)
    ratio = ((x + 0.5) / (x.sum() + 0.5 * n)) / ((y + 0.5) / (y.sum() + 0.5 * n))
    groups, either = legend(pane), (x > 0) | (y > 0)
    assert groups["over 8 × in kings.txt"] == int(((ratio >= 8) & either).sum()) > 0
    assert groups["over 8 × in rivers.txt"] == int(((ratio < 1 / 8) & either).sum())
    assert groups["2 to 8 × in rivers.txt"] == int(
        ((ratio >= 1 / 8) & (ratio < 1 / 2) & either).sum()
    )
    assert groups["in neither"] == int((~either).sum())
    said = pane.column.groups.said.text()
    kings, _, rivers = said.partition("; in ")
    assert "·king" in kings.partition("kings.txt: ")[2]
    assert "·dog" in rivers.partition("rivers.txt: ")[2]
    # The other way round the same tokens change sides.
    row = pane.column.groups.texts
    for choice, at in ((row.first, 1), (row.second, 0)):
        choice.setCurrentIndex(at)
        choice.activated.emit(at)
    settle(pane)
    assert legend(pane)["over 8 × in rivers.txt"] == int(((1 / ratio >= 8) & either).sum())


def test_what_occurs_once_is_not_typical() -> None:
    alike = [50] * 20
    x, y = np.array([*alike, 1, 30, 0]), np.array([*alike, 0, 2, 40])
    assert frequency.typical(x, y, 1) == ([21], [22])
    ratios = frequency.log_ratios(x, y)
    n_x, n_y = x.sum() + 0.5 * 23, y.sum() + 0.5 * 23
    assert ratios[21] == pytest.approx(np.log2((30.5 / n_x) / (2.5 / n_y)))
    assert frequency.log_ratios(y, x).tolist() == pytest.approx((-ratios).tolist())


def test_the_same_words_stand_out_among_a_texts_tokens_in_context(
    pane: SpacePane, desk: Desk, files: tuple[str, str]
) -> None:
    pane.open_text(files[1])
    settle(pane)
    colour_by(pane, "counts")
    add(pane, desk, files[0])
    counts = counted_ids(pane, desk)
    assert legend(pane)["never"] == int((counts == 0).sum())


def counted_ids(pane: SpacePane, desk: Desk) -> NDArray[np.int64]:
    """How often the first text has the token of each row of the second."""
    assert desk.lm.tokenizer is not None
    ids = [token.id for token in desk.lm.tokenizer.encode(KINGS, add_special=False).tokens]
    counts = np.bincount(ids, minlength=desk.lm.config.d_vocab)
    text = vocabulary_of(pane.store).text
    assert text is not None
    return np.asarray(counts[text.ids_N])


def test_a_text_is_forgotten_and_one_that_cant_be_read_is_named(
    pane: SpacePane, desk: Desk, files: tuple[str, str], tmp_path: Path
) -> None:
    colour_by(pane, "counts")
    add(pane, desk, str(tmp_path / "gone.txt"), files[0])
    assert pane.column.groups.said.text().startswith("gone.txt: There is no file")
    data = pane.export_data()
    assert isinstance(data["count kings.txt"], Named)
    pane.column.groups.texts.forgotten.emit(0)
    settle(pane)
    assert "tokens;" in pane.column.groups.said.text()
    pane.column.groups.texts.forgotten.emit(0)
    settle(pane)
    assert pane.column.groups.said.text().startswith("Add a text")
