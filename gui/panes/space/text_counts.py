"""Texts in which the tokens of the model are counted: which there are, and what came.

They are counted one after the other by the worker (`gui/session/tokenizing.py`, whose newest count
the tokenizer's pane shows, too). Knows the store; no widget.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.session.store import Store
from model import messages as m

WORLD_TOKENS = 200_000
WORLD = "the story world"
MOST_TEXTS = 12


@dataclass(slots=True, eq=False)
class CountedText:
    """One of them.

    Attributes:
        name: for people, told apart from the others'.
        path: of the file; empty for the story world.
        counts_V: how often each token of the model occurs; None while that isn't known.
        problem: why it can't be counted; empty if it can.
    """

    name: str
    path: str
    counts_V: NDArray[np.int64] | None = None
    problem: str = ""


class TextCounts(QObject):
    """The texts.

    Args:
        store: the store.

    Signals:
        changed: another text, or its counts have come.

    Attributes:
        texts: in the order in which they were added.
    """

    changed = Signal()

    def __init__(self, store: Store, parent: QObject) -> None:
        super().__init__(parent)
        self._store = store
        self.texts: list[CountedText] = []
        self._counting: tuple[CountedText, m.CountTokens] | None = None
        store.tokenizing.changed.connect(self._take)

    @property
    def counting(self) -> CountedText | None:
        """The one that is being counted."""
        return None if self._counting is None else self._counting[0]

    @property
    def counted(self) -> list[CountedText]:
        """Those whose counts are there."""
        return [text for text in self.texts if text.counts_V is not None]

    def add(self, path: str) -> None:
        """One more text; empty for the story world. What is there already is counted anew."""
        self.texts = [text for text in self.texts if text.path != path][-(MOST_TEXTS - 1) :]
        name = Path(path).name if path else WORLD
        if any(text.name == name for text in self.texts):
            name = f"{Path(path).parent.name}/{name}"
        self.texts.append(CountedText(name, path))
        self._next()
        self.changed.emit()

    def forget(self, text: CountedText) -> None:
        """Without it."""
        self.texts = [one for one in self.texts if one is not text]
        if self.counting is text:
            self._store.tokenizing.stop_counting()
        self.changed.emit()

    def start_anew(self) -> None:
        """Another model: its tokens are others."""
        self._counting = None
        for text in self.texts:
            text.counts_V, text.problem = None, ""
        self._next()

    def go_on(self) -> None:
        """Count what isn't counted, where nothing is under way."""
        self._next()

    def _next(self) -> None:
        """Begin with the first that is not counted."""
        waiting = [one for one in self.texts if one.counts_V is None and not one.problem]
        model = self._store.model
        if self._counting is not None or not waiting or model is None or not model.vocabulary:
            return
        text = waiting[0]
        request = m.CountTokens(path=text.path, world_tokens=0 if text.path else WORLD_TOKENS)
        self._counting = text, request
        self._store.tokenizing.count(request)

    def _take(self) -> None:
        if self._counting is None:
            return
        tokenizing, (text, request) = self._store.tokenizing, self._counting
        if tokenizing.counting is request:
            self.changed.emit()  # how far it is
            return
        self._counting = None
        counted = tokenizing.counted_in is request and tokenizing.counted is not None
        if counted:
            assert tokenizing.counted is not None
            text.counts_V = tokenizing.counted.counts
        else:
            text.problem = tokenizing.count_problem or "The counting was given up."
        self._next()
        self.changed.emit()
