"""Models and runs that came into view: what is said of them once, and that they are remembered.

Knows the store, the File menu and the line for notices; no pane.
"""

from __future__ import annotations

from PySide6.QtCore import QObject

from gui.session.state import Notice
from gui.session.store import Store
from gui.window.files import Files
from gui.window.notice_bar import NoticeBar
from resources import STORY_WORLD


class Met(QObject):
    """Meets each once.

    Args:
        store: where they come into view.
        files: remembers them for the next start.
        notices: where an opening was told of.
    """

    def __init__(self, store: Store, files: Files, notices: NoticeBar, parent: QObject) -> None:
        super().__init__(parent)
        self._store, self._files, self._notices = store, files, notices
        self._models: set[int] = set()  # that were in view
        self._run: tuple[object, bool] | None = None
        store.model_changed.connect(self._meet_model)
        store.run.changed.connect(self._meet_run)

    def _meet_model(self) -> None:
        model = self._store.model
        if model is None or model.model_id in self._models:
            return  # only the view has changed
        self._models.add(model.model_id)
        self._notices.dismiss_about("opening")
        if model.notes and not model.training:
            self._store.post(Notice(" ".join(model.notes), about="opening"))
        if not model.training and model.place != str(STORY_WORLD):
            self._files.remember(model.place or model.path)

    def _meet_run(self) -> None:
        """A run is remembered from its first moment, whatever ends it."""
        run = self._store.run.current
        if run is None:
            return
        now = (run, run.running)
        if now != self._run:
            self._run = now
            self._files.remember(run.run_dir)
