"""The status bar: what the worker is doing and how far, on what, how fast; keys at the right.

Knows the store; no pane.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from gui import theme
from gui.opening.words import opening_words
from gui.pace import Later
from gui.reading.intervening import count_words
from gui.session.conditions import can_cancel
from gui.session.store import Store
from gui.widgets.text import as_written, counted
from gui.window.fact import Fact
from gui.window.verify_badge import VerifyBadge
from model import messages as m
from model.preview import file_size

FRAME_MS = 100  # digits that change faster can't be read
AFTER_MS = 60  # the pictures of an edit come first
KEYS = "F9 F10 step  ·  Alt+↑↓ layer  ·  Alt+←→ head  ·  F1 all keys"
ROOM_FOR_KEYS = 1560
"""Narrower than this, the other facts come first."""
IDLE, WORKING = "idle", "working"


class StatusBar(QStatusBar):
    """Facts about the worker and the model.

    Signals:
        can_cancel_changed: something can be stopped now, or no longer.
    """

    can_cancel_changed = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.setSizeGripEnabled(False)
        self.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        self.activity = Fact(
            "What the worker is doing", "opening a-model-with-a-name, 88 MB of 88", dot=True
        )
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        self._progress.setFixedWidth(100)
        self._progress.setAccessibleName("How far it is")
        self.cancel_button = QToolButton(self)
        self.cancel_button.setText("Cancel")
        self.cancel_button.setToolTip("Stop what is going on (Esc)")
        self.cancel_button.setAccessibleName("Cancel what is going on")
        self.cancel_button.clicked.connect(self.cancel)
        self.facts = Fact(
            "Where the model runs",
            "CPU, 88 threads · float32 (file: bfloat16) · run in 8,888 ms, 888 MB held",
        )
        self.changed = Fact(
            "What is changed in the model", "88 interventions, not shown", tone="negative", dot=True
        )
        self.badge = VerifyBadge(store, self)
        self._keys = QLabel(self)
        self._keys.setFont(theme.sans(theme.SMALL_FONT_SIZE + 0.5))
        self._keys.setToolTip("F1 shows all keys")
        parts = (self.activity, self._progress, self.cancel_button, self.changed, self.facts)
        for widget in parts:
            self.addWidget(widget)
        self.addPermanentWidget(self.badge)
        self.addPermanentWidget(self._keys)
        self._could_cancel = False
        self._later = Later(self.refresh, FRAME_MS, self, AFTER_MS)
        for signal in (
            store.activity.changed,
            store.asked.changed,
            store.opening.changed,
            store.generating.changed,
            store.run.changed,
            store.verifying.changed,
            store.intervening.changed,
            store.comparing.changed,
            store.exporting.changed,
            store.engine_changed,
            store.model_changed,
            store.subject_changed,
            store.subject_ran,
            store.theme_changed,
        ):
            signal.connect(self._later.ask)
        self.refresh()

    def cancel(self) -> None:
        """Stop what goes on; a run that has begun goes on, it has its own button."""
        store = self._store
        store.opening.cancel()
        store.generating.cancel()
        store.exporting.cancel()
        if store.run.starting is not None:
            store.run.stop()
        if store.asked.longest is not None:
            store.asked.cancel()

    def refresh(self) -> None:
        """Read the store."""
        what, share = doing(self._store)
        self.activity.say(what, dot="good" if what == IDLE else "warning")
        self.activity.setToolTip(as_written(what))
        stoppable = can_cancel(self._store)
        self._progress.setVisible(share is not None or stoppable)
        # In thousandths: bytes of a large model are more than Qt's 32 bits count.
        self._progress.setRange(0, 0 if share is None else 1000)
        if share is not None:
            self._progress.setValue(round(1000 * share))
        self.cancel_button.setVisible(stoppable)
        if stoppable != self._could_cancel:
            self._could_cancel = stoppable
            self.can_cancel_changed.emit()
        changing = self._store.intervening
        self.changed.setVisible(bool(changing.on))
        self.changed.say(changes(self._store), dot="negative" if changing.applied else "faint")
        self.changed.setToolTip(as_written(change_details(self._store)))
        self.facts.say(facts(self._store))
        self.facts.setToolTip(as_written(details(self._store)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= ROOM_FOR_KEYS
        self._keys.setText(KEYS if wide else "F1 all keys")


def doing(store: Store) -> tuple[str, float | None]:
    """What the worker is doing, and which share of it is done (None where that is not known).

    It is idle only if it has nothing to do: also before a question has taken so long that a pane
    says so.
    """
    progress, longest = store.activity.progress, store.asked.longest
    if store.opening.progress is not None:
        return opening_words(store)
    if progress is not None:
        return progress.what, progress.done / progress.total if progress.total else None
    if longest is not None:
        title = longest.question.title or longest.question.name
        if not longest.share:
            return title, None
        return f"{title} {longest.share:.0%}", longest.share
    if store.exporting.path is not None:
        return f"writing {store.exporting.path.name}", store.exporting.share
    if store.activity.what == IDLE and store.asked.is_waiting:
        return WORKING, None
    return store.activity.what, None


def facts(store: Store) -> str:
    """On what the model runs, and how long the prompt took."""
    engine, model, ran = store.engine, store.model, store.ran
    said: list[str] = []
    if engine is not None:
        device = engine.device if model is None else model.device
        said.append(f"{device.upper()}, {counted(engine.threads, 'thread')}")
    if model is not None:
        elsewhere = model.stored and model.stored != model.dtype
        said.append(f"{model.dtype} (file: {model.stored})" if elsewhere else model.dtype)
    if ran is not None:
        took = f"run in {milliseconds(ran)}" if ran.n_run else "run before"
        said.append(f"{took}, {file_size(ran.held_bytes)} held")
    return " · ".join(said)


def changes(store: Store) -> str:
    """Whether the numbers on the screen are those of a changed model."""
    n = len(store.intervening.on)
    if not n:
        return ""
    return count_words(n) + ("" if store.intervening.applied else ", not shown")


def change_details(store: Store) -> str:
    """The same at length."""
    changing = store.intervening
    if not changing.on:
        return ""
    lines = ["All numbers are of the model as it is changed:"]
    if not changing.applied:
        lines = ["The model is shown as it is (before). Switched on, but not shown:"]
    lines += [f"  {one.words}" for one in changing.on]
    return "\n".join((*lines, "Saving, training and verifying take the model as it is."))


def details(store: Store) -> str:
    """The same at length, for the tooltip."""
    engine, model, ran = store.engine, store.model, store.ran
    lines: list[str] = []
    if engine is not None:
        lines.append(f"Runs on {engine.device}: {engine.device_why}")
    if model is not None:
        lines.append(f"{model.n_params:,} parameters of {model.family} on {model.device}")
        lines.append(f"Computed in {model.dtype}" + (stored_words(model) or "."))
    if ran is not None and ran.not_finite:
        lines.append(ran.not_finite)
    if ran is not None:
        n = ran.subject.n_tokens
        if ran.n_run:
            part = "" if ran.n_run == n else "; the rest was known of an earlier prompt"
            lines.append(f"{ran.n_run:,} of {counted(n, 'position')} run{part}")
        held, budget = file_size(ran.held_bytes), file_size(ran.budget_bytes)
        lines.append(f"{held} of {budget} held, for prompts that were run")
    return "\n".join(lines)


def stored_words(model: m.ModelInfo) -> str:
    """How the file's precision differs from that of the open model, and why if that is known."""
    if model.stored in ("", model.dtype):
        return ""
    why = next((note for note in model.notes if f"opened in {model.dtype}" in note), "")
    return f"; its file is in {model.stored}. {why}".rstrip()


def milliseconds(ran: m.StreamReady) -> str:
    """The measured time of a run."""
    ms = 1000 * ran.seconds
    return f"{ms:.1f} ms" if ms < 10 else f"{ms:,.0f} ms"
