"""What the window knows of the open model's weights: their list, figures, and one in detail.

Filled by the store from the worker's answers. Knows messages; no Qt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from model import messages as m


@dataclass(slots=True)
class WeightsState:
    """Of one model.

    Attributes:
        model_id: of which.
        tensors: every parameter tensor; empty until they were asked for.
        figures: of the tensors that were described so far, by name.
        steps: the training step that a tensor's figures belong to, None for an open model.
        examined: the tensor that was looked at last, in detail.
        singular_values: those that were found last.
        share: how far the singular values are that are being found; None if there are none.
    """

    model_id: int
    tensors: tuple[m.WeightTensor, ...] = ()
    figures: dict[str, m.WeightFigures] = field(default_factory=dict)
    steps: dict[str, int | None] = field(default_factory=dict)
    examined: m.WeightExamined | None = None
    singular_values: m.SingularValuesFound | None = None
    share: float | None = None

    def tensor(self, name: str) -> m.WeightTensor | None:
        """A tensor of the list by its name."""
        return next((tensor for tensor in self.tensors if tensor.name == name), None)

    def take(self, result: m.WeightsResult) -> None:
        """Take an answer that is about this model."""
        match result:
            case m.WeightsListed():
                self.tensors = result.tensors
            case m.WeightsDescribed():
                for figures in result.figures:
                    self.figures[figures.name] = figures
                    self.steps[figures.name] = result.step
            case m.WeightExamined():
                self.examined = result
            case m.SingularValuesProgressed():
                self.share = result.share
            case m.SingularValuesFound():
                self.singular_values = result
                self.share = None
