"""What a person does with a recipe before it runs: choose its text, measure it, keep it in a file.

Between the form and the session: the form asks, this has it done. Knows the store and the form.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from gui.file_dialog import file_dialog
from gui.panes.training.recipe_form import RecipeForm
from gui.session.store import Store
from gui.widgets.paste_dialog import PasteDialog
from model.train.presets import PRESETS

_ME = "training"


class RecipeDesk(QObject):
    """Answers the form.

    Args:
        store: of the window.
        form: whose requests are done.
    """

    def __init__(self, store: Store, form: RecipeForm) -> None:
        super().__init__(form)
        self._store = store
        self._form = form
        form.file_requested.connect(self.choose_text)
        form.folder_requested.connect(self.choose_folder)
        form.paste_requested.connect(self.paste_text)
        store.recipes.text_written.connect(self._take_text)
        store.model_changed.connect(self._offer_tokenizer)
        self._offer_tokenizer()
        form.estimate.measure_requested.connect(self.measure)
        form.estimate.cancel_requested.connect(store.recipes.cancel)
        form.files.read_requested.connect(store.recipes.read_file)
        form.files.write_requested.connect(self._write)
        form.branch_line.given_up.connect(self.begin_anew)

    def choose_text(self) -> None:
        """Ask for a text to train on."""
        dialog = file_dialog(
            self._form,
            "A text to train on",
            "training_text_dialog",
            QFileDialog.FileMode.ExistingFile,
        )
        dialog.setNameFilters(["Text (*.txt *.md *.csv *.py)", "All files (*)"])
        dialog.fileSelected.connect(self._form.choose_file)
        dialog.open()

    def choose_folder(self) -> None:
        """Ask for a folder of texts to train on."""
        dialog = file_dialog(
            self._form,
            "A folder of texts to train on",
            "training_folder_dialog",
            QFileDialog.FileMode.Directory,
        )
        dialog.fileSelected.connect(self._form.choose_file)
        dialog.open()

    def paste_text(self) -> None:
        """Ask for a text that is pasted or typed."""
        dialog = PasteDialog("A text to train on", self._form)
        dialog.text_given.connect(self._keep_text)
        dialog.open()

    def _keep_text(self, text: str) -> None:
        self._store.recipes.write_text(text, self._form.runs_dir, _ME)

    def _take_text(self, who: str, path: str) -> None:
        if who == _ME:
            self._form.choose_file(path)

    def _offer_tokenizer(self) -> None:
        """The text may be cut as the model in view cuts; one that learns has that of its run."""
        model = self._store.model
        has_one = model is not None and bool(model.vocabulary) and not model.training
        if model is not None and has_one:
            self._form.tokenizer.offer_open_model(model.name, model.path)
        else:
            self._form.tokenizer.offer_open_model("", "")

    def measure(self) -> None:
        """Have some updates of the recipe done, to know what a run takes."""
        self._store.recipes.measure(self._form.recipe())

    def choose_preset(self, name: str) -> None:
        """Have the recipe of this name in the form, which opens."""
        self._store.run.proposed.emit(PRESETS[name])

    def begin_anew(self) -> None:
        """No branch after all."""
        self._store.branching.propose(None)
        self._form.set_departure(None, "", None)

    def show_estimate(self, *, can_start: bool) -> None:
        """Say what was measured of the recipe as it stands."""
        recipes, departure = self._store.recipes, self._form.departure
        self._form.estimate.show_estimate(
            recipes.estimate(self._form.recipe()),
            going=recipes.going,
            first_step=0 if departure is None else departure.step,
            why_not="" if can_start else "A recipe that can begin now can be measured",
            problem=recipes.problem,
        )

    def _write(self, path: str) -> None:
        self._store.recipes.write_file(self._form.recipe(), path)
