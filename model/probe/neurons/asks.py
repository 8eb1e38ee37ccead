"""The question for the neurons of a token, and for one of them in other texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question

By = Literal["write", "activation"]


@dataclass(frozen=True, slots=True)
class Neurons(Question):
    """The strongest neurons of a token at a layer, and what one of them is for.

    Of a mixture, a neuron's number counts on through the experts: expert times the neurons of one,
    plus its place in it.

    Attributes:
        layer: of which block.
        position: at which token.
        neuron: the one that is looked at closely; the strongest if none is given.
        n: how many neurons, tokens and texts.
        by: neurons are strong by the length of what they write, or by their activation alone.
        fold_norm: whether the norms' weights are multiplied in: the final one's into the tokens'
            scores, the MLP's into what it listens to.
        scan: how many tokens of text are read at least for what excites the neuron; 0 reads none.
        file: the text that is read; the story world if none is given.
        seed: of the story world's text.
    """

    name: ClassVar[str] = "neurons"
    title: ClassVar[str] = "neurons"
    later: ClassVar[bool] = True
    layer: int
    position: int = -1
    neuron: int | None = None
    n: int = 10
    by: By = "write"
    fold_norm: bool = False
    scan: int = 0
    file: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronsFound(Answer):
    """What was found; coarse answers have the texts that were read so far.

    Attributes:
        neuron_N: the strongest neurons' numbers, strongest first.
        activation_N: of each, here.
        write_N: length of what each adds to the stream here, before any norm of it; of a mixture
            times the share that its expert has.
        neuron: the one that is looked at closely.
        activation: its own, here; NaN where the token isn't sent to its expert.
        rank: its place among all; 1 is the strongest, None where it has no activation.
        promoted_ids, suppressed_ids: tokens whose scores it raises and lowers most.
        promoted_scores, suppressed_scores: by how much for an activation of one, raw: without the
            final norm's scale.
        heard_ids, ignored_ids: tokens whose embedding alone puts most into its nonlinearity, and
            least: through ``W_in``, or ``W_gate`` of a gated MLP.
        heard_scores, ignored_scores: how much, raw: without bias and the norm's scale.
        excited_activations: the largest activations in the texts that were read, one a text.
        texts: what was read, with the exciting token in ⟨⟩, strongest first.
        n_scanned: how many tokens were read.
        note: what a person should know; empty if nothing.
    """

    neuron_N: Array
    activation_N: Array
    write_N: Array
    neuron: int
    activation: float
    rank: int | None
    promoted_ids: Array
    promoted_scores: Array
    suppressed_ids: Array
    suppressed_scores: Array
    heard_ids: Array
    heard_scores: Array
    ignored_ids: Array
    ignored_scores: Array
    excited_activations: Array
    texts: tuple[str, ...]
    n_scanned: int
    note: str = ""

    def arrays(self) -> Mapping[str, Named]:
        def table(axis: str, **columns: Array) -> dict[str, Named]:
            at = {axis: np.arange(len(next(iter(columns.values()))))}
            return {name: Named(values, (axis,), at) for name, values in columns.items()}

        return {
            **table(
                "strongest",
                neuron_number=self.neuron_N,
                neuron_activation=self.activation_N,
                neuron_write=self.write_N,
            ),
            **table("promoted", promoted_id=self.promoted_ids, raises=self.promoted_scores),
            **table("suppressed", suppressed_id=self.suppressed_ids, lowers=self.suppressed_scores),
            **table("heard", heard_id=self.heard_ids, heard=self.heard_scores),
            **table("ignored", ignored_id=self.ignored_ids, ignored=self.ignored_scores),
            **table("text", excited_activation=self.excited_activations),
        }
