"""The script that a pane's header copies is run as it is: it gives the numbers that are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

import model
from gui import theme
from gui.panes import PANES
from gui.panes.base import Pane
from gui.panes.model.pane import ModelPane
from gui.panes.neurons.pane import NeuronsPane
from gui.panes.space.pane import SpacePane
from gui.reading import code
from gui.reading.inspecting import inspected
from gui.session.comparing import Side
from gui.session.store import Store
from gui.window.pane_menu import NO_CODE, script_of
from model.interventions import AblateHead, SetWeight
from model.language_model import LanguageModel
from model.probe.answering import fitted
from model.probe.question import Answer
from model.train.events import StepDone
from model.train.loop import train
from model.train.presets import PRESETS
from resources import STORY_WORLD
from tests.gui.desk import Desk
from tests.gui.window.test_main_window import SOON, close_program, open_program
from tests.small_models import TEXT

ENTRIES = {entry.key: entry for entry in PANES}
WITHOUT = {
    "training": "there is no run: the test of curves below has one",
    "runs": "there is no run: its own test runs what it copies",
    "interventions": "there are none: the test of interventions has some",
    "patching": "nothing has been swept yet: its own test runs what it copies",
    "landscape": "nothing has been measured yet: its own test runs what it copies",
    "circuit": "nothing has been found yet: its own test runs what it copies",
    "guess": "the game is about what a person guesses",
    "finetune": "nothing has been tuned yet: its own test runs what it copies",
    "preferences": "nothing has been learned yet: its own test runs what it copies",
    "scaling": "no size is trained yet: its own test runs what it copies",
}
"""Panes that draw nothing of a model just opened."""


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture(params=["bundled", "llama", "bert", "mixtral"])
def store(request: pytest.FixtureRequest, opened: Callable[..., Store]) -> Store:
    if request.param == "bundled":
        found: Store = request.getfixturevalue("live_store")
        return found
    return opened(request.param, TEXT)


def shown(key: str, store: Store, qtbot: QtBot) -> Pane:
    pane = ENTRIES[key].load()(store)
    qtbot.addWidget(pane)
    pane.resize(900, 640)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    pane.ask()  # what is asked once something is drawn
    pane.invalidate()
    pane.refresh_now()
    return pane


def run(script: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(compile(script, "<clipboard>", "exec"), space)
    return space


def hold_answers(space: dict[str, Any], pane: Pane) -> int:
    """Every answer that is drawn is among what the lines gave; how many there are."""
    assert pane.store.model is not None
    config = pane.store.model.config
    drawn = pane.store.asked.answers(pane.key, pane.store.model)
    again = [one for one in space.values() if isinstance(one, Answer)]
    asked = {one.question for one in again}
    for name, one in drawn.items():
        if name == "number":  # the inspected one is fetched from a trace
            continue
        asked_so, _ = one.question.in_script(one.subject)
        question = fitted(asked_so, config, one.subject.n_tokens)
        assert question in asked, name
        other = next(two for two in again if two.question == question)
        assert other.subject.ids == one.subject.ids
        for array, named in one.arrays().items():
            values = other.arrays()[array].values
            if named.values.dtype.kind == "f":
                # The window's bench computes in other slices, where something was known already.
                np.testing.assert_allclose(values, named.values, rtol=2e-4, atol=2e-6)
            else:
                assert np.array_equal(values, named.values), (name, array)
    return len(drawn)


@pytest.mark.parametrize("key", [key for key in ENTRIES if key not in WITHOUT])
def test_a_panes_script_gives_what_it_draws(key: str, store: Store, qtbot: QtBot) -> None:
    pane = shown(key, store, qtbot)
    script = script_of(pane, store)
    if not script:  # nothing can be drawn of this kind of network, and the pane says why
        assert not pane.export_data()
        return
    hold_answers(run(script), pane)


def test_it_is_about_the_interventions_and_what_was_before(live_store: Store, qtbot: QtBot) -> None:
    some = (AblateHead(1, 2), SetWeight("blocks.1.mlp.W_in", (3, 5), 2.0))
    live_store.intervene(some)
    live_store.intervening.set_view("difference")
    pane = shown("neurons", live_store, qtbot)
    assert isinstance(pane, NeuronsPane)
    space = run(script_of(pane, live_store))
    assert hold_answers(space, pane) >= 2
    assert space["the_other_side_map"].subject.interventions == ()
    assert space["map"].subject.interventions == some


def test_the_weights_are_those_of_the_tensor_in_detail(
    live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    pane = shown("model", live_store, qtbot)
    desk.finish()
    assert isinstance(pane, ModelPane)
    pane.choose("blocks.2.attn.W_Q")
    pane.views.choose_part(1)
    pane.views.set_view("detail")
    pane.refresh_now()
    desk.finish()
    found = live_store.weights.examined
    assert found is not None
    space = run(script_of(pane, live_store))
    assert np.array_equal(space["picture"].values_RC.numpy(), found.values)
    assert space["histogram"].tolist() == found.counts.tolist()
    assert space["figures"].norm == live_store.weights.figures["blocks.2.attn.W_Q"].norm
    singular = live_store.weights.singular_values
    assert singular is not None
    assert np.allclose(space["singular"].numpy(), singular.values)


def test_the_cloud_and_its_neighbours_are_those_of_the_table(
    live_store: Store, qtbot: QtBot
) -> None:
    pane = shown("space", live_store, qtbot)
    assert isinstance(pane, SpacePane)
    cloud, near = live_store.vocabulary, live_store.neighbours
    assert cloud is not None
    assert near is not None
    space = run(script_of(pane, live_store))
    assert np.allclose(space["projection"].points_Vn.numpy(), cloud.points, atol=1e-5)
    assert space["neighbours"].ids == near.ids
    assert space["neighbours"].values == pytest.approx(near.values)


@pytest.fixture
def program(qtbot: QtBot) -> Iterator[Any]:
    program = open_program(qtbot)
    yield program
    close_program(qtbot, program)


def test_every_header_offers_it(qtbot: QtBot, program: Any) -> None:
    window = program.window
    qtbot.waitUntil(lambda: program.first_look.over and window.host.complete, timeout=SOON)
    pane = window.host.pane("attention")
    qtbot.waitUntil(lambda: bool(pane.code()), timeout=SOON)
    dock = window.docks["attention"]
    for opener in ("button", "right click"):
        QGuiApplication.clipboard().clear()
        if opener == "button":
            dock.header.more.click()
        else:
            dock.menu_requested.emit(dock, dock.header.mapToGlobal(QPoint(20, 8)))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        texts = [action.text() for action in menu.actions() if not action.isSeparator()]
        assert texts[:3] == ["Copy code", "Export picture…", "Export data…"]
        qtbot.keyClick(menu, Qt.Key.Key_Down)
        qtbot.keyClick(menu, Qt.Key.Key_Return)
        script = QGuiApplication.clipboard().text()
        assert script.startswith("# The prompt: ")
        assert hold_answers(run(script), pane) >= 1
        assert "Attention" in window.notice_bar.message
    assert {"copy_code"} <= set(window.actions_by_id)


def test_where_nothing_is_drawn_it_says_so(qtbot: QtBot, program: Any) -> None:
    window = program.window
    qtbot.waitUntil(lambda: program.first_look.over and window.host.complete, timeout=SOON)
    items = window.pane_menu.items(window.docks["training"])
    copy = next(item for item in items if item.words == "Copy code")
    assert copy.why_not == NO_CODE
    window.pane_menu.copy_code(window.host.pane("training"))
    assert NO_CODE[1:] in window.notice_bar.message


def test_an_inspected_number_is_fetched_from_a_trace_under_the_interventions(
    live_store: Store, qtbot: QtBot
) -> None:
    live_store.intervene((AblateHead(1, 2),))
    assert live_store.model is not None
    assert live_store.read is not None
    pane = shown("inspector", live_store, qtbot)
    name, index = "blocks.2.hook_resid_post", (0, 4, 7)
    live_store.inspect(inspected(live_store.model, live_store.read, name, index, 0.0))
    pane.invalidate()
    pane.refresh_now()
    number = float(run(script_of(pane, live_store))["number"])
    lm = model.open(STORY_WORLD, device="cpu")
    ids = list(live_store.read.subject.ids)
    under = lm.trace(ids, (name,), interventions=live_store.interventions)[name]
    assert number == pytest.approx(float(under[index]), rel=1e-5)
    assert abs(number - float(lm.trace(ids, (name,))[name][index])) > 1e-3


def test_the_curves_of_a_run_are_read_from_its_folder(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the king lost his crown. " * 60)
    tiny = replace(PRESETS["tiny"], n_layers=1, d_model=16, n_ctx=16, batch_size=4)
    recipe = replace(tiny, data=str(text), steps=4, warmup_steps=1, sample_every=0)
    events = list(train(recipe, tmp_path / "run"))
    space = run(code.script(code.of_run(str(tmp_path / "run")), ""))
    steps = [(one.step, one.train_loss) for one in events if isinstance(one, StepDone)]
    assert np.allclose(space["train_loss"], steps, rtol=1e-4)
    assert "lm" not in space


def same(one: Answer, two: Answer) -> bool:
    """Whether two answers have the same numbers, up to rounding."""
    ours, theirs = one.arrays(), two.arrays()
    return list(ours) == list(theirs) and all(
        named.values.shape == theirs[name].values.shape
        and (
            named.values.dtype.kind != "f"
            or np.allclose(named.values, theirs[name].values, 2e-4, 2e-6, equal_nan=True)
        )
        for name, named in ours.items()
    )


@pytest.mark.parametrize("side", ["difference", "b"])
@pytest.mark.parametrize("key", ["layers", "attention", "tokens", "prediction", "model"])
def test_of_two_models_both_are_opened_and_asked(
    key: str, side: Side, live_store: Store, desk: Desk, beside: LanguageModel, qtbot: QtBot
) -> None:
    live_store.comparing.set_view(side)
    desk.finish()
    pane = shown(key, live_store, qtbot)
    desk.finish()
    script = script_of(pane, live_store)
    space = run(script)
    hold_answers(space, pane)
    other = live_store.comparing.model
    assert other is not None
    theirs = live_store.asked.answers(key, other if side == "difference" else None)
    for one in theirs.values():
        found = [two for two in space.values() if isinstance(two, type(one))]
        assert any(same(one, two) for two in found), one.question
    if side == "difference" and key != "model":
        assert "lm_b.ask(" in script or "beside=(lm_b,)" in script
