"""The status bar: what the worker is doing, on what, how fast; keys at the right.

Knows the store; no pane.
"""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from gui import theme
from gui.store import Store
from gui.widgets.top_bar import short_count

NAME_WIDTH = 160


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
        self._cancel.clicked.connect(self._cancelled)
        self._device = self._label("Where the model runs")
        self._model = self._label("Parameters and their precision")
        self._trace = self._label("Measured time of the traced forward pass")
        self._keys = self._label("Keys")
        self._keys.setText("F9 F10 step  ·  Alt+↑↓ layer  ·  Alt+←→ head  ·  F1 all keys")
        self.addWidget(self._activity)
        self.addWidget(self._progress)
        self.addWidget(self._cancel)
        self.addWidget(self._device)
        self.addWidget(self._model)
        self.addWidget(self._trace)
        self.addPermanentWidget(self._keys)
        for signal in (
            store.activity_changed,
            store.engine_changed,
            store.model_changed,
            store.trace_changed,
            store.theme_changed,
        ):
            signal.connect(self.refresh)
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
        progress = store.progress
        what = progress.what if progress is not None else store.activity
        dot = t.good if what == "idle" else t.warning
        self._activity.setText(f'<span style="color:{dot}">●</span> {html.escape(what)}')
        self._progress.setVisible(progress is not None)
        if progress is not None:
            self._progress.setRange(0, progress.total)
            self._progress.setValue(progress.done)
        self._cancel.setVisible(store.opening is not None or store.starting is not None)
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
        self._trace.setText("" if trace is None else f"trace {1000 * trace.seconds:.1f} ms")

    def _cancelled(self) -> None:
        if self._store.starting is not None:
            self._store.control_training("stop")
        self._store.cancel_opening()
