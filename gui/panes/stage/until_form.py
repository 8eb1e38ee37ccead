"""What to run to: a condition and what belongs to it, in one line.

Knows the store; what it asks is the store's to run (`gui.session.run_until`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.reading.until import kind_words
from gui.session.store import Store
from gui.widgets.choice import Choice
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.nest import nest
from gui.widgets.number_boxes import DecimalBox, WholeBox
from gui.widgets.text import Text
from model.probe.question import TokenId
from model.probe.until.asks import Condition, Until

CONDITIONS: tuple[tuple[Condition, str, str], ...] = (
    ("token_changes", "the top token changes", "The likeliest token of the logit lens, by border"),
    ("token_is", "the top token is", "The likeliest token of the logit lens, by border"),
    ("weight", "a weight is above", "How much a head reads of one token from here"),
    ("norm", "the stream is longer than", "The length of the residual stream's vector"),
    ("not_finite", "a number is not finite", "NaN or infinity, at any token"),
    ("kind", "the operation is", "The next operation of a kind"),
)
ANY = "any head"
OWN = "this head"


class UntilForm(QWidget):
    """The line.

    Signals:
        done: it is to be put away.
    """

    done = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._above = {"weight": 0.5, "norm": 10.0}
        self._model_id = -1
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.condition = Choice(self)
        self.condition.setAccessibleName("Run until")
        for _, words, tip in CONDITIONS:
            self.condition.addItem(words)
            self.condition.setItemData(self.condition.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.condition.setToolTip("What is to hold at the operation to which it runs")
        self.head = Choice(self)
        self.head.addItems([OWN, ANY])
        self.head.setAccessibleName("Whose weight")
        self.head.setToolTip("The selected head in every block, or whichever head")
        self.on = Text("on", self, tone="dim", font=small)
        self.key = WholeBox(0, 0, "position", self)
        self.key.setAccessibleName("Position that is read")
        self.key.setToolTip("Position of the token whose weight is looked at")
        self.key_word = Text(parent=self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self.key_word.setMinimumWidth(56)
        self.above = DecimalBox(0.0, 1e6, "number", "a number from 0 up", self)
        self.above.setAccessibleName("Above")
        self.above.setToolTip("It stops where the number is larger")
        self.token = QLineEdit(self)
        self.token.setPlaceholderText("a token")
        self.token.setAccessibleName("Token")
        self.token.setToolTip("A token of the vocabulary, as it is written")
        self.kind = Choice(self)
        self.kind.setAccessibleName("Kind of operation")
        self.kind.setToolTip("The kinds of operations that this model has")
        self.run_button = QPushButton("Run", self)
        self.run_button.setAccessibleName("Run until it holds")
        self.run_button.setToolTip("Go on from here to the first operation at which it holds")
        make_primary(self.run_button)
        self.close_button = ControlButton("press", self, sign="close")
        self.close_button.setToolTip("Put it away (Esc)")
        self.close_button.setAccessibleName("Put the form away")
        self.problem = Text(parent=self, tone="warning", font=small)
        self.problem.hide()

        row = QHBoxLayout()
        row.setSpacing(theme.TIGHT + 2)
        row.addWidget(Text("until", self, tone="dim", font=small))
        for widget in (
            self.condition,
            self.token,
            self.kind,
            self.above,
            self.head,
            self.on,
            self.key,
            self.key_word,
        ):
            row.addWidget(widget)
        row.addWidget(self.run_button)
        row.addStretch(1)
        row.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 2, theme.TIGHT, 2)
        layout.setSpacing(0)
        nest(layout, row)
        layout.addWidget(self.problem)
        self.condition.currentIndexChanged.connect(self.follow)
        self.key.valueChanged.connect(self._name_key)
        self.token.textEdited.connect(self._clear_problem)
        self.token.returnPressed.connect(self.send)
        self.run_button.clicked.connect(self.send)
        self.close_button.clicked.connect(self.done)
        for box in (self.above, self.key):
            box.refusals.tell = self.tell
            box.lineEdit().returnPressed.connect(self.send)
        self.above.valueChanged.connect(self._keep_above)
        self.follow()

    @property
    def chosen(self) -> Condition:
        """The condition that is chosen."""
        return CONDITIONS[max(0, self.condition.currentIndex())][0]

    def open(self) -> None:
        """Begin with what is selected now."""
        key = self.store.selection.key
        if key is not None:
            self.key.setValue(key)
        self.follow()
        self.show()
        self.condition.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def follow(self) -> None:
        """Show the fields that belong to the condition, for the model in view."""
        chosen, model, read = self.chosen, self.store.model, self.store.read
        shown = {
            self.token: chosen == "token_is",
            self.kind: chosen == "kind",
            self.above: chosen in self._above,
            self.head: chosen == "weight",
            self.on: chosen == "weight",
            self.key: chosen == "weight",
            self.key_word: chosen == "weight",
        }
        for widget, is_shown in shown.items():
            widget.setVisible(is_shown)
        self.tell("")
        if chosen in self._above:
            value = self._above[chosen]  # a smaller maximum would change it
            self.above.setMaximum(1.0 if chosen == "weight" else 1e6)
            self.above.setSingleStep(0.1 if chosen == "weight" else 1.0)
            self.above.setValue(value)
        if read is not None:
            self.key.setRange(0, read.n_tokens - 1)
        if model is not None and model.model_id != self._model_id:
            self._model_id = model.model_id
            before = self.kind.currentData()
            self.kind.clear()
            kinds = dict.fromkeys(op.kind for op in self.store.operations)
            for kind in kinds:
                self.kind.addItem(kind_words(model, kind), kind)
            self.kind.setCurrentIndex(max(0, self.kind.findData(before or "pattern")))
        self._name_key()

    def tell(self, why: str) -> None:
        """Say why something is refused; nothing once it isn't."""
        self.problem.setText(why)
        self.problem.setVisible(bool(why))

    def _clear_problem(self) -> None:
        self.tell("")

    def _keep_above(self, value: float) -> None:
        if self.chosen in self._above:
            self._above[self.chosen] = value

    def _name_key(self) -> None:
        read = self.store.read
        at = self.key.value()
        known = read is not None and 0 <= at < read.n_tokens
        self.key_word.setText(read.tokens[at].text if known and read is not None else "")

    def send(self) -> None:
        """Run, if all is there."""
        asked = self._asked()
        if asked is not None:
            self.store.run_until.start(asked)

    def _asked(self) -> Until | None:
        chosen, model = self.chosen, self.store.model
        if model is None:
            return None
        if not model.config.has_logits and chosen in ("token_changes", "token_is"):
            self.tell("This model has no logits: it has no top token. Choose another condition.")
            return None
        token = None
        if chosen == "token_is":
            typed = self.token.text().strip().removeprefix("·")
            token = model.find_token(typed) if typed else None
            if token is None:
                why = f"“{typed}” is no token" if typed else "Type a token"
                self.tell(f"{why}: take one that the panes show, for example of Next token.")
                return None
        return Until(
            chosen,
            position=self.store.selection.position,
            head=-1 if self.head.currentText() == ANY else self.store.selection.head,
            key=self.key.value() if chosen == "weight" else 0,
            above=self._above.get(chosen, 0.5),
            token=None if token is None else TokenId(token),
            kind=str(self.kind.currentData() or "") if chosen == "kind" else "",
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.done.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.send()
        else:
            super().keyPressEvent(event)

    # -------------------------------------------------------------------------- memory

    def remember(self) -> dict[str, Any]:
        """The condition, and the numbers of each."""
        any_head = self.head.currentText() == ANY
        return {"condition": self.chosen, "above": dict(self._above), "any_head": any_head}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """What `remember` gave; what isn't as it should be is passed over."""
        above = kept.get("above")
        for name, most in (("weight", 1.0), ("norm", 1e6)):
            value = above.get(name) if isinstance(above, Mapping) else None
            if isinstance(value, int | float) and 0 <= value <= most:
                self._above[name] = float(value)
        if kept.get("any_head") is True:
            self.head.setCurrentText(ANY)
        for index, (key, _, _) in enumerate(CONDITIONS):
            if kept.get("condition") == key:
                self.condition.setCurrentIndex(index)
        self.follow()
