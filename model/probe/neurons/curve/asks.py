"""The question for one neuron's curve with a text's tokens on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class NeuronCurve(Question):
    """What goes into one neuron's nonlinearity at every token, and what comes out.

    Attributes:
        layer: of which block.
        neuron: its number; of a mixture it counts on through the experts (`Neurons`).
    """

    name: ClassVar[str] = "neuron_curve"
    title: ClassVar[str] = "a neuron at every token"
    layer: int
    neuron: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronCurveFound(Answer):
    """What was found. Of a mixture, NaN where a token isn't sent to the neuron's expert.

    Attributes:
        pre_T: what goes into the nonlinearity; of a gated MLP its gate.
        linear_T: what a gate lets through; None where there is none.
        post_T: what comes out: the neuron's activation.
        curve_x, curve_y: the nonlinearity alone, over the range of ``pre_T`` and around zero.
        activation: the nonlinearity's name, as in the config.
    """

    pre_T: Array
    linear_T: Array | None
    post_T: Array
    curve_x: Array
    curve_y: Array
    activation: str

    @property
    def asked(self) -> NeuronCurve:
        """The question."""
        assert isinstance(self.question, NeuronCurve)
        return self.question

    def arrays(self) -> Mapping[str, Named]:
        found = {
            "pre": Named(self.pre_T, ("position",)),
            "post": Named(self.post_T, ("position",)),
            "curve": Named(self.curve_y, ("x",), {"x": self.curve_x}),
        }
        if self.linear_T is not None:
            found["pre_linear"] = Named(self.linear_T, ("position",))
        return found
