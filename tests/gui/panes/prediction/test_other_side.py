"""Another prompt's and another model's next token beside the drawn one."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.panes.prediction.pane import PredictionPane
from gui.session.store import Store
from model.language_model import LanguageModel
from model.sampling import OWN, probabilities
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.prediction.test_before import settle
from tests.gui.panes.prediction.test_prediction_pane import shown

TEXT_B = "The king lost his crown. The old duke lost his"


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> PredictionPane:
    return shown(live_store, qtbot)


def after(lm: LanguageModel, text: str) -> np.ndarray:
    """The probabilities of the next token, by the fast path."""
    return probabilities(lm.logits(text)[0, -1].float().numpy(), OWN)


def test_the_ends_of_two_prompts_are_compared(pane: PredictionPane, desk: Desk):
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    a, b = after(desk.lm, PROMPT), after(desk.lm, TEXT_B)
    assert pane.bars.shown
    for bar in pane.bars.shown:
        assert bar.probability == pytest.approx(a[bar.token_id], abs=1e-5)
        assert bar.before == pytest.approx(b[bar.token_id], abs=1e-5)
    shown_ids = {bar.token_id for bar in pane.bars.shown}
    assert set(np.argsort(-b)[:3].tolist()) <= shown_ids, "what B says likeliest is drawn"
    bar = pane.bars.shown[0]
    said = next(line for line in pane.describe(bar).splitlines() if line.startswith("B: "))
    assert float(said.rpartition(" ")[2]) == pytest.approx(
        b[bar.token_id] - a[bar.token_id], abs=1e-5
    )


def test_a_token_without_another_side_has_no_marks(pane: PredictionPane):
    pane.store.set_prompt(TEXT_B)
    pane.store.comparing.compare_prompt(PROMPT)
    old = 7  # " old", which the other text lacks
    assert pane.store.comparing.other_position(old) is None
    pane.store.select(position=old)
    settle(pane)
    assert all(bar.before is None for bar in pane.bars.shown)


def test_another_models_bars_stand_beside(pane: PredictionPane, desk: Desk, beside: LanguageModel):
    settle(pane)
    b = after(beside, PROMPT)
    for bar in pane.bars.shown:
        assert bar.before == pytest.approx(b[bar.token_id], abs=1e-5)
    data = pane.export_data()
    np.testing.assert_allclose(data["probability_B"], b[data["id"]], atol=1e-5)
    np.testing.assert_allclose(data["probability_A"], data["probability"])
