"""What is drawn of the vocabulary: the projection, and the paths in it, always of one step.

Of a model that learns, projection and paths are found one after the other. What is drawn changes
once both are there, so that no path lies in the cloud of other weights, and none blinks.

Knows answers and messages; of widgets only a timer.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from gui.panes.space.ways import Paths, agree, find_paths
from gui.session.asked import SAID_AFTER, Slot
from model.messages import VocabularyProjected
from model.probe.path.asks import PathFound


class Cloud(QObject):
    """The projection that is drawn, and the paths that agree with it.

    Attributes:
        vocabulary: the projection; None before there is one.
        found: the newest paths that agree with it, as they were answered.
        paths: the same in the cloud.
        other_found, other_paths: those of the other side, while B − A is shown.

    Signals:
        waited: the paths of a new projection have not come in time: it is drawn without them.
    """

    waited = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.forget()
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(round(1000 * SAID_AFTER))
        self._late.timeout.connect(self.waited)

    def forget(self) -> None:
        """Another model comes into view."""
        self.vocabulary: VocabularyProjected | None = None
        self.found: PathFound | None = None
        self.paths: Paths | None = None
        self.other_found: PathFound | None = None
        self.other_paths: Paths | None = None
        self._held: VocabularyProjected | None = None

    def take(self, newest: VocabularyProjected | None, slot: Slot | None) -> None:
        """Take up a projection; the old one stays a moment, if the path of the new is to come.

        Args:
            newest: that is there.
            slot: the question for paths; None if none are wanted.
        """
        if newest is not self.vocabulary and not self._holds(newest, slot):
            self.vocabulary = newest

    def find_paths(
        self, slot: Slot | None, other: PathFound | None = None, *, true_length: bool
    ) -> None:
        """Take the newest paths that lie in the cloud that is drawn; else keep those before.

        Args:
            slot: the question for paths; None if none are wanted.
            other: what the other side answered, while both are shown.
            true_length: whether vectors are as long as they are.
        """
        vocabulary, found = self.vocabulary, _answer(slot)
        self.paths = self.other_found = self.other_paths = None
        if vocabulary is None or slot is None:
            self.found = None
            return
        if found is not None and agree(found, vocabulary):
            self.found = found
        elif self.found is not None and not agree(self.found, vocabulary):
            self.found = None
        if self.found is not None:
            self.paths = find_paths(self.found, vocabulary, true_length=true_length)
        if other is not None and agree(other, vocabulary):
            self.other_found = other
            self.other_paths = find_paths(other, vocabulary, true_length=true_length)

    def _holds(self, newest: VocabularyProjected | None, slot: Slot | None) -> bool:
        drawn, found = self.vocabulary, _answer(slot)
        if newest is None or drawn is None or slot is None or self.paths is None:
            return False
        same = same_axes(drawn, newest) and slot.subject.step == newest.step
        if not same or slot.problem or found is None or agree(found, newest):
            self._late.stop()
            return False
        if not self._late.isActive() and self._held is not newest:
            self._held = newest
            self._late.start()
        return self._late.isActive()


def same_axes(a: VocabularyProjected, b: VocabularyProjected) -> bool:
    """Whether one is the other at another step, perhaps."""
    return (a.model_id, a.source, a.how) == (b.model_id, b.source, b.how)


def _answer(slot: Slot | None) -> PathFound | None:
    found = None if slot is None else slot.answer
    return found if isinstance(found, PathFound) else None
