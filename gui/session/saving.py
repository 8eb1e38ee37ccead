"""Writing the model in view to disk.

Knows messages; no widget, no file.
"""

from __future__ import annotations

from PySide6.QtCore import Signal

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m


class Saving(Feature):
    """Models on their way to disk. One that can't be written is told as every other failure.

    Signals:
        saved: with the path, str: a model or a run lies there.
    """

    saved = Signal(object)

    def save(self, path: str) -> None:
        """Write the model in view, or copy its run folder, to a new folder; `saved` follows."""
        self._store.send(m.SaveModel(path=path))

    def export_events(self, run_dir: str, out: str) -> None:
        """Write a run's numbers for TensorBoard to a new folder; a notice says when it is there."""
        self._store.send(m.ExportEvents(run_dir=run_dir, out=out))

    def take(self, result: m.Result) -> bool:
        if isinstance(result, m.EventsExported):
            where = f"tensorboard --logdir {result.out}"
            self._store.post(Notice(f"Written for TensorBoard; to look at it: {where}"))
            return True
        if not isinstance(result, m.Saved):
            return False
        without = " Interventions are not part of a model: it was saved as it is."
        on = self._store.intervening.on
        self._store.post(Notice(f"Saved to {result.path}." + (without if on else "")))
        self.saved.emit(result.path)
        return True
