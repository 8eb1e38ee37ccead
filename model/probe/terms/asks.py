"""The question for what one number is made of, and where each part of it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from model.probe.question import Answer, Named, Question

How: TypeAlias = Literal["sum", "mean square", "norm", "softmax", "function", "lookup", "choice"]
"""How terms become the number; see `TermsFound`."""


@dataclass(frozen=True, slots=True)
class Terms(Question):
    """What one number is made of.

    Attributes:
        of: name of the activation (full name or alias).
        index: its full index, batch included.
        most: how many terms are told one by one.
    """

    name: ClassVar[str] = "terms"
    title: ClassVar[str] = "what a number is made of"
    later: ClassVar[bool] = True
    of: str
    index: tuple[int, ...]
    most: int = 8


@dataclass(frozen=True, slots=True)
class Factor:
    """A number that another one is made of.

    Attributes:
        name: of the activation or the parameter in which it stands; empty for a constant.
        index: its full index there.
        value: as it is read.
    """

    name: str
    index: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Term:
    """One summand.

    Attributes:
        at: which one it is along the axis that is summed over (a dimension, a key, a neuron).
        factors: what is multiplied.
        value: the product.
    """

    at: int
    factors: tuple[Factor, ...]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TermsFound(Answer):
    """What the number is made of.

    With s the sum of all terms, including ``bias``, the number is, by ``how``:

    - ``sum``: s, after ``outer`` (a scale, a cap) where there is one;
    - ``lookup``: the only term, read from a table;
    - ``mean square``: √(s + ε), a norm's scale; the terms are squares over their number;
    - ``norm``: (x − mean) / σ · w + b, its only term; without w where the norm has none;
    - ``softmax``: e^x / s; the terms are the e^x of all, ``chosen`` is the one above the line;
    - ``function``: a function of its only term's factors, named by ``outer``;
    - ``choice``: the index of a largest one; the terms are what it was chosen from.

    Attributes:
        value: the number itself, as the network has it; None where the subject has no such place.
        how: see above.
        axis: what is summed over, as a column of a table has it: ``dimension``, ``key``, ….
        n_terms: how many there are.
        terms: the largest, by their absolute value, in that order.
        rest: sum of all others.
        bias: a parameter that is added, or None.
        outer: what is done with the sum, in the field's notation with its numbers; may be empty.
        mean: that is taken away first, by a LayerNorm; 0 elsewhere.
        chosen: of a softmax, the term whose share the number is.
        remainder: the number less what its parts give, computed in float64: rounding, or what an
            intervention changed.
        feeds: names of the activations that read it.
    """

    value: float | None
    how: How = "sum"
    axis: str = ""
    n_terms: int = 0
    terms: tuple[Term, ...] = ()
    rest: float = 0.0
    bias: Factor | None = None
    outer: str = ""
    mean: float = 0.0
    chosen: Term | None = None
    remainder: float = 0.0
    feeds: tuple[str, ...] = ()

    @property
    def of_name(self) -> str:
        """The activation in which the number stands."""
        assert isinstance(self.question, Terms)
        return self.question.of

    def arrays(self) -> Mapping[str, Named]:
        if self.value is None:
            return {}
        at = {self.axis or "term": np.array([term.at for term in self.terms], dtype=np.int64)}
        values = np.array([term.value for term in self.terms])
        return {
            "value": Named(np.array(self.value), ()),
            "terms": Named(values, (self.axis or "term",), at),
            "rest": Named(np.array(self.rest), ()),
            "bias": Named(np.array(0.0 if self.bias is None else self.bias.value), ()),
        }
