"""What a person left off with: the last model and prompt come back at start.

A model that is gone, or can't be opened any more, is told of in a sentence, and the bundled one
opens. Knows settings and store; no widget, no file of a model.
"""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject

from gui import settings as settings_file
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.settings_checks import LONGEST_PROMPT
from resources import STORY_WORLD

log = logging.getLogger(__name__)

FIRST_PROMPT = "Here comes the king with his crown, and here comes the queen with her"


class LastTime(QObject):
    """Opens what was open last, and keeps what is open for the next start.

    Args:
        store: asked to open and to read.
        settings: `restore` says whether, `last_model` and `last_prompt` say what.
    """

    def __init__(self, store: Store, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._settings = settings
        self._trying = ""  # the last model, while it is being opened
        store.model_changed.connect(self._model_changed)
        store.opening.ended.connect(self._not_opened)

    def begin(self, checkpoint: str | None, prompt: str | None) -> None:
        """Open the first model and read the first prompt.

        Args:
            checkpoint: that was asked for; None for the last one, or the bundled one.
            prompt: that was asked for; None for the last one, or the usual one. With a checkpoint
                that was asked for the usual one begins: the last was about another model.
        """
        kept = self._settings
        again = checkpoint is None and kept.restore
        last_prompt = kept.last_prompt if again else ""
        self._store.set_prompt(prompt if prompt is not None else last_prompt or FIRST_PROMPT)
        if not again or not kept.last_model:
            path = str(STORY_WORLD) if checkpoint is None else kept.meant(checkpoint)
            self._store.opening.open(path, remembered=path in kept.recent)
            return
        self._trying = kept.last_model
        # Until it is open: a model that ends the program does so only once.
        kept.last_model = ""
        self._write()
        self._store.opening.open(self._trying, answered_in_place=True, remembered=True)

    def remember(self) -> None:
        """Keep what is read now, for the next start."""
        prompt = self._store.prompt
        self._settings.last_prompt = prompt if len(prompt) <= LONGEST_PROMPT else ""

    def _model_changed(self) -> None:
        self._trying = ""
        model = self._store.model
        if model is None or model.training:  # a run is opened from its folder, once it is there
            return
        # By its path, also where it came from a hub: a start asks no network.
        path = Path(model.path).absolute()
        last = "" if path.resolve() == STORY_WORLD.resolve() else str(path)
        if last != self._settings.last_model:
            self._settings.last_model = last
            self.remember()
            self._write()

    def _not_opened(self, why: object) -> None:
        if not self._trying:
            return
        last, self._trying = self._trying, ""
        if isinstance(why, Notice):
            self._store.post(
                Notice(
                    f"The model of last time, {last}, can't be opened: {why.message} "
                    "The bundled model is open instead.",
                    why.details,
                    "warning",
                )
            )
        self._store.opening.open(str(STORY_WORLD))

    def _write(self) -> None:
        try:
            settings_file.save(self._settings)
        except OSError as error:
            log.warning("the settings can't be written: %s", error)
