"""A neuron of an MLP is set to a value, whatever it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import Intervention, no_layer, out_of_range

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class SetNeuron(Intervention):
    """The hidden layer of an MLP has one value of the person's choice, at every position.

    Attributes:
        layer: index of the block.
        neuron: index in ``mlp.hook_post``.
        value: what it fires with; 0 silences it.
    """

    kind: ClassVar[str] = "set_neuron"
    title: ClassVar[str] = "Set a neuron"

    layer: int
    neuron: int
    value: float = 0.0

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return (f"blocks.{self.layer}.mlp.hook_post",)

    def refusal(self, config: TransformerConfig) -> str:
        if config.experts is not None:
            return "Each expert has neurons of its own, and which are asked changes by position."
        return no_layer(config, self.layer) or out_of_range("neuron", self.neuron, config.d_mlp)

    @property
    def words(self) -> str:
        return f"neuron {self.neuron} of layer {self.layer} set to {self.value:g}"

    def change(self, name: str, tensor: Tensor) -> Tensor:
        post_BTM = tensor.clone()
        post_BTM[..., self.neuron] = self.value
        return post_BTM
