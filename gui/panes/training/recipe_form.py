"""A training recipe as a form: the choices that matter, the rest as the preset has them.

Says in place what can't be run, and how many parameters the network would have. Knows recipes and
Qt, no store; opening a file dialog is its owner's affair.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.panes.training.branch_line import BranchLine
from gui.panes.training.estimate_line import EstimateLine
from gui.panes.training.even_grid import EvenGrid
from gui.panes.training.field import Field
from gui.panes.training.place import PlaceButton
from gui.panes.training.preset_words import SENTENCES
from gui.panes.training.recipe_files import ALL_SETTINGS, RecipeFiles, show_disclosure
from gui.panes.training.recipe_summary import summary
from gui.panes.training.settings_table import SettingsTable
from gui.panes.training.switch_fields import SwitchFields
from gui.panes.training.text_choice import TextChoice, TokenizerChoice
from gui.panes.training.wrapped import WrappedText
from gui.session.runs_folder import proposed
from gui.widgets.choice import Choice
from gui.widgets.control_button import ControlButton
from gui.widgets.rate_box import RateBox
from gui.widgets.text import Text
from model.train.branching.record import Departure, changed
from model.train.places import is_written
from model.train.presets import PRESETS
from model.train.recipe import MIN_BPE_VOCAB, WORLD, Recipe, RecipeError
from model.train.tasks.chosen import chosen_task, is_task

SPEED = "Optimiser, norm, positions"


class RecipeForm(QWidget):
    """Edits a recipe.

    Signals:
        recipe_changed: a choice was changed.
        file_requested, folder_requested, paste_requested: texts are to be chosen or typed; answer
            with `choose_file`.
    """

    recipe_changed = Signal()
    file_requested = Signal()
    folder_requested = Signal()
    paste_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = next(iter(PRESETS.values()))
        self.runs_dir = proposed()
        self.runs_dir_chosen = False
        self.place = PlaceButton()
        self.preset = Choice()
        for name in PRESETS:
            self.preset.addItem(name)
            tip = SENTENCES.get(name, "")
            self.preset.setItemData(self.preset.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.about = Text(tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE), wrap=True)
        self.about.setAccessibleName("What the preset is for")
        self.data = TextChoice()
        self.tokenizer = TokenizerChoice()
        self.n_vocab = _count(MIN_BPE_VOCAB, 60_000)
        self.n_layers = _count(1, 96)
        self.n_heads = _count(1, 128)
        self.d_model = _count(1, 8192, step=16)
        self.n_ctx = _count(1, 8192, step=16)
        self.batch_size = _count(1, 100_000)
        self.steps = _count(1, 10_000_000, step=100)
        self.lr = RateBox()
        self.seed = _count(0, 2**31 - 1)
        self.name = QLineEdit()
        self.switches = SwitchFields(self)
        self.fields = (
            Field("Preset", self.preset, "A recipe that is worth having by name"),
            Field("Text", self.data, "What it learns from: story world, toy task, file or folder"),
            Field("Tokenizer", self.tokenizer, "How the text is cut; BPE is trained on the text"),
            Field("Vocabulary", self.n_vocab, "How many tokens BPE may make"),
            Field("Layers", self.n_layers, "n_layers: blocks one after the other"),
            Field("Heads", self.n_heads, "n_heads: attention heads in each block"),
            Field("Width", self.d_model, "d_model: width of the residual stream"),
            Field("Context", self.n_ctx, "n_ctx: tokens that it sees at once"),
            Field("Batch", self.batch_size, "batch_size: windows of text per step"),
            Field("Steps", self.steps, "Updates of the weights; the rate's schedule spans them"),
            Field("Learning rate", self.lr, "lr: highest rate, after the warm-up"),
            Field("Seed", self.seed, "Of the first weights, the batches and the world's text"),
            Field("Run name", self.name, "Its folder; a number is added if there is one already"),
            Field("Runs in", self.place, "Where run folders are made; remembered"),
        )
        self.branch_line = BranchLine()
        grid = QWidget()
        flow = EvenGrid(grid, spacing=theme.TIGHT + 2)
        for field in self.fields:
            flow.addWidget(field)
        self.speed = ControlButton("option")
        self.speed.setCheckable(True)
        show_disclosure(self.speed, SPEED, shown=False)
        self.speed.setAccessibleName("Switches of how fast it learns")
        self.speed.setToolTip(
            "Each can be turned off, to see what it gives; presets set them together"
        )
        below = QWidget()
        below.hide()
        self.speed.toggled.connect(self._show_switches)
        self._below = below
        flow = EvenGrid(below, spacing=theme.TIGHT + 2)
        for field in self.switches.fields:
            flow.addWidget(field)
        self.summary = WrappedText()
        self.estimate = EstimateLine()
        self.files = RecipeFiles(self.estimate.button)
        self.settings = SettingsTable()
        self.settings.hide()
        self.place.show_path(self.runs_dir)
        self.problem = QLabel()
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setWordWrap(True)
        self.problem.setAccessibleName("What is wrong with the recipe")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        layout.addWidget(self.branch_line)
        layout.addWidget(self.about)
        layout.addWidget(grid)
        layout.addWidget(self.speed, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(below)
        layout.addWidget(self.summary)
        layout.addWidget(self.problem)
        layout.addWidget(self.files)
        layout.addWidget(self.estimate)
        layout.addWidget(self.settings)
        layout.addStretch(1)

        self.preset.activated.connect(self._take_preset)
        self.data.text_chosen.connect(self._take_text)
        self.data.file_requested.connect(self.file_requested)
        self.data.folder_requested.connect(self.folder_requested)
        self.data.paste_requested.connect(self.paste_requested)
        self.name.textEdited.connect(self._changed)
        self.place.chosen.connect(self._choose_place)
        self.tokenizer.currentIndexChanged.connect(self._changed)
        for box in (*self._counts().values(), self.n_vocab):
            box.valueChanged.connect(self._changed)
        self.lr.valueChanged.connect(self._changed)
        self.files.all_button.toggled.connect(self._show_all)
        self.settings.setting_typed.connect(self._take_setting)
        self.switches.changed.connect(self._changed)
        self.set_recipe(self._base)

    # --------------------------------------------------------------------- the recipe

    def set_recipe(self, recipe: Recipe) -> None:
        """Show a recipe; what has no field of its own is kept."""
        self._base = recipe
        fields = (*self.fields, *self.switches.fields)
        editors = (*(field.editor for field in fields), self.switches)
        blocked = [QSignalBlocker(editor) for editor in editors]
        if recipe.name in PRESETS:
            self.preset.setCurrentText(recipe.name)
        if recipe.data:
            self.data.show_text(recipe.data)
        elif is_written(self.data.chosen):
            self.data.show_text("")  # this recipe wants a text of one's own
        kind = "bpe" if recipe.tokenizer.startswith("bpe:") else recipe.tokenizer
        self.tokenizer.show_tokenizer(kind)
        if recipe.tokenizer.startswith("bpe:"):
            self.n_vocab.setValue(int(recipe.tokenizer.removeprefix("bpe:")))
        for key, box in self._counts().items():
            box.setValue(getattr(recipe, key))
        self.lr.setValue(recipe.lr)
        self.switches.show_recipe(recipe)
        if recipe.optimiser != Recipe().optimiser:
            self.speed.setChecked(True)  # a fast recipe shows what makes it so
        self.name.setText(recipe.name)
        del blocked
        self._changed()

    @property
    def departure(self) -> Departure | None:
        """Where the run begins, if it is a branch."""
        return self.branch_line.departure

    def set_departure(self, departure: Departure | None, name: str, recipe: Recipe | None) -> None:
        """Write the recipe of a branch, or of a run that begins anew again.

        Args:
            departure: where it begins; None for anew.
            name: of the run that it comes of.
            recipe: of that run, with which the form begins.
        """
        self.branch_line.show_departure(departure, name, recipe)
        self.place.setEnabled(departure is None)
        self.place.show_path(self.folder)
        if departure is not None:
            self.place.setToolTip("A branch lies beside the run that it comes of")
        if departure is not None and recipe is not None:
            steps = recipe.steps
            if departure.step >= steps:  # at its end: as many again
                steps += departure.step
            self.set_recipe(replace(recipe, name=f"{name}-branch", steps=steps))
        else:
            self._changed()

    @property
    def folder(self) -> Path:
        """Where the run's folder will be made: a branch's beside its parent's."""
        departure = self.departure
        return self.runs_dir if departure is None else Path(departure.parent).parent

    def set_runs_dir(self, path: Path) -> None:
        """Choose where runs' folders will be."""
        self.runs_dir, self.runs_dir_chosen = path, True
        self.place.show_path(path)
        self._changed()

    def recipe(self) -> Recipe:
        """The recipe as it stands; it may not be one that can be run."""
        base, steps, lr = self._base, self.steps.value(), self.lr.value()
        kind = self.tokenizer.currentData()
        return replace(
            base,
            name=self.name.text().strip(),
            data=self.data.chosen,
            tokenizer=f"bpe:{self.n_vocab.value()}" if kind == "bpe" else kind,
            n_layers=self.n_layers.value(),
            n_heads=self.n_heads.value(),
            d_model=self.d_model.value(),
            n_ctx=self.n_ctx.value(),
            batch_size=self.batch_size.value(),
            steps=steps,
            seed=self.seed.value(),
            lr=lr,
            **self.switches.values(),
            # What depends on a number that was changed keeps its proportion to it.
            min_lr=base.min_lr if lr == base.lr else base.min_lr * lr / base.lr,
            warmup_steps=self._paced(base.warmup_steps),
            eval_every=self._paced(base.eval_every),
            sample_every=self._paced(base.sample_every),
            snapshot_every=self._paced(base.snapshot_every),
            curves_every=self._paced(base.curves_every),
        )

    def _paced(self, every: int) -> int:
        """What happens every so many steps: as often in a shorter run as in the preset's."""
        steps = self.steps.value()
        if not every or steps >= self._base.steps:
            return every
        return max(1, round(every * steps / self._base.steps))

    def trouble(self) -> str:
        """What is wrong with the recipe, empty if it can be run."""
        recipe = self.recipe()
        if not recipe.name:
            return "The run needs a name."
        if not recipe.data:
            return "Choose a Text to train on: one of the list, or one of your own."
        departure = self.departure
        if departure is not None and recipe.steps <= departure.step:
            return (
                f"The branch begins at step {departure.step:,} and would end at step "
                f"{recipe.steps:,}: give it more steps."
            )
        try:
            recipe.validate()
        except RecipeError as error:
            return self._in_words_of_the_form(str(error))
        return ""

    def _in_words_of_the_form(self, message: str) -> str:
        """What a recipe calls its values, as the form calls them: Width, not d_model."""
        names = {name: box.accessibleName() for name, box in self._counts().items()}
        names |= {"lr": self.lr.accessibleName()} | self.switches.labels()
        return re.sub(r"\b(\w+)\b", lambda found: names.get(found[0], found[0]), message)

    def _show_switches(self, shown: bool) -> None:
        self._below.setVisible(shown)
        show_disclosure(self.speed, SPEED, shown=shown)

    def _show_all(self, shown: bool) -> None:
        show_disclosure(self.files.all_button, ALL_SETTINGS, shown=shown)
        self.settings.setVisible(shown)
        self._changed()

    def _take_setting(self, name: str, text: str) -> None:
        """One that was typed in the table; what can't be read leaves all as it was."""
        try:
            self.set_recipe(changed(self.recipe(), (f"{name}={text}",)))
        except RecipeError as error:
            self._changed()
            self.problem.setText(str(error))
            self.problem.show()

    def choose_file(self, path: str) -> None:
        """Train on this text file, or on those of this folder."""
        self.data.show_text(path)
        self._leave_task()
        if self.name.text() == WORLD or self.name.text() in PRESETS:
            self.name.setText(Path(path).stem)
        self._changed()

    # ------------------------------------------------------------------------- inside

    def _counts(self) -> dict[str, QSpinBox]:
        return {
            "n_layers": self.n_layers,
            "n_heads": self.n_heads,
            "d_model": self.d_model,
            "n_ctx": self.n_ctx,
            "batch_size": self.batch_size,
            "steps": self.steps,
            "seed": self.seed,
        }

    def _choose_place(self, path: str) -> None:
        self.set_runs_dir(Path(path))

    def _take_preset(self, index: int) -> None:
        self.set_recipe(PRESETS[self.preset.itemText(index)])

    def _take_text(self) -> None:
        """Another text: a task comes with its own preset, since nothing else fits its examples."""
        data = self.data.chosen
        if is_task(data):
            self.set_recipe(PRESETS[chosen_task(data).task.name])
        else:
            self._leave_task()
            self._changed()

    def _leave_task(self) -> None:
        """A text after a task: the vocabulary and the context of examples fit no text."""
        if is_task(self._base.data):
            base = next(iter(PRESETS.values()))
            self.set_recipe(replace(base, data=self.data.chosen))

    def _changed(self) -> None:
        kind = self.tokenizer.currentData()
        self.n_vocab.setEnabled(kind == "bpe")
        self.n_ctx.setEnabled(not is_task(self.data.chosen))  # of a task that of its examples
        self.about.setText(SENTENCES.get(self.preset.currentText(), ""))
        self.about.setVisible(self.departure is None)
        self.summary.setText(summary(self.recipe(), self.folder))
        self.branch_line.show_recipe(self.recipe())
        self.files.name = self.recipe().name
        if not self.settings.isHidden():
            beside, name = self._held_against()
            self.settings.show_recipe(self.recipe(), beside, name)
        self.summary.setToolTip(f"<pre>{html.escape(self.recipe().to_toml(), quote=False)}</pre>")
        trouble = self.trouble()
        self.problem.setText(trouble)
        self.problem.setVisible(bool(trouble))
        for field in (*self.fields, *self.switches.fields):  # those that the sentence names
            named = re.search(rf"\b{re.escape(field.title.text())}\b", trouble)
            field.mark(in_trouble=named is not None)
        self.recipe_changed.emit()

    def _held_against(self) -> tuple[Recipe, str]:
        """The recipe whose settings stand beside those of the table, and what it is called."""
        parent = self.branch_line.parent_recipe
        if parent is not None:
            return parent, "Parent"
        name = self.preset.currentText()
        return PRESETS[name], name

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        t = theme.current()
        self.problem.setStyleSheet(f"color: {t.bad};")
        for field in (*self.fields, *self.switches.fields):
            if field.in_trouble:
                field.mark(in_trouble=False)
                field.mark(in_trouble=True)  # in this theme's colour
        self.branch_line.apply_theme()
        self.settings.apply_theme()
        self.setStyleSheet(f'QLabel[quiet="true"] {{ color: {t.dim}; }}')


def _count(low: int, high: int, step: int = 1) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setSingleStep(step)
    box.setGroupSeparatorShown(False)
    return box
