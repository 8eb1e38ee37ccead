"""The question for what made a token's logit: the parts that were added to the stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question, TokenId

By = Literal["layer", "head", "neuron"]

Kind = Literal[
    "embedding",
    "position",
    "token type",
    "attention",
    "head",
    "mlp",
    "neuron",
    "other neurons",
    "bias",
    "change",
]


@dataclass(frozen=True, slots=True)
class Attribution(Question):
    """A token's logit as a sum of parts: direct logit attribution (Elhage et al. 2021).

    What embedding, attention and MLPs add to the residual stream reaches the logit by sums and
    norms only. With each norm's scale as it was, that is linear: a share for each part. What a
    part does by way of later layers counts for those.

    Attributes:
        position: after which.
        target: whose logit; the likeliest token if left out.
        by: how finely it is split: each attention layer and MLP; each head and MLP; or each head
            and the strongest neurons.
        n_neurons: how many of the strongest neurons stand alone.
    """

    name: ClassVar[str] = "attribution"
    title: ClassVar[str] = "why this token"
    later: ClassVar[bool] = True
    position: int
    target: TokenId | None = None
    by: By = "layer"
    n_neurons: int = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One summand.

    Attributes:
        name: in plain words, ``head 3.1`` being head 1 of layer 3.
        value: what it adds to the logit.
        kind: what it is.
        layer: of which block; None outside the blocks.
        index: of the head or neuron; None for whole layers.
        expert: of a mixture, whose neuron it is.
        activation: the tensor that it is read from.
    """

    name: str
    value: float
    kind: Kind
    layer: int | None = None
    index: int | None = None
    expert: int | None = None
    activation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttributionFound(Answer):
    """The parts, largest first; they and the remainder add up to the logit.

    Attributes:
        target: whose logit it is.
        logit: what the parts add up to: the model's own, before a soft cap if there is one.
        model_logit: the model's own, after the cap.
        remainder: what rounding leaves: the logit less the sum of all parts.
        note: what was held as it was in this pass, beside the norms' scales, in words; or empty.
        parts: the summands.
    """

    target: int
    logit: float
    model_logit: float
    remainder: float
    note: str
    parts: tuple[Part, ...]

    def arrays(self) -> Mapping[str, Named]:
        names = np.array([part.name for part in self.parts])
        values: Array = np.array([part.value for part in self.parts])
        return {"value": Named(values, ("part",), {"part": names})}

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "parts": [
                {
                    "name": part.name,
                    "value": part.value,
                    "kind": part.kind,
                    "layer": part.layer,
                    "index": part.index,
                    "expert": part.expert,
                    "activation": part.activation,
                }
                for part in self.parts
            ]
        }
