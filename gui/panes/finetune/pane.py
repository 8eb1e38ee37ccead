"""Fine-tune: the form, its button, and what the run that is shown has changed of the model.

Its curves, also that of the older text, are the Training pane's. Knows the store and widgets, no
other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from gui import theme
from gui.file_dialog import file_dialog
from gui.panes.base import EmptyState, Pane, column
from gui.panes.finetune import ENTRY
from gui.panes.finetune.form import TuningForm
from gui.panes.finetune.moved_view import MovedView, sentence
from gui.session import runs_folder
from gui.session.conditions import can_start, can_tune
from gui.session.state import Notice
from gui.session.store import Store
from gui.session.training_run import Run
from gui.widgets.control_button import make_primary
from gui.widgets.nest import nest
from gui.widgets.paste_dialog import PasteDialog
from gui.widgets.share_line import ShareLine
from gui.widgets.text import Text
from model.probe.question import Named
from model.train.recipe import Recipe, RecipeError
from model.train.run_folder import unique_run_dir
from model.train.tuning_recipe import tuning_recipe

EMPTY = (
    "Choose a text and press Fine-tune. Which weights it moves stands here afterwards, and "
    "Before and after shows the prompt under both models."
)
RUNNING = "The run goes on. Which weights it moved stands here at its end."


class FinetunePane(Pane):
    """The widget.

    Attributes:
        form: what is tuned and how.
        start_button, compare_button: begin; the same prompt before and after.
        status, words: what goes on; what was changed, in a sentence.
        moved: every tensor and how far it has come.
    """

    entry = ENTRY
    frame_ms: ClassVar[int] = 100

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._of: tuple[object, ...] | None = None  # what the form was proposed for
        self._refusal = ""
        self._waiting = False  # a run was asked for and has not begun
        self._failure = ""  # why it did not
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.subject = Text(parent=self, tone="dim", font=small, wrap=True)
        self.subject.setAccessibleName("The model that is tuned")
        self.form = TuningForm(self)
        self.start_button = QPushButton("Fine-tune")
        self.start_button.setAccessibleName("Fine-tune this model")
        self.start_button.setToolTip("Let the open model learn the text, as the form says")
        make_primary(self.start_button)
        self.compare_button = QPushButton("Before and after")
        self.compare_button.setToolTip("The prompt under the model before (A) and after (B)")
        self.compare_button.setAccessibleName("Compare before and after")
        self.status = Text(parent=self, tone="dim", font=small, wrap=True)
        self.status.setAccessibleName("State of the fine-tuning")
        self.progress = ShareLine("How far the fine-tuning is", self)
        self.words = Text(parent=self, wrap=True)
        self.words.setAccessibleName("What it changed")
        self.moved = MovedView(self)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        buttons.addWidget(self.start_button)
        buttons.addWidget(self.compare_button)
        buttons.addWidget(self.status, 1)
        layout = column(self, spacing=theme.TIGHT + 2)
        layout.addWidget(self.subject)
        layout.addWidget(self.form)
        nest(layout, buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.words)
        layout.addWidget(self.moved, 1)
        self.empty = EmptyState(parent=self)
        layout.addWidget(self.empty, 1)
        self._connect()

    def _connect(self) -> None:
        store = self.store
        self.start_button.clicked.connect(self.start)
        self.compare_button.clicked.connect(self.compare)
        self.form.changed.connect(self._form_changed)
        self.form.file_requested.connect(self.choose_file)
        self.form.paste_requested.connect(self.paste_text)
        store.recipes.text_written.connect(self._take_written)
        store.tuning.changed.connect(self.invalidate)
        store.notice_posted.connect(self._hear)
        store.run.changed.connect(self._hear_of_run)
        store.scaling.changed.connect(self.invalidate)
        store.timeline.changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)
        store.engine_changed.connect(self.invalidate)
        store.activity.changed.connect(self.invalidate)

    # --------------------------------------------------------------------------- doing

    def start(self) -> None:
        """Begin the run."""
        recipe = self._recipe()
        if recipe is None or not can_start(self.store):
            return
        self._refusal = ""
        try:
            folder = str(unique_run_dir(runs_folder.proposed(), recipe.name))
            recipe.validate()
        except (OSError, RecipeError) as error:
            self._refusal = str(error)
            self.invalidate()
            return
        self._failure, self._waiting = "", True
        self.store.run.start(recipe, folder)

    def compare(self) -> None:
        """The model before (A) and after (B), on the prompt that is there."""
        steps = self.store.timeline.steps
        if len(steps) > 1:
            self.store.timeline.go_to(steps[0].step)
            self.store.comparing.compare_step(steps[-1].step)

    def choose_file(self, which: str) -> None:
        """Ask for a text."""
        words = "A text to learn from" if which == "text" else "A text that it knows already"
        dialog = file_dialog(self, words, "tuning_text_dialog", QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Text (*.txt *.md *.csv *.py)", "All files (*)"])
        chosen = self._take_text if which == "text" else self._take_old
        dialog.fileSelected.connect(chosen)
        dialog.open()

    def paste_text(self, which: str) -> None:
        """Ask for a text that is pasted or typed."""
        words = "A text to learn from" if which == "text" else "A text that it knows already"
        dialog = PasteDialog(words, self)
        dialog.text_given.connect(self._keep_text if which == "text" else self._keep_old)
        dialog.open()

    def _keep_text(self, text: str) -> None:
        self.store.recipes.write_text(text, runs_folder.proposed(), f"{self.key}: text")

    def _keep_old(self, text: str) -> None:
        self.store.recipes.write_text(text, runs_folder.proposed(), f"{self.key}: old")

    def _take_written(self, who: str, path: str) -> None:
        key, _, which = who.partition(": ")
        if key == self.key:
            self.form.choose_file(which, path)

    def _take_text(self, path: str) -> None:
        self.form.choose_file("text", path)

    def _take_old(self, path: str) -> None:
        self.form.choose_file("old", path)

    def _hear(self, notice: Notice) -> None:
        """A run that could not begin says why here too."""
        if self._waiting and notice.level == "error" and self.store.run.starting is None:
            self._failure, self._waiting = notice.message, False
            self.invalidate()

    def _hear_of_run(self) -> None:
        if self.store.run.running:
            self._waiting = False
        self.invalidate()

    def _form_changed(self) -> None:
        self._refusal = self._failure = ""
        self.invalidate()

    def _recipe(self) -> Recipe | None:
        weights = self.store.tuning.weights
        recipe = self.form.recipe()
        if recipe is None or not weights:
            return None
        name = f"{self.store.tuning.base_name}-{recipe.tuning}"
        return replace(recipe, name=name, weights=weights, tokenizer=weights)

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self.store.tuning.look()
        self._show_subject()
        self._show_buttons()
        found = self.store.tuning.found
        said = "" if found is None else found.problem or sentence(found.moved)
        run = self.store.tuning.run
        self.words.setText(f"{losses(run)} {said}" if said and run is not None else said)
        self.words.setVisible(found is not None)
        self.moved.setVisible(found is not None and bool(found.moved))
        self.moved.set_rows(() if found is None else found.moved)
        self.empty.setVisible(not self.moved.isVisibleTo(self))
        self.empty.setText(RUNNING if self.store.run.going else EMPTY)

    def _show_subject(self) -> None:
        model = self.store.model
        if model is None:
            self.subject.setText("Open a model first: the one in view is tuned.")
            return
        config = model.config
        of = (self.form.tuning, config.n_ctx, model.n_params)
        if of != self._of:  # the model that a run of this one gives keeps what was chosen
            self._of = of
            weights = self.store.tuning.weights
            recipe = tuning_recipe(
                weights, self.form.data, config.n_ctx, model.n_params, self.form.tuning
            )
            self.form.set_recipe(recipe, config.n_ctx)
        float32 = ""
        if model.format == "GGUF" or model.stored not in ("", "float32"):
            float32 = " Its weights are read as float32 and saved so: nothing stays quantised."
        learns = (
            "a low-rank change of every linear map in its blocks learns, and is kept as PEFT "
            "reads it"
            if self.form.tuning == "lora"
            else "all of its weights learn"
        )
        self.subject.setText(f"{model.name}, {model.n_params:,} parameters: {learns}.{float32}")

    def _show_buttons(self) -> None:
        store, run = self.store, self.store.tuning.run
        why = self._refusal or self._failure
        if not why and store.model is not None and not can_tune(store):
            why = "This model does not predict the next token, so it can't be tuned here."
        self.start_button.setEnabled(can_start(store) and can_tune(store) and not self._refusal)
        self.start_button.setToolTip(why or "Begin a run that goes on from the model in view")
        steps = store.timeline.steps
        done = run is not None and not run.running and store.run.in_view(run) and len(steps) > 1
        self.compare_button.setEnabled(done)
        share = None
        said = why
        reading = store.activity.progress_of(store.tuning.reading)
        if not why and store.run.starting is not None:
            doing = store.run.preparing
            said = f"{doing.what} …" if doing is not None else "Getting ready …"
        elif not why and run is not None and run.running:
            share = run.step / run.recipe.steps
            said = f"Step {run.step:,} of {run.recipe.steps:,}; its curves are in Training."
        elif not why and store.tuning.reading is not None:
            said = "Comparing its weights with those before …"
            share = reading.done / reading.total if reading and reading.total else None
        elif not why and run is not None and run.finished is not None:
            said = run.finished.message
        self.status.setText(said)
        self.status.set_tone("warning" if why else "dim")
        self.progress.set_share(share)

    def export_data(self) -> Mapping[str, Any]:
        found = self.store.tuning.found
        if found is None or not found.moved:
            return {}
        at = {"tensor": np.array([row.name for row in found.moved], dtype=np.str_)}
        return {
            name: Named(np.array([getattr(row, name) for row in found.moved]), ("tensor",), at)
            for name in ("norm", "relative", "effective_rank")
        }

    def code(self) -> str:
        found = self.store.tuning.found
        if found is None or not found.moved:
            return ""
        run = found.run_dir
        return (
            "import model\n"
            "from model.slices import finish\n"
            "from model.train.moved import moving\n\n"
            f"before, after = (model.open(f'{{run}}/snapshots/step-{{n:06d}}', 'cpu', 'float32')"
            f" for run, n in (({run!r}, 0), ({run!r}, {found.step})))\n"
            "moved = finish(moving(before.transformer, after.transformer))\n"
        )


def losses(run: Run) -> str:
    """How the losses on both texts have changed, in a sentence; empty where none was measured."""
    if len(run.evaluations) < 2:
        return ""
    first, last = run.evaluations[0], run.evaluations[-1]
    what = "new text" if run.recipe.objective == "text" else "choices"
    said = f"Loss on the {what} {first.val_loss:.3f} → {last.val_loss:.3f}"
    if first.old_loss is None or last.old_loss is None:
        return f"{said}."
    forgot = last.old_loss - first.old_loss
    word = "forgot a little" if forgot > 0.02 else "forgot next to nothing"
    word = "forgot much" if forgot > 0.5 else word
    return f"{said}; on the older text {first.old_loss:.3f} → {last.old_loss:.3f}: it {word}."
