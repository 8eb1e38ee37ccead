"""One tensor in the inspector: its name and shape, the selected vector as a strip, its figures.

Knows an answer and what is read out of it; no store, no pane.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.inspector.value_strip import ValueStrip
from gui.reading.axes import index_words
from gui.reading.inspecting import dtype_of, inspected, operation_of
from gui.reading.numbers import exact
from gui.reading.sentences import OperationSentence
from gui.reading.vectors import FoundVectors, Reading, whose
from gui.session.state import Inspected
from gui.widgets.nest import nest
from gui.widgets.text import Text
from model import messages as m
from model.operations import shape_of
from model.sampling import OWN, Sampling


class TensorBlock(QWidget):
    """An input or the output of the current operation.

    Signals:
        element_chosen: `Inspected`, the element whose cell was clicked.
    """

    element_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self._model: m.ModelInfo | None = None
        self._read: m.PromptRead | None = None
        self._sampling: Sampling = OWN
        self._reading: Reading | None = None
        small, tiny = theme.SMALL_FONT_SIZE, theme.SMALL_FONT_SIZE - 0.5
        self._role = Text(parent=self, tone="dim", font=theme.sans(tiny))
        self._title = Text(parent=self, font=theme.mono(small), elide=Qt.TextElideMode.ElideLeft)
        self._shape = Text(
            parent=self,
            tone="dim",
            font=theme.mono(tiny),
            align=Qt.AlignmentFlag.AlignRight,
        )
        self._where = Text(parent=self, tone="dim", font=theme.sans(tiny))
        self.strip = ValueStrip(self)
        self.strip.tip = self._describe
        self.strip.element_chosen.connect(self._choose)
        self._figures = Figures(self)

        head = QHBoxLayout()
        head.setSpacing(theme.TIGHT + 2)
        head.addWidget(self._role)
        head.addWidget(self._title, 1)
        middle = QHBoxLayout()
        middle.setSpacing(theme.TIGHT + 2)
        middle.addWidget(self._where, 1)
        middle.addWidget(self._shape)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        nest(layout, head)
        nest(layout, middle)
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

    def show_tensor(
        self,
        role: str,
        name: str,
        model: m.ModelInfo,
        found: FoundVectors | None,
        problem: str,
    ) -> None:
        """Show the vector of an activation.

        Args:
            role: "reads" or "writes".
            name: of the activation.
            model: whose it is.
            found: what was answered last: it may be of another operation, and lack the name.
            problem: why what is wanted now can't be had; empty if it can.
        """
        self._name, self._model = name, model
        self._read = None if found is None else found.read
        self._sampling = OWN if found is None else found.asked.sampling
        self._reading = reading = None if found is None else found.reading(name, model.config)
        self._role.setText(role)
        self._title.setText(name)
        self._title.setToolTip(name)
        self._shape.setText(self._shape_words())
        self.strip.setVisible(reading is not None)
        self._figures.setVisible(reading is not None)
        if reading is None or found is None:
            self._where.setText(problem)
            return
        self.strip.setAccessibleName(f"{name}, {len(reading.values)} values")
        self._where.setText(problem or whose(model, found.read.subject.ids, reading))
        self.strip.set_values(reading.values, reading.scale, reading.n_seen, reading.first_seen)
        self.strip.set_marked(found.position if reading.free == "T" else None)
        self._figures.show_figures(figures(reading))

    def set_inspected(self, inspected: Inspected | None) -> None:
        """Frame the value that is inspected, if it is one of these."""
        reading = self._reading
        here = reading is not None and inspected is not None and inspected.name == self._name
        if here and reading is not None and inspected is not None:
            self.strip.set_chosen(reading.element_of(inspected.index))
        else:
            self.strip.set_chosen(None)

    def _shape_words(self) -> str:
        if self._model is None or self._read is None:
            return ""
        config = self._model.config
        op = operation_of(config, self._name)
        if op is None:
            return ""
        shape = shape_of(op, config, 1, self._read.n_tokens)
        return f"[{', '.join(map(str, shape))}] {dtype_of(self._model, self._name)}"

    def _describe(self, element: int) -> str:
        reading, model, read = self._reading, self._model, self._read
        if reading is None or model is None or read is None:
            return ""
        if not 0 <= element < len(reading.values):
            return ""
        index = reading.full_index(element)
        words = index_words(model, read.subject.ids, reading.name, index)
        value = exact(reading.values[element], dtype_of(model, reading.name))
        if reading.is_masked(element):
            value = "masked"
        inside = ", ".join(str(i) for i in index)
        return f"{value}\n{reading.name}[{inside}]\n{', '.join(words)}"

    def _choose(self, element: int) -> None:
        reading, model, read = self._reading, self._model, self._read
        if reading is None or model is None or read is None:
            return
        if not 0 <= element < len(reading.values):
            return
        op = operation_of(model.config, reading.name)
        self.element_chosen.emit(
            inspected(
                model,
                read,
                reading.name,
                reading.full_index(element),
                float(reading.values[element]),
                says=None if op is None else OperationSentence(op),
                sampling=self._sampling,
            )
        )


GAP = 10.0
"""Least room between two figures."""


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

    def _columns(self) -> list[tuple[float, float, tuple[str, str]]]:
        """Where each figure stands and how wide: evenly, or as wide as each needs."""
        even = min(110.0, self.width() / max(1, len(self._figures)))
        name_font, number_font = QFontMetricsF(self._name_font), QFontMetricsF(self._font)
        needed = [
            max(name_font.horizontalAdvance(name), number_font.horizontalAdvance(number)) + GAP
            for name, number in self._figures
        ]
        crowded = any(width > even for width in needed)
        x, columns = 0.0, []
        for width, figure in zip(needed, self._figures, strict=True):
            columns.append((x, width, figure))
            x += width if crowded else even
        return columns

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            t = theme.current()
            left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            for x, width, (name, number) in self._columns():
                painter.setFont(self._name_font)
                painter.setPen(t.color("dim"))
                painter.drawText(QRectF(x, 0, width, self._name_height), left, name)
                painter.setFont(self._font)
                painter.setPen(t.color("dim"))
                below = QRectF(x, self._name_height, width, self.height() - self._name_height)
                painter.drawText(below, left, number)


def figures(reading: Reading) -> tuple[tuple[str, str], ...]:
    """Minimum, maximum, mean and length (of shares: sum) of what is drawn and not masked.

    Where numbers are not finite, how many: the figures are of the others.
    """
    finite = reading.seen[np.isfinite(reading.seen)].astype(np.float64)
    left_out = len(reading.seen) - len(finite)
    others = (("not finite", f"{left_out:,} of {len(reading.seen):,}"),) if left_out else ()
    if reading.scale == "ids" or not finite.size:
        return others
    last = ("sum", finite.sum()) if reading.scale == "share" else ("norm", np.linalg.norm(finite))
    pairs = [("min", finite.min()), ("max", finite.max()), ("mean", finite.mean()), last]
    return (*((name, f"{value:.4g}") for name, value in pairs), *others)
