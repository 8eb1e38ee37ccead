"""The open model's weights: their list, figures, one in detail, singular values.

Knows messages; no widget.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store


class Weights(Feature):
    """Of the model in view.

    Attributes:
        tensors: every parameter tensor; empty until they were asked for.
        figures: of the tensors that were described so far, by name.
        steps: the training step that a tensor's figures belong to, None for an open model.
        examined: the tensor that was looked at last, in detail.
        singular_values: those that were found last.
        share: how far the singular values are that are being found; None if there are none.

    Signals:
        changed: the list, or figures.
        examined_changed: there is another tensor in detail.
        singular_values_changed: they were asked for, have come, or were given up.
    """

    examined_changed = Signal()
    singular_values_changed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._forget()

    def _forget(self) -> None:
        self.tensors: tuple[m.WeightTensor, ...] = ()
        self.figures: dict[str, m.WeightFigures] = {}
        self.steps: dict[str, int | None] = {}
        self.examined: m.WeightExamined | None = None
        self.singular_values: m.SingularValuesFound | None = None
        self.share: float | None = None
        self._examining = self._finding = 0  # ids of the newest requests

    # ------------------------------------------------------------------------- reading

    @property
    def model_id(self) -> int:
        """Of which model; 0 if none is in view."""
        return 0 if self._store.model is None else self._store.model.model_id

    def tensor(self, name: str) -> m.WeightTensor | None:
        """A tensor of the list by its name."""
        return next((tensor for tensor in self.tensors if tensor.name == name), None)

    # -------------------------------------------------------------------------- asking

    def list_tensors(self) -> None:
        """Ask for every parameter tensor of the model in view: `tensors`."""
        if self._store.model is not None:
            self._store.send(m.ListWeights())

    def describe(self, names: tuple[str, ...]) -> None:
        """Ask for the figures of parameter tensors, the first ones first."""
        self._store.send(m.DescribeWeights(names=names, model_id=self.model_id))

    def examine(self, request: m.ExamineWeight) -> None:
        """Ask for one parameter tensor in detail: `examined`."""
        self._examining = request.id
        self._store.send(replace(request, model_id=self.model_id))

    def find_singular_values(self, name: str, part: int | None = None) -> None:
        """Ask for the singular values of a parameter's matrix, or of one part of it."""
        if self._store.model is not None:
            request = m.FindSingularValues(name=name, part=part, model_id=self.model_id)
            self._finding, self.share = request.id, 0.0
            self._store.send(request)
            self.singular_values_changed.emit()

    def cancel_singular_values(self) -> None:
        """Give up the singular values that are being found."""
        if self.share is not None:
            self._store.send(m.Cancel(target=self._finding))

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        match result:
            case m.Cancelled() | m.Failed() if result.request_id == self._finding:
                self.share = None
                self.singular_values_changed.emit()
                if isinstance(result, m.Failed):
                    self._store.post(Notice.of(result))
                return True
            case (
                m.WeightsListed()
                | m.WeightsDescribed()
                | m.WeightExamined()
                | m.SingularValuesProgressed()
                | m.SingularValuesFound()
            ):
                if result.model_id == self.model_id:
                    self._take(result)
                return True
        return False

    def _take(self, result: m.WeightsResult) -> None:
        """An answer that is about the model in view; one that is not the newest is dropped."""
        match result:
            case m.WeightsListed():
                self.tensors = result.tensors
                self.changed.emit()
            case m.WeightsDescribed():
                for figures in result.figures:
                    self.figures[figures.name] = figures
                    self.steps[figures.name] = result.step
                self.changed.emit()
            case m.WeightExamined() if result.request_id == self._examining:
                self.examined = result
                self.examined_changed.emit()
            case m.SingularValuesProgressed() if result.request_id == self._finding:
                self.share = result.share
                self.singular_values_changed.emit()
            case m.SingularValuesFound() if result.request_id == self._finding:
                self.singular_values, self.share = result, None
                self.singular_values_changed.emit()
            case _:
                pass

    def reset(self, model: m.ModelInfo) -> bool:
        self._forget()
        return True
