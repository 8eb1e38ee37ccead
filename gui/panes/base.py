"""What every pane is: a titled widget that reads the store and draws when it is seen.

Knows the store and the theme, and of panes what an entry is; no pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gui import theme
from gui.pace import Pace, Turns
from gui.panes.entry import PaneEntry
from gui.reading import code
from gui.session.asked import Slot
from gui.session.on_screen import AFTER_PAINTING
from gui.session.state import Selection
from gui.session.store import Store
from model.probe.question import Answer, Named, Question
from model.subject import Subject

A = TypeVar("A", bound=Answer)

LAST = "last"
"""Key of `remember` for what was done last: a text, a recipe; all else are settings."""
NO_TOKEN = "The other text has no such token."
"""Why there is no other side of a position."""
FRAME_MS = 33
"""Time between two repaints of a pane that has much to follow: 30 a second."""
TOGETHER_MS = 16
"""For so long at most a pane that has an answer waits for the others that are on their way: most
come within milliseconds, and all panes change at once. Drawing is the dearer part of an edit."""
TURN_MS = 16
"""While a model learns panes draw one after the other: all at once they keep keys and mouse waiting
for 13 to 28 ms, several times a second."""


_NEXT_TURN = QEvent.Type(QEvent.registerEventType())


class Pane(QWidget):
    """Base of all panes.

    A subclass connects the store's signals to `invalidate` (a bound method), and draws what the
    store holds in `refresh`. `refresh` is called once in `frame_ms`, twice after a rest,
    only while the pane is visible, and once when it becomes visible after it was invalidated.

    Class attributes:
        entry: the ``ENTRY`` of its package.
        frame_ms: time between two repaints, while there is always something new.
        draws_next: whether it draws in the turn after the others. An edit's first picture is the
            matrix, the routes, the next token and the layers; what explains them in full comes
            some milliseconds later, and doesn't keep them waiting.
        one_side: of a pane that draws no difference, why, as a sentence that says what to do; empty
            where it draws one, or where what it draws is of no side.

    Attributes:
        title: on the dock's header.
        turns: shared by the panes that draw one after the other while a model learns.

    Signals:
        drawn: it has drawn what it holds: what its header says may be another.
    """

    drawn = Signal()

    entry: ClassVar[PaneEntry]
    one_side: ClassVar[str] = ""
    frame_ms: ClassVar[int] = FRAME_MS
    draws_next: ClassVar[bool] = False

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.title = self.entry.title
        self.turns = Turns(TURN_MS)
        self.setObjectName(f"{self.key}_pane")
        self.setAccessibleName(self.title)
        self.setAccessibleDescription(self.entry.hint)
        self.setAutoFillBackground(True)  # with the panel's colour; the window behind is darker
        self._dirty = True
        self._asked_about: tuple[Subject | None, Selection] | None = None
        self._pace = Pace(self.frame_ms)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._paint_if_due)
        store.asked.join(self.key, self.invalidate)
        store.asked.join(self._other_owner, self.invalidate)
        store.comparing.changed.connect(self._compare)
        store.asked.settled.connect(self._hurry)
        self._hears = False  # of subject and selection
        store.model_changed.connect(self._forget_asked)
        store.theme_changed.connect(self.apply_theme)
        store.theme_changed.connect(self.invalidate)

    # -------------------------------------------------------------- for subclasses

    def questions(self) -> Mapping[str, Question]:
        """What it wants to know about the subject in view, now: a pure function of the selection.

        By names of its own, under which `answered` finds what came.
        """
        return {}

    def other_questions(self) -> Mapping[str, Question]:
        """What it wants to know of the other side while B − A is shown, as of `questions`.

        By names of its own, under which `other` finds what came. Asked only while a comparison
        shows the difference (`gui/session/comparing.py`); which side is A is its business.
        """
        return {}

    def refresh(self) -> None:
        """Draw what the store holds now, and what was answered."""
        raise NotImplementedError

    def apply_theme(self) -> None:
        """Take new colours; called when the theme changes."""

    def no_difference(self) -> str:
        """Why one side is drawn although B − A is chosen, in a sentence; empty where it isn't so.

        Asked while the difference is shown.
        """
        return self.one_side

    @property
    def alone(self) -> str:
        """``A alone: `` and why, while B − A is chosen and this pane can't show it; else empty."""
        why = self.no_difference() if self.shows_difference else ""
        return f"{self.store.comparing.sides.in_view} alone: {why}" if why else ""

    def set_title(self, title: str) -> None:
        """Another title, where what is shown depends on the model; the dock follows."""
        self.title = title
        self.setAccessibleName(title)
        self.setWindowTitle(title)

    def header_note(self) -> str:
        """A short fact for the right side of the header, for example "7 tokens"."""
        return ""

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """What is drawn, as named arrays for CSV or npz. Empty if there is nothing."""
        return {}

    def export_arrays(self) -> Mapping[str, Named]:
        """The same numbers as arrays in the shape in which they are drawn, for npz alone."""
        return {}

    def code(self) -> str:
        """Lines of Python for the numbers that it draws; empty where there are none.

        They run after ``import model`` and ``lm = model.open(…)``; imports come first.
        """
        asked, other = self.store.asked, self.store.comparing.model
        lines = code.of_answers(asked.answers(self.key, self.store.model))
        if other is None or other is self.store.model:
            return lines
        theirs = asked.answers(self.key, other)
        return code.of_two(lines, theirs, other.place or other.path)

    def prepare_export(self) -> None:
        """An export of its data is about to be chosen: ask for what isn't drawn in full."""

    def remember(self) -> dict[str, Any]:
        """What it wants to know at the next start, as JSON has it; asked when the window closes.

        What stands under `LAST` is what was done last: it comes back only where the person wants
        to begin where they left off.
        """
        return {}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Take up what `remember` gave at an earlier end; called once, before it is shown.

        It comes from a file that a person may have edited: what isn't as it should be is passed
        over.
        """

    # ------------------------------------------------------------------ machinery

    @property
    def key(self) -> str:
        """By what the window knows it."""
        return self.entry.key

    def slot(self, name: str) -> Slot | None:
        """What is drawn under a name of `questions`: wanted, answered, or why it isn't."""
        return self.store.asked.slot(self.key, name)

    def answered(self, name: str, kind: type[A]) -> A | None:
        """The newest answer under a name, perhaps still about another subject or question.

        It carries both; draw it with the tokens of ``slot(name).read``, never with others.
        """
        return self.store.asked.find(self.key, name, kind)

    @property
    def shows_difference(self) -> bool:
        """Whether B − A is to be drawn, where the other side has answered."""
        return self.store.comparing.shows_difference

    def other(self, name: str, kind: type[A]) -> A | None:
        """The other side's answer under a name of `other_questions`, about that side as it is now.

        None while it is still to come, and where no difference is shown.
        """
        found = self.store.asked.find(self._other_owner, name, kind)
        subject = self.store.comparing.subject
        return None if found is None or found.subject != subject else found

    def other_problem(self, name: str) -> str:
        """Why the other side can't answer; empty if it can."""
        slot = self.store.asked.slot(self._other_owner, name)
        return "" if slot is None or slot.is_current else slot.problem

    @property
    def other_waits(self) -> bool:
        """Whether the other side is waited for, for long enough to say so."""
        return self.store.asked.waits(self._other_owner) is not None

    @property
    def _other_owner(self) -> str:
        return f"{self.key}: the other side"

    def ask_other(self) -> bool:
        """Ask the other side, while the difference is shown; whether something is known at once."""
        subject = self.store.comparing.subject
        if subject is None or not self._asks:
            self.store.asked.want(self._other_owner, None, {})
            return False
        return self.store.asked.want(self._other_owner, subject, self.other_questions())

    def _compare(self) -> None:
        """Another side is shown, or there is another one."""
        self.ask()
        self.invalidate()

    def ask(self) -> None:
        """State what it wants to know now; it is drawn when an answer comes, or is known."""
        if not self._asks:
            return
        subject, questions = self.store.subject, self.questions()
        known = self.store.asked.want(self.key, subject, questions, draws_next=self.draws_next)
        if self.ask_other() or known:
            self.invalidate()

    def _ask_about_these(self) -> None:
        """Subject or selection may be others: a prompt that is read changes both, one by one.

        Whatever else questions follow from asks by itself.
        """
        now = self.store.subject, self.store.selection
        if self._asks and now != self._asked_about:
            self._asked_about = now
            self.ask()

    def _forget_asked(self) -> None:
        """Another model, or the same one again: what was said is gone."""
        self._asked_about = None

    @property
    def _asks(self) -> bool:
        """Only what can be seen is asked for."""
        return self.isVisible()

    def invalidate(self) -> None:
        """Mark as out of date; it is drawn soon if it can be seen."""
        self._dirty = True
        if not self.isVisible():
            return
        delay = self._pace.wait_ms()
        if self.store.asked.is_waiting:
            delay = max(delay, TOGETHER_MS)
        if not self._timer.isActive() or self._timer.remainingTime() > delay:
            self._timer.start(delay)

    def _hurry(self) -> None:
        """Nothing is worth waiting for: draw now what is out of date."""
        if self.draws_next and self.store.asked.awaits_next:
            return
        if self._timer.isActive():
            self._timer.start(self._pace.wait_ms())

    def refresh_now(self) -> None:
        """Draw at once what is out of date, for pictures and tests."""
        self._timer.stop()
        if self._dirty:
            self._dirty = False
            self.ask()
            self._timer.stop()  # what was known already is drawn now
            self._dirty = False
            self.turns.take()
            self.refresh()
            self._pace.take()
            self.drawn.emit()

    @property
    def dirty(self) -> bool:
        """Whether something has changed since it was drawn."""
        return self._dirty

    def _paint_if_due(self) -> None:
        if not self.isVisible():
            return
        learns = self.store.run.learns
        if learns and (wait := self.turns.wait_ms()):
            self._timer.start(wait)
        elif self.draws_next and not learns:  # else each has a turn of its own
            QCoreApplication.postEvent(self, QEvent(_NEXT_TURN), AFTER_PAINTING)
        else:
            self.refresh_now()

    def customEvent(self, event: QEvent) -> None:
        super().customEvent(event)
        if event.type() == _NEXT_TURN and self.isVisible():
            self.refresh_now()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._hears:  # while it can be seen: of some thirty panes few can, at every edit
            self._hears = True
            self.store.about_changed.connect(self._ask_about_these)
        self.ask()
        if self._dirty:
            self._timer.start(0)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._hears and not event.spontaneous():
            self._hears = False
            self.store.about_changed.disconnect(self._ask_about_these)
        self._asked_about = None
        self.store.asked.want(self.key, self.store.subject, {})
        self.store.asked.want(self._other_owner, None, {})


class EmptyState(QLabel):
    """A calm sentence in the middle of a pane that has nothing to draw: what to do, or why."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setMargin(24)
        self.setFont(theme.sans())
        self.setEnabled(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(self.font())
            painter.setPen(theme.current().color("dim"))
            box = self.rect().adjusted(24, 24, -24, -24)
            painter.drawText(
                box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.text()
            )

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 60)


def column(
    parent: QWidget, *, margin: int = theme.SPACE, spacing: int = theme.SPACE
) -> QVBoxLayout:
    """A vertical layout with the house's margins."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(spacing)
    return layout


def readonly(array: NDArray[Any]) -> NDArray[Any]:
    """The same values, protected from writing."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
