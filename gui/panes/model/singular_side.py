"""Singular values of the tensor that is looked at: asked where they cost little, else offered.

Knows the store's weights and the part of the pane that shows them.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from gui.panes.model.detail import WeightDetail
from gui.panes.model.questions import WeightQuestions, is_cheap
from gui.session.store import Store
from model.probe.weights.matrix_layout import MatrixLayout

LookedAt = Callable[[], tuple[str, int | None, MatrixLayout | None]]
"""Gives the tensor's name, the head of it, and its layout; without a layout there is none."""


class SingularSide(QObject):
    """Connects them.

    Args:
        store: whose weights.
        detail: shows one tensor.
        questions: learns how long an answer took.
        looked_at: gives the tensor.
        parent: owns it.
    """

    def __init__(
        self,
        store: Store,
        detail: WeightDetail,
        questions: WeightQuestions,
        looked_at: LookedAt,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._store, self._detail, self._questions = store, detail, questions
        self._looked_at = looked_at
        detail.singular_values_requested.connect(self.find)
        detail.cancel_requested.connect(store.weights.cancel_singular_values)
        store.weights.singular_values_changed.connect(self.draw)

    @property
    def is_known(self) -> bool:
        """Whether those of the tensor that is looked at are there."""
        found = self._store.weights.singular_values
        return found is not None and (found.name, found.part) == self._looked_at()[:2]

    def draw(self) -> None:
        """Take what the store holds."""
        state, singular = self._store.weights, self._detail.singular
        found = state.singular_values
        if state.share == 0.0:
            return  # just asked: what takes half a second will say how far it is
        if state.share is not None:
            singular.show_progress(state.share)
        elif found is not None and self.is_known:
            singular.show_values(found)
            self._questions.answered(found.seconds)
        else:
            self._offer()

    def _offer(self) -> None:
        layout, singular = self._looked_at()[2], self._detail.singular
        if layout is None:
            singular.show_nothing("", offer=False)
            return
        n = min(layout.n_rows, layout.n_columns)
        if n < 2:
            singular.show_nothing("a vector has no singular values", offer=False)
        else:
            singular.show_nothing(f"{n:,} singular values", offer=True)

    def ask(self) -> None:
        """Another tensor is looked at: unasked where they cost little, by a button else."""
        self._store.weights.cancel_singular_values()
        self.draw()
        layout = self._looked_at()[2]
        seen = layout is not None and self._detail.isVisible()
        if layout is not None and seen and not self.is_known and is_cheap(layout):
            self.find()

    def find(self) -> None:
        """Have them computed."""
        name, part, _ = self._looked_at()
        self._store.weights.find_singular_values(name, part)
