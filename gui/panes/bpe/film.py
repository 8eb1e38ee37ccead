"""Where in a history the film is, and the clock that plays it.

State k is after k merges; the film steps through states 0 to n. Knows the history; no widget.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from model.tokenizer.bpe_history import BpeHistory

SPEEDS = (1.0, 4.0, 16.0, 64.0, 256.0)
STEP_MS = 600
"""Time of one merge at speed 1."""
TICK_MS = 33
"""Where merges come faster, several are done at once."""
PART = 10
"""Merges of one longer step."""


class Film(QObject):
    """One history, one state of it: what a `TransportBar` walks through.

    Signals:
        changed: it is elsewhere, plays or no longer, goes faster, or has another history.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history: BpeHistory | None = None
        self._at = 0
        self._speed = 0
        self._clock = QTimer(self)
        self._clock.timeout.connect(self._tick)

    def set_history(self, history: BpeHistory | None, at: int = 0) -> None:
        """Show another history, in a state."""
        self._clock.stop()
        self.history = history
        self._at = 0 if history is None else min(max(at, 0), history.n_merges)
        self.changed.emit()

    # --------------------------------------------------------------- what a bar asks for

    @property
    def at(self) -> int:
        return self._at

    @property
    def n(self) -> int:
        """States; 0 without a history."""
        return 0 if self.history is None else self.history.n_merges + 1

    @property
    def borders(self) -> tuple[int, ...]:
        return ()

    @property
    def playing(self) -> bool:
        return self._clock.isActive()

    @property
    def speed(self) -> float:
        return SPEEDS[self._speed]

    @property
    def is_slow(self) -> bool:
        """Whether each merge is seen by itself, so that things may move."""
        return not self.playing or STEP_MS / self.speed >= 150

    def words(self, index: int) -> str:
        if self.history is None:
            return ""
        size = self.history.vocab_size(index)
        return f"{index:,} of {self.history.n_merges:,} merges · a vocabulary of {size:,}"

    def go_to(self, index: int) -> None:
        """To a state; beyond an end, to that end."""
        index = min(max(index, 0), max(0, self.n - 1))
        if index != self._at:
            self._at = index
            self.changed.emit()

    def first(self) -> None:
        self.go_to(0)

    def last(self) -> None:
        self.go_to(self.n - 1)

    def back(self) -> None:
        self.go_to(self._at - 1)

    def forward(self) -> None:
        self.go_to(self._at + 1)

    def next_layer(self) -> None:
        """Ten merges on."""
        self.go_to(self._at + PART)

    def toggle(self) -> None:
        """Play from here, from the start if this is the end; or stop that."""
        if self.playing:
            self.stop()
        elif self.n > 1:
            if self._at >= self.n - 1:
                self._at = 0
            self._start()
            self.changed.emit()

    def stop(self) -> None:
        if self.playing:
            self._clock.stop()
            self.changed.emit()

    def next_speed(self) -> None:
        self._speed = (self._speed + 1) % len(SPEEDS)
        if self.playing:
            self._start()
        self.changed.emit()

    # ---------------------------------------------------------------------------- inside

    def _start(self) -> None:
        self._clock.start(max(TICK_MS, round(STEP_MS / self.speed)))

    def _tick(self) -> None:
        steps = max(1, round(TICK_MS * self.speed / STEP_MS))
        self.go_to(self._at + steps)
        if self._at >= self.n - 1:
            self.stop()
