"""The film of a byte-pair encoding: what is drawn is the history's, and every state can be had."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.bpe.pane import BpePane
from gui.panes.bpe.recut import _coming
from gui.panes.bpe.source_form import FILE, LOW, PROMPT, TYPED, WORLD
from gui.panes.bpe.view import TITLE_HEIGHT, mono_metrics
from gui.session.state import Notice
from gui.session.store import Store
from model.tokenizer.bpe_history import BpeHistory, Recut
from model.tokenizer.bpe_training import words_of
from model.tokenizer.tokenizer import Tokenizer
from model.train.recipe import Recipe
from tests.gui.desk import PROMPT as TEXT
from tests.gui.desk import Desk
from tests.gui.mouse import move_to
from tests.gui.pixels import pixels

STORY = (TEXT + "\n") * 30


@pytest.fixture(autouse=True)
def at_rest() -> None:
    theme.set_motion(False)


@pytest.fixture
def pane(live_store: Store, desk: Desk, qtbot: QtBot) -> BpePane:
    return shown(live_store, desk, qtbot)


def shown(store: Store, desk: Desk, qtbot: QtBot, size: tuple[int, int] = (815, 449)) -> BpePane:
    pane = BpePane(store)
    qtbot.addWidget(pane)
    pane.resize(*size)
    with qtbot.waitExposed(pane):
        pane.show()
    finish(pane, desk)
    return pane


def finish(pane: BpePane, desk: Desk) -> None:
    """Let the worker learn to the end, and draw it."""
    while pane.store.learning_bpe.asked is not None:
        desk.advance()
    pane.refresh_now()


def learn(pane: BpePane, desk: Desk, text: str, vocab_size: int = 300) -> BpeHistory:
    """What the pane has learnt from a typed text."""
    pane.form.choose(TYPED)
    pane.form.typed.setPlainText(text)
    pane.form.size_box.setValue(vocab_size)
    QTest.mouseClick(pane.learn_button, Qt.MouseButton.LeftButton)
    finish(pane, desk)
    assert pane.history is not None
    return pane.history


def go(pane: BpePane, k: int) -> None:
    pane.film.go_to(k)
    pane.refresh_now()


def test_it_opens_with_the_textbook(pane: BpePane):
    history = pane.history
    assert history is not None
    assert [history.tokens[id] for id in history.made] == [b"lo", b"low", b"lowe"]
    assert "Before the first merge" in pane.sentence.text()
    go(pane, 2)
    assert "“lo” + “w”, found 3 times" in pane.sentence.text()
    assert "10 tokens" in pane.sentence.text()


def test_bars_are_the_counts_of_the_state(pane: BpePane, desk: Desk):
    history = learn(pane, desk, STORY)
    race = pane.stage.race
    assert race.rows(0) == [
        ((int(left), int(right)), int(n))
        for (left, right), n in zip(history.leaders[0], history.leader_counts[0], strict=True)
    ]
    for k in (0, 5, history.n_merges):
        go(pane, k)
        lengths = [race.bar_rect(rank, n).width() for rank, (_, n) in enumerate(race.rows())]
        assert lengths == sorted(lengths, reverse=True)
    go(pane, 0)
    assert race.bar_rect(0, race.rows()[0][1]).right() < race.viewport().width()
    accent = theme.current().color("accent")
    bar = race.bar_rect(0, race.rows()[0][1]).toRect()
    drawn = pixels(race.viewport())[bar.center().y(), bar.left() + 4]
    assert np.abs(drawn[:3].astype(int) - [accent.red(), accent.green(), accent.blue()]).max() < 3


def test_the_axis_of_the_bars_is_one_for_the_whole_film(pane: BpePane, desk: Desk):
    learn(pane, desk, STORY)
    race = pane.stage.race
    before = race.bar_rect(0, 40).width()
    go(pane, 20)
    assert race.bar_rect(0, 40).width() == before


def test_the_text_is_cut_by_the_merges_so_far(pane: BpePane, desk: Desk):
    history = learn(pane, desk, STORY)
    cut = Recut(history).cut
    for k in (0, 1, 7, history.n_merges):
        go(pane, k)
        ids = [id for word in words_of(STORY) for id in cut(word, k)]
        drawn = [chip.id for chip in pane.stage.recut.chips]
        assert drawn == ids
        assert drawn == history.tokenizer(k).encode(STORY).ids


def test_another_width_puts_the_text_into_lines_and_cuts_nothing(
    pane: BpePane, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    learn(pane, desk, STORY)
    go(pane, 3)
    view = pane.stage.recut
    cut: list[object] = []

    def noted(*arguments: Any) -> list[int]:
        cut.append(arguments)
        return _coming(*arguments)

    monkeypatch.setattr("gui.panes.bpe.recut._coming", noted)
    before = view.chips
    pane.resize(pane.width() - 120, pane.height())
    assert [chip.id for chip in view.chips] == [chip.id for chip in before]
    assert [chip.rect for chip in view.chips] != [chip.rect for chip in before]
    assert cut == []
    go(pane, 4)
    assert cut


def test_what_is_merged_next_is_marked(pane: BpePane, desk: Desk):
    history = learn(pane, desk, STORY)
    go(pane, 3)
    left, right = history.pairs[3].tolist()
    chips = pane.stage.recut.chips
    marked = [(a.id, b.id) for a, b in pairwise(chips) if a.next == 1]
    assert set(marked) == {(left, right)}
    assert len(marked) == history.counts[3]


@pytest.mark.parametrize(
    ("key", "goes_to"),
    [
        (Qt.Key.Key_Right, 6),
        (Qt.Key.Key_Left, 4),
        (Qt.Key.Key_Down, 15),
        (Qt.Key.Key_Home, 0),
    ],
)
def test_keys_step_through_the_film(pane: BpePane, desk: Desk, key: Qt.Key, goes_to: int):
    learn(pane, desk, STORY)
    go(pane, 5)
    pane.stage.recut.setFocus()
    QTest.keyClick(pane.stage.recut, key)
    assert pane.film.at == goes_to


def test_it_plays_to_the_end_and_rests(pane: BpePane, qtbot: QtBot):
    assert pane.history is not None
    pane.film._speed = 2
    QTest.keyClick(pane, Qt.Key.Key_Space)
    assert pane.film.playing
    qtbot.waitUntil(lambda: not pane.film.playing, timeout=10_000)
    assert pane.film.at == pane.history.n_merges
    pane.film.toggle()
    pane.hide()
    assert not pane.film.playing


def test_dragging_the_curve_sets_the_vocabulary(pane: BpePane, desk: Desk):
    history = learn(pane, desk, STORY)
    curve = pane.stage.curve
    at = curve.point_of(12).toPoint()
    QTest.mousePress(curve.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert pane.film.at == curve.state_at(at.x()) == 12
    move_to(curve.viewport(), curve.point_of(20).toPoint())
    assert pane.film.at == 20
    QTest.mouseRelease(curve.viewport(), Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert f"vocabulary {history.vocab_size(20)}" in pane.figures.text()
    assert f"{history.bytes_per_token(20):.2f} bytes each" in pane.figures.text()


def test_a_shorter_film_is_drawn_under_the_mouse_that_rested_on_a_longer(pane: BpePane, desk: Desk):
    last = learn(pane, desk, STORY).n_merges
    curve = pane.stage.curve
    move_to(curve.viewport(), curve.point_of(last).toPoint())
    curve.grab()
    history = learn(pane, desk, "aab aab", 258)
    assert history.n_merges < last
    curve.grab()  # an error in painting fails the test


def test_a_row_of_the_vocabulary_goes_to_its_merge(pane: BpePane, desk: Desk):
    history = learn(pane, desk, STORY)
    pane.stage.show_below("merges")
    merges = pane.stage.merges
    QTest.mouseClick(
        merges.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(30, TITLE_HEIGHT + 50)
    )
    assert pane.film.at == 3
    tip = merges.tooltip(QPoint(30, TITLE_HEIGHT + 50))
    assert f"id {history.made[2]}" in tip


def test_a_context_holds_more_of_the_text(pane: BpePane, desk: Desk):
    history = learn(pane, desk, STORY)
    go(pane, history.n_merges)
    n_ctx = pane.store.model.config.n_ctx  # type: ignore[union-attr]
    holds = history.n_bytes / history.n_tokens[-1] * n_ctx
    assert f"a context of {n_ctx:,} holds {holds:,.0f} bytes" in pane.sentence.text()


def test_the_prompt_the_world_and_a_file_are_learnt_from(pane: BpePane, desk: Desk, tmp_path: Path):
    pane.form.choose(PROMPT)
    pane.learn()
    finish(pane, desk)
    assert pane.history is not None
    assert pane.history.n_bytes == len(TEXT)
    file = tmp_path / "text.txt"
    file.write_text(STORY, encoding="utf-8")
    pane._learn_file(str(file))
    finish(pane, desk)
    assert pane.form.kind == FILE
    assert pane.history.n_bytes == len(STORY)
    pane.form.choose(WORLD)
    pane.form.size_box.setValue(280)
    pane.learn()
    finish(pane, desk)
    assert pane.history.n_bytes > 400_000


def test_learning_can_be_stopped_and_leaves_what_was_there(pane: BpePane, desk: Desk):
    before = pane.history
    pane.form.choose(WORLD)
    pane.learn()
    while "%" not in pane.sentence.text():
        assert desk.engine.busy
        desk.advance()
        pane.refresh_now()
    assert pane.learn_button.text() == "Stop"
    QTest.mouseClick(pane.learn_button, Qt.MouseButton.LeftButton)
    finish(pane, desk)
    assert pane.learn_button.text() == "Learn"
    assert pane.history is before


def test_what_cannot_be_learnt_says_why_in_the_pane(pane: BpePane, desk: Desk, tmp_path: Path):
    pane.form.choose(TYPED)
    pane.learn()
    pane.refresh_now()
    assert "Nothing is typed yet" in pane.sentence.text()
    pane._learn_file(str(tmp_path / "none.txt"))
    finish(pane, desk)
    assert "There is no file" in pane.sentence.text()
    learn(pane, desk, "abc")
    assert "nothing was merged" in pane.sentence.text()


def test_the_tokenizer_of_the_state_is_saved_and_opens_in_the_library(
    pane: BpePane, desk: Desk, tmp_path: Path
):
    learn(pane, desk, STORY)
    go(pane, 10)
    path = tmp_path / "tokenizer.json"
    pane.keeping.write_tokenizer(str(path))
    desk.finish()
    opened = tokenizers.Tokenizer.from_file(str(path))
    assert opened.get_vocab_size() == 267
    assert opened.encode(STORY).ids == Tokenizer.train_bpe(STORY, 267).encode(STORY).ids


def test_a_model_can_be_trained_on_it(pane: BpePane, desk: Desk, tmp_path: Path):
    learn(pane, desk, STORY)
    proposed: list[Recipe] = []
    pane.store.run.proposed.connect(proposed.append)
    path = tmp_path / "mine.json"
    pane.keeping.write_and_train(str(path))
    desk.finish()
    (recipe,) = proposed
    assert recipe.tokenizer == str(path)
    assert Path(recipe.data).read_text(encoding="utf-8") == STORY
    recipe.validate()


def test_one_press_puts_it_into_the_recipe_and_overwrites_no_other(
    pane: BpePane, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    learn(pane, desk, STORY)
    proposed: list[Recipe] = []
    pane.store.run.proposed.connect(proposed.append)
    for k in (10, 20, 20):
        go(pane, k)
        QTest.mouseClick(pane.train_button, Qt.MouseButton.LeftButton)
        desk.advance(10)
    sizes = [
        tokenizers.Tokenizer.from_file(recipe.tokenizer).get_vocab_size() for recipe in proposed
    ]
    assert sizes == [267, 277, 277]
    assert len({recipe.tokenizer for recipe in proposed}) == 3
    assert Path(proposed[0].tokenizer).is_relative_to(tmp_path / "runs")


def test_where_it_cannot_be_kept_for_training_it_is_told(
    pane: BpePane, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(
        "gui.panes.bpe.keeping.runs_folder.proposed", lambda: tmp_path / "file" / "runs"
    )
    told: list[Notice] = []
    pane.store.notice_posted.connect(told.append)
    QTest.mouseClick(pane.train_button, Qt.MouseButton.LeftButton)
    assert told[-1].level == "error"
    assert "can't be written" in told[-1].message


def test_the_textbook_is_made_of_its_pieces(pane: BpePane):
    assert "7 tokens: l, o, w, e, r, s, t" not in pane.sentence.text()  # and the line break
    assert "l, o, w, e, r, s, t" in pane.sentence.text()
    assert "Click a bar" in pane.sentence.text()
    go(pane, 2)
    assert "It is made of 6 tokens: low, e, r, s, t, " in pane.sentence.text()


def test_the_world_is_learnt_from_as_soon_as_it_is_chosen(pane: BpePane, desk: Desk):
    pane.form.size_box.setValue(270)
    pane.form.choose(WORLD)
    finish(pane, desk)
    assert pane.history is not None
    assert pane.history.n_merges == 270 - 257
    assert "Press Learn" not in pane.sentence.text()
    assert "made of" not in pane.sentence.text()  # of which the beginning alone is in view


def test_a_picture_of_another_text_or_size_says_so_until_learn_is_pressed(
    pane: BpePane, desk: Desk
):
    pane.form.choose(TYPED)
    pane.refresh_now()
    assert pane.sentence.text().startswith("Press Learn")
    learn(pane, desk, STORY)
    assert "Press Learn" not in pane.sentence.text()
    for change in (lambda: pane.form.size_box.setValue(290), lambda: pane.form.typed.clear()):
        pane._behind = False
        change()
        pane.refresh_now()
        assert pane.sentence.text().startswith("Press Learn")


@pytest.mark.parametrize("width", [150, 190, 320, 700])
def test_numbers_of_the_axis_never_touch(pane: BpePane, desk: Desk, width: int):
    learn(pane, desk, STORY * 20)
    race = pane.stage.race
    race.resize(width, 400)
    ticks = race._ticks()
    assert ticks
    digit = mono_metrics().horizontalAdvance("0")
    wide = race.bar_rect(0, race.rows(0)[0][1]).width()
    ends = [
        (wide * race.length_of(n) - digit * len(f"{n:,}") / 2, digit * len(f"{n:,}")) for n in ticks
    ]
    assert all(a + room <= b for (a, room), (b, _) in pairwise(ends))


def test_a_place_that_cannot_be_written_is_told(pane: BpePane, desk: Desk, tmp_path: Path):
    told: list[Notice] = []
    pane.store.notice_posted.connect(told.append)
    pane.keeping.write_tokenizer(str(tmp_path / "nowhere" / "tokenizer.json"))
    desk.finish()
    assert told[-1].level == "error"


def test_saving_asks_for_a_place(pane: BpePane):
    pane.save_tokenizer()
    dialog = pane.findChild(QFileDialog, "bpe_file_dialog")
    assert dialog is not None
    assert dialog.selectedFiles()[0].endswith("tokenizer.json")
    dialog.close()


def test_numbers_go_out_as_they_are(pane: BpePane, desk: Desk, tmp_path: Path):
    history = learn(pane, desk, STORY)
    data = pane.export_data()
    assert np.asarray(data["count"]).tolist() == history.counts.tolist()
    assert np.asarray(data["text_length_after"]).tolist() == history.n_tokens[1:].tolist()
    pane.keeping.copy_python()
    space: dict[str, object] = {}
    exec(QGuiApplication.clipboard().text(), space)
    again = space["history"]
    assert isinstance(again, BpeHistory)
    assert np.array_equal(again.pairs, history.pairs)
    assert len(json.loads(history.to_json())) == history.n_merges


def test_all_is_seen_in_a_wide_pane_and_chosen_in_a_narrow_one(
    live_store: Store, desk: Desk, qtbot: QtBot
):
    narrow = shown(live_store, desk, qtbot, (620, 430))
    assert narrow.stage.curve.isVisible()
    assert not narrow.stage.merges.isVisible()
    assert narrow.stage.race.n_shown >= 8
    QTest.mouseClick(narrow.stage.below.buttons["merges"], Qt.MouseButton.LeftButton)
    assert narrow.stage.merges.isVisible()
    narrow.resize(1500, 900)
    qtbot.waitUntil(lambda: narrow.stage.curve.isVisible() and narrow.stage.merges.isVisible())


def test_choices_come_back(pane: BpePane, live_store: Store, qtbot: QtBot):
    pane.stage.show_below("merges")
    pane.form.size_box.setValue(555)
    kept = pane.remember()
    other = BpePane(live_store)
    qtbot.addWidget(other)
    other.recall({"vocab_size": "x", "below": 7})
    other.recall(kept)
    assert other.form.size_box.value() == 555
    assert other.stage.below.current == "merges"
    assert other.form.kind == LOW


def test_bars_move_for_less_than_a_quarter_of_a_second(pane: BpePane, desk: Desk, qtbot: QtBot):
    learn(pane, desk, STORY)
    race = pane.stage.race
    theme.set_motion(True)
    try:
        go(pane, 1)
        animation = race._animation
        assert animation.state() == animation.State.Running
        assert animation.duration() <= 250
        qtbot.waitUntil(lambda: animation.state() != animation.State.Running)
        moved = pixels(race.viewport())
        theme.set_motion(False)
        go(pane, 0)
        go(pane, 1)
        assert animation.state() != animation.State.Running
        assert np.array_equal(pixels(race.viewport()), moved)
    finally:
        theme.set_motion(False)


def pairs_of(history: BpeHistory) -> list[tuple[bytes, bytes]]:
    return [(history.tokens[left], history.tokens[right]) for left, right in history.pairs.tolist()]


def test_a_pair_is_merged_by_hand_and_the_rest_by_frequency(pane: BpePane, desk: Desk):
    pane.form.choose(LOW)
    finish(pane, desk)
    first = pane.history
    assert first is not None
    assert pairs_of(first)[0] == (b"l", b"o")
    go(pane, 0)
    # "ow" is as frequent as "lo", and comes second: the person wants it first.
    row = next(i for i, (pair, _) in enumerate(pane.stage.race.rows()) if is_pair(first, pair))
    at = pane.stage.race.bar_rect(row, 1).center().toPoint()
    QTest.mouseClick(
        pane.stage.race.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at
    )
    finish(pane, desk)
    history = pane.history
    assert history is not None
    assert pane.film.at == 1
    assert pairs_of(history)[:2] == [(b"o", b"w"), (b"l", b"ow")]
    assert "Chosen by hand; training would take “l” + “o”, 3 times." in pane.sentence.text()
    cut = history.tokenizer().encode("low lower lowest").ids
    recut = Recut(history)
    words = words_of("low lower lowest")
    assert cut == [id for word in words for id in recut.cut(word, history.n_merges)]
    assert pane.by_frequency.isVisible()
    QTest.mouseClick(pane.by_frequency, Qt.MouseButton.LeftButton)
    finish(pane, desk)
    assert pane.history is not None
    assert pairs_of(pane.history) == pairs_of(first)
    assert pane.film.at == 1
    assert not pane.by_frequency.isVisible()


def is_pair(history: BpeHistory, pair: tuple[int, int]) -> bool:
    return (history.tokens[pair[0]], history.tokens[pair[1]]) == (b"o", b"w")


def test_two_tokens_of_the_text_are_merged_by_a_click(pane: BpePane, desk: Desk):
    pane.form.choose(LOW)
    finish(pane, desk)
    go(pane, 0)
    history = pane.history
    assert history is not None
    chip = next(
        chip
        for chip in pane.stage.recut.chips
        if history.tokens[chip.id] == b"e" and chip.after > 0
    )
    following = history.tokens[chip.after]
    at = pane.stage.recut._in_view(chip).center().toPoint()
    QTest.mouseClick(
        pane.stage.recut.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at
    )
    finish(pane, desk)
    assert pane.history is not None
    assert pairs_of(pane.history)[0] == (b"e", following)


def test_the_next_pair_by_hand_is_only_a_step(pane: BpePane, desk: Desk):
    pane.form.choose(LOW)
    finish(pane, desk)
    history = pane.history
    assert history is not None
    go(pane, 0)
    pane.merge_by_hand(*history.pairs[0].tolist())
    assert pane.film.at == 1
    assert pane.history is history
