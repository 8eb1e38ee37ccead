"""The question for a sweep of activation patching between two texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from model.probe.metric import Metric
from model.probe.question import Answer, Array, Named, Question

Kind = Literal["residual", "attention", "mlp", "z", "q", "k", "v", "pattern"]
By = Literal["auto", "difference", "probability", "kl"]
OF_HEADS: tuple[Kind, ...] = ("z", "q", "k", "v", "pattern")
ANY = Metric()


@dataclass(frozen=True, slots=True)
class Patch(Question):
    """What it changes that one activation is as in a clean text, while the corrupted text is read.

    The text that is asked about is the corrupted one. Both have the same number of tokens, unless
    they are to be aligned. Without tokens to measure, what the clean text's likeliest token gains
    on the corrupted one's.

    Attributes:
        clean: the other text, from which activations are taken.
        clean_ids: its token ids instead.
        kind: what is patched: the residual stream that a block reads, what attention or MLP adds
            to it, or of single heads z, q, k, v or the rows of the pattern.
        metric: which tokens are measured.
        by: what of them: the difference of their logits, one token's probability, or how far the
            whole distribution is from the clean text's (kl, in nats); auto takes the difference
            where there are two tokens, and else a log probability.
        align: texts of different lengths are paired from the front as far as they agree, the rest
            from the end; tokens between, which have no partner, stay as they are.
        position: after which position; of a masked model, in it.
        together: patch all positions at once, so that a cell is a whole layer or head.
        layers: which are swept; all if none is named.
        exact: False leaves it at the first-order map (attribution patching).
    """

    name: ClassVar[str] = "patch"
    title: ClassVar[str] = "activation patching"
    later: ClassVar[bool] = True
    clean: str = ""
    clean_ids: tuple[int, ...] = ()
    kind: Kind = "residual"
    metric: Metric = ANY
    by: By = "auto"
    align: bool = False
    position: int = -1
    together: bool = False
    layers: tuple[int, ...] = ()
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchFound(Answer):
    """The map; coarse answers hold the first-order estimate where no cell was run yet.

    Arrays are over layer and position, for kinds of heads over layer, head and position; without
    the position where all are patched together. Keys and values have as many heads as there are
    of them.

    Attributes:
        layers: that were swept.
        recovered: 0 = as the corrupted text, 1 = as the clean one; NaN where not known, and at
            tokens without a partner.
        values: the metric itself.
        preview: ``recovered`` as the gradient estimates it; all NaN where there is no estimate.
        done: which cells are exact.
        sources: for each token the position of its partner in the clean text; -1 without one.
        measure: ``logit difference``, ``log probability``, ``probability`` or ``KL divergence``
            (from the clean text's distribution, so that it is 0 of the clean text).
        target: id of the token that is measured; of a divergence, the clean text's likeliest.
        against: id of the token that it is compared with, if any.
        clean, corrupted: the metric of either text.
        preview_correlation: Pearson's of estimate and exact cells, over those that were run; NaN
            until all are.
        problem: why nothing can be recovered; empty if it can.
    """

    layers: tuple[int, ...]
    recovered: Array
    values: Array
    preview: Array
    done: Array
    sources: tuple[int, ...]
    measure: str
    target: int
    against: int | None
    clean: float
    corrupted: float
    preview_correlation: float
    problem: str = ""

    def arrays(self) -> Mapping[str, Named]:
        question = self.question
        assert isinstance(question, Patch)
        axes = ("layer", "head") if question.kind in OF_HEADS else ("layer",)
        axes = axes if question.together else (*axes, "position")
        at = {"layer": np.array(self.layers)}
        columns = {
            "recovered": self.recovered,
            "metric": self.values,
            "preview": self.preview,
            "exact": self.done,
        }
        return {name: Named(values, axes, at) for name, values in columns.items()}
