"""How a word was cut, step by step, and the prompt under several tokenizers, as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLayout
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.base import LAST
from gui.panes.tokenizer import words
from gui.panes.tokenizer.pane import TokenizerPane, word_at
from gui.panes.tokenizer.vocabulary import COUNT, GLITCHES, LENGTH, NORM, TOKEN, VocabularyModel
from gui.session.store import Store
from gui.widgets.legend_rows import TO_TEXT
from model import messages as m
from model.tokenizer.bpe_history import BpeSettings
from model.tokenizer.bpe_training import learn_bpe
from model.tokenizer.side_by_side import CutBy
from tests.gui.desk import PROMPT, Desk


@pytest.fixture
def pane(live_store: Store, desk: Desk, qtbot: QtBot) -> TokenizerPane:
    pane = TokenizerPane(live_store)
    qtbot.addWidget(pane)
    pane.resize(815, 449)
    with qtbot.waitExposed(pane):
        pane.show()
    drawn(pane, desk)
    return pane


def drawn(pane: TokenizerPane, desk: Desk) -> None:
    """Let the worker answer, and draw it."""
    pane._dirty = True
    pane.refresh_now()
    while desk.engine.busy:
        desk.advance()
    pane._dirty = True
    pane.refresh_now()


def beside(pane: TokenizerPane, desk: Desk) -> list[CutBy]:
    QTest.mouseClick(pane.views.buttons["beside"], Qt.MouseButton.LeftButton)
    drawn(pane, desk)
    found = pane.store.tokenizing.compared
    assert found is not None
    return [cut for cut in found.cuts if isinstance(cut, CutBy)]


def test_the_word_of_the_selected_token_is_replayed(pane: TokenizerPane, desk: Desk):
    store = pane.store
    assert store.read is not None
    at = next(i for i, t in enumerate(store.read.tokens) if t.text.startswith("·crown"))
    store.select(position=at)
    drawn(pane, desk)
    found = store.tokenizing.replayed
    assert found is not None
    assert found.replay.text == " crown."
    assert list(found.replay.ids) == desk.lm.tokenizer.encode(" crown.", False).ids  # type: ignore[union-attr]


def test_rows_are_the_merges_and_boxes_the_tokens(pane: TokenizerPane, desk: Desk):
    pane.word.setText("kingfisher")
    drawn(pane, desk)
    found = pane.store.tokenizing.replayed
    assert found is not None
    (piece,) = found.replay.pieces
    view = pane.replay
    assert len(view.captions) == len(piece.steps) > 4
    last_row = max(box.rect.top() for box in view.boxes)
    row = [box for box in view.boxes if box.rect.top() == last_row]
    tokenizer = desk.lm.tokenizer
    assert tokenizer is not None
    assert [box.text for box in row] == [t.text for t in tokenizer.encode("kingfisher").tokens]
    for index, (_, said) in enumerate(view.captions[1:], start=1):
        assert said.startswith(f"rank {piece.steps[index].rank:,}: ")
    made = [box for box in view.boxes if box.kind == "made"]
    assert len(made) == len(piece.steps) - 1
    centre = made[0].rect.center().toPoint()
    assert f"id {piece.steps[1].spans[piece.steps[1].made].id}" in view.tooltip(centre)
    n = len(found.replay.ids)
    assert f"is {n} tokens after {len(piece.steps) - 1} merges" in pane.sentence.text()


def test_boxes_stand_on_one_grid(pane: TokenizerPane, desk: Desk):
    pane.word.setText("kingfisher")
    drawn(pane, desk)
    tops = sorted({box.rect.top() for box in pane.replay.boxes})
    rows = [[b.rect for b in pane.replay.boxes if b.rect.top() == top] for top in tops]
    assert len({(row[0].left(), row[-1].right()) for row in rows}) == 1
    edges = [{rect.left() for rect in row} for row in rows]
    assert all(after < before for before, after in pairwise(edges))


def test_the_prompt_stands_under_each_tokenizer(pane: TokenizerPane, desk: Desk):
    model, bytes_, characters, own = beside(pane, desk) if _learnt(pane, desk) else []
    assert [t.id for t in model.tokens] == list(pane.store.read.subject.ids)  # type: ignore[union-attr]
    assert bytes_.n_tokens == len(PROMPT.encode())
    assert characters.n_tokens == len(PROMPT)
    assert own.kind == "byte-level BPE"
    assert words.heading(model) in [said for _, said, _ in pane.aligned._heads]
    assert "an attention layer pays" in pane.sentence.text()


def _learnt(pane: TokenizerPane, desk: Desk) -> bool:
    """Something was learnt in the BPE film."""
    pane.store.learning_bpe.learn(m.LearnBpe(text=PROMPT * 3, settings=BpeSettings(270)))
    desk.finish()
    return pane.store.learning_bpe.history is not None


def test_boundaries_are_aligned_with_the_text(pane: TokenizerPane, desk: Desk):
    cuts = beside(pane, desk)
    left = {
        (box.tokenizer, cuts[box.tokenizer].tokens[box.places[0]].char_start): box.rect.left()
        for box in pane.aligned.boxes
        if box.rect.top() < 200
    }
    shared = [at for which, at in left if which == 0 and (2, at) in left]
    assert len(shared) > 5
    assert all(left[0, at] == left[2, at] for at in shared)


def test_one_character_of_several_tokens_is_one_box(pane: TokenizerPane, desk: Desk):
    pane.store.set_prompt("a 🍰 b")
    beside(pane, desk)
    (box,) = [b for b in pane.aligned.boxes if b.kind == "together" and b.tokenizer == 1]
    assert box.text == "4"
    assert len(box.places) == 4
    assert "one character together" in pane.aligned.tooltip(box.rect.center().toPoint())


def test_a_token_of_the_model_is_selected_by_a_click(pane: TokenizerPane, desk: Desk):
    beside(pane, desk)
    box = next(b for b in pane.aligned.boxes if b.tokenizer == 0 and b.places == (3,))
    QTest.mouseClick(
        pane.aligned.viewport(), Qt.MouseButton.LeftButton, pos=box.rect.center().toPoint()
    )
    assert pane.store.selection.position == 3


def test_files_stand_beside_them_and_say_why_they_cannot(
    pane: TokenizerPane, desk: Desk, tmp_path: Path
):
    good, bad = tmp_path / "tokenizer.json", tmp_path / "broken.json"
    history = learn_bpe(PROMPT * 5, BpeSettings(280))
    good.write_text(history.tokenizer().to_json(), encoding="utf-8")
    bad.write_text("{", encoding="utf-8")
    for path in (good, bad, tmp_path / "gone.json"):
        pane.add_file(str(path))
    beside(pane, desk)
    found = pane.store.tokenizing.compared
    assert found is not None
    by_name = {cut.name: cut for cut in found.cuts}
    cut = by_name[str(good)]
    assert isinstance(cut, CutBy)
    assert [t.id for t in cut.tokens] == history.tokenizer().encode(PROMPT).ids
    assert isinstance(by_name[str(bad)], m.NotCut)
    gone = by_name[str(tmp_path / "gone.json")]
    assert isinstance(gone, m.NotCut)
    assert "take it away" in gone.problem
    said = [said for _, said, tone in pane.aligned._heads if tone == "warning"]
    assert len(said) == 2
    pane._do(str(bad))
    drawn(pane, desk)
    assert str(bad) not in {c.name for c in pane.store.tokenizing.compared.cuts}  # type: ignore[union-attr]


def test_word_pieces_show_what_was_tried(opened: Callable[..., Store], desk: Desk, qtbot: QtBot):
    store = opened("bert")
    pane = TokenizerPane(store)
    qtbot.addWidget(pane)
    pane.show()
    pane.word.setText("kings")
    drawn(pane, desk)
    found = store.tokenizing.replayed
    assert found is not None
    assert found.replay.algorithm == "WordPiece"
    assert any("is not in the vocabulary" in said for _, said in pane.replay.captions)
    pane.hide()


def test_a_word_that_no_piece_fits_is_said_to_be_unknown(
    opened: Callable[..., Store], desk: Desk, qtbot: QtBot
):
    store = opened("bert")
    pane = TokenizerPane(store)
    qtbot.addWidget(pane)
    pane.show()
    pane.word.setText("世")
    drawn(pane, desk)
    unknown = [box for box in pane.replay.boxes if box.kind == "unknown"]
    assert len(unknown) == 1
    said = [said for _, said in pane.replay.captions]
    assert any(f"the whole word becomes “{unknown[0].tip.split()[0]}”" in each for each in said)
    pane.hide()


def test_of_what_stands_around_a_text_the_word_before_it_is_shown(
    opened: Callable[..., Store], desk: Desk, qtbot: QtBot
):
    store = opened("bert")
    pane = TokenizerPane(store)
    qtbot.addWidget(pane)
    pane.show()
    assert store.read is not None
    assert store.read.tokens[-1].special
    store.select(position=store.read.n_tokens - 1)
    drawn(pane, desk)
    assert pane.shown_word
    assert store.read.text.rstrip().endswith(pane.shown_word.strip())
    pane.hide()


def test_a_word_of_ten_thousand_letters_is_told_in_one_line_and_to_be_cut(
    pane: TokenizerPane, desk: Desk
):
    pane.word.setText("w" * 10_000)
    drawn(pane, desk)
    said = pane.sentence.text()
    assert "Of 10,000 characters the first 400 are replayed." in said
    assert max(map(len, said.split())) <= words.MOST_QUOTED


def test_a_view_says_that_it_waits(pane: TokenizerPane, desk: Desk):
    for view, field in (("word", "replayed"), ("beside", "compared")):
        setattr(pane.store.tokenizing, field, None)
        QTest.mouseClick(pane.views.buttons[view], Qt.MouseButton.LeftButton)
        pane.refresh_now()
        assert pane._empty.isVisible()
        assert pane._empty.text() == words.WAITING[view]
        pane.store.tokenizing._replaying = pane.store.tokenizing._comparing = None
        drawn(pane, desk)
        assert not pane._empty.isVisible()


def test_the_names_of_the_views_are_never_cut(pane: TokenizerPane):
    layout = pane.layout()
    assert layout is not None
    layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)  # as in a dock
    pane.setMinimumSize(0, 0)
    for view, width in product(pane.views.buttons, (430, 620, 1100)):
        QTest.mouseClick(pane.views.buttons[view], Qt.MouseButton.LeftButton)
        pane.resize(width, 449)
        assert pane.width() == width
        layout.activate()
        for button in pane.views.buttons.values():
            assert button.width() >= button.sizeHint().width()


def test_a_legend_goes_on_below_where_there_is_no_room_beside(pane: TokenizerPane, desk: Desk):
    pane.store.set_prompt("a 🍰 b")
    beside(pane, desk)
    pane.resize(420, 449)
    ends = [
        swatch.left()
        + TO_TEXT
        + QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE)).horizontalAdvance(said)
        for swatch, _, said in pane.aligned._legend
    ]
    assert len(ends) == 2
    assert max(ends) <= pane.aligned.viewport().width()


def test_the_fewest_tokens_of_one_that_loses_the_text_are_said_to_be_bought(
    pane: TokenizerPane, desk: Desk
):
    model, *others = beside(pane, desk)
    short = replace(model, name="a/b", tokens=model.tokens[:1], same_text=False)
    said = words.compared((short, model, *others))
    assert "b needs the fewest tokens, 1 (and does not give the text back)" in said
    assert "characters the most" in said or "bytes the most" in said
    assert ".0 times" not in said


def test_the_word_around_a_token(live_store: Store):
    read = live_store.read
    assert read is not None
    seen = {word_at(read, at) for at in range(read.n_tokens)}
    assert {"The", " king", " crown."} <= seen
    assert word_at(None, 0) == ""


def test_nothing_is_asked_while_it_is_hidden(pane: TokenizerPane, desk: Desk):
    pane.hide()
    before = len(desk.results)
    pane.word.setText("somewhere else")
    assert not any(isinstance(r, m.TextReplayed) for r in desk.results[before:])


def test_choices_come_back(pane: TokenizerPane, live_store: Store, qtbot: QtBot):
    pane.views.set_current("beside")
    pane.add_file("/somewhere/tokenizer.json")
    pane.word.setText("kings")
    kept = pane.remember()
    other = TokenizerPane(live_store)
    qtbot.addWidget(other)
    other.recall({"view": 3, "files": "x", LAST: []})
    other.recall(kept)
    assert other.views.current == "beside"
    assert other.files == ("/somewhere/tokenizer.json",)
    assert other.word.text() == "kings"


def whole(pane: TokenizerPane, qtbot: QtBot) -> VocabularyModel:
    """All tokens, with their kinds."""
    QTest.mouseClick(pane.views.buttons["all"], Qt.MouseButton.LeftButton)
    pane.refresh_now()
    qtbot.waitUntil(lambda: pane.all.kind.count() > 1)
    return pane.table.rows


def test_all_tokens_stand_in_the_table_with_their_norms(
    pane: TokenizerPane, desk: Desk, qtbot: QtBot
):
    rows = whole(pane, qtbot)
    model = pane.store.model
    assert model is not None
    assert rows.rowCount() == len(model.vocabulary)
    assert rows.text(300, TOKEN) == model.token_text(300)
    table = desk.lm.transformer.table("W_E").detach().float()
    assert float(rows.text(300, NORM)) == pytest.approx(float(table[300].norm()), rel=1e-3)
    said = pane.sentence.text()
    shortest = min(
        (id for id in range(len(table)) if id not in model.special_ids),
        key=lambda id: float(table[id].norm()),
    )
    assert f"“{model.token_text(shortest)}”" in said


def test_a_checkpoint_without_a_tokenizer_says_so(pane: TokenizerPane, qtbot: QtBot):
    whole(pane, qtbot)
    store = pane.store
    assert store.model is not None
    store.show_model(replace(store.model, model_id=7, vocabulary=(), special_ids=frozenset()))
    pane.refresh_now()
    assert pane._empty.isVisible()
    assert "no tokenizer" in pane._empty.text()
    assert not pane.sentence.isVisible()


def test_tokens_are_searched_and_sorted(pane: TokenizerPane, qtbot: QtBot):
    rows = whole(pane, qtbot)
    model = pane.store.model
    assert model is not None
    pane.all.search.setText("·king")
    wanted = [id for id, raw in enumerate(model.vocabulary) if b" king" in raw]
    assert rows.shown.tolist() == wanted != []
    pane.all.search.setText("300")
    assert 300 in rows.shown.tolist()
    pane.all.search.clear()
    pane.table.sortByColumn(LENGTH, Qt.SortOrder.DescendingOrder)
    lengths = [len(model.vocabulary[id]) for id in rows.shown.tolist()]
    assert lengths == sorted(lengths, reverse=True)
    pane.table.sortByColumn(NORM, Qt.SortOrder.AscendingOrder)
    norms = [float(rows.text(id, NORM)) for id in rows.shown[:50].tolist()]
    assert norms == sorted(norms)


def test_a_search_says_how_many_it_left_and_what_to_do_where_none(
    pane: TokenizerPane, desk: Desk, qtbot: QtBot, tmp_path: Path
):
    rows = whole(pane, qtbot)
    path = tmp_path / "text.txt"
    path.write_text("The queen and the king.", encoding="utf-8")
    assert pane.table.isColumnHidden(COUNT)
    count(pane, desk, path)
    assert not pane.table.isColumnHidden(COUNT)
    pane.all.search.setText("·king")
    pane.refresh_now()
    assert pane.sentence.text().startswith(f"{len(rows.shown)} token")
    pane.all.search.setText("zzzqq")
    pane.refresh_now()
    assert pane._empty.isVisible()
    assert "“zzzqq”" in pane._empty.text()
    assert "Clear the search" in pane._empty.text()
    pane.all.search.clear()
    pane.refresh_now()
    assert pane.table.isVisible()


def test_norms_stand_with_the_same_number_of_digits(pane: TokenizerPane, qtbot: QtBot):
    rows = whole(pane, qtbot)
    norms = np.full(rows.rowCount(), 1.85, np.float32)
    norms[1:4] = 1.8, 1.793, 1234.5
    rows.set_norms(norms)
    assert [rows.text(id, NORM) for id in range(4)] == ["1.850", "1.800", "1.793", "1,234"]


def test_tokens_of_one_kind(pane: TokenizerPane, qtbot: QtBot):
    rows = whole(pane, qtbot)
    model = pane.store.model
    assert model is not None
    at = pane.all.kind.findData("part of a character")
    pane.all.kind.setCurrentIndex(at)
    pane.all.kind.activated.emit(at)
    wanted = [id for id, raw in enumerate(model.vocabulary) if not _is_text(raw)]
    assert rows.shown.tolist() == wanted
    assert pane.all.kind.itemText(at).endswith(f", {len(wanted):,}")


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_a_row_selects_the_token_everywhere(pane: TokenizerPane, qtbot: QtBot):
    rows = whole(pane, qtbot)
    pane.table.selectRow(310)
    assert pane.store.selection.vocabulary_id == int(rows.shown[310])
    pane.store.select(vocabulary_id=400)
    pane.refresh_now()
    assert int(rows.shown[pane.table.currentIndex().row()]) == 400


def count(pane: TokenizerPane, desk: Desk, path: Path) -> None:
    pane.all.count_in(str(path))
    while pane.store.tokenizing.counting is not None:
        desk.advance()
    drawn(pane, desk)


def test_tokens_are_counted_in_a_text(
    pane: TokenizerPane, desk: Desk, qtbot: QtBot, tmp_path: Path
):
    text = "The queen and the king and the queen." * 3
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")
    rows = whole(pane, qtbot)
    assert rows.text(5, COUNT) == ""
    count(pane, desk, path)
    tokenizer = desk.lm.tokenizer
    assert tokenizer is not None
    ids = tokenizer.encode(text).ids
    counts = rows.counts
    assert counts is not None
    assert counts.tolist() == np.bincount(ids, minlength=tokenizer.n_tokens).tolist()
    assert f"text.txt: {len(ids):,} tokens" in pane.sentence.text()
    pane.table.sortByColumn(COUNT, Qt.SortOrder.DescendingOrder)
    assert counts[rows.shown[0]] == counts.max()


def test_glitch_candidates_never_occur_and_have_tiny_vectors(
    pane: TokenizerPane, desk: Desk, qtbot: QtBot, tmp_path: Path
):
    rows = whole(pane, qtbot)
    model = pane.store.model
    assert model is not None
    assert pane.all.kind.findData(GLITCHES) < 0
    path = tmp_path / "text.txt"
    path.write_text("The queen of the north gave her rose to a king. " * 5, encoding="utf-8")
    count(pane, desk, path)
    norms = np.ones(len(model.vocabulary), np.float32)
    queen, comma = (model.vocabulary.index(raw) for raw in (b" queen", b","))
    norms[[queen, comma, next(iter(model.special_ids))]] = 0.1  # only one of them is a surprise
    rows.set_norms(norms)
    pane.all._offer_glitches()
    pane.all.kind.setCurrentIndex(pane.all.kind.findData(GLITCHES))
    pane.all.filter()
    assert rows.shown.tolist() == [comma]
    assert pane.all.kind.currentText() == f"{GLITCHES}, 1"


def test_counting_can_be_stopped_and_says_why_it_failed(
    pane: TokenizerPane, desk: Desk, qtbot: QtBot, tmp_path: Path
):
    whole(pane, qtbot)
    pane.all.count_in("")
    pane.refresh_now()
    assert pane.all.count_button.text() == "Stop"
    QTest.mouseClick(pane.all.count_button, Qt.MouseButton.LeftButton)
    while pane.store.tokenizing.counting is not None:
        desk.advance()
    drawn(pane, desk)
    assert pane.all.count_button.text() == "Count…"
    assert pane.store.tokenizing.counted is None
    count(pane, desk, tmp_path / "gone.txt")
    assert "gone.txt" in pane.sentence.text()
    assert pane.sentence.tone == "warning"
