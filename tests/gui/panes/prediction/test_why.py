"""Why this token: the bars are the parts of its logit, follow what is chosen, and lead to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.prediction.pane import PredictionPane
from gui.panes.prediction.part_bars import ROW, PartBars
from gui.session.store import Store
from tests.gui.desk import Desk
from tests.gui.panes.prediction.test_prediction_pane import (
    click_row,
    diverged,
    logits_of,
    read_of,
    shown,
)
from tests.gui.recorded import Recorded


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PredictionPane:
    theme.set_current("dark")
    return shown(live_store, qtbot, height=700)


def direct(desk: Desk, name: str, position: int, target: int) -> float:
    """What an activation adds to a logit, in NumPy: GPT-2's final norm with its own scale."""
    trace = Recorded(desk)
    weights = {
        name: p.detach().double().numpy() for name, p in desk.lm.transformer.state_dict().items()
    }
    x_D = trace[name][0, position].astype(float)
    scale = float(trace["ln_final.hook_scale"][0, position, 0])
    normed_D = (x_D - x_D.mean()) / scale * weights["ln_final.w"]
    return float(normed_D @ weights["unembed.weight"][target])


def apart(one: QColor, other: QColor) -> int:
    """How far two colours differ."""
    return (
        abs(one.red() - other.red())
        + abs(one.green() - other.green())
        + abs(one.blue() - other.blue())
    )


def drawn_width(bars: PartBars, row: int, color: str) -> int:
    """How many pixels of a row's middle have a colour."""
    image = bars.grab().toImage()
    wanted, y = QColor(color), int((row + 0.5) * ROW)
    left, right = int(bars.bar_rect(row).left()) - 3, int(bars.bar_rect(row).right()) + 4
    near = 0
    for x in range(max(left, 0), min(right, image.width())):
        near += apart(image.pixelColor(x, y), wanted) < 60
    return near


def test_the_bars_are_the_parts_of_the_likeliest_tokens_logit(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    logits_V = logits_of(desk)[-1]
    target, at = int(logits_V.argmax()), read_of(live_store).n_tokens - 1
    rows = pane.why.bars.rows
    text = live_store.model.token_text(target).removeprefix("·")  # type: ignore[union-attr]
    assert pane.why.heading.text() == f"Why “{text}”?"
    assert len(rows) == 6
    for row in rows[:-1]:
        assert row.part is not None
        if row.part.kind != "bias":
            expected = direct(desk, row.part.activation, at, target)
            assert row.value == pytest.approx(expected, abs=1e-3)
    assert sum(row.value for row in rows) == pytest.approx(float(logits_V[target]), abs=1e-4)
    assert f"{logits_V[target]:.2f}" in pane.why.sentence.text()
    assert rows[0].part.name in pane.why.sentence.text()  # type: ignore[union-attr]


def test_a_bar_is_as_long_as_its_part_and_has_the_colour_of_its_sign(pane: PredictionPane) -> None:
    bars, t = pane.why.bars, theme.current()
    lengths = [bars.bar_rect(row).width() for row in range(len(bars.rows) - 1)]
    values = [abs(row.value) for row in bars.rows[:-1]]
    assert np.allclose(np.array(lengths) / lengths[0], np.array(values) / values[0])
    assert {row.value > 0 for row in bars.rows[:-1]} == {True, False}
    for at, row in enumerate(bars.rows[:-1]):
        color = t.accent if row.value > 0 else t.negative
        assert drawn_width(bars, at, color) == pytest.approx(lengths[at], abs=2)


def test_another_candidate_is_explained_when_it_is_clicked(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    click_row(pane.bars, 1)
    pane.refresh_now()
    token_id = pane.bars.shown[1].token_id
    text = live_store.model.token_text(token_id).removeprefix("·")  # type: ignore[union-attr]
    assert pane.why.heading.text() == f"Why “{text}”?"
    total = sum(row.value for row in pane.why.bars.rows)
    assert total == pytest.approx(float(logits_of(desk)[-1][token_id]), abs=1e-4)


def test_it_follows_the_prompt_and_the_position(
    pane: PredictionPane, live_store: Store, desk: Desk
) -> None:
    for change in (
        lambda: live_store.set_prompt("The boy saw a"),
        lambda: live_store.select(position=1),
    ):
        change()
        pane.refresh_now()
        at = live_store.selection.position
        logits_V = logits_of(desk)[at]
        total = sum(row.value for row in pane.why.bars.rows)
        assert total == pytest.approx(float(logits_V.max()), abs=1e-4)


def test_heads_and_neurons_can_be_told_apart_and_the_choice_is_kept(
    pane: PredictionPane, live_store: Store, qtbot: QtBot
) -> None:
    whole = sum(row.value for row in pane.why.bars.rows)
    for way, name in (("head", "head "), ("neuron", "neuron ")):
        QTest.mouseClick(pane.why.ways.buttons[way], Qt.MouseButton.LeftButton)
        pane.refresh_now()
        found = pane.answered("why", type(pane.why._found))  # type: ignore[type-var]
        assert any(part.name.startswith(name) for part in found.parts)  # type: ignore[union-attr]
        assert sum(row.value for row in pane.why.bars.rows) == pytest.approx(whole, abs=1e-4)
    kept = pane.remember()
    other = shown(live_store, qtbot, height=700)
    other.recall(kept)
    assert other.why.by == "neuron"
    other.recall({"why": "nonsense"})
    assert other.why.by == "neuron"


def test_a_click_or_return_goes_to_what_wrote_the_part(
    pane: PredictionPane, live_store: Store
) -> None:
    bars = pane.why.bars
    live_store.select(layer=3, operation=0)
    part = bars.rows[0].part
    assert part is not None
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(40, int(0.5 * ROW)))
    assert live_store.operations[live_store.selection.operation].output == part.activation
    assert live_store.selection.layer == part.layer
    pane.refresh_now()
    bars.setFocus()
    QTest.keyClick(bars, Qt.Key.Key_Down)
    QTest.keyClick(bars, Qt.Key.Key_Return)
    second = bars.rows[1].part
    assert second is not None
    assert live_store.operations[live_store.selection.operation].output == second.activation
    before = live_store.selection
    QTest.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(40, int(5.5 * ROW)))
    assert live_store.selection == before, "all others together are in no one place"


def test_a_head_that_is_clicked_is_the_selected_one(
    pane: PredictionPane, live_store: Store
) -> None:
    QTest.mouseClick(pane.why.ways.buttons["head"], Qt.MouseButton.LeftButton)
    pane.refresh_now()
    at, part = next(
        (at, row.part)
        for at, row in enumerate(pane.why.bars.rows)
        if row.part is not None and row.part.kind == "head"
    )
    place = QPoint(40, int((at + 0.5) * ROW))
    QTest.mouseClick(pane.why.bars, Qt.MouseButton.LeftButton, pos=place)
    assert (live_store.selection.layer, live_store.selection.head) == (part.layer, part.index)


def test_a_low_pane_says_it_in_one_line_and_hides_no_control(
    live_store: Store, qtbot: QtBot
) -> None:
    pane = shown(live_store, qtbot, 284, 330)
    why = pane.why
    assert not why.bars.isVisible()
    assert why.heading.text().startswith("Why “")
    assert why._found is not None
    assert why._found.parts[0].name in why.heading.text()
    button = pane.generation.sample_button
    assert pane.rect().contains(button.mapTo(pane, button.rect().bottomRight()))
    pane.resize(284, 700)
    pane.invalidate()
    pane.refresh_now()
    assert why.bars.isVisible()


def test_a_network_that_diverged_says_so_and_one_without_a_head_asks_nothing(
    live_store: Store, qtbot: QtBot, desk: Desk, tmp_path, opened: Callable[..., Store]
) -> None:
    pane = shown(live_store, qtbot, height=700)
    live_store.opening.open(str(diverged(tmp_path)))
    while live_store.opening.going:
        desk.advance()
    pane.refresh_now()
    assert not pane.why.isVisible(), "the bars say what is wrong"
