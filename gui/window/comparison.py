"""What is compared with what, and which side the panes show: a control of the bar at the top.

Knows the store; no pane. What B is, is chosen in its menu: another prompt in a small dialog,
another model in the dialog that opens.
"""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.on_screen import keep_on_screen
from gui.session.comparing import Side
from gui.session.store import Store
from gui.widgets.control_button import ControlButton
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written
from model.preview import file_size, short_count

WORDS_WIDTH = 150
"""Pixels for what B is; the rest is in the tooltip."""
BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


class ComparisonControl(QWidget):
    """``Compare…``; with a B the sides to choose from, and what it is.

    Signals:
        model_requested: B shall be another model: ask which.

    Attributes:
        segments: A, B, B − A.
        button: what B is, or that there is none; drops the menu.
    """

    model_requested = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.segments = Segments(self)
        self.segments.setAccessibleName("Which side of the comparison is shown")
        for side in ("a", "b", "difference"):
            self.segments.add(side, side, side)
            size = QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred
            self.segments.buttons[side].setSizePolicy(*size)
        self.segments.chosen.connect(self._choose_side)
        self.button = ControlButton("press", self)
        self.button.setFont(theme.sans())
        self.button.clicked.connect(self.drop_menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.TIGHT)
        row.addWidget(self.segments)
        row.addWidget(self.button)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        for changed in (
            store.comparing.changed,
            store.intervening.changed,
            store.model_changed,
            store.subject_changed,
        ):
            changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Read the store."""
        comparing, there = self._store.comparing, self._store.comparing.there
        self.setVisible(self._store.model is not None)
        self.segments.setVisible(there)
        if not there:
            self.button.setText("Compare…")
            self._explain("Compare: choose what B is, another prompt or another model.")
            return
        a, b = comparing.sides.names
        before = comparing.kind == "changes"
        for side, text, tip in (
            ("a", a, "The model as it is" if before else "A alone"),
            ("b", b, "The model as it is changed" if before else f"B alone: {comparing.b_words}"),
            ("difference", "B − A" if not before else "difference", self._difference_words()),
        ):
            self.segments.say(side, text, text)
            keys = "Ctrl+B, or Ctrl+Shift+B" if before and side != "difference" else "Ctrl+Shift+B"
            self.segments.explain(side, as_written(f"{tip} ({keys} for the next)"))
        self.segments.set_current(comparing.view)
        words = f"B  {comparing.b_words}"
        metrics = self.button.fontMetrics()
        self.button.setText(metrics.elidedText(words, Qt.TextElideMode.ElideRight, WORDS_WIDTH))
        self._explain(self._facts())

    def _explain(self, words: str) -> None:
        self.button.setToolTip(as_written(words))
        self.button.setAccessibleName(f"Comparison: {self.button.text()}")
        self.button.setAccessibleDescription(words)

    def _difference_words(self) -> str:
        words = "Panes show B − A where they can: blue is more in B, orange less"
        if self._store.comparing.kind == "changes":
            words = "Panes show after − before where they can: blue is more, orange less"
        said = self._store.comparing.words
        return f"{words}.\n{said}" if said else words

    def _facts(self) -> str:
        """What B is, in full, with the memory that it takes."""
        comparing = self._store.comparing
        lines = [f"B: {comparing.b_words}", comparing.words]
        model = comparing.model
        if comparing.kind == "model" and model is not None:
            taken = file_size(model.n_params * BYTES.get(model.dtype, 4))
            lines.insert(
                1,
                f"{short_count(model.n_params)} parameters in {model.dtype}: {taken} of memory on "
                f"{model.device}, beside A.",
            )
        return "\n".join(filter(None, lines))

    # ------------------------------------------------------------------------- actions

    def drop_menu(self) -> None:
        """What B may be."""
        comparing, store = self._store.comparing, self._store
        kind = comparing.kind if comparing.there else None
        no_prompt = "" if store.read is not None else "Type a prompt first."
        items = [
            MenuItem("Another prompt…", self.ask_prompt, kind == "prompt", no_prompt),
            MenuItem("Another model…", self.model_requested.emit, kind == "model"),
            MenuItem(
                "The training step in view",
                store.timeline.compare,
                kind == "step",
                "" if store.timeline.steps else "This model comes of no training with steps.",
            ),
            MenuItem(
                "After the interventions",
                comparing.compare_changes,
                kind == "changes",
                "" if store.intervening.on else "Nothing is switched on under Interventions.",
            ),
            MenuItem(
                "No B",
                comparing.close,
                why_not="" if comparing.kind != "changes" else "Nothing else is compared.",
                group=1,
            ),
        ]
        menu = OfferMenu(items, self)
        menu.chosen.connect(self._do)
        menu.popup(self.button.mapToGlobal(QPoint(0, self.button.height())))

    def _do(self, thing: object) -> None:
        if callable(thing):
            thing()

    def ask_prompt(self) -> None:
        """Ask for B's text."""
        PromptDialog(self._store, self.window()).open()

    def _choose_side(self, side: str) -> None:
        self._store.comparing.set_view(cast(Side, side))
        self.segments.set_current(self._store.comparing.view)  # of a model: once it is in view


class PromptDialog(QDialog):
    """Asks what B reads. Opened, never executed."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("prompt_dialog")
        self.setWindowTitle("Compare with another prompt")
        self.resize(560, 220)
        keep_on_screen(self)
        self._store = store
        comparing = store.comparing
        self.editor = QPlainTextEdit(self)
        self.editor.setFont(theme.mono())
        self.editor.setAccessibleName("What B reads")
        self.editor.setTabChangesFocus(True)
        self.editor.setPlainText(comparing.text if comparing.kind == "prompt" else store.prompt)
        self.editor.selectAll()
        hint = Text(
            "B reads this, A the prompt as it is. Change a word: texts of the same number of "
            "tokens are compared position by position, others where they are alike.",
            self,
            tone="dim",
            wrap=True,
        )
        buttons = QDialogButtonBox(self)
        self.compare_button = buttons.addButton("Co&mpare", QDialogButtonBox.ButtonRole.AcceptRole)
        self.compare_button.setToolTip("Show what differs (Ctrl+Enter)")
        cancel = buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        cancel.setToolTip("Leave what is compared as it is")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 12)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(hint)
        layout.addWidget(self.editor, 1)
        layout.addWidget(buttons)
        self.editor.textChanged.connect(self._typed)
        self._typed()

    def _typed(self) -> None:
        self.compare_button.setEnabled(bool(self.editor.toPlainText().strip()))

    def accept(self) -> None:
        self._store.comparing.compare_prompt(self.editor.toPlainText())
        super().accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if self.compare_button.isEnabled():
                self.accept()
        else:
            super().keyPressEvent(event)
