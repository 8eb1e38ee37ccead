"""Opening checkpoints, and looking at them before.

Knows messages; no widget, no file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m
from model.preview import Preview

if TYPE_CHECKING:
    from gui.session.store import Store


class Opening(Feature):
    """The model that is being opened, and what is known of others.

    Attributes:
        request: what is being opened; None if nothing.
        progress: how far that is; None before it is known.
        previews: what checkpoints are, by the path that was asked about.

    Signals:
        changed: an opening began, went on, or ended.
        previewed: with the path that was asked about, str: it stands in `previews`.
        ended: what was asked for was not opened. With a `Notice` that says why; with None if it
            was cancelled.
    """

    previewed = Signal(object)
    ended = Signal(object)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.request: m.OpenModel | None = None
        self.progress: m.OpeningProgressed | None = None
        self.previews: dict[str, Preview] = {}
        self._answered_in_place = False
        self._previewing: dict[int, str] = {}  # request -> path

    @property
    def going(self) -> bool:
        """Whether something is being opened."""
        return self.request is not None

    def open(
        self,
        path: str,
        device: str = "auto",
        dtype: str | None = None,
        *,
        answered_in_place: bool = False,
        remembered: bool = False,
        beside: bool = False,
    ) -> None:
        """Open a checkpoint; the open model stays until the new one is there.

        Args:
            path: a file, a folder, or a name on a hub.
            device: where its weights shall lie.
            dtype: in which precision; None for as stored, or whatever fits.
            answered_in_place: who asks hears `ended` and says itself why it was refused: no
                notice says it a second time.
            remembered: it was opened before: where it is gone, that is said.
            beside: to be compared with the model in view, which stays.
        """
        known = self.previews.get(path)
        if known is not None and known.problem is None and not known.on_hub:
            # It was found on this disk: should it go meanwhile, no hub is asked for it.
            path = str(Path(path).absolute())
        self.request = m.OpenModel(
            path=path, device=device, dtype=dtype, remembered=remembered, beside=beside
        )
        self.progress = None
        self._answered_in_place = answered_in_place
        self._store.send(self.request)
        self.changed.emit()

    def preview(self, path: str, *, remembered: bool = False) -> None:
        """Look at a checkpoint's config and headers; `previewed` follows.

        Args:
            path: as of `open`.
            remembered: as of `open`.
        """
        request = m.PreviewModel(path=path, remembered=remembered)
        self._previewing[request.id] = path
        self._store.send(request)

    def cancel(self) -> None:
        """Stop the opening that is going; `ended` follows."""
        if self.request is not None:
            self._store.send(m.Cancel(target=self.request.id))

    def take(self, result: m.Result) -> bool:
        match result:
            case m.ModelPreviewed():
                path = self._previewing.pop(result.request_id, result.preview.path)
                self._keep(path, result.preview)
            case m.Failed() if result.request_id in self._previewing:
                # Beside the path that was typed, where the answer is looked for; not over the
                # window.
                path = self._previewing.pop(result.request_id)
                self._keep(path, Preview(path=path, problem=result.message))
            case m.OpeningProgressed():
                if self._is_going(result):
                    self.progress = result
                    self.changed.emit()
            case m.ModelOpened() if self._is_going(result):
                self.request = self.progress = None
                if result.beside:
                    self._store.comparing.compare_model(result.info)
                else:
                    self._store.show_model(result.info)
                self.changed.emit()
            case m.Cancelled() if self._is_going(result):
                self._end(None)
            case m.Failed() if self._is_going(result):
                notice = Notice.of(result, about="opening")
                # Who hears of the end may open something else at once.
                in_place = self._answered_in_place
                self._end(notice)
                if not in_place:
                    self._store.post(notice)
            case _:
                return False
        return True

    def _is_going(self, result: m.Result) -> bool:
        return self.request is not None and self.request.id == result.request_id

    def _keep(self, path: str, preview: Preview) -> None:
        self.previews[path] = preview
        self.previewed.emit(path)

    def _end(self, why: Notice | None) -> None:
        """The model that was open stays."""
        self.request = self.progress = None
        self.changed.emit()
        self.ended.emit(why)
