"""What panes want to know, and what is known: every question is asked once.

A pane states its questions about the subject in view; whether one was asked already, is waiting
or is known is nobody else's business. Until the new answer is there, the old one stays, with the
subject and the question that it belongs to. An answer to what nobody asks any more is dropped, and
what nobody asks any more is cancelled.

Of a model that learns, all panes change to another step at once, when the last of them has its
answer: what is seen in one moment is of one step (`gui/session/gathering.py`).

Knows questions and requests; no pane, no widget.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QTimer, Signal

from gui.session import gathering
from gui.session.feature import Feature
from gui.session.on_screen import OnScreen
from model import messages as m
from model.probe.question import Answer, Question
from model.subject import Subject

if TYPE_CHECKING:
    from gui.session.store import Store

A = TypeVar("A", bound=Answer)

SAID_AFTER = 0.2
"""Seconds after which a pane says that it waits: sooner would flicker at every key."""
TOGETHER_FOR = 1.0
"""Seconds for which answers about the next step wait for each other at most."""
REMEMBERED = 48 * 2**20
"""Bytes of answers that are kept, so that going back is at once."""
CANCELLED = "Cancelled. Move the selection, or change the prompt, to ask again."


@dataclass(slots=True)
class Asking:
    """A question that is on its way.

    Attributes:
        question: what is asked.
        request_id: of the request.
        since: when it was asked.
        next: whether its answer is drawn after the first picture.
        share: how much of the work is done, 0 if it is not known.
    """

    question: Question
    request_id: int
    since: float
    next: bool = False
    share: float = 0.0


@dataclass(slots=True)
class Slot:
    """One thing that a pane draws.

    Attributes:
        subject, question: that are wanted now.
        answer: the newest that came, perhaps still of another subject or question; None before
            the first.
        read: the prompt as it was read, that the answer is about.
        problem: why what is wanted can't be answered; empty if it can.
        coming: an answer about a later step of the same prompt, with that prompt, which waits for
            those of the other panes.
    """

    subject: Subject
    question: Question
    answer: Answer | None = None
    read: m.PromptRead | None = None
    problem: str = ""
    coming: tuple[Answer, m.PromptRead | None] | None = None

    @property
    def wanted(self) -> tuple[Subject, Question]:
        return self.subject, self.question

    @property
    def is_current(self) -> bool:
        """Whether the answer is about what is wanted now, whole or coarse."""
        answer = self.answer
        return answer is not None and (answer.subject, answer.question) == self.wanted


@dataclass(slots=True)
class Owner:
    """A pane's slots by name, and what it is called back with."""

    changed: Callable[[], None]
    slots: dict[str, Slot] = field(default_factory=dict)


class Asked(Feature):
    """Questions and answers about what is in view.

    Its ``changed`` says that something begins or ends to be waited for, or got on.

    Attributes:
        kept: models that stay in memory when another comes into view, and soon come back: what
            they said is kept.

    Signals:
        delivered: the panes have changed to another step of the model that learns.
        settled: nothing that the first picture shows is on its way any more, or nothing that is
            looked at at once, or nothing at all.
    """

    delivered = Signal()
    settled = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._owners: dict[str, Owner] = {}
        self._read: OrderedDict[Subject, m.PromptRead] = OrderedDict()
        self._asking: dict[tuple[Subject, Question], Asking] = {}
        # What the first picture shows; what is looked at at once; anything.
        self._was_on_its_way = (False, False, False)
        self._on_screen = OnScreen(self._tell_painted, self)
        self._some_wait = False  # answers that are drawn together with others to come
        self._known: OrderedDict[tuple[Subject, Question], Answer] = OrderedDict()
        self._n_bytes = 0
        # Of weights that learn, a step is gone in a moment; the timeline says which were kept.
        self.can_be_asked_again: Callable[[Subject], bool] = lambda _: False
        self.kept: frozenset[int] = frozenset()
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(round(SAID_AFTER * 1000))
        self._late.timeout.connect(self._tell_late)
        self._overdue = QTimer(self)
        self._overdue.setSingleShot(True)
        self._overdue.setInterval(round(TOGETHER_FOR * 1000))
        self._overdue.timeout.connect(self._deliver)

    # ------------------------------------------------------------------- asked by panes

    def join(self, owner: str, changed: Callable[[], None]) -> None:
        """From now on this owner may ask; ``changed`` is called when an answer of its came."""
        self._owners[owner] = Owner(changed)

    def want(
        self,
        owner: str,
        subject: Subject | None,
        questions: Mapping[str, Question],
        *,
        draws_next: bool = False,
    ) -> bool:
        """State all that an owner wants to know now; what it no longer names is given up.

        Args:
            owner: that has joined.
            subject: about which; None gives all up and forgets its answers.
            questions: by names of the owner's own.
            draws_next: they are drawn after the first picture, and answered after what it shows.

        Returns:
            Whether something can be drawn anew: an answer was known already.
        """
        slots = self._owners[owner].slots
        known = False
        dropped = [name for name in slots if subject is None or name not in questions]
        given_up = [slots.pop(name).wanted for name in dropped]
        changed = bool(dropped)
        if subject is not None:
            for name, question in questions.items():
                slot = slots.get(name)
                if slot is None:
                    slot = slots[name] = Slot(subject, question)
                elif slot.wanted == (subject, question):
                    continue
                else:
                    given_up.append(slot.wanted)
                gathering.take(slot)  # what waited for others is newer than what is drawn
                slot.subject, slot.question, slot.problem = subject, question, ""
                known |= self._fill(slot, draws_next=draws_next)
                changed = True
        if changed:
            self._give_up(given_up)
            self._deliver_if_whole()
        return known

    def slot(self, owner: str, name: str) -> Slot | None:
        """What an owner draws under one of its names."""
        return self._owners[owner].slots.get(name)

    def drawn_step(self, model: int) -> int | None:
        """The training step of a model that panes show now; None where none asks about it.

        The one of most answers: a pane that has just come into sight is a step ahead of the others
        until they follow together.
        """
        steps = Counter(
            slot.answer.subject.step
            for slot in self._slots
            if slot.answer is not None
            and slot.answer.subject.model == model
            and slot.answer.subject.step is not None
        )
        return max(steps, key=lambda step: (steps[step], step), default=None)

    def find(self, owner: str, name: str, kind: type[A]) -> A | None:
        """The newest answer under a name, if it is of a kind."""
        slot = self.slot(owner, name)
        answer = None if slot is None else slot.answer
        return answer if isinstance(answer, kind) else None

    def answers(self, owner: str, model: m.ModelInfo | None) -> dict[str, Answer]:
        """All that an owner draws now, by its names; and what its second owners do.

        A second owner is called ``owner: what for``, for example ``neurons: the other side``.

        Args:
            owner: that has joined.
            model: about which; what is about another one is left out.
        """
        found: dict[str, Answer] = {}
        for key, one in self._owners.items():
            if key != owner and not key.startswith(f"{owner}: "):
                continue
            what = key.removeprefix(owner).removeprefix(": ")
            for name, slot in one.slots.items():
                if slot.answer is None or model is None:
                    continue
                if slot.answer.subject.model == model.model_id:
                    found[name if name == what else f"{what} {name}".strip()] = slot.answer
        return found

    def waits(self, owner: str) -> Asking | None:
        """The question that this owner has waited for the longest, if for long enough to say."""
        return self._longest([slot.wanted for slot in self._owners[owner].slots.values()])

    def on_its_way(self, owner: str) -> Asking | None:
        """The question that this owner has asked the longest ago, from the moment it asked."""
        slots = self._owners[owner].slots.values()
        asking = [self._asking[slot.wanted] for slot in slots if slot.wanted in self._asking]
        return min(asking, key=lambda one: one.since, default=None)

    @property
    def longest(self) -> Asking | None:
        """The question that anybody has waited for the longest, if for long enough to say."""
        return self._longest(list(self._asking))

    @property
    def is_waiting(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._asking)

    @property
    def awaits_next(self) -> bool:
        """Whether something is on its way that is drawn right after the first picture."""
        return self._was_on_its_way[1]

    def cancel(self) -> None:
        """Stop all that is on its way; panes keep what they have."""
        for wanted, asking in list(self._asking.items()):
            self._store.send(m.Cancel(target=asking.request_id))
            self._drop(wanted, CANCELLED)

    # -------------------------------------------------------------- told by the store

    def note_read(self, read: m.PromptRead) -> None:
        """A prompt was read: answers about it will be drawn with its tokens."""
        self._read[read.subject] = read
        self._read.move_to_end(read.subject)
        while len(self._read) > 16:
            self._read.popitem(last=False)

    def reset(self, model: m.ModelInfo) -> bool:
        """Nothing that was said holds of another model, but of those that are compared."""
        for key in [key for key in self._known if key[0].model not in self.kept]:
            self._n_bytes -= self._known.pop(key).n_bytes
        for subject in [one for one in self._read if one.model not in self.kept]:
            del self._read[subject]
        for owner in self._owners.values():
            owner.slots.clear()
        self._give_up(list(self._asking))
        return True

    def take(self, result: m.Result) -> bool:
        """Take a result that is an answer, or says how one comes along; whether it was."""
        match result:
            case m.Answered():
                self._take_answer(result.answer)
            case m.Waiting():
                for asking in self._asking.values():
                    if asking.request_id == result.request_id:
                        asking.share = result.share
                        self.changed.emit()
            case m.Failed(request=m.Ask() as ask):
                self._drop((ask.subject, ask.question), result.message)
            case m.Cancelled():
                return self._take_cancelled(result.request_id)
            case _:
                return False
        return True

    # ---------------------------------------------------------------------------- inside

    def _fill(self, slot: Slot, *, draws_next: bool) -> bool:
        known = self._known.get(slot.wanted)
        if known is not None:
            self._known.move_to_end(slot.wanted)
            slot.answer, slot.read, slot.coming = known, self._read.get(slot.subject), None
            return True
        if slot.wanted not in self._asking:
            request = m.Ask(subject=slot.subject, question=slot.question, next=draws_next)
            asking = Asking(slot.question, request.id, time.monotonic(), draws_next)
            self._asking[slot.wanted] = asking
            if not self._late.isActive():
                self._late.start()
            self._store.send(request)
        elif not draws_next:
            self._asking[slot.wanted].next = False
        return False

    def _take_answer(self, answer: Answer) -> None:
        wanted = answer.subject, answer.question
        asking = self._asking.get(wanted)
        if asking is None:
            return  # nobody asks that any more
        asking.share = answer.share
        if answer.is_whole:
            del self._asking[wanted]
            self._remember(answer)
        read = self._read.get(answer.subject)
        for owner, hit in self._who_wants(wanted):
            drawn = [slot for slot in hit if not gathering.waits_for_others(slot, answer)]
            self._some_wait |= len(drawn) < len(hit)
            for slot in hit:
                slot.coming = (answer, read)
            for slot in drawn:
                gathering.take(slot)
            if drawn:
                owner.changed()
        self._deliver_if_whole()
        self._tell_settled()
        self.changed.emit()

    def _who_wants(self, wanted: tuple[Subject, Question]) -> list[tuple[Owner, list[Slot]]]:
        """Each owner that wants something, with the slots that do."""
        # Most owners are panes that can't be seen, and ask nothing: this runs for every answer.
        found = []
        for owner in self._owners.values():
            if owner.slots:
                hit = [slot for slot in owner.slots.values() if slot.wanted == wanted]
                if hit:
                    found.append((owner, hit))
        return found

    @property
    def is_gathering(self) -> bool:
        """Whether panes are about to change to another step together."""
        # Of weights that stand still nothing gathers: asked for every answer, so said at once.
        if all(subject.step is None for subject, _ in self._asking):
            return False
        return gathering.goes_on(self._slots, self._asking.keys())

    @property
    def _slots(self) -> list[Slot]:
        return [slot for owner in self._owners.values() for slot in owner.slots.values()]

    def _deliver_if_whole(self) -> None:
        if self.is_gathering:
            if not self._overdue.isActive():
                self._overdue.start()
        elif self._some_wait or self._overdue.isActive():
            self._deliver()

    def _deliver(self) -> None:
        """Let the panes change to the step that their answers are about, all at once."""
        self._overdue.stop()
        self._some_wait = False
        changed = [owner for owner in self._owners.values() if gathering.deliver(owner.slots)]
        for owner in changed:
            owner.changed()
        self.delivered.emit()

    def _take_cancelled(self, request_id: int) -> bool:
        """The worker gave it up: of a model that learns, the weights that it was about are gone."""
        hit = [key for key, asking in self._asking.items() if asking.request_id == request_id]
        for key in hit:
            del self._asking[key]
        if hit:
            self._deliver_if_whole()
            self._tell_settled()
            self.changed.emit()
        return bool(hit)

    def _drop(self, wanted: tuple[Subject, Question], problem: str) -> None:
        self._asking.pop(wanted, None)
        for owner, hit in self._who_wants(wanted):
            for slot in hit:
                slot.problem = problem
            owner.changed()
        self._deliver_if_whole()
        self._tell_settled()
        self.changed.emit()

    def _tell_settled(self) -> None:
        """What came is drawn together: whoever has waited for the others draws now."""
        at_once = [asking for asking in self._asking.values() if not asking.question.later]
        first = any(not asking.next for asking in at_once)
        was, self._was_on_its_way = (
            self._was_on_its_way,
            (first, bool(at_once), bool(self._asking)),
        )
        if any(one and not still for one, still in zip(was, self._was_on_its_way, strict=True)):
            self.settled.emit()
            if not first and was[:2] != self._was_on_its_way[:2]:
                self._on_screen.follow(0 if at_once else 1)

    def _tell_painted(self, turn: int) -> None:
        """The worker may go on with what is drawn after it, or has nothing more to wait for."""
        self._store.send(m.Painted(turn=turn))

    def _give_up(self, no_longer: Iterable[tuple[Subject, Question]]) -> None:
        """Of what somebody wants no longer, ask no more for what nobody else wants either."""
        for wanted in no_longer:
            if wanted in self._asking and not self._who_wants(wanted):
                self._store.send(m.Cancel(target=self._asking.pop(wanted).request_id))
        self._tell_settled()

    def _remember(self, answer: Answer) -> None:
        subject = answer.subject
        if subject.step is not None and not self.can_be_asked_again(subject):
            return  # of weights that are gone in a moment
        self._known[answer.subject, answer.question] = answer
        self._n_bytes += answer.n_bytes
        while self._n_bytes > REMEMBERED and len(self._known) > 1:
            _, old = self._known.popitem(last=False)
            self._n_bytes -= old.n_bytes

    def _longest(self, wanted: list[tuple[Subject, Question]]) -> Asking | None:
        asking = [self._asking[key] for key in wanted if key in self._asking]
        if not asking:
            return None
        longest = min(asking, key=lambda one: one.since)
        # Qt's timers may be a twentieth early.
        return longest if time.monotonic() - longest.since >= 0.9 * SAID_AFTER else None

    def _tell_late(self) -> None:
        """Whoever still waits now may say so."""
        if not self._asking:
            return
        self._late.start()
        for owner in list(self._owners.values()):
            if any(slot.wanted in self._asking for slot in owner.slots.values()):
                owner.changed()
        self.changed.emit()
