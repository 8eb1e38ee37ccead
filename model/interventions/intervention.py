"""What an intervention is: a change to a forward pass, as a value.

Knows operations by their names and a config; tensors only through their own methods, so that a
window can hold interventions without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.operations import Operation

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Run


@dataclass(frozen=True, slots=True)
class Intervention:
    """A change to a forward pass; hashable, so that it can be part of what was asked.

    A kind overrides `change` or `replace`, or both. Each is called only for the operations that it
    names, and must give back another tensor rather than write into one that it was given.

    Attributes:
        kind: its name in files and on the command line.
        title: a few words for a menu.
    """

    kind: ClassVar[str] = ""
    title: ClassVar[str] = ""

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        """Full names of what is changed or computed otherwise, no aliases, in the order run."""
        raise NotImplementedError

    def refusal(self, config: TransformerConfig) -> str:
        """Why it fits a network of this kind not; empty if it does."""
        return ""

    @property
    def words(self) -> str:
        """What is changed, for a person: ``head 3 of layer 2 set to zero``."""
        raise NotImplementedError

    @property
    def by_position(self) -> bool:
        """Whether a window of positions is changed as it is in the whole text."""
        return True

    @property
    def keeps_prefix(self) -> bool:
        """Whether what was computed of a prefix stays right when text is added."""
        return self.by_position

    def change(self, name: str, tensor: Tensor) -> Tensor:
        """What later operations read in the place of what an operation wrote."""
        return tensor

    def replace(self, op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        """What an operation writes instead of what it would; None leaves it as it is.

        Args:
            op: one of `operations`.
            inputs: what it reads.
            run: computes it as usual, from these inputs or from others.
        """
        return None


def no_layer(config: TransformerConfig, layer: int) -> str:
    """A sentence where a network has no such layer; empty where it has."""
    return out_of_range("layer", layer, config.n_layers)


def out_of_range(what: str, index: int, n: int) -> str:
    """A sentence where an index is none of 0 to n - 1; empty where it is one."""
    return "" if 0 <= index < n else f"There is no {what} {index}; there are 0 to {n - 1}."
