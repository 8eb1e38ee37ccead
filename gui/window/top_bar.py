"""The bar under the menu: perspectives, the model in view and what it is compared with, a run.

Knows the store; no pane.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from gui import theme
from gui.session.store import Store
from gui.widgets.drawing_cache import line
from gui.widgets.segments import Segments
from gui.widgets.signs import draw_sign
from gui.widgets.text import as_written, counted, no_mnemonic
from gui.window.app_icon import draw_icon
from gui.window.comparison import ComparisonControl
from gui.window.run_line import RunLine
from gui.window.view_switch import ViewSwitch
from model.preview import short_count

MARK = 18
"""Side of the program's mark, in pixels."""
ROOM_FOR_BRAND = 900
"""Narrower than this, the program's name is on the window's frame alone."""
ROOM_BESIDE_A_RUN = 1600
"""While the bar tells of a run, too."""
ROOM_FOR_PALETTE = 720
"""And this, the palette has its key and its place in the menu."""


class TopBar(QWidget):
    """Perspectives at the left, the model in the middle, a run that is out of sight right of it."""

    perspective_chosen = Signal(str)
    model_clicked = Signal()
    palette_clicked = Signal()

    def __init__(
        self, store: Store, perspectives: tuple[str, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._named = True
        self.setObjectName("top_bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE + 2, theme.TIGHT + 1, theme.SPACE, theme.TIGHT + 1)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(Mark(self))
        self._brand = QLabel("Glassformer", self)
        self._brand.setFont(theme.sans(theme.FONT_SIZE + 1, bold=True))
        layout.addWidget(self._brand)
        layout.addSpacing(theme.SPACE)
        self.perspectives = Segments(self, font=theme.sans())
        self.perspectives.setAccessibleName("Perspectives")
        for index, name in enumerate(perspectives):
            self.perspectives.add(name, name, f"The {name} perspective (Ctrl+{index + 1})")
            self.perspectives.buttons[name].setAccessibleName(f"{name} perspective")
        self.perspectives.chosen.connect(self.perspective_chosen)
        layout.addWidget(self.perspectives)
        layout.addSpacing(theme.SPACE)
        self.view_switch = ViewSwitch(store, self)
        layout.addWidget(self.view_switch)
        self._model = TwoPartButton(parent=self)
        self._model.setToolTip("What is in view; click for recent checkpoints")
        self._model.setAccessibleName("Open model")
        self._model.clicked.connect(self.model_clicked)
        layout.addWidget(self._model)
        self.comparison = ComparisonControl(store, self)
        layout.addWidget(self.comparison)
        layout.addStretch(1)
        self.run_line = RunLine(store, self)
        layout.addWidget(self.run_line)
        self.run_line.came_or_went.connect(self._show_brand)
        self._palette = TwoPartButton(sign="search", parent=self)
        self._palette.say("", "Search…   Ctrl K")
        self._palette.setToolTip("Find any command, token, tensor, model or setting by its name")
        self._palette.setAccessibleName("Search everything")
        self._palette.clicked.connect(self.palette_clicked)
        layout.addWidget(self._palette)
        for goes in (self._brand, self._palette):  # before the window is wider than its screen
            goes.setMinimumWidth(1)
        store.model_changed.connect(self.refresh)
        store.timeline.changed.connect(self.refresh)
        store.run.changed.connect(self._run_changed)
        self.apply_theme()
        self.refresh()

    @property
    def model_button(self) -> QPushButton:
        """Where the menu of recent checkpoints drops from."""
        return self._model

    def set_perspective(self, name: str) -> None:
        """Light the button of the perspective in force."""
        if name in self.perspectives.buttons:
            self.perspectives.set_current(name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_brand()
        self._palette.setVisible(self.width() >= ROOM_FOR_PALETTE)

    def _show_brand(self) -> None:
        """The name of the program gives its room to a run that is told of, and to two models."""
        told = not self.run_line.isHidden()
        least = ROOM_BESIDE_A_RUN if told else ROOM_FOR_BRAND
        self._brand.setVisible(self.width() >= least)

    def apply_theme(self) -> None:
        t = theme.current()
        self.setStyleSheet(
            f"#top_bar {{ background: {t.background}; border-bottom: 1px solid {t.line}; }}"
        )

    def refresh(self) -> None:
        """Read the store."""
        model = self._store.model
        notes = () if model is None else model.notes
        tip = "\n".join((*notes, "What is in view; click for recent checkpoints"))
        self._model.setToolTip(as_written(tip))
        self._named = not self.view_switch.needed  # or both names stand beside it
        if model is None:
            self._model.say("no model yet", "")
        else:
            c = model.config
            facts = (
                f"{counted(c.n_layers, 'layer')} × {counted(c.n_heads, 'head')}  ·  "
                f"{short_count(model.n_params)}"
            )
            self._model.say(self._store.timeline.model_name if self._named else "", facts)

    def _run_changed(self) -> None:
        """A run that begins or ends out of view brings the switch or takes it away."""
        if self._named == self.view_switch.needed:
            self.refresh()


class Mark(QWidget):
    """The program's mark, small."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(MARK, MARK)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            draw_icon(painter, QRectF(self.rect()))


class TwoPartButton(QPushButton):
    """A button that says a name and, more quietly, what is to be known of it.

    Args:
        sign: drawn in front, or none.
    """

    MOST_NAME = 240

    def __init__(self, *, sign: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sign = sign
        self._name = self._facts = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def say(self, name: str, facts: str) -> None:
        """What it says; the text that others read is both."""
        if (name, facts) == (self._name, self._facts):
            return  # or the window would lay out and paint all its docks, 10 ms an edit
        self._name, self._facts = name, facts
        self.setText(no_mnemonic("  ".join(part for part in (name, facts) if part)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        name = min(metrics.horizontalAdvance(self._name), self.MOST_NAME)
        width = name + metrics.horizontalAdvance(self._facts) + 24
        width += 14 if self._name and self._facts else 0
        width += 22 if self._sign else 0
        return QSize(width, metrics.height() + 12)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        option = QStyleOptionButton()
        self.initStyleOption(option)
        with QPainter(self) as painter:
            bevel = QStyle.ControlElement.CE_PushButtonBevel
            self.style().drawControl(bevel, option, painter, self)
            left, middle = 12.0, self.height() / 2
            if self._sign:
                box = QRectF(QPointF(left - 2, middle - 8), QPointF(left + 14, middle + 8))
                draw_sign(painter, self._sign, box, t.color("dim"))
                left += 22
            for words, tone, most in (
                (self._name, "text", float(self.MOST_NAME)),
                (self._facts, "dim", float(self.width())),
            ):
                room = min(most, self.width() - left - 10)
                if words and room > 20:
                    shown = line(words, self.font(), room, Qt.TextElideMode.ElideMiddle)
                    painter.setPen(t.color(tone))
                    shown.draw(painter, left, middle)
                    left += shown.width + 14
