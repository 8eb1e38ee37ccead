"""A question that is asked because a person pressed a button, and goes on when its pane is hidden.

Panes ask by themselves for what is seen; what takes long is asked here, once, about the subject
that was in view when it was begun. What came stays, with that subject, until another run. Knows
questions and the store; no widget.
"""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from gui.session.asked import CANCELLED
from gui.session.store import Store
from model.messages import PromptRead
from model.probe.question import Answer, Question

A = TypeVar("A", bound=Answer)

MOVED_ON = "The weights moved on before it was done. Pause the training, then run it again."


class OnRequest(QObject):
    """One question at a time.

    Args:
        store: whose subject is asked about.
        owner: a name of its own among those who ask.

    Attributes:
        answer: the newest that came, coarse or whole; of the run before until one comes.
        read: the prompt that it is about.
        problem: why the last run has no whole answer, if that is no person's will; else empty.
        stopped: whether a person stopped the last run.

    Signals:
        changed: any of these is another, or it got on.
    """

    changed = Signal()

    def __init__(self, store: Store, owner: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._owner = store, owner
        self.answer: Answer | None = None
        self.read: PromptRead | None = None
        self.problem = ""
        self.stopped = False
        self._running: PromptRead | None = None
        self._told: tuple[object, ...] = ()
        store.asked.join(owner, self._hear)
        store.asked.changed.connect(self._hear)
        store.model_changed.connect(self._forget)

    @property
    def going(self) -> bool:
        """Whether more is on its way."""
        return self._store.asked.on_its_way(self._owner) is not None

    @property
    def share(self) -> float:
        """How much of the run that is going is done, 0 to 1."""
        asking = self._store.asked.on_its_way(self._owner)
        return 0.0 if asking is None else asking.share

    @property
    def is_current(self) -> bool:
        """Whether the answer is about what is in view."""
        return self.answer is not None and self.answer.subject == self._store.subject

    def found(self, kind: type[A]) -> A | None:
        """The answer, if it is of a kind."""
        return self.answer if isinstance(self.answer, kind) else None

    def run(self, question: Question) -> None:
        """Ask about what is in view; what was going is given up."""
        read = self._store.read
        if read is None:
            return
        asked = self._store.asked
        asked.want(self._owner, None, {})
        self._running, self.problem, self.stopped = read, "", False
        asked.want(self._owner, read.subject, {"it": question})
        self._hear()

    def stop(self) -> None:
        """Give up what is going; what came so far stays."""
        if self.going:
            self.stopped = True
            self._store.asked.want(self._owner, None, {})
            self._running = None
            self._hear()

    def _hear(self) -> None:
        slot = self._store.asked.slot(self._owner, "it")
        if slot is not None and self._running is not None:
            if slot.answer is not None:
                self.answer, self.read = slot.answer, self._running
            if slot.problem == CANCELLED:
                self.stopped = True
            elif slot.problem:
                self.problem = slot.problem
            elif not self.going and (slot.answer is None or not slot.answer.is_whole):
                self.problem = MOVED_ON
        now = (self.answer, self.going, self.share, self.problem, self.stopped)
        if now != self._told:
            self._told = now
            self.changed.emit()

    def _forget(self) -> None:
        """Another model: nothing of it holds."""
        self._store.asked.want(self._owner, None, {})
        self.answer = self.read = self._running = None
        self.problem, self.stopped = "", False
        self._hear()
