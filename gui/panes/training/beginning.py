"""How a run begins: in which folder, by which recipe, and why one has not.

Knows the store and the form; what is drawn of it is its owner's affair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from gui.panes.training.recipe_form import RecipeForm
from gui.session.conditions import can_start, can_start_again, can_take_up
from gui.session.state import Notice
from gui.session.store import Store
from model.train.recipe import RecipeError
from model.train.run_folder import unique_run_dir


class Beginning(QObject):
    """Has runs begin, go on and be taken up.

    Args:
        store: of the window.
        form: whose recipe a new run has.

    Attributes:
        failure: why nothing has begun that was asked for; empty if nothing has failed.
        refused_place: the folder that could not be made, where the place is to blame.

    Signals:
        changed: something else is known; what is drawn of it is to be drawn anew.
        form_wanted: whether the form is to be shown now: to be mended, or no more.
    """

    changed = Signal()
    form_wanted = Signal(object)

    def __init__(self, store: Store, form: RecipeForm, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._form = store, form
        self.failure = ""
        self.refused_place = ""
        self._waiting = False  # a run was asked for and has not begun
        self._step_when_begun = False
        self._makes_folder = False  # and it is to have a new one
        store.notice_posted.connect(self._hear)
        form.recipe_changed.connect(self._form_changed)

    def start(self, *, begin_paused: bool = False) -> None:
        """Train a new model by the recipe, in a folder that did not exist."""
        store, form = self._store, self._form
        if not can_start(store):
            return
        if form.trouble():
            self.form_wanted.emit(True)
            self.changed.emit()
            return
        recipe = store.watches.added_to(form.recipe())
        branch = form.departure
        try:
            recipe.validate()
        except RecipeError as error:
            self._fail(f"{error} Take it off the list in Curves over training.")
            return
        folder = self._new_folder(recipe.name)
        if folder is None:
            return
        self._await(
            lambda: store.run.start(recipe, folder, begin_paused=begin_paused, branch=branch),
            new=True,
            step=begin_paused,
        )

    def start_again(self) -> None:
        """Train a new model by the recipe of the run that is shown, from its weights on."""
        run = self._store.run.shown
        if run is None or not can_start_again(self._store):
            return
        folder = self._new_folder(run.recipe.name)
        if folder is None:
            return
        # Its own tokenizer: one that is trained anew could cut the text differently.
        recipe = replace(run.recipe, weights=run.weights, tokenizer=run.run_dir)
        self._await(lambda: self._store.run.start(recipe, folder), new=True)

    def toggle_pause(self) -> None:
        """Hold the run, let it go on, or take up one that has ended."""
        run, shown = self._store.run, self._store.run.shown
        if run.current is not None and run.running:
            if run.current.paused:
                run.resume()
            else:
                run.pause()
        elif shown is not None and can_take_up(self._store):
            self._await(lambda: run.take_up(shown), new=False)

    def step(self) -> None:
        """One update, then pause; without a run, one begins with it."""
        if self._store.run.running:
            self._store.run.step()
        else:
            self.start(begin_paused=True)

    def hear_of_run(self) -> None:
        """The run that was asked for may have begun."""
        current = self._store.run.current
        begun = current is not None and current.running
        if self._waiting and self._store.run.starting is None and begun:
            self._waiting = False
            if self._step_when_begun:
                # Not before the worker has paused the run that begins.
                QTimer.singleShot(0, self._take_first_step)

    # ------------------------------------------------------------------------- inside

    def _new_folder(self, name: str) -> str | None:
        """A folder for a run that does not exist yet; None where that can't be found out."""
        try:
            return str(unique_run_dir(self._form.folder, name))
        except OSError as error:
            why = error.strerror or error
            self._makes_folder = True
            self._fail(
                f"The folder {self._form.folder} can't be used: {why}. Choose another place."
            )
            return None

    def _await(self, ask: Callable[[], None], *, new: bool, step: bool = False) -> None:
        """Have a run begin, in a new folder, or go on; with one step where that is wanted."""
        self.failure, self.refused_place = "", ""
        self._waiting, self._step_when_begun, self._makes_folder = True, step, new
        self.form_wanted.emit(False)
        ask()
        self.changed.emit()

    def _fail(self, why: str) -> None:
        """Say why nothing has begun, and offer another place where the place is to blame."""
        self.failure, self._waiting, self._step_when_begun = why, False, False
        to_blame = self._makes_folder and str(self._form.runs_dir) in why
        self.refused_place = str(self._form.runs_dir) if to_blame else ""
        self.form_wanted.emit(self._makes_folder)
        self.changed.emit()

    def _hear(self, notice: Notice) -> None:
        """A run that could not begin says so here too."""
        if self._waiting and self._store.run.starting is None:
            self._fail(notice.message)

    def _form_changed(self) -> None:
        if self.refused_place and self.refused_place != str(self._form.runs_dir):
            self.failure = self.refused_place = ""  # another one was chosen

    def _take_first_step(self) -> None:
        """A run that began with Step does that step."""
        if self._step_when_begun and self._store.run.running:
            self._store.run.step()
        self._step_when_begun = False
