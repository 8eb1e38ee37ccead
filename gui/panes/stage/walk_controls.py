"""The lower end of the stage: buttons and line of the walk, and what to run to.

The walk is the store's (`store.walking`, `store.run_until`). Knows the store.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.panes.stage.until_form import UntilForm
from gui.reading.until import condition_words, stop_words
from gui.session.store import Store
from gui.widgets.control_button import ControlButton
from gui.widgets.transport_bar import TransportBar


class WalkControls(QWidget):
    """The transport, and above it a form while one says what to run to.

    Signals:
        form_shown: the form is there now, or no longer.
        words_changed: `words` may be others.
    """

    form_shown = Signal(bool)
    words_changed = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.form = UntilForm(store, self)
        self.form.hide()
        self.transport = TransportBar(store.walking, "operation", "block", self)
        self.until = ControlButton("press", self)
        self.transport.add(self.until)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.form)
        layout.addWidget(self.transport)
        self.until.clicked.connect(self._press)
        self.form.done.connect(self.hide_form)
        store.run_until.changed.connect(self._show_run)
        store.model_changed.connect(self.form.follow)
        store.subject_changed.connect(self.form.follow)
        self._show_run()

    @property
    def words(self) -> str:
        """How a run through the operations goes, or went; empty where there is none."""
        run, model, read = self.store.run_until, self.store.model, self.store.read
        if model is None or read is None:
            return ""
        if run.going and run.condition is not None:
            return f"Looking for where {condition_words(run.condition, model, read)} …"
        if run.found is not None:
            return stop_words(run.found[0], model, run.found[1])
        return run.problem

    def show_form(self) -> None:
        """Ask what to run to."""
        self.form_shown.emit(True)
        self.form.open()

    def hide_form(self) -> None:
        """Put the form away."""
        self.form.hide()
        self.form_shown.emit(False)

    def run_on(self) -> None:
        """Run on to where the last condition holds again; as the form says, if there was none."""
        if not self.store.run_until.again():
            self.form.send()

    def _press(self) -> None:
        if self.store.run_until.going:
            self.store.run_until.cancel()
        elif self.form.isVisible():
            self.hide_form()
        else:
            self.show_form()

    def _show_run(self) -> None:
        """The button says what it does now."""
        going = self.store.run_until.going
        self.until.setText("cancel" if going else "run until…")
        self.until.setAccessibleName("Look no further" if going else "Run until…")
        tip = "Go on to where something holds (Ctrl+F10); Shift+F5 goes on to the next such place"
        self.until.setToolTip("Look no further, and stay here (Esc)" if going else tip)
        self.until.updateGeometry()
        self.words_changed.emit()
