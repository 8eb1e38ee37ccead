"""What can be set of each projection: a form each, and a line in `FORMS`.

A form gives the projection that is set, from the rows in view and the sum that is looked at. Knows
widgets and names of rows; no store.
"""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget

from gui import theme
from gui.panes.space.form import Form, Looked
from gui.panes.space.map_forms import TsneForm, UmapForm
from gui.panes.space.spectrum_strip import SpectrumStrip
from gui.widgets.number_boxes import WholeBox
from gui.widgets.text import Text
from model.messages import VocabularyProjected
from model.probe.neighbours.sums import SumError
from model.space.projections.asks import (
    MOST_AXES,
    TSNE,
    UMAP,
    Direction,
    PrincipalAxes,
    SumPlane,
    WordAxes,
)
from model.space.registry import Projection

WAYS = ("across", "upwards", "in depth")


class PrincipalForm(Form):
    """Which three of the first 50 axes: typed, or picked in their spectrum."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes: tuple[int, int, int] = (0, 1, 2)
        self._next = 0
        self.boxes = tuple(WholeBox(1, MOST_AXES, "axis") for _ in range(3))
        self.line.addWidget(Text("axes", tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE)))
        for at, box in enumerate(self.boxes):
            way = WAYS[at]
            box.setValue(at + 1)
            box.setKeyboardTracking(False)
            box.setFixedWidth(54)
            box.setAccessibleName(f"Principal axis drawn {way}")
            box.setToolTip(f"The principal axis that is drawn {way}")
            box.valueChanged.connect(self._typed)
            self.line.addWidget(box)
        self.spectrum = SpectrumStrip()
        self.spectrum.picked.connect(self._picked)
        self.line.addWidget(self.spectrum, 1)

    def projection(self, looked: Looked) -> Projection | None:
        return PrincipalAxes(self._axes)

    def show_drawn(self, vocabulary: VocabularyProjected) -> None:
        if len(vocabulary.spectrum):
            for box in self.boxes:
                box.setMaximum(max(3, len(vocabulary.spectrum)))
            self.spectrum.show_shares(vocabulary.spectrum, self._axes)

    def forget_rows(self) -> None:
        self._set((0, 1, 2))

    def _set(self, axes: tuple[int, int, int]) -> None:
        self._axes = axes
        for box, axis in zip(self.boxes, axes, strict=True):
            box.blockSignals(True)
            box.setMaximum(MOST_AXES)
            box.setValue(axis + 1)
            box.blockSignals(False)

    def _typed(self) -> None:
        first, second, third = (box.value() - 1 for box in self.boxes)
        self.problem = ""
        if len({first, second, third}) < 3:
            self.problem = "The three axes are to be different; one stands twice."
        else:
            self._axes = (first, second, third)
        self.changed.emit()

    def _picked(self, axis: int) -> None:
        """One takes the place of that which was set longest ago."""
        if axis in self._axes:
            return
        axes = list(self._axes)
        axes[self._next % 3] = axis
        self._next += 1
        self._set((axes[0], axes[1], axes[2]))
        self.changed.emit()


class PlaneForm(Form):
    """Nothing to set: it is the plane of the sum that is looked at."""

    is_empty = True
    flat = True

    def projection(self, looked: Looked) -> Projection | None:
        is_sum = len(looked.terms) > 1
        self.hint = "" if is_sum else "Type a sum of words, such as king - man + woman."
        return SumPlane(looked.terms, looked.expected) if is_sum else None


class WordsForm(Form):
    """A direction for each axis, typed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields = tuple(QLineEdit() for _ in range(3))
        examples = ("woman - man", "/s$/ - /[^s]$/", "or nothing")
        for at, (field, example) in enumerate(zip(self.fields, examples, strict=True)):
            field.setPlaceholderText(("across: ", "up: ", "depth: ")[at] + example)
            field.setClearButtonEnabled(True)
            field.setMinimumWidth(60)
            field.setAccessibleName(f"Direction drawn {WAYS[at]}")
            field.setToolTip(
                "A direction: woman - man, or lists on both sides: cats, dogs - cat, dog,\n"
                "or expressions: /ing$/ - /ed$/. One side alone is its own direction.\n"
                "Enter draws it. Empty: the longest axis of what is left."
            )
            field.editingFinished.connect(self.changed)
            self.line.addWidget(field, 1)
        self._read: dict[tuple[int, str], Direction] = {}

    def projection(self, looked: Looked) -> Projection | None:
        self.problem = self.hint = ""
        directions = []
        for field in self.fields:
            typed = field.text().strip()
            if not typed:
                continue
            key = (id(looked.rows), typed)
            try:
                if key not in self._read:
                    self._read[key] = looked.rows.names.direction(typed)
            except SumError as error:
                self.problem = str(error)
                return None
            directions.append(self._read[key])
        if not directions:
            self.hint = "Type a direction, such as woman - man, and press Enter."
            return None
        return WordAxes(tuple(directions))

    def forget_rows(self) -> None:
        self._read.clear()

    def set_first(self, typed: str) -> None:
        self.fields[0].setText(typed)
        self.fields[0].setCursorPosition(0)

    def kept(self) -> object:
        return [field.text() for field in self.fields]

    def recall(self, kept: object) -> None:
        if isinstance(kept, list) and all(isinstance(text, str) for text in kept):
            for field, text in zip(self.fields, kept):
                field.setText(text[:1000])


FORMS: dict[str, type[Form]] = {
    PrincipalAxes.name: PrincipalForm,
    SumPlane.name: PlaneForm,
    WordAxes.name: WordsForm,
    TSNE.name: TsneForm,
    UMAP.name: UmapForm,
}
"""By the name of a projection; one without a line here has nothing to set, and can't be drawn."""
