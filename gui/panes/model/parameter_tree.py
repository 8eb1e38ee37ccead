"""Parameters by part, layer and tensor, as areas to be drawn, and each area in words.

Knows messages and configs; no widget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gui.widgets.parts import share_words
from gui.widgets.text import counted
from model import messages as m
from model.config import TransformerConfig


@dataclass(frozen=True, slots=True)
class Node:
    """A part, a layer or a tensor.

    Attributes:
        label: on its tile.
        n: how many parameters.
        part: which part of the network it belongs to.
        children: largest first; empty for a tensor.
        name: of the tensor; empty for the others.
        layer: index of the block, or None.
    """

    label: str
    n: int
    part: str
    children: tuple[Node, ...] = ()
    name: str = ""
    layer: int | None = None

    def leaves(self) -> Iterable[Node]:
        """What is drawn as tiles, in order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def tree_of(tensors: Iterable[m.WeightTensor]) -> tuple[Node, ...]:
    """Parts, their layers, their tensors; tied tensors count where they are first."""
    parts: dict[str, dict[int | None, list[Node]]] = {}
    for tensor in tensors:
        if tensor.tied_to or not tensor.n:
            continue
        label = tensor.name.rpartition(f"blocks.{tensor.layer}.")[2]
        node = Node(label, tensor.n, tensor.part, (), tensor.name, tensor.layer)
        parts.setdefault(tensor.part, {}).setdefault(tensor.layer, []).append(node)
    return _largest_first(
        _joined(part, part, None, _layers(part, layers)) for part, layers in parts.items()
    )


def _layers(part: str, layers: Mapping[int | None, list[Node]]) -> list[Node]:
    nodes: list[Node] = []
    for layer, tensors in layers.items():
        if layer is None:
            nodes.extend(tensors)
        else:
            nodes.append(_joined(f"layer {layer}", part, layer, _experts(part, layer, tensors)))
    return nodes


def _experts(part: str, layer: int, tensors: list[Node]) -> list[Node]:
    """The tensors of each expert together, where there are experts."""
    nodes: list[Node] = []
    experts: dict[str, list[Node]] = {}
    for tensor in tensors:
        _, found, rest = tensor.name.partition(".experts.")
        if found:
            number, _, label = rest.partition(".")
            experts.setdefault(number, []).append(replace(tensor, label=label))
        else:
            nodes.append(tensor)
    return nodes + [
        _joined(f"expert {number}", part, layer, own) for number, own in experts.items()
    ]


def _joined(label: str, part: str, layer: int | None, children: Iterable[Node]) -> Node:
    ordered = _largest_first(children)
    return Node(label, sum(child.n for child in ordered), part, ordered, "", layer)


def _largest_first(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: -node.n))  # stable: layers stay in order


def tree_of_config(config: TransformerConfig) -> tuple[Node, ...]:
    """Parts of a network that is only known by its config."""
    counts = config.parameter_counts()
    return _largest_first(Node(part, n, part) for part, n in counts.items() if n)


def node_words(node: Node, total: int) -> str:
    """A tile in words: what, how many, which share."""
    title = node.name or node.label
    where = f"layer {node.layer} · {node.part}" if node.layer is not None else node.part
    lines = [title] if title == node.part else [title, where]
    lines.append(f"{counted_numbers(node.n)} · {share_words(node.n, total)} of the model")
    if node.children:
        lines.append(counted(sum(1 for _ in node.leaves()), "tensor"))
    return "\n".join(lines)


def counted_numbers(n: int) -> str:
    """With thousands apart: "16,384 parameters"."""
    return f"{n:,} parameter" + ("" if n == 1 else "s")
