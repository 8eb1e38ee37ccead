"""What an intervention is: a change to a forward pass, as a value.

Knows operations by their names and a config; tensors only through their own methods, so that a
window can hold interventions without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.window import Ids, Window
from model.operations import Operation

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Run


@dataclass(frozen=True, slots=True)
class Intervention:
    """A change to a forward pass; hashable, so that it can be part of what was asked.

    A kind overrides `change` (or `change_in`, if it must know which positions these are) or
    `replace`, or both. Each is called only for the operations that it
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
        """What is changed, for a person: ``cut head 2.3``."""
        raise NotImplementedError

    @property
    def by_position(self) -> bool:
        """Whether a window of positions is changed as it is in the whole text."""
        return True

    @property
    def keeps_prefix(self) -> bool:
        """Whether what was computed of a prefix stays right when text is added."""
        return self.by_position

    @property
    def reads(self) -> tuple[Ids, ...]:
        """Other texts whose activations it reads (`Window.read`); they are run beforehand."""
        return ()

    def change(self, name: str, tensor: Tensor) -> Tensor:
        """What later operations read in the place of what an operation wrote."""
        return tensor

    def change_in(self, name: str, tensor: Tensor, window: Window) -> Tensor:
        """The same for who must know where in the text the tensor stands.

        Args:
            name: of the activation.
            tensor: of the positions of a window.
            window: which these are, and how another text's activations are had.
        """
        return self.change(name, tensor)

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


def no_ids(config: TransformerConfig, ids: Ids, whose: str) -> str:
    """A sentence where a network can't run another text; empty where it can."""
    if not ids:
        return f"{whose} is empty."
    if len(ids) > config.n_ctx:
        return f"{whose} has {len(ids):,} tokens; this network reads {config.n_ctx:,}."
    strange = next((at for at in ids if not 0 <= at < config.d_vocab), None)
    return "" if strange is None else out_of_range("token", strange, config.d_vocab)


def positions_words(positions: tuple[int, ...]) -> str:
    """Which positions are meant: `` at position 3``; empty where all are."""
    if not positions:
        return ""
    shown = ", ".join(map(str, positions[:4])) + (", …" if len(positions) > 4 else "")
    return f" at position{'s' if len(positions) > 1 else ''} {shown}"


def quoted(text: str, ids: Ids, most: int = 24) -> str:
    """Another text as a few words name it: its own, cut short, or how many tokens it has."""
    if not text:
        return f"another text of {len(ids):,} token{'s' if len(ids) != 1 else ''}"
    return f"“{text if len(text) <= most else text[: most - 1].rstrip() + '…'}”"


def out_of_range(what: str, index: int, n: int) -> str:
    """A sentence where an index is none of 0 to n - 1; empty where it is one."""
    return "" if 0 <= index < n else f"There is no {what} {index}; there are 0 to {n - 1}."
