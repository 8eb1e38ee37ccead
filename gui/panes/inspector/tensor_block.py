"""One tensor in the inspector: its name and shape, the selected vector as a strip, its figures.

Knows the store and what a selection reads; no pane.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.panes.inspector.value_strip import ValueStrip
from gui.reading.vectors import (
    Reading,
    code_for,
    index_words,
    operation_writing,
    position_of,
    read,
    whose,
)
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.text import Text
from model.operations import PROBABILITIES, shape_of


class TensorBlock(QWidget):
    """An input or the output of the current operation.

    Signals:
        element_chosen: `Inspected`, the element whose cell was clicked.
    """

    element_chosen = Signal(object)

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._name = ""
        self._reading: Reading | None = None
        small, tiny = theme.SMALL_FONT_SIZE, theme.SMALL_FONT_SIZE - 0.5
        self._role = Text(parent=self, tone="faint", font=theme.sans(tiny))
        self._title = Text(parent=self, font=theme.mono(small), elide=Qt.TextElideMode.ElideLeft)
        self._shape = Text(
            parent=self,
            tone="faint",
            font=theme.mono(tiny),
            align=Qt.AlignmentFlag.AlignRight,
        )
        self._where = Text(parent=self, tone="dim", font=theme.sans(tiny))
        self.strip = ValueStrip(self)
        self.strip.tip = self._describe
        self.strip.element_chosen.connect(self._choose)
        self._figures = Figures(self)
        self.fetch_button = QPushButton("Fetch", self)
        self.fetch_button.setToolTip("Run the prompt again and record this activation alone")
        self.fetch_button.setAccessibleName("Fetch this activation")
        self.fetch_button.clicked.connect(self.fetch)

        head = QHBoxLayout()
        head.setSpacing(theme.TIGHT + 2)
        head.addWidget(self._role)
        head.addWidget(self._title, 1)
        middle = QHBoxLayout()
        middle.setSpacing(theme.TIGHT + 2)
        middle.addWidget(self._where, 1)
        middle.addWidget(self._shape)
        middle.addWidget(self.fetch_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addLayout(middle)
        layout.addWidget(self.strip)
        layout.addWidget(self._figures)

    @property
    def name(self) -> str:
        """The tensor that is shown."""
        return self._name

    @property
    def reading(self) -> Reading | None:
        """The vector that is drawn, None if there is none."""
        return self._reading

    def show_tensor(self, role: str, name: str) -> None:
        """Show the selected vector of an activation.

        Args:
            role: "reads" or "writes".
            name: of the activation.
        """
        store = self.store
        self._name = name
        self._reading = reading = read(store, name)
        self._role.setText(role)
        self._title.setText(name)
        self._title.setToolTip(name)
        self._shape.setText(self._shape_words())
        left_out = store.trace is not None and name in store.trace.left_out
        self.fetch_button.setVisible(reading is None and left_out)
        self.strip.setVisible(reading is not None)
        self._figures.setVisible(reading is not None)
        if reading is None:
            self._where.setText("Left out of the trace: it is large." if left_out else "")
            return
        self.strip.setAccessibleName(f"{name}, {len(reading.values)} values")
        self._where.setText(whose(store, reading))
        self.strip.set_values(reading.values, reading.scale, reading.n_seen, reading.first_seen)
        every_position = reading.letters[reading.index.index(None)] == "T"
        self.strip.set_marked(position_of(store) if every_position else None)
        inspected = store.inspected
        same = inspected is not None and inspected.name == name
        self.strip.set_chosen(reading.element_of(inspected.index) if same and inspected else None)
        self._figures.show_figures(figures(reading))

    def fetch(self) -> None:
        """Ask for an activation that was left out."""
        self.store.fetch_activation(self._name)

    def _shape_words(self) -> str:
        store, op = self.store, operation_writing(self.store, self._name)
        if op is None or store.model is None or store.trace is None:
            return ""
        shape = shape_of(op, store.model.config, 1, store.trace.n_tokens)
        return f"[{', '.join(str(size) for size in shape)}] {self._dtype}"

    @property
    def _dtype(self) -> str:
        op = operation_writing(self.store, self._name)
        if op is not None and op.kind in ("tokens", "expert_indices"):
            return "int64"
        if self._name == PROBABILITIES:
            return "float64"
        return self.store.model.dtype if self.store.model is not None else "float32"

    def _describe(self, element: int) -> str:
        reading = self._reading
        if reading is None or not 0 <= element < len(reading.values):
            return ""
        index = reading.full_index(element)
        words = index_words(self.store, reading.name, index)
        value = exact(reading.values[element], self._dtype)
        inside = ", ".join(str(i) for i in index)
        return f"{value}\n{reading.name}[{inside}]\n{', '.join(words)}"

    def _choose(self, element: int) -> None:
        reading = self._reading
        if reading is None or not 0 <= element < len(reading.values):
            return
        op = operation_writing(self.store, reading.name)
        index = reading.full_index(element)
        self.element_chosen.emit(
            Inspected(
                name=reading.name,
                index=index,
                value=float(reading.values[element]),
                dtype=self._dtype,
                code=code_for(self.store, reading.name, index),
                note="" if op is None else f"{op.label}. {op.sentence}",
            )
        )


class Figures(QWidget):
    """A few numbers in columns, each under its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figures: tuple[tuple[str, str], ...] = ()
        self._name_font = theme.sans(theme.SMALL_FONT_SIZE - 1)
        self._font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self._name_height = QFontMetrics(self._name_font).height()
        self.setFixedHeight(self._name_height + QFontMetrics(self._font).height())

    def show_figures(self, figures: tuple[tuple[str, str], ...]) -> None:
        """Show (name, number) pairs."""
        self._figures = figures
        self.setVisible(bool(figures))
        self.setAccessibleName(", ".join(f"{name} {number}" for name, number in figures))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            t = theme.current()
            width = min(110.0, self.width() / max(1, len(self._figures)))
            left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            for column, (name, number) in enumerate(self._figures):
                x = column * width
                painter.setFont(self._name_font)
                painter.setPen(t.color("faint"))
                painter.drawText(QRectF(x, 0, width, self._name_height), left, name)
                painter.setFont(self._font)
                painter.setPen(t.color("dim"))
                below = QRectF(x, self._name_height, width, self.height() - self._name_height)
                painter.drawText(below, left, number)


def figures(reading: Reading) -> tuple[tuple[str, str], ...]:
    """Minimum, maximum, mean and length (of shares: sum) of what is drawn and not masked."""
    finite = reading.seen[np.isfinite(reading.seen)].astype(np.float64)
    if reading.scale == "ids" or not finite.size:
        return ()
    last = ("sum", finite.sum()) if reading.scale == "share" else ("norm", np.linalg.norm(finite))
    pairs = [("min", finite.min()), ("max", finite.max()), ("mean", finite.mean()), last]
    return tuple((name, f"{value:.4g}") for name, value in pairs)


def exact(value: float | np.floating, dtype: str) -> str:
    """A number with every digit that its type holds and no more."""
    if dtype.startswith(("int", "uint")):
        return str(int(value))
    return str(float(value)) if dtype == "float64" else str(np.float32(value))
