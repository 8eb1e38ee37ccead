"""The bars are the distribution, from which is drawn; what is drawn goes to the prompt."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit
from pytestqt.qtbot import QtBot
from safetensors.torch import load_file, save_file

import model
from gui import theme
from gui.panes.prediction.bars import ProbabilityBars, three_digits
from gui.panes.prediction.pane import PredictionPane
from gui.session.store import Store
from model import messages as m
from model.probe.next_token.asks import NextToken
from model.sampling import Sampling
from resources import STORY_WORLD
from tests.gui.desk import Desk
from tests.gui.keeping_back import answers_kept_back


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PredictionPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, width: int = 420, height: int = 600) -> PredictionPane:
    pane = PredictionPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def read_of(store: Store) -> m.PromptRead:
    assert store.read is not None
    return store.read


def logits_of(desk: Desk) -> NDArray[np.float32]:
    """The model's own logits for the prompt in view, ``[T, V]``: by the fast path, of no answer."""
    ids = read_of(desk.store).subject.ids
    return np.asarray(desk.lm.logits([ids])[0].numpy())


def asked_next(desk: Desk) -> list[NextToken]:
    """The distributions that the worker was asked for, in order."""
    answers = [result.answer for result in desk.results if isinstance(result, m.Answered)]
    return [a.question for a in answers if isinstance(a.question, NextToken)]


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Written apart from the program's own, which the test is about."""
    scaled = logits.astype(np.float64) / temperature
    p = np.exp(scaled - scaled.max())
    return np.asarray(p / p.sum())


def diverged(tmp_path: Path) -> Path:
    """The bundled model with a final norm that is no number."""
    folder = Path(shutil.copytree(STORY_WORLD, tmp_path / "diverged"))
    weights = load_file(folder / "model.safetensors")
    weights["transformer.ln_f.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def drawn_length(bars: ProbabilityBars, row: int, color: str) -> int:
    """How many pixels of a row's track have a colour (or a blend near it, at the ends)."""
    picture: QImage = bars.grab().toImage()
    track: QRectF = bars.track(row)
    wanted = QColor(color)
    y = round(track.center().y())
    count = 0
    for x in range(round(track.left()), round(track.right())):
        c = picture.pixelColor(x, y)
        off = (
            abs(c.red() - wanted.red())
            + abs(c.green() - wanted.green())
            + abs(c.blue() - wanted.blue())
        )
        count += off < 60
    return count


def row_middle(row: int) -> QPoint:
    return QPoint(100, row * theme.ROW_HEIGHT + theme.ROW_HEIGHT // 2)


def click_row(bars: ProbabilityBars, row: int) -> None:
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=row_middle(row))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 1.7])
@pytest.mark.parametrize("position", [0, 3, 9])
def test_bars_are_as_long_as_the_probabilities(
    pane: PredictionPane, live_store: Store, desk: Desk, temperature: float, position: int
) -> None:
    live_store.select(position=position)
    live_store.set_sampling(Sampling(temperature=temperature))
    pane.refresh_now()
    p = softmax(logits_of(desk)[position], temperature)
    order = np.argsort(-p, kind="stable")
    shown_bars = pane.bars.shown
    assert len(shown_bars) >= 5
    for row, bar in enumerate(shown_bars[:5]):
        assert bar.token_id == order[row]
        length = drawn_length(pane.bars, row, theme.current().accent)
        drawn = length / pane.bars.track(row).width()
        pixel = 1 / pane.bars.track(row).width()
        assert drawn == pytest.approx(p[bar.token_id], abs=2 * pixel)


def test_numbers_have_three_digits_and_zero_is_only_zero() -> None:
    assert three_digits(0.8104) == "0.810"
    assert three_digits(1.0) == "1.000"
    assert three_digits(0.0004) == "<.001"
    assert three_digits(0.0) == "0"


def test_the_temperature_slider_is_live_and_zero_is_greedy(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    pane.sampling.slider.setValue(50)
    assert live_store.sampling.temperature == 0.5
    assert pane.sampling.temperature.text() == "0.50"
    pane.sampling.slider.setValue(0)
    pane.refresh_now()
    assert live_store.sampling.temperature == 0
    assert pane.sampling.temperature.text() == "greedy"
    first, second = pane.bars.shown[:2]
    assert (first.probability, second.probability) == (1.0, 0.0)
    assert second.cut
    # What greedy throws away stays visible: the model's own distribution.
    own = softmax(logits_of(desk)[pane.position])
    assert second.uncut == pytest.approx(own[second.token_id], rel=1e-4)
    assert pane.entropy_bits == 0


def test_typing_a_temperature_moves_the_slider(pane: PredictionPane, live_store: Store) -> None:
    pane.sampling.temperature.selectAll()
    QTest.keyClicks(pane.sampling.temperature, "0.8")
    pane.refresh_now()
    assert live_store.sampling.temperature == 0.8
    assert pane.sampling.slider.value() == 80


def test_cut_tokens_show_zero_and_what_they_had(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(position=0)
    pane.sampling.top_k.setValue(2)
    assert live_store.sampling.top_k == 2
    pane.refresh_now()
    p = softmax(logits_of(desk)[0])
    bars = pane.bars.shown
    assert [bar.probability > 0 for bar in bars[:4]] == [True, True, False, False]
    assert bars[2].uncut == pytest.approx(p[bars[2].token_id], rel=1e-4)
    assert bars[0].probability == pytest.approx(bars[0].uncut / (bars[0].uncut + bars[1].uncut))
    assert pane.kept == pytest.approx(bars[0].uncut + bars[1].uncut)
    assert drawn_length(pane.bars, 2, theme.current().accent) == 0


def test_each_token_that_is_left_out_is_struck_and_says_why(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(position=0)
    live_store.set_sampling(Sampling(top_k=5))
    pane.sampling.min_p.setValue(0.5)
    assert live_store.sampling == Sampling(top_k=5, min_p=0.5)
    pane.refresh_now()
    p = softmax(logits_of(desk)[0])
    top = sorted(p)[::-1]
    bars = pane.bars.shown[:6]
    for row, bar in enumerate(bars):
        why = "top k" if row >= 5 else "min p" if top[row] < 0.5 * top[0] else ""
        assert bar.cut_by == why
        assert bar.uncut == pytest.approx(top[row], rel=1e-4), "what it had stays known"
        # A line through the name of what can't be drawn, and through no other.
        picture = pane.bars.grab().toImage()
        y = round(row * theme.ROW_HEIGHT + theme.ROW_HEIGHT / 2)
        name = [picture.pixelColor(x, y) for x in range(11, 11 + 7 * len(bar.text))]
        struck = all(color.value() > 70 for color in name)
        assert struck == bool(why), bar.text
        if why:
            assert f"left out by {why}" in pane.describe(bar)
    assert {bar.cut_by for bar in bars} >= {"top k", "min p"}


def test_top_p_all_is_written_and_understood(pane: PredictionPane, live_store: Store) -> None:
    assert pane.sampling.top_p.text() == "all"
    pane.sampling.top_p.setValue(0.5)
    assert live_store.sampling.top_p == 0.5
    pane.sampling.top_p.selectAll()
    QTest.keyClicks(pane.sampling.top_p, "all")
    assert live_store.sampling.top_p == 1.0


def test_a_change_of_sampling_is_asked_once_and_the_old_picture_stays_until_it_is_answered(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    before = [bar.probability for bar in pane.bars.shown]
    line = pane.picture.figures.text()
    desk.hold()
    pane.sampling.slider.setValue(130)
    pane.sampling.top_k.setValue(2)
    pane.refresh_now()
    assert [bar.probability for bar in pane.bars.shown] == before
    assert pane.picture.figures.text() == line
    assert desk.held is not None
    asked = [request for request in desk.held if isinstance(request, m.Ask)]
    given_up = [request for request in desk.held if isinstance(request, m.Cancel)]
    # The distribution at 1.3 without a cut is no longer wanted: it isn't worked out.
    assert [request.target for request in given_up] == [asked[0].id]
    desk.release()
    pane.refresh_now()
    assert pane.found is not None
    assert pane.found.question == asked[-1].question
    assert [bar.probability > 0 for bar in pane.bars.shown[:3]] == [True, True, False]
    # What was answered already is known: going back to it asks nobody.
    n_answered = len(asked_next(desk))
    live_store.set_sampling(Sampling())
    pane.refresh_now()
    assert [bar.probability for bar in pane.bars.shown] == before
    assert len(asked_next(desk)) == n_answered


def test_entropy_is_that_of_the_distribution(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    p = softmax(logits_of(desk)[pane.position])
    assert pane.entropy_bits == pytest.approx(float(-(p * np.log2(p)).sum()), rel=1e-4)


def test_the_token_that_really_comes_next_is_marked(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(position=0)
    pane.refresh_now()
    logits, actual = logits_of(desk)[0], read_of(live_store).subject.ids[1]
    (marked,) = [bar for bar in pane.bars.shown if bar.actual]
    assert marked.token_id == actual
    assert marked.rank == 1 + int((logits > logits[actual]).sum())
    live_store.select(position=read_of(live_store).n_tokens - 1)
    pane.refresh_now()
    assert not any(bar.actual for bar in pane.bars.shown)


def test_a_very_unlikely_next_token_takes_the_last_row(live_store: Store, qtbot: QtBot) -> None:
    pane = shown(live_store, qtbot, height=320)
    live_store.set_prompt("The king crown")
    live_store.select(position=1)
    pane.refresh_now()
    bars = pane.bars.shown
    assert bars[-1].actual
    assert bars[-1].rank > len(bars)
    assert bars[-1].token_id == read_of(live_store).tokens[2].id


def test_a_click_selects_the_token_and_shows_its_exact_probability(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    # More digits than a person would type, and none of them lost on the way.
    live_store.set_sampling(Sampling(temperature=1 / 3, top_p=1 - 1 / 7))
    pane.refresh_now()
    click_row(pane.bars, 1)
    bar = pane.bars.shown[1]
    assert live_store.selection.vocabulary_id == bar.token_id
    inspected = live_store.inspected
    assert inspected is not None
    assert inspected.name == "probabilities"
    assert inspected.index == (0, pane.position, bar.token_id)
    assert inspected.value == bar.probability
    # The line that is offered for copying, where it is pasted after `import model`.
    trace = desk.lm.trace(live_store.prompt)
    again = eval(inspected.code, {"trace": trace, "model": model})
    assert again == pytest.approx(inspected.value, rel=1e-4)


def test_hovering_says_probability_logit_and_where_they_stand(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    bar = pane.bars.shown[0]
    words = pane.describe(bar)
    said = re.search(r"logit (\S+)", words)
    assert said is not None
    assert float(said[1]) == pytest.approx(logits_of(desk)[pane.position, bar.token_id], rel=1e-4)
    assert f"logits[0, {pane.position}, {bar.token_id}]" in words
    assert f"id {bar.token_id}" in words


def test_a_double_click_lets_the_prompt_go_on_with_the_token(
    pane: PredictionPane, live_store: Store
) -> None:
    before = read_of(live_store)
    bar = pane.bars.shown[0]
    QTest.mouseDClick(pane.bars, Qt.MouseButton.LeftButton, pos=row_middle(0))
    after = read_of(live_store)
    assert after.n_tokens == before.n_tokens + 1
    assert after.tokens[-1].id == bar.token_id
    assert live_store.prompt.startswith(before.text)


def test_in_the_middle_the_token_replaces_what_stood_there(
    pane: PredictionPane, live_store: Store
) -> None:
    live_store.select(position=1)
    pane.refresh_now()
    kept = [token.id for token in read_of(live_store).tokens[:2]]
    bar = pane.bars.shown[1]
    pane.append(bar.token_id)
    assert [token.id for token in read_of(live_store).tokens] == [*kept, bar.token_id]


def test_arrow_keys_choose_a_bar_and_return_appends_it(
    pane: PredictionPane, live_store: Store
) -> None:
    QTest.keyClick(pane.bars, Qt.Key.Key_Down)
    pane.refresh_now()
    assert live_store.selection.vocabulary_id == pane.bars.shown[0].token_id
    QTest.keyClick(pane.bars, Qt.Key.Key_Down)
    pane.refresh_now()
    second = pane.bars.shown[1].token_id
    QTest.keyClick(pane.bars, Qt.Key.Key_Return)
    assert read_of(live_store).tokens[-1].id == second


def test_part_of_a_character_cant_be_appended_as_text(
    pane: PredictionPane, live_store: Store
) -> None:
    assert live_store.model is not None
    before = live_store.prompt
    pane.append(live_store.model.vocabulary.index(b"\xc3"))
    pane.refresh_now()
    assert live_store.prompt == before
    assert pane.generation._says.isVisible()
    assert "part of a character" in pane.generation._says.text()


def test_the_header_names_the_token_before(pane: PredictionPane, live_store: Store) -> None:
    live_store.select(position=1)
    assert pane.header_note() == "after “king”"


def test_what_is_said_is_about_the_prompt_that_is_drawn(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    pane.choose(pane.bars.shown[0].token_id)
    before = [(bar.token_id, bar.probability) for bar in pane.bars.shown]
    header, first = pane.header_note(), pane.bars.shown[0]
    tip = pane.describe(first)
    with answers_kept_back(desk):
        live_store.set_prompt("The dog saw a big")
        pane.refresh_now()
        assert live_store.read is not None
        assert live_store.read.text == "The dog saw a big"
        assert [(bar.token_id, bar.probability) for bar in pane.bars.shown] == before
        assert pane.header_note() == header == "after “her”"
        assert pane.describe(first) == tip
        pane.choose(pane.bars.shown[1].token_id)
        assert live_store.inspected is not None
        assert "after “her”" in live_store.inspected.note
        # Bars of the prompt before change nothing in the one of now.
        pane.append(first.token_id)
        assert live_store.prompt == "The dog saw a big"
    pane.refresh_now()
    assert pane.header_note() == "after “big”"


def test_a_token_chosen_elsewhere_has_a_row_with_its_rank(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    logits = logits_of(desk)[pane.position]
    unlikely = int(logits.argmin())
    live_store.select(vocabulary_id=unlikely)
    pane.refresh_now()
    last = pane.bars.shown[-1]
    assert (last.token_id, last.rank) == (unlikely, len(logits))


def test_only_what_has_room_is_asked_for(live_store: Store, qtbot: QtBot, desk: Desk) -> None:
    pane = shown(live_store, qtbot, height=420)
    n_rows = pane.bars.n_rows
    assert pane.found is not None
    assert n_rows <= len(pane.found.ids) < n_rows + 8 + 2
    pane.resize(420, 900)
    qtbot.waitUntil(lambda: pane.bars.n_rows > n_rows + 8)
    pane.refresh_now()
    assert len(pane.bars.shown) == pane.bars.n_rows


def test_it_says_how_far_what_it_waits_for_is(
    pane: PredictionPane, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    before = [bar.token_id for bar in pane.bars.shown[:8]]
    with answers_kept_back(desk):
        live_store.set_prompt("The dog saw a big")
        qtbot.waitUntil(lambda: live_store.asked.waits(pane.key) is not None, timeout=2000)
        asking = live_store.asked.waits(pane.key)
        assert asking is not None
        live_store.receive(m.Waiting(request_id=asking.request_id, share=0.4))
        pane.invalidate()
        pane.refresh_now()
        assert "40%" in pane.picture.figures.text()
        assert [bar.token_id for bar in pane.bars.shown[:8]] == before
    pane.refresh_now()
    assert "%" not in pane.picture.figures.text()


def test_what_cant_be_answered_is_said_in_place(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    desk.hold()
    live_store.select(position=0)
    assert desk.held is not None
    ask = next(request for request in desk.held if isinstance(request, m.Ask))
    live_store.receive(m.Failed(request_id=ask.id, request=ask, message="No memory is left."))
    pane.refresh_now()
    assert pane.picture.empty.isVisible()
    assert pane.picture.empty.text() == "No memory is left."
    assert pane.header_note() == ""
    desk.held.clear()
    desk.release()
    live_store.select(position=1)
    pane.refresh_now()
    assert pane.bars.isVisible()


def test_no_number_among_the_logits_is_said_in_place(
    pane: PredictionPane, live_store: Store, desk: Desk, tmp_path: Path
) -> None:
    live_store.opening.open(str(diverged(tmp_path)))
    desk.finish()
    pane.refresh_now()
    assert "NaN" in pane.picture.empty.text()
    assert pane.picture.empty.isVisible()
    assert not pane.bars.isVisible()
    assert pane.export_data() == {}


def test_without_a_prompt_it_says_why(pane: PredictionPane, live_store: Store) -> None:
    live_store.set_prompt("")
    pane.refresh_now()
    assert pane.picture.empty.text() == live_store.prompt_problem
    assert not pane.generation.sample_button.isEnabled()
    pane.sample_one()
    pane.generate()
    assert live_store.generating.current is None


def test_it_stands_before_a_model_is_open(qtbot: QtBot) -> None:
    pane = shown(Store(lambda request: None), qtbot)
    assert "No model is open" in pane.picture.empty.text()
    pane.use_as_prompt()
    pane.stop()
    assert pane.header_note() == ""


@pytest.mark.parametrize(("width", "height"), [(220, 160), (300, 200), (300, 420), (1200, 800)])
def test_rows_never_overlap_the_axis_at_any_size(
    live_store: Store, qtbot: QtBot, width: int, height: int
) -> None:
    pane = shown(live_store, qtbot, width=width, height=height)
    n = len(pane.bars.shown)
    assert n >= 3
    assert pane.bars.track(n - 1).bottom() < pane.bars.height() - 10
    track = pane.bars.track(0)
    assert track.width() >= 20
    assert track.right() < pane.bars.width()


def test_a_change_of_theme_recolours_the_bars(pane: PredictionPane, live_store: Store) -> None:
    assert drawn_length(pane.bars, 0, theme.DARK.accent) > 10
    theme.set_current("light")
    live_store.theme_changed.emit()
    pane.refresh_now()
    assert drawn_length(pane.bars, 0, theme.LIGHT.accent) > 10
    assert drawn_length(pane.bars, 0, theme.DARK.accent) == 0


# ------------------------------------------------------------------- numbers that are typed


def typed(box: QAbstractSpinBox | QLineEdit, text: str) -> None:
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)


def test_a_temperature_of_up_to_ten_is_taken_as_it_is_typed(
    pane: PredictionPane, live_store: Store, qtbot: QtBot
) -> None:
    boxes = pane.sampling
    for text, value in (("2.5", 2.5), ("10", 10.0), ("0.875", 0.875), ("greedy", 0.0)):
        typed(boxes.temperature, text)
        assert boxes.temperature.text() == text
        assert live_store.sampling.temperature == value
        assert not boxes.refused.isVisible()
        qtbot.keyClick(boxes.temperature, Qt.Key.Key_Return)
        assert live_store.sampling.temperature == value
    for place, value in ((200, 2.0), (205, 2.5), (280, 10.0)):
        boxes.slider.setValue(place)
        assert live_store.sampling.temperature == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("temperature", "12", "“12” is no temperature: it is a number from 0 (greedy) to 10"),
        ("temperature", "-1", "“-1” is no temperature"),
        ("temperature", "0.12345", "with at most 4 decimals"),
        ("temperature", "warm", "“warm” is no temperature"),
        ("top_p", "1.5", "“1.5” is no top p: it is a share above 0 and up to 1 (all)"),
        ("min_p", "1.5", "“1.5” is no min p: it is a share from 0 (all) to 1"),
        ("top_k", "99999", "“99999” is no top k: it is a whole number from 0 to 1,280"),
        ("top_k", "2.5", "“2.5” is no top k"),
    ],
)
def test_a_number_that_is_refused_stays_as_typed_and_says_why_in_its_place(
    pane: PredictionPane, qtbot: QtBot, name: str, text: str, says: str
) -> None:
    box, refused = getattr(pane.sampling, name), pane.sampling.refused
    typed(box, text)
    assert box.text() == text
    assert says in refused.text()
    assert refused.isVisible()
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert box.text() == box.text_now(), "the number that is in force"
    assert refused.text().endswith(f"{box.text_now()} stays.")
    typed(box, "1")
    assert not refused.isVisible()


def test_a_share_of_nothing_is_refused_when_it_is_left_like_that(
    pane: PredictionPane, live_store: Store, qtbot: QtBot
) -> None:
    typed(pane.sampling.top_p, "0")  # it may still become 0.5
    assert not pane.sampling.refused.isVisible()
    qtbot.keyClick(pane.sampling.top_p, Qt.Key.Key_Return)
    assert "“0” is no top p" in pane.sampling.refused.text()
    assert live_store.sampling.top_p == 1.0


def test_what_is_no_seed_is_said_and_nothing_is_drawn_by_chance(
    pane: PredictionPane, live_store: Store
) -> None:
    typed(pane.generation.seed, "one")
    pane.refresh_now()
    assert pane.generation.seed.text() == "one"
    assert "“one” is no seed" in pane.generation._says.text()
    pane.generate()
    assert live_store.generating.current is None
    typed(pane.generation.seed, "41")
    pane.refresh_now()
    assert not pane.generation._says.isVisible()
    assert pane.generation.seed.seed == 41


def test_a_length_that_is_refused_is_said(pane: PredictionPane) -> None:
    typed(pane.generation.length, "0")
    typed(pane.generation.length, "1000000")
    pane.refresh_now()
    assert "“1000000” is no number of tokens" in pane.generation._says.text()


# ------------------------------------------------------------------------- the axis


def test_the_axis_is_the_same_whatever_is_predicted(
    pane: PredictionPane, live_store: Store
) -> None:
    lengths = []
    for position, temperature in ((0, 10.0), (3, 1.0), (9, 0.2)):
        live_store.set_sampling(Sampling(temperature=temperature))
        live_store.select(position=position)
        pane.refresh_now()
        likeliest = pane.bars.shown[0]
        share = pane.bars.bar_rect(0).width() / pane.bars.track(0).width()
        assert share == pytest.approx(likeliest.probability)
        lengths.append(likeliest.probability)
    assert min(lengths) < 0.05 < 0.5 < max(lengths)


def test_on_a_logarithmic_axis_equal_factors_are_equal_lengths(pane: PredictionPane) -> None:
    bars = pane.bars
    pane.log_button.click()
    assert bars.log
    steps = np.diff([bars.share(p) for p in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)])
    assert steps == pytest.approx(np.full(4, 0.2))
    assert bars.share(1.0) == 1.0
    assert bars.share(0.0) == bars.share(1e-9) == 0.0
    for row, bar in enumerate(bars.shown[:3]):
        length = drawn_length(bars, row, theme.current().accent) / bars.track(row).width()
        assert length == pytest.approx(bars.share(bar.probability), abs=0.02)
    pane.log_button.click()
    assert bars.share(0.5) == 0.5


# ------------------------------------------------------------------------- the room


@pytest.mark.parametrize(("width", "height"), [(284, 284), (199, 160)])
def test_sample_and_generate_stay_in_sight_whatever_is_selected(
    live_store: Store, qtbot: QtBot, width: int, height: int
) -> None:
    pane = shown(live_store, qtbot, width, height)  # as at 1366 × 768, and at 800 × 480
    buttons = (pane.generation.sample_button, pane.generation.generate_button)
    below = pane.generation
    qtbot.waitUntil(lambda: below.height() < 80 and below.geometry().bottom() == pane.height() - 1)
    places = [button.mapTo(pane, QPoint(0, 0)) for button in buttons]
    for position in (0, 3, read_of(live_store).n_tokens - 1):
        live_store.select(position=position)
        pane.refresh_now()
        qtbot.wait(1)
        for button, place in zip(buttons, places, strict=True):
            assert button.mapTo(pane, QPoint(0, 0)) == place, "a click moves nothing"
            assert button.visibleRegion().boundingRect() == button.rect()
    if height > 200:
        # And what is set before drawing needs no scrolling either.
        sampling = pane.sampling
        for control in (sampling.slider, sampling.temperature, sampling.more_button):
            assert control.visibleRegion().boundingRect() == control.rect()
        sampling.more_button.click()
        qtbot.waitUntil(lambda: not sampling.top_k.visibleRegion().isEmpty())
        assert sampling.top_k.visibleRegion().boundingRect() == sampling.top_k.rect()


# ------------------------------------------------------------------- what is set seldom


def seldom(pane: PredictionPane) -> dict[str, bool]:
    """Which of the controls that are set seldom are seen."""
    sampling, generation = pane.sampling, pane.generation
    controls = {
        "top k": sampling.top_k,
        "top p": sampling.top_p,
        "min p": sampling.min_p,
        "length": generation.length,
        "seed": generation.seed,
        "follow": generation.follow_button,
        "back": generation.back_button,
    }
    return {name: control.isVisible() for name, control in controls.items()}


def test_in_a_low_pane_bars_have_the_room_of_what_is_set_seldom(live_store: Store, qtbot: QtBot):
    pane = shown(live_store, qtbot, 284, 296)  # as at 1366x768
    assert not any(seldom(pane).values())
    assert pane.bars.n_rows >= 5
    assert pane.generation.guess_button.isVisible()
    pane.sampling.more_button.click()
    assert all(seldom(pane).values())
    assert pane.sampling.more_button.isChecked()
    pane.toggle_more()
    assert not any(seldom(pane).values())
    assert not pane.sampling.more_button.isChecked()


def test_what_is_set_stays_in_sight(live_store: Store, qtbot: QtBot):
    pane = shown(live_store, qtbot, 284, 296)
    live_store.set_sampling(Sampling(temperature=1.0, top_p=0.9))
    live_store.following.set_on(False)
    pane.toggle_more()
    pane.generation.length.setValue(7)
    pane.generation.seed.setText("5")
    pane.toggle_more()
    qtbot.waitUntil(lambda: not pane.dirty)
    seen = {name for name, shown in seldom(pane).items() if shown}
    assert seen == {"top p", "length", "seed", "follow"}
    assert "7 tokens" in pane.generation.generate_button.toolTip()


def test_by_itself_it_goes_by_the_height_and_a_choice_is_kept(live_store: Store, qtbot: QtBot):
    pane = shown(live_store, qtbot, 420, 429)
    assert not pane.shows_more
    assert "more" not in pane.remember()
    pane.resize(420, 430)
    qtbot.waitUntil(lambda: all(seldom(pane).values()))
    pane.toggle_more()
    kept = pane.remember()
    assert kept["more"] is False
    pane.resize(420, 700)
    pane.refresh_now()
    assert not any(seldom(pane).values())
    other = PredictionPane(live_store)
    qtbot.addWidget(other)
    other.recall({**kept, "more": "yes"})
    other.resize(420, 700)
    assert other.shows_more, "what isn't as it should be is passed over"
    other.recall(kept)
    assert not other.shows_more
