"""Chips carry how many bits a token costs more in B than in A."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui.panes.tokens.pane import TokensPane
from gui.session.store import Store
from gui.widgets import surprisal
from model.language_model import LanguageModel
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.tokens.test_tokens_pane import shown

LONGER = "The old king lost his crown. The queen lost her"


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> TokensPane:
    return shown(live_store, qtbot)


def bits(lm: LanguageModel, text: str) -> np.ndarray:
    ids = lm.ids(text)[0].numpy()
    logits = lm.logits(text)[0].double().numpy()
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    found = -logs[np.arange(len(ids) - 1), ids[1:]] / np.log(2)
    return np.concatenate([[np.nan], found])


def test_a_chip_says_how_many_bits_more(pane: TokensPane, desk: Desk, beside: LanguageModel):
    pane.refresh_now()
    expected = bits(beside, PROMPT) - bits(desk.lm, PROMPT)
    limit = max(1.0, np.nanmax(np.abs(expected)))
    for index in range(1, len(expected)):
        look = pane.strip.look(index)
        assert look.below == surprisal.signed_figure(expected[index])
        assert look.fill == surprisal.signed_color(expected[index] / limit)
    said = pane.describe(3).splitlines()
    assert any(line.startswith(f"B {bits(beside, PROMPT)[3]:.3f}, B − A ") for line in said)
    data = pane.export_data()
    np.testing.assert_allclose(data["B − A"], expected, atol=1e-4)
    np.testing.assert_allclose(data["surprisal_bits_B"], bits(beside, PROMPT), atol=1e-4)


def test_more_is_blue_and_less_is_orange():
    more, less = surprisal.signed_color(0.9), surprisal.signed_color(-0.9)
    assert more.blue() > more.red()
    assert less.red() > less.blue()
    assert surprisal.signed_figure(-0.01) == "0.0"


def test_a_token_without_another_side_is_hatched(pane: TokensPane, desk: Desk):
    pane.store.set_prompt(LONGER)
    pane.store.comparing.compare_prompt(PROMPT)
    pane.refresh_now()
    assert pane.strip.look(1).hatched
    assert "no other side in B" in pane.describe(1)
    apart = bits(desk.lm, PROMPT)[4] - bits(desk.lm, LONGER)[5]
    assert pane.strip.look(5).below == surprisal.signed_figure(apart)


def test_one_side_alone_has_its_own_bits_again(pane: TokensPane, desk: Desk):
    pane.store.comparing.compare_prompt(LONGER)
    pane.refresh_now()
    pane.store.comparing.set_view("a")
    pane.refresh_now()
    assert pane.strip.look(2).below == surprisal.figure(bits(desk.lm, PROMPT)[2])
