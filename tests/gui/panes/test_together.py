"""Answers that come within milliseconds of each other are drawn together, and once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.panes.base import Pane
from gui.panes.inspector.pane import InspectorPane
from gui.panes.layers.pane import LayersPane
from gui.panes.prediction.pane import PredictionPane
from gui.panes.stage.pane import StagePane
from gui.session.store import Store
from model import messages as m
from model.probe.lens.asks import Lens
from model.probe.next_token.asks import NextToken
from model.probe.question import Question
from model.subject import Subject
from tests.gui.desk import Desk
from tests.gui.keeping_back import answers_kept_back
from tests.samples.pane import ENTRY


class Counting(Pane):
    """Two that are looked at at once, and one that is looked at later."""

    entry = ENTRY

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.drawn_with: list[set[str]] = []

    def questions(self) -> Mapping[str, Question]:
        at = self.store.selection.position
        return {"next": NextToken(at), "before": NextToken(at - 1), "lens": Lens(positions=(at,))}

    def refresh(self) -> None:
        slots = {name: self.slot(name) for name in self.questions()}
        self.drawn_with.append({name for name, slot in slots.items() if slot and slot.is_current})
        self.update()


def test_a_pane_waits_for_what_is_looked_at_at_once_and_draws_it_in_one_go(
    live_store: Store, desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.panes.base.TOGETHER_MS", 60_000)  # no machine is that slow
    pane = Counting(live_store)
    qtbot.addWidget(pane)
    with qtbot.waitExposed(pane):
        pane.show()
    qtbot.waitUntil(lambda: bool(pane.drawn_with) and not pane.dirty, timeout=20_000)
    pane.drawn_with.clear()
    desk.hold()
    live_store.select(position=2)
    held, desk.held = desk.held or [], None
    asks = {ask.question: ask for ask in held if isinstance(ask, m.Ask)}
    desk._submit(asks[NextToken(2)])
    qtbot.wait(50)
    assert pane.drawn_with == [], "another is on its way"
    desk._submit(asks[NextToken(1)])
    qtbot.waitUntil(lambda: bool(pane.drawn_with), timeout=20_000)
    assert pane.drawn_with == [{"next", "before"}]
    desk._submit(asks[Lens(positions=(2,))])
    qtbot.waitUntil(lambda: len(pane.drawn_with) == 2, timeout=20_000)
    assert pane.drawn_with[1] == {"next", "before", "lens"}


def test_a_prompt_that_changes_subject_and_selection_is_asked_about_once(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = Counting(live_store)
    qtbot.addWidget(pane)
    with qtbot.waitExposed(pane):
        pane.show()
    qtbot.waitUntil(lambda: bool(pane.drawn_with) and not pane.dirty)
    asked: list[int] = []
    want = live_store.asked.want

    def counting(
        owner: str,
        subject: Subject | None,
        questions: Mapping[str, Question],
        *,
        draws_next: bool = False,
    ) -> bool:
        if owner == pane.key and subject is not None:
            asked.append(subject.n_tokens)
        return want(owner, subject, questions, draws_next=draws_next)

    monkeypatch.setattr(live_store.asked, "want", counting)
    before = live_store.read
    assert before is not None
    monkeypatch.setattr(pane, "_paint_if_due", lambda: None)  # drawing asks as well
    pane._timer.timeout.disconnect()
    told: list[str] = []
    live_store.subject_changed.connect(lambda: told.append("subject"))
    live_store.selection_changed.connect(lambda: told.append("selection"))
    live_store.set_prompt(before.text + " and the queen")
    qtbot.waitUntil(lambda: live_store.read is not before)
    assert told == ["subject", "selection"]
    assert len(asked) == 1
    assert asked[0] > before.n_tokens
    live_store.select(position=0)
    assert len(asked) == 2


def test_what_was_asked_of_a_model_is_asked_again_when_one_comes_into_view(
    live_store: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pane = Counting(live_store)
    qtbot.addWidget(pane)
    with qtbot.waitExposed(pane):
        pane.show()
    qtbot.waitUntil(lambda: bool(pane.drawn_with) and not pane.dirty)
    pane._timer.timeout.disconnect()  # drawing asks as well
    live_store.subject_changed.emit()
    asked: list[str] = []
    monkeypatch.setattr(pane, "ask", lambda: asked.append("asked"))
    live_store.subject_changed.emit()
    assert not asked  # it is the same
    live_store.model_changed.emit()  # what was said is forgotten with the one before
    live_store.subject_changed.emit()
    assert asked == ["asked"]


class Hearing(Counting):
    """Hears of subject and selection itself, like most panes."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.heard: list[tuple[str, bool]] = []
        store.subject_changed.connect(partial(self._hear, "subject"))
        store.selection_changed.connect(partial(self._hear, "selection"))

    def _hear(self, what: str) -> None:
        slot = self.slot("lens")
        self.heard.append((what, slot is not None and slot.is_current))


def test_a_pane_has_asked_before_it_hears_of_a_change_itself(
    live_store: Store, desk: Desk, qtbot: QtBot
) -> None:
    # Else it takes the old answer for what it wants now, draws it, and draws again.
    pane = Hearing(live_store)
    qtbot.addWidget(pane)
    with qtbot.waitExposed(pane):
        pane.show()
    qtbot.waitUntil(lambda: bool(pane.drawn_with) and not pane.dirty)
    before = live_store.read
    assert before is not None
    with answers_kept_back(desk):
        live_store.select(position=1)
        assert pane.heard == [("selection", False)]
        live_store.set_prompt(before.text + " and the queen")
        qtbot.waitUntil(lambda: live_store.read is not before)
        assert pane.heard[1] == ("subject", False)


class Explaining(Counting):
    """Draws in the turn after the others."""

    entry = replace(ENTRY, key="explaining")
    draws_next = True


class ExplainingMore(Explaining):
    """And asks what the others don't."""

    def questions(self) -> Mapping[str, Question]:
        return {"next": NextToken(self.store.selection.position, n=3)}


def test_the_first_picture_is_drawn_while_what_explains_it_is_on_its_way(
    live_store: Store, desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.panes.base.TOGETHER_MS", 60_000)  # no machine is that slow
    window = QWidget()
    row = QHBoxLayout(window)
    explaining, first = ExplainingMore(live_store), Counting(live_store)
    for pane in (explaining, first):
        pane.setMinimumSize(40, 40)
        row.addWidget(pane)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: not (first.dirty or explaining.dirty or live_store.asked.is_waiting))
    desk.hold()
    live_store.select(position=2)
    held, desk.held = desk.held or [], None
    asks = {ask.question: ask for ask in held if isinstance(ask, m.Ask)}
    assert [ask.turn for ask in asks.values()] == [1, 0, 0, 2]
    explaining.invalidate()  # as one that shows what is selected
    for pane in (explaining, first):
        pane.drawn_with.clear()
    desk._submit(asks[NextToken(2)])
    desk._submit(asks[NextToken(1)])
    qtbot.waitUntil(lambda: bool(first.drawn_with), timeout=20_000)
    qtbot.wait(50)
    assert first.drawn_with == [{"next", "before"}]
    assert explaining.drawn_with == []
    assert live_store.asked.awaits_next
    desk._submit(asks[NextToken(2, n=3)])
    qtbot.waitUntil(lambda: bool(explaining.drawn_with), timeout=20_000)
    assert explaining.drawn_with == [{"next"}]
    assert not live_store.asked.awaits_next
    assert live_store.asked.is_waiting  # for what is looked at later


class Painted(QObject):
    """Notes when a pane is painted."""

    def __init__(self, pane: Pane, told: list[str]) -> None:
        super().__init__(pane)
        self._told = told
        pane.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._told.append("painted")
        return False


def test_what_explains_draws_when_the_first_picture_is_painted(
    live_store: Store, qtbot: QtBot
) -> None:
    window = QWidget()
    row = QHBoxLayout(window)
    explaining, first = Explaining(live_store), Counting(live_store)  # it is told before the other
    told: list[str] = []
    for pane in (explaining, first):
        pane.setMinimumSize(40, 40)
        row.addWidget(pane)
        pane.drawn.connect(partial(told.append, pane.key))
    qtbot.addWidget(window)
    Painted(first, told)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: not (first.dirty or explaining.dirty or live_store.asked.is_waiting))
    for position in (2, 3):
        qtbot.wait(200)
        told.clear()
        live_store.select(position=position)
        qtbot.waitUntil(lambda: "explaining" in told and not first.dirty)
        assert told.index(first.key) < told.index("painted") < told.index("explaining"), told


def test_the_worker_is_told_when_each_picture_is_on_the_screen(
    live_store: Store, desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.panes.base.TOGETHER_MS", 60_000)  # no machine is that slow
    window = QWidget()
    row = QHBoxLayout(window)
    explaining, first = ExplainingMore(live_store), Counting(live_store)
    for pane in (explaining, first):
        pane.setMinimumSize(40, 40)
        row.addWidget(pane)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: not (first.dirty or explaining.dirty or live_store.asked.is_waiting))
    told: list[str] = []
    for pane in (explaining, first):
        Painted(pane, told)
    desk.hold()
    live_store.select(position=2)
    asks = {ask.question: ask for ask in desk.held or [] if isinstance(ask, m.Ask)}
    desk.held = None
    submit = live_store._submit

    def noting(request: m.Request) -> None:
        if isinstance(request, m.Painted):
            told.append(f"told {request.turn}")
        submit(request)

    monkeypatch.setattr(live_store, "_submit", noting)
    told.clear()
    desk._submit(asks[NextToken(2)])
    qtbot.wait(50)
    assert told == [], "another of the first picture is on its way"
    desk._submit(asks[NextToken(1)])
    qtbot.waitUntil(lambda: "told 0" in told, timeout=20_000)
    assert told == ["painted", "told 0"]
    desk._submit(asks[NextToken(2, n=3)])
    qtbot.waitUntil(lambda: "told 1" in told, timeout=20_000)
    assert told == ["painted", "told 0", "painted", "told 1"]
    desk._submit(asks[Lens(positions=(2,))])  # after which nothing is kept back
    qtbot.waitUntil(lambda: len(told) > 4, timeout=20_000)
    qtbot.wait(50)
    assert told[4:] == ["painted"]


def test_stage_and_inspector_draw_after_layers_and_the_next_token(
    live_store: Store, qtbot: QtBot
) -> None:
    window = QWidget()
    row = QHBoxLayout(window)
    last: list[Pane] = [StagePane(live_store), InspectorPane(live_store)]  # they are told first
    first: list[Pane] = [LayersPane(live_store), PredictionPane(live_store)]
    told: list[str] = []
    for pane in (*last, *first):
        row.addWidget(pane)
        pane.drawn.connect(partial(told.append, pane.key))
    qtbot.addWidget(window)
    window.resize(1600, 600)
    with qtbot.waitExposed(window):
        window.show()
    qtbot.waitUntil(lambda: not any(pane.dirty for pane in (*last, *first)))
    qtbot.wait(200)
    told.clear()
    live_store.select(position=2)
    qtbot.waitUntil(lambda: {pane.key for pane in (*last, *first)} <= set(told))
    assert max(told.index(pane.key) for pane in first) < min(told.index(p.key) for p in last), told
