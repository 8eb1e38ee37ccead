"""The chips are the prompt's tokens: ids, bytes, places, and colours that are surprisals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.tokens.pane import BYTES, IDS, SURPRISAL, TokensPane
from gui.panes.tokens.strip import TokenStrip
from gui.session.store import Store
from gui.widgets import surprisal
from gui.widgets.text import contrast
from model import messages as m
from model.probe.surprisal.asks import Surprisal, SurprisalFound
from model.tokenizer.tokens import Token
from tests.gui.desk import Desk
from tests.gui.keeping_back import answers_kept_back


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> TokensPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, width: int = 700, height: int = 200) -> TokensPane:
    pane = TokensPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def read_of(store: Store) -> m.PromptRead:
    assert store.read is not None
    return store.read


def bits_of(desk: Desk) -> NDArray[np.float64]:
    """−log₂ p of each token but the first, from the model's own logits: of no answer."""
    ids = read_of(desk.store).subject.ids
    logits = desk.lm.logits([ids])[0].numpy().astype(np.float64)
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return np.array([-np.log2(p[i - 1, ids[i]]) for i in range(1, len(ids))])


def fill_color(strip: TokenStrip, index: int) -> QColor:
    """The colour between a chip's left edge and its text."""
    picture: QImage = strip.viewport().grab().toImage()
    box = strip.chip_rect(index)
    return picture.pixelColor(QPoint(round(box.left() + 3), round(box.center().y())))


def drawn_amount(color: QColor) -> float:
    """From 0 to 1: where on the ramp of surprisal a colour is."""
    table = surprisal.ramp().astype(int)
    distance = np.abs(table - [color.red(), color.green(), color.blue()]).sum(axis=1)
    assert distance.min() <= 3, f"{color.name()} is no colour of the map"
    return float(distance.argmin()) / 255


def move_mouse(widget: QWidget, at: QPoint) -> None:
    """Sent to the widget itself: a real pointer is shared by all windows of the screen."""
    place = QPointF(at)
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        widget.mapToGlobal(place),
        none,
        none,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def middle(strip: TokenStrip, index: int) -> QPoint:
    return strip.chip_rect(index).center().toPoint()


def test_chips_are_the_tokens_of_the_prompt(pane: TokensPane, live_store: Store) -> None:
    ids = read_of(live_store).subject.ids
    assert pane.strip.tokens.texts[1] == "·king"
    pane.set_colours(IDS)
    pane.refresh_now()
    assert [int(pane._look(i).below) for i in range(len(ids))] == list(ids)
    pane.set_colours(BYTES)
    pane.refresh_now()
    raw = b"".join(bytes.fromhex(pane._look(i).below) for i in range(len(ids)))
    assert raw.decode() == live_store.prompt


def test_chips_carry_surprisal_as_colour_and_as_figure(
    pane: TokensPane, live_store: Store, desk: Desk
) -> None:
    assert pane.by_surprisal, "without a choice"
    assert live_store.model is not None
    limit = np.log2(live_store.model.config.d_vocab)
    expected = bits_of(desk)
    assert len(expected) >= 5
    for index, bits in enumerate(expected, start=1):
        drawn = drawn_amount(fill_color(pane.strip, index)) * limit
        # A dark theme has some forty colours between nothing and a uniform guess.
        assert drawn == pytest.approx(min(bits, limit), abs=limit / 60), index
        assert pane.surprisal(index) == pytest.approx(bits, rel=1e-4, abs=1e-5)
        assert float(pane._look(index).below) == pytest.approx(bits, abs=0.0501)
        assert f"surprisal {pane.surprisal(index):.4f} bits" in pane.describe(index)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_text_reads_well_on_every_surprisal_and_more_is_seen_as_more(name: str) -> None:
    theme.set_current(name)
    text, colours = theme.current().color("text"), [QColor(*map(int, c)) for c in surprisal.ramp()]
    contrasts = [contrast(text, color) for color in colours]
    assert min(contrasts) >= 4.5
    assert all(after <= before + 0.02 for before, after in pairwise(contrasts))
    assert contrasts[0] > 2 * contrasts[-1]


def test_the_first_token_has_no_surprisal_and_is_hatched(pane: TokensPane) -> None:
    assert np.isnan(pane.surprisal(0))
    box = pane.strip.chip_rect(0).toRect()
    picture = pane.strip.viewport().grab().toImage().copy(box)
    colours = {picture.pixel(x, picture.height() - 5) for x in range(5, picture.width() - 5)}
    assert len(colours) > 1, "an even colour would be taken for a value"
    assert "nothing stands before it" in pane.describe(0)


def test_by_ids_no_colour_means_anything(pane: TokensPane) -> None:
    pane.set_colours(IDS)
    pane.refresh_now()
    colours = {fill_color(pane.strip, i).name() for i in range(pane.strip.n)}
    assert colours == {QColor(theme.current().raised).name()}
    assert not pane._legend.isVisible()


def test_surprisal_is_asked_for_only_while_it_is_shown(
    pane: TokensPane, live_store: Store, desk: Desk
) -> None:
    pane.set_colours(IDS)
    before = len(desk.results)
    live_store.set_prompt("The dog saw a big cat")
    pane.refresh_now()
    answers = [r.answer for r in desk.results[before:] if isinstance(r, m.Answered)]
    assert not any(isinstance(answer, SurprisalFound) for answer in answers)
    pane.segments.buttons[SURPRISAL].click()
    pane.refresh_now()
    assert pane.surprisal(3) == pytest.approx(bits_of(desk)[2], rel=1e-4)


def test_chips_without_a_value_yet_look_pending_and_known_ones_stay(
    pane: TokensPane, live_store: Store, desk: Desk
) -> None:
    known = [pane.surprisal(i) for i in range(1, 4)]
    live_text = live_store.prompt
    n_shared = read_of(live_store).n_tokens
    with answers_kept_back(desk):
        live_store.set_prompt(live_text + " crown was big")
        pane.refresh_now()
        assert pane.strip.n == read_of(live_store).n_tokens > n_shared
        # What stands in the text as before cost as much as before.
        assert [pane.surprisal(i) for i in range(1, 4)] == known
        assert [pane._look(i).pending for i in range(pane.strip.n)] == [
            i >= n_shared for i in range(pane.strip.n)
        ]
        assert fill_color(pane.strip, n_shared).name() == QColor(theme.current().raised).name()
        assert "worked out" in pane.describe(n_shared)
        assert "surprisal_bits" not in pane.export_data() or (
            len(pane.export_data()["surprisal_bits"]) == n_shared == len(pane.export_data()["id"])
        )
    pane.refresh_now()
    assert not any(pane._look(i).pending for i in range(pane.strip.n))
    assert pane.surprisal(n_shared) == pytest.approx(bits_of(desk)[n_shared - 1], rel=1e-4)


def test_a_text_that_begins_otherwise_keeps_no_value(
    pane: TokensPane, live_store: Store, desk: Desk
) -> None:
    with answers_kept_back(desk):
        live_store.set_prompt("A " + live_store.prompt)
        pane.refresh_now()
        assert np.isnan(pane._values.bits_T).all()


def test_a_first_part_of_an_answer_is_drawn_while_the_rest_is_pending(
    pane: TokensPane, live_store: Store, desk: Desk
) -> None:
    with answers_kept_back(desk) as kept:
        live_store.set_prompt("Once there was a dog who had a red ball")
        (ask,) = [request for request in kept if isinstance(request, m.Ask)]
        bits = np.full(read_of(live_store).n_tokens, np.nan)
        bits[1:3] = 2.5, 7.25
        subject = read_of(live_store).subject
        part = SurprisalFound(subject=subject, question=Surprisal(), share=0.25, bits_T=bits)
        live_store.receive(m.Answered(request_id=ask.id, answer=part))
        pane.refresh_now()
        looks = [pane._look(i) for i in range(5)]
        assert [look.below for look in looks] == ["–", "2.5", "7.2", "", ""]
        assert [look.pending for look in looks] == [False, False, False, True, True]


def test_why_there_are_no_surprisals_is_said_in_place(
    pane: TokensPane, live_store: Store, desk: Desk
) -> None:
    desk.hold()
    live_store.receive(replace(read_of(live_store), request_id=10**9, subject=another(live_store)))
    assert desk.held is not None
    (ask,) = [request for request in desk.held if isinstance(request, m.Ask)]
    live_store.receive(m.Failed(request_id=ask.id, request=ask, message="No memory is left."))
    pane.refresh_now()
    assert pane._waits.isVisible()
    assert pane._waits.text() == "No memory is left."
    assert not any(pane._look(i).pending for i in range(pane.strip.n))


def another(store: Store) -> Any:
    """The same model reading the same tokens backwards."""
    subject = read_of(store).subject
    return replace(subject, ids=subject.ids[::-1])


def test_an_edit_is_painted_once_with_its_surprisals(
    pane: TokensPane, live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[float] = []
    refresh = TokensPane.refresh

    def counted(self: TokensPane) -> None:
        refresh(self)
        drawn.append(self.surprisal(1))

    monkeypatch.setattr(TokensPane, "refresh", counted)
    qtbot.wait(120)
    drawn.clear()
    live_store.set_prompt("The dog saw a big cat")
    qtbot.waitUntil(lambda: not pane.dirty, timeout=1000)
    qtbot.wait(120)
    assert len(drawn) == 1
    assert not np.isnan(drawn[0])


def test_tokens_are_drawn_without_values_where_these_take_long(
    pane: TokensPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    with answers_kept_back(desk):
        live_store.set_prompt("A dog")
        qtbot.waitUntil(lambda: pane.strip.tokens.texts[0] == "A", timeout=1000)
        assert pane._look(1).pending


def test_a_prompt_that_is_not_drawn_yet_moves_nothing_in_the_one_that_is(
    pane: TokensPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    pane._patience.setInterval(600_000)
    before, said = read_of(live_store), pane._reading.text()
    selected = pane.strip.selected
    assert selected == before.n_tokens - 1
    with answers_kept_back(desk):
        live_store.set_prompt("A dog")
        qtbot.waitUntil(lambda: live_store.read is not before)
        qtbot.wait(50)  # nothing that was begun at once draws them either
        assert live_store.selection.position == 1 != selected
        assert pane.strip.tokens.texts == tuple(token.text for token in before.tokens)
        assert (pane.strip.selected, pane._reading.text()) == (selected, said)
        pane._patience.setInterval(60)
        pane._patience.start()
        qtbot.waitUntil(lambda: len(pane.strip.tokens.texts) == 2, timeout=1000)
        assert pane.strip.selected == 1


def test_a_click_selects_the_position_and_shows_its_id(pane: TokensPane, live_store: Store) -> None:
    QTest.mouseClick(pane.strip.viewport(), Qt.MouseButton.LeftButton, pos=middle(pane.strip, 2))
    assert live_store.selection.position == 2
    assert pane.strip.selected == 2
    inspected = live_store.inspected
    assert inspected is not None
    assert inspected.name == "input_ids"
    assert inspected.value == read_of(live_store).subject.ids[2]
    assert inspected.index == (0, 2)


def test_hovering_selects_everywhere_and_leaving_ends_it(
    pane: TokensPane, live_store: Store
) -> None:
    move_mouse(pane.strip.viewport(), middle(pane.strip, 3))
    assert live_store.selection.hovered == 3
    move_mouse(pane.strip.viewport(), QPoint(pane.strip.viewport().width() - 2, 2))
    assert live_store.selection.hovered is None


def test_keys_move_the_position(pane: TokensPane, live_store: Store) -> None:
    last = read_of(live_store).n_tokens - 1
    QTest.keyClick(pane.strip, Qt.Key.Key_Home)
    assert live_store.selection.position == 0
    QTest.keyClick(pane.strip, Qt.Key.Key_Left)
    assert live_store.selection.position == 0
    QTest.keyClick(pane.strip, Qt.Key.Key_Right)
    QTest.keyClick(pane.strip, Qt.Key.Key_Right)
    assert live_store.selection.position == 2
    QTest.keyClick(pane.strip, Qt.Key.Key_End)
    assert live_store.selection.position == last


def test_parts_of_characters_and_special_tokens_are_marked(live_store: Store, qtbot: QtBot) -> None:
    live_store.set_prompt("é")
    pane = shown(live_store, qtbot)
    assert pane.strip.tokens.texts == ("‹C3›", "‹A9›")
    assert "part of a character" in pane.describe(0)
    read = read_of(live_store)
    mark = Token(0, b"<|endoftext|>", 0, 0, special=True)
    live_store.read = replace(read, tokens=(mark, *read.tokens[1:]))
    pane.invalidate()
    pane.refresh_now()
    assert pane.strip.tokens.special == {0}
    assert "special" in pane.describe(0)


def test_the_header_counts_tokens_characters_and_bytes(live_store: Store, qtbot: QtBot) -> None:
    live_store.set_prompt("é a")
    pane = shown(live_store, qtbot)
    assert pane.header_note() == f"{read_of(live_store).n_tokens} tokens · 3 characters · 4 bytes"
    live_store.set_prompt("a")
    pane.refresh_now()
    assert pane.header_note() == "1 token · 1 character · 1 byte"
    pane.resize(320, 160)
    assert pane.header_note() == "1 token · 1 byte"


def test_without_tokens_it_says_why(live_store: Store, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot)
    live_store.set_prompt("")
    pane.refresh_now()
    assert live_store.prompt_problem
    assert pane._empty.isVisible()
    assert pane._empty.text() == live_store.prompt_problem
    assert not pane.strip.isVisible()
    assert pane.export_data() == {}
    live_store.set_prompt("The king")
    pane.refresh_now()
    assert pane.strip.isVisible()


def test_it_stands_before_a_model_is_open(qtbot: QtBot) -> None:
    store = Store(lambda request: None)
    pane = shown(store, qtbot)
    assert "No model is open" in pane._empty.text()
    assert pane.header_note() == ""


def test_a_change_of_theme_recolours_the_chips(pane: TokensPane, live_store: Store) -> None:
    dark = fill_color(pane.strip, 1).name()
    theme.set_current("light")
    live_store.theme_changed.emit()
    pane.refresh_now()
    light = fill_color(pane.strip, 1)
    assert light.name() != dark
    assert drawn_amount(light) >= 0


def test_exported_data_are_the_tokens(pane: TokensPane, live_store: Store, desk: Desk) -> None:
    data = pane.export_data()
    assert data["id"].tolist() == list(read_of(live_store).subject.ids)
    assert len({len(column) for column in data.values()}) == 1
    np.testing.assert_allclose(data["surprisal_bits"][1:], bits_of(desk), rtol=1e-4, atol=1e-5)
    pane.set_colours(IDS)
    assert "surprisal_bits" not in pane.export_data(), "what isn't drawn isn't exported"


def test_bytes_are_those_that_the_tokens_stand_for(live_store: Store, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot)
    for text in ("caf\u00e9 \U0001f642", "\ud800abc\udfff", "a\x00b"):
        live_store.set_prompt(text)
        pane.refresh_now()
        n_bytes = sum(len(token.bytes) for token in read_of(live_store).tokens)
        assert pane.header_note().endswith(f"{n_bytes} bytes"), text


def test_the_token_that_is_looked_at_is_ringed_too(pane: TokensPane, live_store: Store) -> None:
    live_store.select(position=4, key=1)
    ring = QColor(theme.current().text).name()
    picture = pane.strip.viewport().grab().toImage()
    for index, ringed in ((1, True), (2, False)):
        box = pane.strip.chip_rect(index)
        column = {
            picture.pixelColor(round(box.left()) + dx, round(box.center().y())).name()
            for dx in (-2, -1, 0)
        }
        assert (ring in column) == ringed


def test_of_another_step_the_picture_stays_until_the_answer_is_there(
    pane: TokensPane, live_store: Store, desk: Desk, opened: Callable[..., Store]
) -> None:
    before = pane._values.bits_T.copy()
    read = read_of(live_store)
    with answers_kept_back(desk):
        later = replace(read, subject=replace(read.subject, step=7), request_id=10**9)
        live_store.receive(later)
        pane.refresh_now()
        np.testing.assert_array_equal(pane._values.bits_T, before)
        assert not pane._look(2).pending
        live_store.receive(replace(read, request_id=10**9))
