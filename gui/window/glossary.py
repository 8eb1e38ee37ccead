"""The glossary: all terms with what they mean, and a field that searches them.

Knows the entries and the theme; no store.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.on_screen import keep_on_screen
from gui.reading.glossary import TERMS, Term, search
from gui.widgets.text import Text


class GlossaryDialog(QDialog):
    """Terms by name; those that have the words that are typed.

    Args:
        typed: what is searched for at first.

    Attributes:
        field: where words are typed.
    """

    def __init__(self, parent: QWidget | None = None, typed: str = "") -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        keep_on_screen(self)
        self.setWindowTitle("Glossary")
        self.resize(620, 620)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(f"Search {len(TERMS)} terms")
        self.field.setAccessibleName("Search the glossary")
        self.field.setToolTip("A term, or words of what it means")
        self.field.setClearButtonEnabled(True)
        self._none = Text("No term has these words.", self, tone="dim")
        inner = QWidget(self)
        self._entries = [(term, _Entry(term, inner)) for term in TERMS]
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 4, 8, 4)
        self._list.setSpacing(10)
        for _, entry in self._entries:
            self._list.addWidget(entry)
        self._list.addStretch(1)
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setAccessibleName("Terms")
        self._scroll.setWidget(inner)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.close)
        for button in buttons.buttons():  # Return is for the field
            button.setAutoDefault(False)  # type: ignore[attr-defined]
        layout = QVBoxLayout(self)
        layout.addWidget(self.field)
        layout.addWidget(self._none)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(buttons)
        self.field.textChanged.connect(self._search)
        self.field.setText(typed)
        self._search(typed)
        self.field.setFocus()

    @property
    def shown(self) -> tuple[Term, ...]:
        """The terms that are listed now, from top to bottom."""
        items = [self._list.itemAt(i) for i in range(self._list.count())]
        at = [item.widget() for item in items if item is not None]
        by_widget = {entry: term for term, entry in self._entries}
        return tuple(by_widget[one] for one in at if isinstance(one, _Entry) and not one.isHidden())

    def _search(self, typed: str) -> None:
        found = search(typed) if typed.strip() else TERMS
        order = {term.name: at for at, term in enumerate(found)}
        for term, entry in self._entries:
            entry.setVisible(term.name in order)
        # The best stands on top: those that have the words in their names.
        ranked = sorted(self._entries, key=lambda each: order.get(each[0].name, len(order)))
        for at, (_, entry) in enumerate(ranked):
            self._list.insertWidget(at, entry)
        self._none.setVisible(not found)
        self._scroll.verticalScrollBar().setValue(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self._scroll.verticalScrollBar()
        steps = {
            Qt.Key.Key_Down: bar.singleStep() * 3,
            Qt.Key.Key_Up: -bar.singleStep() * 3,
            Qt.Key.Key_PageDown: bar.pageStep(),
            Qt.Key.Key_PageUp: -bar.pageStep(),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            bar.setValue(bar.value() + step)


class _Entry(QWidget):
    """A term, other words for it, and what it means."""

    def __init__(self, term: Term, parent: QWidget) -> None:
        super().__init__(parent)
        name = QLabel(term.name, self)
        name.setFont(theme.sans(bold=True))
        name.setTextFormat(Qt.TextFormat.PlainText)
        says = Text(term.says, self, wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(name)
        layout.addWidget(says)
        self.setAccessibleName(f"{term.name}: {term.says}")
