"""The bar under the menu: perspectives, what is open, the run that goes on.

Knows the store; no pane.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from gui import theme
from gui.session.store import Store
from gui.widgets.text import counted
from gui.window.run_line import RunLine
from model.preview import short_count

ROOM_FOR_BRAND = 900
"""Narrower than this, the program's name is on the window's frame alone."""
ROOM_FOR_PALETTE = 720
"""And this, the palette has its key and its place in the menu."""
LEAST_MODEL_WIDTH = 64


class ModelButton(QPushButton):
    """A button whose words are cut where the bar is narrow: the window's width isn't theirs."""

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), LEAST_MODEL_WIDTH), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        inner = self.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, self)
        option.text = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, inner.width()
        )
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()


class TopBar(QWidget):
    """Perspectives at the left, the model in the middle, a run that is out of sight right of it."""

    perspective_chosen = Signal(object)  # name, str
    model_clicked = Signal()
    palette_clicked = Signal()

    def __init__(
        self, store: Store, perspectives: tuple[str, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._store = store
        self.setObjectName("top_bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE + 4, theme.TIGHT + 1, theme.SPACE, theme.TIGHT + 1)
        layout.setSpacing(theme.SPACE)
        self._brand = QLabel("Glassformer", self)
        self._brand.setFont(theme.sans(theme.FONT_SIZE + 1, bold=True))
        layout.addWidget(self._brand)
        layout.addSpacing(theme.SPACE)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        for index, name in enumerate(perspectives):
            button = QPushButton(name, self)
            button.setCheckable(True)
            button.setToolTip(f"The {name} perspective (Ctrl+{index + 1})")
            button.setAccessibleName(f"{name} perspective")
            self._group.addButton(button)
            self._buttons[name] = button
            layout.addWidget(button)
        self._group.buttonClicked.connect(self._chosen)
        layout.addSpacing(theme.SPACE)
        self._model = ModelButton(self)
        self._model.setToolTip("What is open; click for recent checkpoints")
        self._model.setAccessibleName("Open model")
        self._model.clicked.connect(self.model_clicked)
        self._model.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        layout.addWidget(self._model)
        layout.addStretch(1)
        self.run_line = RunLine(store, self)
        layout.addWidget(self.run_line)
        self._palette = QPushButton("Ctrl K", self)
        self._palette.setToolTip("Find any command by its name")
        self._palette.setAccessibleName("Command palette")
        self._palette.clicked.connect(self.palette_clicked)
        layout.addWidget(self._palette)
        for goes in (self._brand, self._palette):  # before the window is wider than its screen
            goes.setMinimumWidth(1)
        store.model_changed.connect(self.refresh)
        self.apply_theme()
        self.refresh()

    @property
    def model_button(self) -> QPushButton:
        """Where the menu of recent checkpoints drops from."""
        return self._model

    def set_perspective(self, name: str) -> None:
        """Light the button of the perspective in force."""
        if name in self._buttons:
            self._buttons[name].setChecked(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._brand.setVisible(self.width() >= ROOM_FOR_BRAND)
        self._palette.setVisible(self.width() >= ROOM_FOR_PALETTE)

    def apply_theme(self) -> None:
        t = theme.current()
        self.setStyleSheet(
            f"#top_bar {{ background: {t.background}; border-bottom: 1px solid {t.line}; }}"
        )

    def refresh(self) -> None:
        """Read the store."""
        model = self._store.model
        notes = () if model is None else model.notes
        self._model.setToolTip("\n".join((*notes, "What is open; click for recent checkpoints")))
        if model is None:
            self._model.setText("no model yet")
        else:
            c = model.config
            self._model.setText(
                f"{model.name}  ·  {counted(c.n_layers, 'layer')} × "
                f"{counted(c.n_heads, 'head')}  ·  "
                f"{short_count(model.n_params)}"
            )

    def _chosen(self, button: QPushButton) -> None:
        self.perspective_chosen.emit(button.text())
