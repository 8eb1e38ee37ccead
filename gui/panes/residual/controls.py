"""The line above the picture: which view, how it is coloured, which token is watched.

Knows what can be chosen and what is; asks and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar, cast, get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui import theme
from gui.panes.residual.lens_picture import Coloring
from gui.widgets.control_button import ControlButton
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from model.probe.norms.asks import Of

K = TypeVar("K", bound=str)
View = Literal["lens", "writes", "angles"]
VIEWS: tuple[View, ...] = get_args(View)
_VIEWS: dict[View, tuple[str, str]] = {
    "lens": ("Lens", "What the stream would predict after every block, if the network ended there"),
    "writes": ("Writes", "How long the stream is, and what attention and MLPs add to it"),
    "angles": ("Angles", "How far the stream turns between any two half blocks"),
}
_COLORINGS: dict[Coloring, tuple[str, str]] = {
    "top": ("top token", "Each cell by the probability of its likeliest token"),
    "rank": ("rank", "Each cell by the rank of the watched token"),
    "probability": ("probability", "Each cell by the probability of the watched token"),
    "entropy": ("entropy", "Each cell by the entropy of all tokens: how undecided it is"),
}
_OF: dict[Of, tuple[str, str]] = {
    "stream": ("stream", "Cells: how long the stream is after each block"),
    "attention": ("attention", "Cells: how long is what attention adds in each block"),
    "mlp": ("MLP", "Cells: how long is what the MLP adds in each block"),
}
ANSWER = "watch: the answer"


class Controls(QWidget):
    """Choices.

    Signals:
        changed: another choice.
        fit_changed: all is to be seen at once, or not.
        watch_typed: a token that was typed to be watched; empty for the network's own answer.
    """

    changed = Signal()
    fit_changed = Signal(object)  # bool; see STYLE on Signal(bool)
    watch_typed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lens = True
        self.views = _segments(self, "What is shown of the stream", _VIEWS)
        self.colorings = _segments(self, "What colours mean", _COLORINGS)
        self.lengths = _segments(self, "Whose lengths the cells are", _OF)
        for segments in (self.views, self.colorings, self.lengths):
            segments.chosen.connect(self._on_choice)
        self.watch = WatchField(self)
        self.watch.typed.connect(self.watch_typed)
        self.fit = ControlButton("option", self, sign="fit")
        self.fit.setToolTip("Fit: show all layers and positions, as far as that goes")
        self.fit.setAccessibleName("Fit all layers and positions")
        self.fit.toggled.connect(self._on_fit)
        flow = FlowLayout(spacing=theme.SPACE)
        for widget in (self.views, self.colorings, self.lengths, self.watch, self.fit):
            flow.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        nest(layout, flow)
        self._arrange()

    @property
    def view(self) -> View:
        return cast("View", self.views.current)

    @property
    def coloring(self) -> Coloring:
        return cast("Coloring", self.colorings.current)

    @property
    def of(self) -> Of:
        return cast("Of", self.lengths.current)

    def choose(self, name: str, key: object) -> None:
        """Choose without reporting; what is no choice is passed over.

        Args:
            name: ``view``, ``coloring`` or ``of``.
            key: of a button.
        """
        segments = {"view": self.views, "coloring": self.colorings, "of": self.lengths}[name]
        if isinstance(key, str) and key in segments.buttons:
            segments.set_current(key)
            self._arrange()

    def set_lens(self, possible: bool) -> None:
        """Whether there is a head to read the stream through."""
        if possible != self._lens:
            self._lens = possible
            self._arrange()

    def _on_choice(self, _: str) -> None:
        self._arrange()
        self.changed.emit()

    def _on_fit(self) -> None:
        self.fit_changed.emit(self.fit.isChecked())

    def _arrange(self) -> None:
        """Only what the view has."""
        view, lens = self.view, self._lens
        for widget, there in (
            (self.colorings, view == "lens" and lens),
            (self.watch, view != "angles" and lens),
            (self.lengths, view == "writes"),
            (self.fit, view == "writes" or (view == "lens" and lens)),  # angles are seen whole
        ):
            widget.setVisible(there)
            widget.setEnabled(there)  # or the palette would offer it


class WatchField(QWidget):
    """A field for the token that is watched, and a button that goes back to the answer.

    Signals:
        typed: what was sent by Return; empty for the network's own answer.
    """

    typed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(ANSWER)
        self.field.setAccessibleName("Watched token")
        self.field.setToolTip(
            "The token whose rank and probability are shown: type one and press Return, "
            "Ctrl+click a cell, or choose one in Prediction.\n"
            "Empty: what the network itself says at each position."
        )
        self.field.setFixedHeight(theme.CONTROL_HEIGHT)
        self.field.setFixedWidth(132)
        self.field.returnPressed.connect(self._send)
        self.back = ControlButton("press", self, sign="close")
        self.back.setToolTip("Watch the network's own answer again (Esc)")
        self.back.setAccessibleName("Watch the network's own answer")
        self.back.clicked.connect(self._go_back)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.field)
        layout.addWidget(self.back)
        self._token = ""
        self.show_token("")

    def show_token(self, text: str) -> None:
        """Which token is watched; empty for the network's own answer."""
        if text != self._token or not self.field.hasFocus():
            self._token = text
            if self.field.text() != text:
                self.field.setText(text)
        self.back.setVisible(bool(text))

    def _send(self) -> None:
        self.typed.emit(self.field.text())

    def _go_back(self) -> None:
        self.typed.emit("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._go_back()
        else:
            super().keyPressEvent(event)


def _segments(parent: QWidget, name: str, texts: Mapping[K, tuple[str, str]]) -> Segments:
    segments = Segments(parent, font=theme.sans(theme.SMALL_FONT_SIZE))
    segments.setAccessibleName(name)
    for key, (text, tip) in texts.items():
        segments.add(key, text, tip)
    return segments
