"""Changes to a forward pass, a file a kind: what is cut, scaled or taken away.

An intervention is a value, free of torch; `apply` makes of several the tap and the replacement
that `Transformer.execute` takes. A new kind is a file here and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from model.config import TransformerConfig
from model.interventions.ablate_head import AblateHead
from model.interventions.intervention import Intervention
from model.interventions.remove_mask import RemoveMask
from model.interventions.remove_positions import RemovePositions
from model.interventions.remove_residual import RemoveResidual
from model.interventions.scale_output import ScaleOutput
from model.interventions.set_neuron import SetNeuron
from model.operations import Operation, operations

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Replace, Run, Tap

__all__ = [
    "KINDS",
    "AblateHead",
    "Intervention",
    "RemoveMask",
    "RemovePositions",
    "RemoveResidual",
    "ScaleOutput",
    "SetNeuron",
    "apply",
    "from_record",
    "to_record",
]

KINDS: tuple[type[Intervention], ...] = (
    AblateHead,
    ScaleOutput,
    SetNeuron,
    RemoveResidual,
    RemoveMask,
    RemovePositions,
)


def apply(
    interventions: Iterable[Intervention], config: TransformerConfig
) -> tuple[Tap | None, Replace | None]:
    """The tap and the replacement that do what interventions say; None where nothing needs one.

    Several changes of one activation follow each other in the given order; of several
    replacements of one operation the first that gives a tensor counts.

    Raises:
        ValueError: one of them does not fit the network.
    """
    known = frozenset(op.output for op in operations(config))
    changes: dict[str, list[Intervention]] = {}
    replacements: dict[str, list[Intervention]] = {}
    for one in interventions:
        if why := one.refusal(config):
            raise ValueError(why)
        for name in one.operations(config):
            if name not in known:
                raise ValueError(f"No operation writes {name}, which {one.kind} is to change.")
            if type(one).change is not Intervention.change:
                changes.setdefault(name, []).append(one)
            if type(one).replace is not Intervention.replace:
                replacements.setdefault(name, []).append(one)

    def tap(name: str, tensor: Tensor) -> Tensor:
        for one in changes.get(name, ()):
            tensor = one.change(name, tensor)
        return tensor

    def replace(op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        for one in replacements.get(op.output, ()):
            output = one.replace(op, inputs, run)
            if output is not None:
                return output
        return None

    return tap if changes else None, replace if replacements else None


def to_record(intervention: Intervention) -> dict[str, Any]:
    """Its kind and values, for a file: ``{"kind": "ablate_head", "layer": 2, …}``."""
    return {"kind": intervention.kind, **asdict(intervention)}


def from_record(record: Mapping[str, Any]) -> Intervention:
    """What `to_record` wrote.

    Raises:
        ValueError: there is no such kind, or it has other values.
    """
    values = dict(record)
    name = values.pop("kind", None)
    for kind in KINDS:
        if kind.kind == name:
            try:
                return kind(**values)
            except TypeError as error:
                raise ValueError(f"{name} can't be read from {values}: {error}.") from error
    known = ", ".join(kind.kind for kind in KINDS)
    raise ValueError(f"There is no intervention {name!r}; there are {known}.")
