"""A network that learned without residual connections, a mask or norms is read without them.

Its weights are an ordinary network's, which would show what it never learned to do. Once, when such
a model comes into view, what its recipe takes away is put into its list of interventions, where a
person can switch it off. Knows the store; no widget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.session.state import Notice

if TYPE_CHECKING:
    from gui.session.store import Store


class TrainedUnder(QObject):
    """Watches which run's model is in view."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self._told: set[int] = set()
        store.run.changed.connect(self._look)
        store.model_changed.connect(self._look)

    def _look(self) -> None:
        store, run = self._store, self._store.run.shown
        model = store.model
        if run is None or model is None or model.model_id in self._told:
            return
        under = run.recipe.interventions(model.config.n_layers)
        if not under or not store.run.in_view(run):
            return
        self._told.add(model.model_id)
        if store.intervening.entries:
            return  # a person's own list stays
        store.intervening.set_all(under)
        missing = [
            words
            for there, words in (
                (run.recipe.residual, "residual connections"),
                (run.recipe.mask, "a mask"),
                (run.recipe.norms, "norms"),
            )
            if not there
        ]
        store.post(
            Notice(
                f"{run.name} learns without {' and without '.join(missing)}, so it is read without "
                "them: they stand in the list of interventions."
            )
        )
