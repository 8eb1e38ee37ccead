"""A scene can be read: no word lies on another or is cut, and colours say what they mean."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.stage.marks import FEW, Grid, Legend, Lines, Words, color_limit, limit_of
from gui.panes.stage.pane import StagePane
from gui.session.store import Store
from tests.gui.panes.stage.test_stage_pane import go_to, kinds, settle, shown
from tests.gui.pixels import pixels

SIZES = ((620, 430), (844, 449), (890, 285), (890, 350), (1187, 480))
"""A pane as small as it may be, a low one, and the stage at 1366x768, 1440x900 and 1920x1080."""


def ink(mark: Words) -> QRectF:
    """Where the letters of some words are, from the top of a capital to the tail of a g."""
    metrics = QFontMetricsF(mark.font)
    wide = min(metrics.horizontalAdvance(mark.text), mark.box.width())
    high = metrics.capHeight()
    middle, left = mark.box.center().y(), mark.box.left()
    if mark.align & Qt.AlignmentFlag.AlignRight:
        left = mark.box.right() - wide
    elif mark.align & Qt.AlignmentFlag.AlignHCenter:
        left = mark.box.center().x() - wide / 2
    return QRectF(left, middle - high / 2, wide, high + metrics.descent())


def said(pane: StagePane) -> list[Words]:
    return [mark for mark in pane.view.marks if isinstance(mark, Words) and mark.text]


@pytest.mark.parametrize("family", ["", "mixtral", "bert", "bloom", "gemma"])
def test_no_words_lie_on_others_are_cut_or_leave_the_picture(
    qtbot: QtBot, live_store: Store, opened: Callable[..., Store], family: str
) -> None:
    pane = shown(qtbot, opened(family) if family else live_store, SIZES[0])
    for size in SIZES:
        pane.resize(*size)
        whole = QRectF(pane.view.viewport().rect())
        for kind in kinds(pane.store):
            go_to(pane, kind)
            boxes = [(mark.text, ink(mark)) for mark in said(pane)]
            for (one, a), (other, b) in itertools.combinations(boxes, 2):
                shared = a.intersected(b)
                assert shared.width() < 1 or shared.height() < 1, (size, kind, one, other)
            for text, box in boxes:
                assert whole.contains(box), (size, kind, text, box)
            for mark in said(pane):
                wide = QFontMetricsF(mark.font).horizontalAdvance(mark.text)
                # What a neuron promotes is a list of tokens, as many as have room.
                assert wide <= mark.box.width() + 1 or "  " in mark.text, (size, kind, mark.text)


def test_colours_have_a_legend_where_there_is_room_for_it(qtbot: QtBot, live_store: Store) -> None:
    pane = shown(qtbot, live_store, (844, 449))
    table = theme.diverging_table()
    for kind in ("embed", "dot", "mix", "mlp_out", "unembed"):
        go_to(pane, kind)
        (legend,) = [mark for mark in pane.view.marks if isinstance(mark, Legend)]
        others = [mark.box for mark in pane.view.marks if isinstance(mark, Grid)]
        assert all(box.bottom() <= legend.box.top() for box in others)
        picture = pixels(pane.view.viewport())
        line = picture[round(legend.box.center().y())].astype(int)
        for end in (table[0], table[-1]):
            assert (np.abs(line - end.astype(int)).max(axis=1) < 6).any(), kind
    go_to(pane, "tokens")  # nothing is coloured by a number
    assert not any(isinstance(mark, Legend) for mark in pane.view.marks)


def test_one_number_far_out_does_not_make_all_others_black() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, 576)).astype(np.float32)
    assert color_limit(values) == limit_of(values)  # nothing stands far out
    values[0, 7] = 900.0
    assert color_limit(values) < 8
    assert color_limit(np.zeros((1, 64))) == 1.0
    few = np.array([[0.1, 0.2, 9.0]])
    assert few.size < FEW
    assert color_limit(few) == 9.0


def test_what_is_asked_offered_and_handed_over_has_its_colour_in_every_scene(
    qtbot: QtBot, live_store: Store
) -> None:
    pane = shown(qtbot, live_store, (844, 449))
    for kind, symbol in (("query", "q"), ("key", "k"), ("value", "v")):
        go_to(pane, kind)
        assert pane.title_line.tone == kind
        assert next(m.tone for m in said(pane) if m.text == f"= {symbol}") == kind
    go_to(pane, "dot")
    assert next(m.tone for m in said(pane) if m.text.startswith("q  ")) == "query"
    assert next(m.tone for m in said(pane) if m.text == "k of each") == "key"
    assert pane.title_line.tone == "text"
    go_to(pane, "mix")
    assert next(m.tone for m in said(pane) if m.text.startswith("v of each")) == "value"


def test_a_sum_uses_the_height_and_says_the_angle_that_the_sentence_says(
    qtbot: QtBot, live_store: Store
) -> None:
    pane = shown(qtbot, live_store, (844, 449))
    go_to(pane, "add")
    room = pane.view.room
    strips = [mark.box for mark in pane.view.marks if isinstance(mark, Grid)]
    assert strips[-1].bottom() - strips[0].top() > 0.7 * room.height()
    middle = (strips[0].top() + strips[-1].bottom()) / 2
    assert middle == pytest.approx(room.center().y(), abs=2)
    points = [p for m in pane.view.marks if isinstance(m, Lines) and m.arrow for p in m.points]
    high = [p.y() for p in points]
    assert (min(high) + max(high)) / 2 == pytest.approx(room.center().y(), abs=24)
    (angle,) = [m.text for m in said(pane) if m.text.startswith("it turns by ")]
    assert f"turns it by {angle.removeprefix('it turns by ')}" in pane.sentence.text()


def test_the_mask_says_how_many_keys_a_query_may_not_see(qtbot: QtBot, live_store: Store) -> None:
    pane = shown(qtbot, live_store)
    read = pane.store.read
    assert read is not None
    n = read.n_tokens
    for position in (1, n - 2):
        pane.store.select(position=position)
        go_to(pane, "mask")
        hidden = n - 1 - position
        verb = "is" if hidden == 1 else "are"
        assert f" {hidden} of {n} keys {verb} masked." in pane.sentence.text()
    pane.store.select(position=n - 1)
    settle(pane)
    assert f"stands last: none of the {n} keys is masked." in pane.sentence.text()


def test_the_vocabulary_stands_around_the_tokens_own_line(qtbot: QtBot, live_store: Store) -> None:
    pane = shown(qtbot, live_store, (844, 449))
    go_to(pane, "tokens")
    read, model = pane.store.read, pane.store.model
    assert read is not None
    assert model is not None
    id = read.subject.ids[pane.store.selection.position]
    lines = {m.box.top(): m.text for m in said(pane) if m.align & Qt.AlignmentFlag.AlignRight}
    tokens = {m.box.top(): m.text for m in said(pane) if not m.align & Qt.AlignmentFlag.AlignRight}
    listed = {int(number.replace(",", "")): tokens[top] for top, number in lines.items()}
    assert id in listed
    assert len(listed) >= 5
    assert listed == {each: model.token_text(each) for each in listed}


def test_keys_of_the_same_text_are_told_apart_by_their_positions(
    qtbot: QtBot, live_store: Store
) -> None:
    live_store.set_prompt("The king and the queen and the king")
    pane = shown(qtbot, live_store, (844, 449))
    go_to(pane, "dot")
    names = [mark.text for mark in said(pane)]
    read = pane.store.read
    assert read is not None
    texts = [token.text for token in read.tokens]
    for position, text in enumerate(texts):
        wanted = f"{text} {position}" if texts.count(text) > 1 else text
        assert wanted in names
