"""Answers about a model that learns: those of one step wait for each other.

Each pane asks its own questions, and they are answered one after the other. Were each drawn when it
came, one look at the window would show several steps. So an answer that only differs by the step
from what is drawn waits, until everybody who asks about that step has an answer or will get none.

Plain functions on slots; knows no timer and no signal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from model.probe.question import Answer, Question
from model.subject import Subject

if TYPE_CHECKING:
    from gui.session.asked import Slot


def is_next_step(drawn: Subject, wanted: Subject) -> bool:
    """Whether the one differs from the other only by the step of the model that learns."""
    if drawn.step is None or wanted.step is None or drawn.step == wanted.step:
        return False
    return replace(drawn, step=wanted.step) == wanted


def waits_for_others(slot: Slot, answer: Answer) -> bool:
    """Whether an answer is to be drawn together with those of other panes."""
    return slot.answer is not None and is_next_step(slot.answer.subject, answer.subject)


def goes_on(slots: Iterable[Slot], asking: Collection[tuple[Subject, Question]]) -> bool:
    """Whether something is still to come that is drawn together with what came.

    A pane whose question is not on its way (it was given up) keeps nobody waiting.
    """
    for slot in slots:
        still = slot.wanted in asking and slot.coming is None and not slot.problem
        if still and slot.answer is not None and is_next_step(slot.answer.subject, slot.subject):
            return True
    return False


def take(slot: Slot) -> bool:
    """Let a slot have the answer that waits for others; whether there was one."""
    if slot.coming is None:
        return False
    (slot.answer, slot.read), slot.coming = slot.coming, None
    return True


def deliver(slots: Mapping[str, Slot]) -> bool:
    """Let all slots of a pane have what waits; whether any did."""
    # Every one is asked, also after one that had something.
    return sum(take(slot) for slot in slots.values()) > 0
