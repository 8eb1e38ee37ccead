"""Changes to a forward pass, a file a kind: what is cut, scaled, put in or taken away.

An intervention is a value, free of torch; `apply` makes of several the tap and the replacement
that `Transformer.execute` takes. A new kind is a file here and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from model.interventions.ablate_head import AblateHead
from model.interventions.applying import Prepared, apply
from model.interventions.cut_edge import CutEdge
from model.interventions.fields import typed
from model.interventions.intervention import Intervention
from model.interventions.patch_activation import PatchActivation
from model.interventions.remove_mask import RemoveMask
from model.interventions.remove_norm import RemoveNorm
from model.interventions.remove_positions import RemovePositions
from model.interventions.remove_residual import RemoveResidual
from model.interventions.scale_head import ScaleHead
from model.interventions.scale_output import ScaleOutput
from model.interventions.set_neuron import SetNeuron
from model.interventions.set_weight import SetWeight
from model.interventions.steer import Steer
from model.interventions.window import Window

__all__ = [
    "KINDS",
    "AblateHead",
    "CutEdge",
    "Intervention",
    "PatchActivation",
    "Prepared",
    "RemoveMask",
    "RemoveNorm",
    "RemovePositions",
    "RemoveResidual",
    "ScaleHead",
    "ScaleOutput",
    "SetNeuron",
    "SetWeight",
    "Steer",
    "Window",
    "apply",
    "from_record",
    "to_record",
]

KINDS: tuple[type[Intervention], ...] = (
    AblateHead,
    ScaleHead,
    ScaleOutput,
    CutEdge,
    SetNeuron,
    SetWeight,
    RemoveResidual,
    RemoveMask,
    RemoveNorm,
    RemovePositions,
    PatchActivation,
    Steer,
)


def to_record(intervention: Intervention) -> dict[str, Any]:
    """Its kind and values, for a file: ``{"kind": "ablate_head", "layer": 2, …}``."""
    return {"kind": intervention.kind, **asdict(intervention)}


def from_record(record: Mapping[str, Any]) -> Intervention:
    """What `to_record` wrote; lists may stand for tuples, and what has a default may be missing.

    Raises:
        ValueError: there is no such kind, or it has other values.
    """
    values = dict(record)
    name = values.pop("kind", None)
    for kind in KINDS:
        if kind.kind == name:
            try:
                return kind(**typed(kind, values))
            except TypeError as error:
                raise ValueError(f"{name} can't be read from {values}: {error}.") from error
    known = ", ".join(kind.kind for kind in KINDS)
    raise ValueError(f"There is no intervention {name!r}; there are {known}.")
