"""A number taken apart, and where it stands; the pieces that several kinds of operations share.

Knows the bench, for inputs, and the network's parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from model.bench import Bench
from model.config import TransformerConfig
from model.operations import Operation
from model.parameters import parameter
from model.probe.question import Array
from model.probe.tensors.asks import AXES
from model.probe.terms.asks import Factor, How, Term
from model.subject import Subject
from model.transformer import Transformer


@dataclass(slots=True)
class Parts:
    """A number taken apart.

    Attributes:
        values: of all terms, float64.
        factors: of the term at a place.
        axis: what the places count.
        how, bias, outer, mean, chosen: as of `TermsFound`.
        made: the number again, from the sum of all terms and the bias.
    """

    values: Array
    factors: Callable[[int], tuple[Factor, ...]]
    axis: str
    how: How = "sum"
    bias: Factor | None = None
    outer: str = ""
    mean: float = 0.0
    chosen: int | None = None
    made: Callable[[float], float] = field(default=lambda total: total)

    def term(self, i: int) -> Term:
        return Term(i, self.factors(i), float(self.values[i]))


@dataclass(frozen=True, slots=True)
class Place:
    """One number of one operation, and where its inputs are found."""

    network: Transformer
    subject: Subject
    bench: Bench
    op: Operation
    index: tuple[int, ...]

    @property
    def config(self) -> TransformerConfig:
        return self.network.config

    @property
    def position(self) -> int:
        """The one whose operation it is: the query, for scores."""
        return self.index[next(i for i, letter in enumerate(self.op.shape) if letter in "TQ")]

    def read(self, name: str, start: int, stop: int | None = None) -> Array:
        """An input at some positions as float64; without the batch."""
        stop = start + 1 if stop is None else stop
        tensor = self.bench.values(self.subject, (name,), start, stop)[name]
        return np.asarray(tensor[0].detach().cpu().double().numpy())

    def number(self, name: str, index: tuple[int, ...]) -> float:
        """One number of an activation."""
        letters = self.network.shapes[name]
        axis = next(i for i, letter in enumerate(letters) if letter in "TQ")
        local = tuple(0 if i == axis else place for i, place in enumerate(index[1:], 1))
        return float(self.read(name, index[axis])[local])

    def factor(self, name: str, *index: int) -> Factor:
        """One number of an activation, as a factor."""
        return Factor(name, index, self.number(name, index))

    def weight(self, name: str) -> Array:
        """A parameter as float64."""
        return np.asarray(parameter(self.network, name).cpu().double().numpy())

    def weights(self, name: str, place: tuple[int | slice, ...]) -> Array:
        """Some numbers of a parameter as float64; the whole table is not copied."""
        return np.asarray(parameter(self.network, name)[place].cpu().double().numpy())


def product(
    at: Place,
    source: Array,
    where: Callable[[int], tuple[int, ...]],
    weight: str,
    column: tuple[int | slice, ...],
    place: Callable[[int], tuple[int, ...]],
    bias: tuple[str, tuple[int, ...]] | None,
    axis: str,
    name: str = "",
) -> Parts:
    """A vector times a column of a matrix, and a bias.

    Args:
        at: the number.
        source: the vector, flat.
        where: the full index of a term's activation.
        weight: name of the matrix.
        column: what of it is multiplied.
        place: the full index of a term's weight.
        bias: name and index of what is added.
        axis: what is summed over.
        name: of the activation, if not the operation's first input.
    """
    column_D = at.weights(weight, column).reshape(-1)
    activation = name or at.op.inputs[0]
    added = None
    if bias is not None:
        added = Factor(bias[0], bias[1], float(at.weights(bias[0], bias[1])))
    return Parts(
        source * column_D,
        lambda i: (
            Factor(activation, where(i), float(source[i])),
            Factor(weight, place(i), float(column_D[i])),
        ),
        axis,
        bias=added,
    )


def bias(at: Place, *index: int) -> tuple[str, tuple[int, ...]] | None:
    """Name and index of what the operation adds to a product; None where it has no bias."""
    return (at.op.parameters[1], index) if len(at.op.parameters) > 1 else None


def dense(at: Place) -> Parts:
    """Whatever multiplies the vector of a position by a matrix ``[in, out]``."""
    t, j = at.position, at.index[-1]
    return product(
        at,
        at.read(at.op.inputs[0], t)[0],
        lambda i: (0, t, i),
        at.op.parameters[0],
        (slice(None), j),
        lambda i: (i, j),
        bias(at, j),
        "dimension",
    )


def scaled(parts: Parts, scale: float) -> Parts:
    """The same, its sum multiplied by a factor of the config."""
    if scale != 1:
        parts.outer = f"{scale:.4g} Σ"
        parts.made = lambda total: scale * total
    return parts


def softmax(at: Place, source: str, row: Array, index: Callable[[int], tuple[int, ...]]) -> Parts:
    """Shares of a row; the largest is taken away first, which changes no share."""
    chosen = at.index[-1]
    top = float(np.max(row))
    powers = np.exp(row - top)
    return Parts(
        powers,
        lambda i: (Factor(source, index(i), float(row[i])),),
        AXES[at.op.shape[-1]],
        how="softmax",
        chosen=chosen,
        outer=f"e^(s − {top:.4g}) / Σ",
        made=lambda total: float(powers[chosen]) / total,
    )


def function(at: Place, text: str, of: Callable[[float], float]) -> Parts:
    """A function of the number at the same place."""
    source = at.factor(at.op.inputs[0], *at.index)
    return Parts(
        np.array([source.value]),
        lambda _: (source,),
        "",
        how="function",
        outer=text,
        made=of,
    )
