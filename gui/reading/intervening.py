"""What can be done to a model at a place of the selection, in words; and where something is done.

Knows interventions, the config and operations; no store, no widget.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gui.session.state import Inspected, Selection
from model.config import TransformerConfig
from model.interventions import (
    AblateHead,
    CutEdge,
    Intervention,
    PatchActivation,
    RemoveMask,
    RemoveNorm,
    RemovePositions,
    RemoveResidual,
    ScaleHead,
    ScaleOutput,
    SetNeuron,
    SetWeight,
    Steer,
)
from model.operations import Operation, norm_name, parameter_sizes
from model.probe.lines import written


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be done, as a menu says it.

    Attributes:
        words: ``Cut head 0.1``.
        intervention: what it does.
        refusal: why it can't be done to this network; empty if it can.
        group: offers of one group stand together.
    """

    words: str
    intervention: Intervention
    refusal: str = ""
    group: int = 0


def of_head(config: TransformerConfig, layer: int, head: int) -> tuple[Offer, ...]:
    """What can be done to a head."""
    return _fitting(
        config,
        (
            (f"Cut head {layer}.{head}", AblateHead(layer, head), 0),
            (f"Head {layer}.{head} to its mean", AblateHead(layer, head, mean=True), 0),
        ),
    )


def of_edge(
    config: TransformerConfig, layer: int, head: int | None, query: int, key: int
) -> tuple[Offer, ...]:
    """What can be done to an edge of a pattern; of all heads of its layer without a head."""
    whose = f"all heads of layer {layer}" if head is None else f"head {layer}.{head}"
    edge = f"edge {query} → {key} of {whose}"
    return _fitting(
        config,
        (
            (f"Cut {edge}", CutEdge(layer, query, key, head), 1),
            (f"Mask {edge}", CutEdge(layer, query, key, head, share=True), 1),
        ),
    )


def of_layer(config: TransformerConfig, layer: int) -> tuple[Offer, ...]:
    """What can be done to a layer."""
    return _fitting(
        config,
        (
            (f"Cut attention of layer {layer}", ScaleOutput(layer, "attn"), 2),
            (f"Cut MLP of layer {layer}", ScaleOutput(layer, "mlp"), 2),
            (f"Cut block {layer}", ScaleOutput(layer, "block"), 2),
            (f"No mask in layer {layer}", RemoveMask(layer), 3),
            (
                f"No residual connection around attention of layer {layer}",
                RemoveResidual(layer, "attn"),
                3,
            ),
            (
                f"No residual connection around the MLP of layer {layer}",
                RemoveResidual(layer, "mlp"),
                3,
            ),
        ),
    )


def of_all(config: TransformerConfig) -> tuple[Offer, ...]:
    """What can be done to the whole network."""
    return _fitting(
        config,
        (
            ("No mask in any layer", RemoveMask(), 4),
            ("No norms", RemoveNorm(), 4),
            ("No positions", RemovePositions(), 4),
        ),
    )


def of_neuron(
    config: TransformerConfig, layer: int, neuron: int, largest: float | None = None
) -> tuple[Offer, ...]:
    """What can be done to a neuron of an MLP.

    Args:
        config: of the network.
        layer, neuron: which.
        largest: its largest activation in the text; not offered where it isn't known.
    """
    values = [(0.0, "0")]
    if largest is not None and math.isfinite(largest) and largest:
        value = float(f"{largest:.4g}")
        values += [
            (value, f"{value:g}, its largest here"),
            (2 * value, f"{2 * value:g}, twice that"),
        ]
    return _fitting(
        config,
        (
            (f"Clamp neuron {neuron} of layer {layer} to {words}", SetNeuron(layer, neuron, at), 1)
            for at, words in values
        ),
    )


def of_weight(
    config: TransformerConfig, name: str, index: tuple[int, ...], value: float
) -> tuple[Offer, ...]:
    """What can be done to one number of the weights.

    Args:
        config: of the network.
        name, index: which.
        value: the number.
    """
    where = f"{name}[{', '.join(map(str, index))}]"
    some = [(f"Set {where} to 0", 0.0)]
    if math.isfinite(value) and value:
        some += [
            (f"Turn its sign: {-value:.4g}", -value),
            (f"Set it to twice that: {2 * value:.4g}", 2 * value),
        ]
    return _fitting(config, ((words, SetWeight(name, index, at), 1) for words, at in some))


def of_operation(config: TransformerConfig, op: Operation, head: int) -> tuple[Offer, ...]:
    """What can be done where an operation is, the nearest first.

    Args:
        config: of the network.
        op: the operation.
        head: the selected head.
    """
    own: tuple[Offer, ...] = ()
    if op.kind in ("norm", "norm_scale"):
        name = norm_name(op) if op.kind == "norm" else op.output.removesuffix(".hook_scale")
        own = _fitting(config, ((f"No norm {name}", RemoveNorm(name), 3),))
    if op.layer is None:
        return own + of_all(config)
    layers = of_layer(config, op.layer)
    heads = of_head(config, op.layer, head) if op.group == "attention" else ()
    first = 1 if op.group == "mlp" else 0
    return heads + layers[first:] + layers[:first] + own


def is_weight(config: TransformerConfig, inspected: Inspected) -> bool:
    """Whether what is inspected is one number of a parameter."""
    n = len(parameter_sizes(config, inspected.name)) if inspected.subject is None else 0
    return n > 0 and len(inspected.index) == n and inspected.value is not None


def of_selection(
    config: TransformerConfig, selection: Selection, inspected: Inspected | None
) -> tuple[Offer, ...]:
    """What can be done at what is selected: head, edge, neuron, layer, and everywhere."""
    layer, head = selection.layer, selection.head
    found = of_head(config, layer, head)
    if selection.key is not None and selection.position >= 0:
        found += of_edge(config, layer, head, selection.position, selection.key)
    if selection.neuron is not None:
        found += of_neuron(config, layer, selection.neuron)
    elif inspected is not None and inspected.name.endswith(".mlp.hook_post") and inspected.index:
        at = int(inspected.name.split(".")[1])
        found += of_neuron(config, at, inspected.index[-1])
    if inspected is not None and is_weight(config, inspected):
        assert inspected.value is not None
        found = of_weight(config, inspected.name, inspected.index, inspected.value) + found
    return found + of_layer(config, layer) + of_all(config)


def idle_words(one: Intervention, n_tokens: int) -> str:
    """Why an intervention does nothing to a prompt of so many tokens; empty if it does."""
    positions: tuple[int, ...] = ()
    match one:
        case CutEdge():
            positions = (max(one.query, one.key),)
        case PatchActivation() | Steer():
            positions = one.positions
    if not n_tokens or not positions or min(positions) < n_tokens:
        return ""
    return f"No effect: the prompt has {n_tokens} token{'s' if n_tokens != 1 else ''}."


def _fitting(
    config: TransformerConfig, some: Iterable[tuple[str, Intervention, int]]
) -> tuple[Offer, ...]:
    return tuple(Offer(words, one, one.refusal(config), group) for words, one, group in some)


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a network is changed.

    Attributes:
        cut: heads (layer, head) of which nothing is left: cut, or with all of their layer.
        changed: heads that are scaled, or of whose pattern an edge is cut.
    """

    cut: frozenset[tuple[int, int]] = frozenset()
    changed: frozenset[tuple[int, int]] = frozenset()


def marks(some: Sequence[Intervention], config: TransformerConfig | None) -> Marks:
    """Where interventions change a network."""
    if config is None or not some:
        return Marks()
    cut: set[tuple[int, int]] = set()
    changed: set[tuple[int, int]] = set()
    every = range(config.n_heads)
    for one in some:
        match one:
            case AblateHead(mean=False):
                cut.add((one.layer, one.head))
            case AblateHead():
                changed.add((one.layer, one.head))
            case ScaleHead():
                (changed if one.factor else cut).add((one.layer, one.head))
            case ScaleOutput(part="attn" | "block"):
                (changed if one.factor else cut).update((one.layer, head) for head in every)
            case CutEdge():
                heads = every if one.head is None else (one.head,)
                changed.update((one.layer, head) for head in heads)
            case RemoveMask():
                layers = range(config.n_layers) if one.layer is None else (one.layer,)
                changed.update((layer, head) for layer in layers for head in every)
    return Marks(frozenset(cut), frozenset(changed - cut))


def python(some: Sequence[Intervention], ids: Sequence[int]) -> str:
    """The lines of Python that run a prompt under interventions: ``trace`` is then theirs.

    Args:
        some: the interventions.
        ids: of the prompt as it is read: a text can be longer than the context.
    """
    kinds = ", ".join(sorted({type(one).__name__ for one in some}))
    listed = "".join(f"    {written(one)[1]},\n" for one in some)
    return (
        f"from model.interventions import {kinds}\n\n"
        f"interventions = (\n{listed})\n"
        f"trace = lm.trace({list(ids)}, interventions=interventions)\n"
    )


def count_words(n: int) -> str:
    """How many interventions are on, as bars and tooltips say it."""
    return f"{n} intervention{'s' if n != 1 else ''}"
