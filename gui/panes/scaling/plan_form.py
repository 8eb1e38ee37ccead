"""The plan of a queue as a form: widths, tokens, text and the rule of the learning rate.

Knows plans; no store, no file.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from gui import theme
from gui.widgets.choice import Choice
from gui.widgets.flow import FlowLayout
from gui.widgets.text import Text
from model.train.recipe import WORLD
from model.train.scaling.plan import LrRule, PlanError, ScalingPlan
from model.train.scaling.published import short

FILE = "file"
RATES: dict[LrRule, tuple[str, str]] = {
    "width": ("rate ∝ 1 / width", "The learning rate falls as the width grows"),
    "same": ("one rate for all", "Every size has the same learning rate"),
    "sweep": (
        "rate by short runs",
        "For every width three rates are tried on a tenth of the tokens, and the best is taken",
    ),
}
_LETTERS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([kmb]?)", re.IGNORECASE)


class PlanForm(QWidget):
    """The widget.

    Signals:
        changed: something was typed or chosen.
        file_requested: a text file is to be chosen; answer with `choose_file`.
    """

    changed = Signal()
    file_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plan = ScalingPlan()
        self._path = ""
        self.widths = QLineEdit(self)
        self.widths.setFixedWidth(170)
        self.widths.setAccessibleName("Widths")
        self.widths.setToolTip("d_model of each size, five or more, in multiples of 8")
        self.tokens = QLineEdit(self)
        self.tokens.setFixedWidth(84)
        self.tokens.setAccessibleName("Tokens")
        self.tokens.setToolTip(
            "Tokens that each size sees. Three or more numbers, as 500k 1M 2M, train each size on "
            "each of them, and the law gets a term of tokens"
        )
        self.text = Choice(self)
        self.text.addItem("story world", WORLD)
        self.text.addItem("a text file…", FILE)
        self.text.setAccessibleName("Text")
        self.text.setToolTip("What all sizes read, letter by letter")
        self.rate = Choice(self)
        for rule, (title, _) in RATES.items():
            self.rate.addItem(title, rule)
        self.rate.setAccessibleName("Learning rate")
        small = theme.sans(theme.SMALL_FONT_SIZE)
        row = FlowLayout(self, spacing=theme.SPACE)
        for word, field in (
            ("widths", self.widths),
            ("tokens", self.tokens),
            ("", self.text),
            ("", self.rate),
        ):
            if word:
                row.addWidget(Text(word, self, tone="dim", font=small))
            row.addWidget(field)
        self.widths.editingFinished.connect(self._on_edited)
        self.tokens.editingFinished.connect(self._on_edited)
        self.text.activated.connect(self._on_text)
        self.rate.activated.connect(self._on_edited)
        self.set_plan(self._plan)

    def set_plan(self, plan: ScalingPlan) -> None:
        """Show a plan; what the form has no field for is kept."""
        self._plan = plan
        self.widths.setText(" ".join(map(str, plan.widths)))
        self.tokens.setText(" ".join(map(short, plan.tokens)))
        self.rate.setCurrentIndex(self.rate.findData(plan.lr_rule))
        self._path = "" if plan.recipe.data == WORLD else plan.recipe.data
        self._show_text()
        self._explain()

    def plan(self) -> ScalingPlan:
        """What is typed.

        Raises:
            PlanError: it can't be trained; the message says why.
        """
        rule: LrRule = self.rate.currentData()
        recipe = replace(self._plan.recipe, data=self._path or WORLD)
        return replace(
            self._plan,
            widths=_numbers("Widths", self.widths.text()),
            tokens=_numbers("Tokens", self.tokens.text()),
            lr_rule=rule,
            recipe=recipe,
        ).validate()

    def choose_file(self, path: str) -> None:
        """Train on this file."""
        self._path = path
        self._show_text()
        self.changed.emit()

    def _show_text(self) -> None:
        at = self.text.findData(FILE)
        self.text.setItemText(at, Path(self._path).name or "a text file…")
        self.text.setCurrentIndex(at if self._path else self.text.findData(WORLD))

    def _on_text(self, index: int) -> None:
        if self.text.itemData(index) == FILE:
            self._show_text()  # not a text yet: all stays as it was until a file is there
            self.file_requested.emit()
        else:
            self._path = ""
            self._on_edited()

    def _on_edited(self) -> None:
        self._explain()
        self.changed.emit()

    def _explain(self) -> None:
        rule: LrRule = self.rate.currentData()
        self.rate.setToolTip(RATES[rule][1])


def _numbers(what: str, text: str) -> tuple[int, ...]:
    """Whole numbers apart by blanks, 2M and 500k too, rising.

    Raises:
        PlanError: something else stands there.
    """
    found = set()
    for part in text.replace(",", " ").split():
        match = _NUMBER.fullmatch(part)
        if match is None:
            raise PlanError(f"{what}: {part!r} is no number. Write them apart by blanks: 16 24 32.")
        found.add(round(float(match[1]) * _LETTERS[match[2].lower()]))
    if not found:
        raise PlanError(f"{what}: nothing is typed.")
    return tuple(sorted(found))
