"""A choice of word lists, a field to change one, and a button to ask.

Knows texts; no store.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QWidget

from gui import theme
from gui.panes.base import column
from gui.widgets.choice import Choice
from gui.widgets.control_button import make_primary
from gui.widgets.nest import nest

OWN = "own"


class ListEditor(QWidget):
    """One of several lists; what is typed becomes a person's own.

    Args:
        lists: by key, a title and a text; one is ``own``.
        button: what is on the button.
        tip: what lines may hold.

    Signals:
        wanted: the button was pressed: ask, or stop.

    Attributes:
        choice, field, button: its parts.
    """

    wanted = Signal()

    def __init__(
        self,
        lists: Mapping[str, tuple[str, str]],
        button: str,
        tip: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._texts = {key: text for key, (_, text) in lists.items()}
        self._button = button
        self.choice = Choice()
        self.choice.setAccessibleName("Word list")
        self.choice.setToolTip("Lists that are at hand; what you type becomes your own")
        self.choice.setMinimumContentsLength(6)
        for key, (title, _) in lists.items():
            self.choice.addItem(title, key)
        self.button = QPushButton(button)
        make_primary(self.button)
        self.button.setAccessibleName(f"{button}: ask this of the table in view")
        self.button.setToolTip("Ask this of the table in view; pressed again while it runs, stop")
        self.button.clicked.connect(self.wanted)
        self.field = QPlainTextEdit()
        self.field.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.field.setAccessibleName("Words, a line each")
        self.field.setToolTip(tip)
        self.field.setTabChangesFocus(True)
        self.field.setFixedHeight(96)
        self.field.setPlainText(self._texts[self.key])
        top = QHBoxLayout()
        top.setSpacing(theme.TIGHT)
        top.addWidget(self.choice, 1)
        top.addWidget(self.button)
        inner = column(self, margin=0, spacing=theme.TIGHT)
        nest(inner, top)
        inner.addWidget(self.field)
        self.choice.activated.connect(self._chosen)
        self.field.textChanged.connect(self._typed)

    @property
    def key(self) -> str:
        """Of the list that is chosen."""
        return str(self.choice.currentData())

    @property
    def text(self) -> str:
        """The list."""
        return self.field.toPlainText()

    def show_running(self, *, running: bool) -> None:
        """The button stops what goes on."""
        self.button.setText("Stop" if running else self._button)

    def kept(self) -> str:
        """A person's own list."""
        return self._texts[OWN]

    def recall(self, text: object) -> None:
        """Take up a person's own list again."""
        if isinstance(text, str) and text.strip():
            self._texts[OWN] = text[:200_000]

    def _chosen(self) -> None:
        self.field.blockSignals(True)
        self.field.setPlainText(self._texts[self.key])
        self.field.blockSignals(False)

    def _typed(self) -> None:
        self._texts[OWN] = self.text
        self.choice.setCurrentIndex(self.choice.findData(OWN))
