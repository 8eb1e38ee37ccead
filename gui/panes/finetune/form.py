"""What a fine-tuning is made of, as few fields: text, older text, how much learns, how long.

Knows recipes and widgets; no store.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.widgets.choice import Choice
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.rate_box import RateBox
from gui.widgets.segments import Segments
from model.train.recipe import WORLD, Recipe, Tuning

_CHOOSE, _PASTE = "choose a file…", "paste a text…"
_PASTED = "\0paste"  # no path can be this
_NONE = "none"
WIDTH, NUMBER = 116, 82


class TuningForm(QWidget):
    """Edits a recipe that tunes a model.

    Signals:
        changed: a choice was changed.
        file_requested: a file is to be chosen, for the ``text`` or the ``old`` one; answer with
            `choose_file`.
        paste_requested: one is to be pasted or typed, likewise.
    """

    changed = Signal()
    file_requested = Signal(str)
    paste_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base: Recipe | None = None
        self._files = {"text": WORLD, "old": ""}
        self.kind = Segments(self)
        self.kind.add("lora", "LoRA", "A low-rank change of each matrix learns; the rest stays")
        self.kind.add("full", "All weights", "Every weight learns: more is learned and forgotten")
        self.text = Choice()
        self.text.addItem("story world", WORLD)
        self.text.addItem(_PASTE, _PASTED)
        self.text.addItem(_CHOOSE, None)
        self.old = Choice()
        self.old.addItem(_NONE, "")
        self.old.addItem("story world", WORLD)
        self.old.addItem(_PASTE, _PASTED)
        self.old.addItem(_CHOOSE, None)
        self.rank = _count(1, 1024)
        self.steps = _count(1, 1_000_000, 50)
        self.batch_size = _count(1, 1024)
        self.n_ctx = _count(1, 8192, 16)
        self.lr = RateBox()
        self.lr.setRange(1e-7, 1.0)
        flow = FlowLayout(spacing=theme.SPACE)
        for name, editor, tip in (
            ("What learns", self.kind, "LoRA, a low-rank change, or all weights"),
            ("New text", self.text, "What it learns from: a text file, or the story world"),
            (
                "Older text",
                self.old,
                "A text that it knows: its loss is drawn beside the other, and rises as it forgets",
            ),
            ("Rank", self.rank, "lora_rank: of the change of each matrix; alpha is twice that"),
            ("Steps", self.steps, "Updates of the weights"),
            ("Learning rate", self.lr, "lr: highest rate, after ten steps of warm-up"),
            ("Batch", self.batch_size, "batch_size: windows of text per step"),
            ("Context", self.n_ctx, "n_ctx: tokens of a window, no more than the model reads"),
        ):
            flow.addWidget(field(name, editor, tip))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        nest(layout, flow)
        self.kind.chosen.connect(self._changed)
        self.text.activated.connect(self._choose_text)
        self.old.activated.connect(self._choose_old)
        for box in (self.rank, self.steps, self.batch_size, self.n_ctx, self.lr):
            box.valueChanged.connect(self._changed)

    def set_recipe(self, recipe: Recipe, most_ctx: int) -> None:
        """Show a recipe.

        Args:
            recipe: what has no field of its own is kept.
            most_ctx: tokens that the model reads at most.
        """
        self._base = recipe
        boxes = (self.rank, self.steps, self.batch_size, self.n_ctx, self.lr)
        for box in boxes:
            box.blockSignals(True)
        self.n_ctx.setMaximum(most_ctx)
        self.kind.set_current(recipe.tuning or "lora")
        self.rank.setValue(recipe.lora_rank)
        self.steps.setValue(recipe.steps)
        self.batch_size.setValue(recipe.batch_size)
        self.n_ctx.setValue(recipe.n_ctx)
        self.lr.setValue(recipe.lr)
        for box in boxes:
            box.blockSignals(False)
        self._changed()

    @property
    def tuning(self) -> Tuning:
        return "lora" if self.kind.current == "lora" else "full"

    @property
    def data(self) -> str:
        """The new text: a path, or ``"world"``."""
        return self._files["text"]

    def recipe(self) -> Recipe | None:
        """The recipe as it stands; None before a model was there."""
        if self._base is None:
            return None
        lr, rank, steps = self.lr.value(), self.rank.value(), self.steps.value()
        base = self._base
        often = steps // 20 if base.snapshot_early else steps // 4  # of a large one it is dear
        return replace(
            base,
            data=self._files["text"],
            old_data=self._files["old"],
            tuning=self.tuning,
            lora_rank=rank,
            lora_alpha=2.0 * rank,
            steps=steps,
            # A short run is looked at as often as a long one.
            eval_every=_paced(base.eval_every, steps // 8),
            snapshot_every=_paced(base.snapshot_every, steps // 8),
            curves_every=_paced(base.curves_every, often),
            batch_size=self.batch_size.value(),
            n_ctx=self.n_ctx.value(),
            lr=lr,
            min_lr=lr / 10,
        )

    def choose_file(self, which: str, path: str) -> None:
        """Take a text file."""
        box = self.text if which == "text" else self.old
        at = box.findData(path)
        if at < 0:
            at = box.count() - 2  # before the two that ask
            box.insertItem(at, Path(path).name, path)
        box.setCurrentIndex(at)
        self._files[which] = path
        self._changed()

    def _choose_text(self, at: int) -> None:
        self._choose("text", at)

    def _choose_old(self, at: int) -> None:
        self._choose("old", at)

    def _choose(self, which: str, at: int) -> None:
        box = self.text if which == "text" else self.old
        path = box.itemData(at)
        if path in (None, _PASTED):  # all stays as it was until a text is there
            box.setCurrentIndex(max(0, box.findData(self._files[which])))
            (self.file_requested if path is None else self.paste_requested).emit(which)
            return
        self._files[which] = path
        self._changed()

    def _changed(self) -> None:
        self.rank.setEnabled(self.tuning == "lora")
        self.changed.emit()


def _paced(every: int, most: int) -> int:
    """Steps between two events: what a recipe has, but no more than that; 0 stays never."""
    return min(every, max(1, most)) if every else 0


def field(name: str, editor: QWidget, tip: str) -> QWidget:
    """A small label above its editor."""
    whole = QWidget()
    label = QLabel(name)
    label.setFont(theme.sans(theme.SMALL_FONT_SIZE))
    label.setBuddy(editor)
    editor.setToolTip(tip)
    editor.setAccessibleName(name)
    editor.setAccessibleDescription(tip)
    editor.setFixedHeight(26)
    if not isinstance(editor, Segments):
        editor.setFixedWidth(NUMBER if isinstance(editor, QAbstractSpinBox) else WIDTH)
    layout = QVBoxLayout(whole)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(1)
    layout.addWidget(label)
    layout.addWidget(editor)
    return whole


def _count(low: int, high: int, step: int = 1) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setSingleStep(step)
    # A style sheet's padding does not reach the text of a spin box (Qt 6.11).
    box.lineEdit().setTextMargins(5, 0, 0, 0)
    return box
