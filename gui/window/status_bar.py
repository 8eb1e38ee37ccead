"""The status bar: what the worker is doing, on what, how fast; keys at the right.

Knows the store; no pane.
"""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from gui import theme
from gui.opening.words import opening_words
from gui.pace import Later
from gui.session.store import Store
from gui.window.verify_badge import VerifyBadge
from model.preview import short_count

NAME_WIDTH = 160
FRAME_MS = 100  # digits that change faster can't be read
KEYS = "F9 F10 step  ·  Alt+↑↓ layer  ·  Alt+←→ head  ·  F1 all keys"
ROOM_FOR_KEYS = 1560
"""Narrower than this, the other facts come first."""


class StatusBar(QStatusBar):
    """Facts about the worker and the model."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.setSizeGripEnabled(False)
        self.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        self._activity = self._label("What the worker is doing")
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        self._progress.setFixedWidth(120)
        self._cancel = QToolButton(self)
        self._cancel.setText("Cancel")
        self._cancel.setToolTip("Stop what is going on")
        self._cancel.setAccessibleName("Cancel what is going on")
        self._cancel.clicked.connect(self._cancelled)
        self._device = self._label("Where the model runs")
        self._model = self._label("Parameters and their precision")
        self._trace = self._label("Measured time of the traced forward pass")
        self._trace.setTextFormat(Qt.TextFormat.PlainText)
        # As wide as any: a label that grows and shrinks has the whole window laid out again.
        widest = self._trace.fontMetrics().horizontalAdvance("trace 88,888.8 ms")
        self._trace.setFixedSize(widest + 2 * theme.SPACE, self._trace.fontMetrics().height() + 2)
        self.badge = VerifyBadge(store, self)
        self._keys = self._label("Keys")
        self.addWidget(self._activity)
        self.addWidget(self._progress)
        self.addWidget(self._cancel)
        self.addWidget(self._device)
        self.addWidget(self._model)
        self.addWidget(self._trace)
        self.addPermanentWidget(self.badge)
        self.addPermanentWidget(self._keys)
        self._later = Later(self.refresh, FRAME_MS, self)
        for signal in (
            store.activity.changed,
            store.opening.changed,
            store.verifying.changed,
            store.engine_changed,
            store.model_changed,
            store.trace_changed,
            store.theme_changed,
        ):
            signal.connect(self._later.ask)
        self.refresh()

    def _label(self, tip: str) -> QLabel:
        label = QLabel(self)
        label.setToolTip(tip)
        label.setFont(theme.sans(theme.SMALL_FONT_SIZE + 0.5))
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setContentsMargins(0, 0, 2 * theme.SPACE, 0)
        return label

    def refresh(self) -> None:
        """Read the store."""
        store, t = self._store, theme.current()
        progress = store.activity.progress
        what = progress.what if progress is not None else store.activity.what
        opening = store.opening.progress
        share: float | None = None
        if opening is not None:
            what, share = opening_words(store)
        elif progress is not None and progress.total:
            share = progress.done / progress.total
        dot = t.good if what == "idle" else t.warning
        self._activity.setText(f'<span style="color:{dot}">●</span> {html.escape(what)}')
        self._progress.setVisible(progress is not None or opening is not None)
        # In thousandths: bytes of a large model are more than Qt's 32 bits count.
        self._progress.setRange(0, 0 if share is None else 1000)
        if share is not None:
            self._progress.setValue(round(1000 * share))
        self._cancel.setVisible(store.opening.going or store.run.starting is not None)
        engine = store.engine
        if engine is not None:
            threads = f"{engine.threads} thread" + ("s" if engine.threads != 1 else "")
            self._device.setText(f"{engine.device.upper()}  ·  {threads}")
            self._device.setToolTip(f"Runs on {engine.device}: {engine.device_why}")
        model = store.model
        if model is not None:
            name = QFontMetrics(self._model.font()).elidedText(
                model.name, Qt.TextElideMode.ElideMiddle, NAME_WIDTH
            )
            size = f"{short_count(model.n_params)} parameters"
            self._model.setText(f"{html.escape(name)}  ·  {size}  ·  {model.dtype}")
            self._model.setToolTip(
                f"{model.path}\n{model.n_params:,} parameters of {model.family} on {model.device}"
            )
        trace = store.trace
        self._trace.setText("" if trace is None else f"trace {1000 * trace.seconds:,.1f} ms")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= ROOM_FOR_KEYS
        self._keys.setText(KEYS if wide else "F1 all keys")

    def _cancelled(self) -> None:
        if self._store.run.starting is not None:
            self._store.run.stop()
        self._store.opening.cancel()
