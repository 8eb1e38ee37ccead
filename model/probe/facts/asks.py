"""The question for the causal trace of a fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from model.probe.metric import Metric
from model.probe.question import Answer, Array, Named, Question

Kind = Literal["residual", "mlp", "attention"]
ANY = Metric()


@dataclass(frozen=True, slots=True)
class Facts(Question):
    """Which layers and positions bring a fact back once its subject is hidden by noise.

    Causal tracing (Meng et al. 2022): noise is added to the embeddings of the subject's tokens,
    then one place at a time is restored to what it was. Measured is the probability of the answer
    (the likeliest token, where none is given), or the difference of two tokens' logits.

    Attributes:
        about: the words of the text that the fact is about, for example "Michael Jordan".
        first, last: positions of its first and last token instead.
        kind: what is restored: the residual stream that a block reads, or what the MLPs or the
            attention of some neighbouring layers add.
        metric: which tokens are measured.
        position: after which position; of a masked model, in it.
        window: how many neighbouring layers are restored together, for MLP and attention; 0 takes
            a fifth of the layers.
        noise: its standard deviation, as a multiple of that of the embeddings.
        samples: how many times noise is drawn; results are means.
        seed: of the noise.
    """

    name: ClassVar[str] = "facts"
    title: ClassVar[str] = "causal tracing"
    later: ClassVar[bool] = True
    about: str = ""
    first: int | None = None
    last: int | None = None
    kind: Kind = "residual"
    metric: Metric = ANY
    position: int = -1
    window: int = 0
    noise: float = 3.0
    samples: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FactsFound(Answer):
    """The map over layer and position; coarse answers have NaN where no cell was run yet.

    Attributes:
        effect: what restoring the place adds to the metric under noise, a mean over samples.
        values: the metric with the place restored.
        measure: ``probability`` or ``logit difference``.
        target: id of the token that is measured.
        against: id of the token that it is compared with, if any.
        clean: the metric without noise.
        corrupted: its mean under noise.
        first, last: positions of the subject's first and last token.
        window: how many layers were restored together.
        noise_std: standard deviation of the noise.
        best_layer, best_position: where restoring adds most; -1 until all cells are run.
    """

    effect: Array
    values: Array
    measure: str
    target: int
    against: int | None
    clean: float
    corrupted: float
    first: int
    last: int
    window: int
    noise_std: float
    best_layer: int = -1
    best_position: int = -1

    def arrays(self) -> Mapping[str, Named]:
        axes = ("layer", "position")
        return {"effect": Named(self.effect, axes), "metric": Named(self.values, axes)}
