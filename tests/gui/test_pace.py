"""Turns: at once after a rest, and so many a second in the long run."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui import pace
from gui.pace import Later, Pace, Turns


class Clock:
    """Milliseconds that pass when a test says so."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace, "_now_ms", clock)
    return clock


def test_two_turns_follow_each_other_at_once_and_the_third_waits(clock: Clock) -> None:
    turns = Pace(33)
    assert turns.wait_ms() == 0
    turns.take()
    assert turns.wait_ms() == 0
    turns.take()
    assert turns.wait_ms() == 33
    clock.now += 20
    assert turns.wait_ms() == 13


def test_who_always_has_something_to_do_gets_thirty_turns_a_second(clock: Clock) -> None:
    turns, taken = Pace(33), 0
    for _ in range(10_000):
        if turns.wait_ms() == 0:
            turns.take()
            taken += 1
        clock.now += 1
    assert 10_000 / 33 <= taken <= 10_000 / 33 + 2


def test_several_that_are_due_at_once_draw_a_gap_apart(clock: Clock) -> None:
    turns = Turns(16)
    drawn: list[float] = []
    waiting = dict.fromkeys(("a", "b", "c"), clock.now)
    while waiting:
        for name, due in list(waiting.items()):
            if clock.now < due:
                continue
            if wait := turns.wait_ms():
                waiting[name] = clock.now + wait
            else:
                turns.take()
                drawn.append(clock.now)
                del waiting[name]
        clock.now += 1
    assert drawn == [1_000, 1_016, 1_032]
    assert turns.wait_ms() > 0
    clock.now += 100
    assert turns.wait_ms() == 0  # nobody waits for those who drew long ago


def test_a_turn_may_be_taken_ahead(clock: Clock) -> None:
    turns = Turns(8)
    turns.take(4)
    assert turns.wait_ms() == 12


def test_a_rest_does_not_pay_for_more_than_two(clock: Clock) -> None:
    turns = Pace(33)
    turns.take()
    clock.now += 60_000
    turns.take()
    turns.take()
    assert turns.wait_ms() == 33


def test_what_is_asked_for_many_times_in_a_turn_is_done_once(qtbot: QtBot) -> None:
    work, parent = Mock(), QObject()
    later = Later(work, 33, parent)
    for _ in range(5):
        later.ask()
    work.assert_not_called()
    qtbot.waitUntil(lambda: work.called, timeout=2_000)
    qtbot.wait(80)
    work.assert_called_once()


def test_what_is_done_now_is_not_done_again(qtbot: QtBot) -> None:
    work, parent = Mock(), QObject()
    later = Later(work, 33, parent)
    later.ask()
    later.now()
    qtbot.wait(80)
    work.assert_called_once()
