"""How much an intervention does: the one number of it that a slider can move.

Knows the kinds that have such a number; no network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from model.interventions.ablate_head import AblateHead
from model.interventions.intervention import Intervention
from model.interventions.scale_head import ScaleHead
from model.interventions.scale_output import ScaleOutput
from model.interventions.set_neuron import SetNeuron
from model.interventions.set_weight import SetWeight
from model.interventions.steer import Steer


@dataclass(frozen=True, slots=True)
class Amount:
    """The number, and from where to where a slider leads.

    Attributes:
        value: what it is now; it may lie outside what the slider reaches.
        least, most: the slider's ends.
        neutral: with which the intervention changes nothing; None where there is no such number.
    """

    value: float
    least: float
    most: float
    neutral: float | None = None


def amount(one: Intervention) -> Amount | None:
    """How much an intervention does; None where it is all or nothing."""
    match one:
        case AblateHead(mean=False):
            return Amount(0.0, 0.0, 2.0, 1.0)
        case ScaleHead() | ScaleOutput():
            return Amount(one.factor, 0.0, 2.0, 1.0)
        case SetNeuron():
            return Amount(one.value, -10.0, 10.0)
        case SetWeight():
            return Amount(one.value, -2.0, 2.0)
        case Steer():
            return Amount(one.factor, -8.0, 8.0, 0.0)
        case _:
            return None


def with_amount(one: Intervention, value: float) -> Intervention:
    """The same intervention, doing so much; itself where it is all or nothing.

    A head that is scaled to nothing is a head that is cut, under one name.
    """
    match one:
        case AblateHead(mean=False) | ScaleHead():
            if value == 0:
                return AblateHead(one.layer, one.head)
            return ScaleHead(one.layer, one.head, value)
        case ScaleOutput() | Steer():
            return replace(one, factor=value)
        case SetNeuron() | SetWeight():
            return replace(one, value=value)
        case _:
            return one
