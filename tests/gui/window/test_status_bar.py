"""The status bar tells the truth about the worker: what it does, how far, what a run took."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gui.panes.space.pane import SpacePane
from gui.session.asked import SAID_AFTER
from gui.session.store import Store
from gui.window.status_bar import StatusBar
from model import messages as m
from model.interventions import AblateHead, RemoveMask
from model.preview import file_size
from model.probe.path.asks import Path as PathAsked
from model.probe.question import Question
from tests.gui.desk import Desk
from tests.gui.pixels import color_named, pixels


@pytest.fixture
def bar(live_store: Store, qtbot: QtBot) -> StatusBar:
    live_store.receive(m.Activity(request_id=0, what="idle"))
    bar = StatusBar(live_store)
    qtbot.addWidget(bar)
    bar.resize(1366, 26)
    bar.show()
    return bar


class Asker:
    """Somebody who wants to know something."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.asked.join("asker", self.hear)

    def hear(self) -> None:
        """Nothing is drawn."""

    def ask(self, question: Question) -> None:
        self._store.asked.want("asker", self._store.subject, {"it": question})


def dot(bar: StatusBar) -> tuple[int, ...]:
    return tuple(int(c) for c in pixels(bar.activity)[bar.activity.height() // 2, 5])


def test_at_rest_it_is_idle_and_nothing_can_be_cancelled(bar: StatusBar) -> None:
    assert bar.activity.text == "idle"
    assert dot(bar) == color_named("good")
    assert bar.cancel_button.isHidden()


def test_while_a_question_waits_it_is_never_idle(
    bar: StatusBar, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    asker = Asker(live_store)
    desk.hold()
    asker.ask(PathAsked())
    bar.refresh()
    assert bar.activity.text == "working", "at once; the question's name would flicker"
    assert dot(bar) == color_named("warning")
    assert bar.cancel_button.isHidden()
    qtbot.waitUntil(lambda: bar.activity.text == "path through the layers", timeout=5000)
    assert desk.held is not None
    [ask] = [request for request in desk.held if isinstance(request, m.Ask)]
    live_store.receive(m.Waiting(request_id=ask.id, share=0.4))
    qtbot.waitUntil(lambda: bar.activity.text == "path through the layers 40%", timeout=5000)
    assert bar._progress.value() == 400
    desk.release()
    qtbot.waitUntil(lambda: bar.activity.text == "idle", timeout=5000)
    assert bar.cancel_button.isHidden()


def test_cancel_gives_up_what_is_waited_for(
    bar: StatusBar, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    asker = Asker(live_store)
    desk.hold()
    asker.ask(PathAsked())
    qtbot.waitUntil(bar.cancel_button.isVisible, timeout=5000)
    with qtbot.waitSignal(bar.can_cancel_changed, timeout=5000):
        qtbot.mouseClick(bar.cancel_button, Qt.MouseButton.LeftButton)
    assert not live_store.asked.is_waiting
    assert desk.held is not None
    asked = [request.id for request in desk.held if isinstance(request, m.Ask)]
    assert [r.target for r in desk.held if isinstance(r, m.Cancel)] == asked
    assert bar.activity.text == "idle"
    slot = live_store.asked.slot("asker", "it")
    assert slot is not None
    assert "Cancelled" in slot.problem


def test_the_question_that_waits_longest_is_named(
    bar: StatusBar, live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    asker = Asker(live_store)
    desk.hold()
    asker.ask(PathAsked())
    qtbot.wait(round(1500 * SAID_AFTER))
    pane = SpacePane(live_store)
    qtbot.addWidget(pane)
    pane.show()
    bar.refresh()
    assert bar.activity.text == "path through the layers"
    desk.release()


def test_what_a_run_took_is_what_was_measured(bar: StatusBar, live_store: Store) -> None:
    ran, model = live_store.ran, live_store.model
    assert ran is not None
    assert model is not None
    assert ran.n_run == ran.subject.n_tokens
    said = bar.facts.text
    assert said.startswith("CPU, 1 thread · float32 · run in ")
    took = float(said.split("run in ")[1].split(" ms")[0].replace(",", ""))
    assert took == pytest.approx(1000 * ran.seconds, abs=0.51)
    assert said.endswith(f"{file_size(ran.held_bytes)} held")
    tip = bar.facts.toolTip()
    assert f"{file_size(ran.held_bytes)} of {file_size(ran.budget_bytes)} held" in tip
    assert f"{ran.n_run} of {ran.n_run} positions run" in tip
    assert model.path not in tip


def test_text_that_was_added_is_all_that_is_run(bar: StatusBar, live_store: Store) -> None:
    n = live_store.subject.n_tokens if live_store.subject else 0
    live_store.set_prompt(live_store.prompt + " crown")
    bar.refresh()
    assert f"1 of {n + 1} positions run; the rest was known" in bar.facts.toolTip()


def test_a_prompt_that_was_run_before_says_so(bar: StatusBar, live_store: Store) -> None:
    first = live_store.prompt
    live_store.set_prompt("The boy")
    live_store.set_prompt(first)
    bar.refresh()
    assert "run before, " in bar.facts.text


@pytest.mark.parametrize("width", [800, 1366, 1920])
def test_nothing_overlaps_and_no_word_is_cut_from_1366_on(
    bar: StatusBar, qtbot: QtBot, width: int
) -> None:
    bar.resize(width, 26)
    qtbot.wait(20)
    parts = [bar.activity, bar.facts, bar.badge, bar._keys]
    boxes = [part.geometry() for part in parts]
    for i, box in enumerate(boxes):
        assert bar.rect().contains(box)
        assert not any(box.intersects(other) for other in boxes[:i])
    if width >= 1366:
        assert bar.facts.width() >= bar.facts.sizeHint().width()
        assert bar.facts.fontMetrics().horizontalAdvance(bar.facts.text) <= bar.facts.width()
    assert np.ptp(pixels(bar.facts)) > 50, "it is drawn"


def test_it_says_whether_the_numbers_are_of_a_changed_model(live_store: Store, bar: StatusBar):
    assert bar.changed.isHidden()
    live_store.intervening.add(AblateHead(0, 1), RemoveMask(2))
    bar.refresh()
    assert not bar.changed.isHidden()
    assert bar.changed.text == "2 interventions"
    assert "cut head 0.1" in bar.changed.toolTip()
    assert "Saving, training and verifying take the model as it is." in bar.changed.toolTip()
    live_store.intervening.switch(0, on=False)
    live_store.intervening.flip()
    bar.refresh()
    assert bar.changed.text == "1 intervention, not shown"
    assert "shown as it is" in bar.changed.toolTip()
    live_store.intervening.clear()
    bar.refresh()
    assert bar.changed.isHidden()
