"""A draw is seen: the parts, the number, the token under it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.prediction.draw_strip import DrawStrip
from gui.panes.prediction.pane import PredictionPane
from gui.session.store import Store
from model.sampling import Sampling, drawn, probabilities
from tests.gui.desk import Desk
from tests.gui.panes.prediction.test_prediction_pane import logits_of, shown
from tests.gui.pixels import color_named, pixels


def test_the_mark_stands_over_the_part_of_the_token_that_was_drawn(qtbot: QtBot) -> None:
    theme.set_current("dark")
    probs = np.array([0.1, 0.0, 0.5, 0.3, 0.1])
    rng = np.random.default_rng(2)
    for _ in range(6):
        strip = DrawStrip()
        qtbot.addWidget(strip)
        strip.resize(401, strip.sizeHint().height())
        how = drawn(probs, rng)
        strip.show_draw(how, lambda token_id: f"t{token_id}")
        rows = pixels(strip)
        middle = round(strip.part(0, 1).bottom()) - 2
        accent = np.abs(rows[middle].astype(int) - color_named("accent")).sum(-1) < 20
        x = np.flatnonzero(accent)
        start = float(np.cumsum(probs)[how.token_id] - probs[how.token_id])
        assert x.min() == pytest.approx(400 * start, abs=3)
        assert x.max() == pytest.approx(400 * (start + probs[how.token_id]), abs=3)
        mark = np.flatnonzero((rows[1] == color_named("text")).all(-1))
        assert mark.mean() == pytest.approx(400 * how.u, abs=2)
        assert strip.part_at(0.5 + 400 * how.u) == how.token_id
        assert f"t{how.token_id}" in strip.sentence
        assert f"{how.u:.4f}" in strip.sentence


def test_the_strip_shows_the_distribution_that_was_drawn_from(
    live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    pane = shown(live_store, qtbot)
    live_store.set_sampling(Sampling(temperature=1.5, top_k=4))
    pane.refresh_now()
    assert not pane.generation.strip.isVisible(), "nothing was drawn yet"
    p = probabilities(logits_of(desk)[-1], Sampling(temperature=1.5, top_k=4))
    pane.generation.seed.setText("11")
    QTest.mouseClick(pane.generation.sample_button, Qt.MouseButton.LeftButton)
    desk.advance(5)
    pane.refresh_now()
    strip = pane.generation.strip
    assert strip.isVisible()
    assert strip.drawn is not None
    assert strip.drawn.u == np.random.default_rng(11).random()
    assert dict(zip(strip.drawn.ids, strip.drawn.widths, strict=True)) == pytest.approx(
        {int(i): p[i] for i in np.flatnonzero(p)}, rel=1e-3
    )
    assert live_store.read is not None
    assert strip.drawn.token_id == live_store.read.tokens[-1].id


def test_a_click_on_a_generated_token_shows_its_draw_and_what_the_model_read(
    live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    pane = shown(live_store, qtbot, 420, 700)
    assert isinstance(pane, PredictionPane)
    live_store.following.set_on(False)
    assert live_store.read is not None
    n = live_store.read.n_tokens
    pane.generation.length.setValue(8)
    pane.generation.seed.setText("3")
    pane.generate()
    desk.finish()
    pane.refresh_now()
    text, generation = pane.generation.text, live_store.generating.current
    assert generation is not None
    cursor = text.textCursor()
    cursor.setPosition(len(generation.prompt) + text._spans[3][0] + 1)
    QTest.mouseClick(
        text.viewport(), Qt.MouseButton.LeftButton, pos=text.cursorRect(cursor).center()
    )
    pane.refresh_now()
    step = generation.steps[3]
    assert live_store.prompt.startswith(generation.prompt + step.text)
    assert live_store.selection.position == n + 2, "the position before it, which wrote it"
    assert live_store.selection.vocabulary_id == step.token_id
    assert pane.generation.strip.drawn is step.how
    assert pane.actual_next == step.token_id
    QTest.keyClick(text, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert live_store.selection.position == n + 3


def test_each_generated_token_has_its_surprisal_and_rank(
    live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    pane = shown(live_store, qtbot)
    live_store.set_sampling(Sampling(temperature=3.0))
    pane.generation.length.setValue(6)
    pane.generation.seed.setText("3")
    pane.generate()
    desk.finish()
    pane.refresh_now()
    generation = live_store.generating.current
    assert generation is not None
    logits = logits_of(desk).astype(np.float64)
    n = len(logits) - 6
    for i, step in enumerate(generation.steps):
        row = logits[n + i - 1]
        bits = (np.log(np.exp(row - row.max()).sum()) + row.max() - row[step.token_id]) / np.log(2)
        assert step.bits == pytest.approx(bits, abs=1e-3)
        assert step.rank == 1 + np.count_nonzero(row > row[step.token_id])
        assert f"rank {step.rank:,}" in pane.generation.text.describe(i)
