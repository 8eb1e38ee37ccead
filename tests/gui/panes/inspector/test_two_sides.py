"""The inspected number of A and of B, and their difference."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from gui.panes.inspector.pane import InspectorPane
from gui.reading.inspecting import inspected
from gui.reading.numbers import exact
from gui.session.store import Store
from model.interventions import ScaleOutput
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.inspector.test_inspector_pane import PATTERN, shown

LONGER = "The old king lost his crown. The queen lost her"
INDEX = (0, 2, 6, 3)


def sides(pane: InspectorPane) -> str:
    pane.refresh_now()
    return pane.value.sides_text.replace("\u00a0", " ")


def test_both_numbers_stand_below(live_store: Store, qtbot: QtBot, desk: Desk):
    pane = shown(live_store, qtbot)
    a = float(desk.lm.trace(PROMPT, PATTERN)[PATTERN][INDEX])
    b = float(desk.lm.trace(LONGER, PATTERN)[PATTERN][0, 2, 7, 4])
    assert live_store.model is not None
    assert live_store.read is not None
    live_store.inspect(inspected(live_store.model, live_store.read, PATTERN, INDEX, a))
    assert sides(pane) == ""
    live_store.comparing.compare_prompt(LONGER)
    words = sides(pane).split("   ")
    assert words[0] == f"A {exact(a, 'float32')}"
    assert float(words[1].removeprefix("B ")) == pytest.approx(b, abs=1e-6)
    assert float(words[2].removeprefix("B − A ")) == pytest.approx(b - a, abs=1e-6)
    data = pane.export_data()
    assert float(data["B"].values) == pytest.approx(b, abs=1e-6)


def test_before_comes_before_after(live_store: Store, qtbot: QtBot, desk: Desk):
    pane = shown(live_store, qtbot)
    cut = ScaleOutput(0, "block")
    live_store.intervening.add(cut)
    live_store.intervening.set_view("difference")
    a = float(desk.lm.trace(PROMPT, PATTERN)[PATTERN][INDEX])
    b = float(desk.lm.trace(PROMPT, PATTERN, interventions=(cut,))[PATTERN][INDEX])
    assert live_store.model is not None
    assert live_store.read is not None
    live_store.inspect(inspected(live_store.model, live_store.read, PATTERN, INDEX, b))
    words = sides(pane).split("   ")
    assert float(words[0].removeprefix("before ")) == pytest.approx(a, abs=1e-6)
    assert float(words[1].removeprefix("after ")) == pytest.approx(b, abs=1e-6)
    assert float(words[2].removeprefix("after − before ")) == pytest.approx(b - a, abs=1e-6)


def test_a_token_without_another_side_has_one_number(live_store: Store, qtbot: QtBot, desk: Desk):
    pane = shown(live_store, qtbot)
    live_store.set_prompt(LONGER)
    live_store.comparing.compare_prompt(PROMPT)
    a = float(desk.lm.trace(LONGER, PATTERN)[PATTERN][0, 2, 6, 1])
    assert live_store.model is not None
    assert live_store.read is not None
    live_store.inspect(inspected(live_store.model, live_store.read, PATTERN, (0, 2, 6, 1), a))
    assert sides(pane) == ""
