"""The question for the texts that excite a neuron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question

End = Literal["highest", "lowest"]


@dataclass(frozen=True, slots=True)
class NeuronTexts(Question):
    """Where in other texts a neuron is strongest, and how often it has which activation.

    All neurons of the layer are read for at once: another one has its texts without more reading.

    Attributes:
        layer: of which block.
        neuron: its number; of a mixture it counts on through the experts (`Neurons`).
        n: how many texts.
        scan: how many tokens are read at least; 0 reads none, but tells what was read before.
        end: texts with the largest activations, or with the lowest.
        file: the text that is read; the story world if none is given.
        seed: of the story world's text.
    """

    name: ClassVar[str] = "neuron_texts"
    title: ClassVar[str] = "texts that excite a neuron"
    of_text: ClassVar[bool] = False
    layer: int
    neuron: int
    n: int = 8
    scan: int = 10_000
    end: End = "highest"
    file: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of text around the token at which a neuron is strong.

    Attributes:
        pieces: what each of its tokens adds to the text.
        at: which of them it is.
    """

    pieces: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """On one line, with the token in ⟨⟩."""
        before, behind = "".join(self.pieces[: self.at]), "".join(self.pieces[self.at + 1 :])
        return " ".join(f"{before}⟨{self.pieces[self.at]}⟩{behind}".split())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronTextsFound(Answer):
    """What was found in what was read so far.

    Attributes:
        snippets: the texts, strongest first.
        activation_K: of the token at which each is strongest.
        around_KS: the neuron's activations at the tokens of each; NaN where there is none.
        counts_B: how many activations lie in each bin of the histogram.
        edges: of the bins, one more than bins.
        n_seen: tokens at which it had an activation: of a mixture those sent to its expert.
        active: share of those at which its nonlinearity's input is above zero; NaN of none.
        mean, deviation: of its activations; NaN of none.
        n_scanned: how many tokens were read.
        at_end: whether the file was read to its end.
    """

    snippets: tuple[Snippet, ...]
    activation_K: Array
    around_KS: Array
    counts_B: Array
    edges: Array
    n_seen: int
    active: float
    mean: float
    deviation: float
    n_scanned: int
    at_end: bool

    @property
    def asked(self) -> NeuronTexts:
        """The question."""
        assert isinstance(self.question, NeuronTexts)
        return self.question

    def arrays(self) -> Mapping[str, Named]:
        return {
            "activation": Named(self.activation_K, ("text",)),
            "around": Named(self.around_KS, ("text", "token")),
            "count": Named(self.counts_B, ("bin",)),
            "bin_from": Named(self.edges[:-1], ("bin",)),
            "bin_to": Named(self.edges[1:], ("bin",)),
            "active_share": Named(np.array([self.active]), ("neuron",)),
            "n_scanned": Named(np.array([self.n_scanned]), ("neuron",)),
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        values = self.activation_K.tolist()
        return {
            "texts": [
                {"activation": value, "text": one.text}
                for one, value in zip(self.snippets, values, strict=True)
            ]
        }
