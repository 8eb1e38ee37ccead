"""Vectors in many dimensions, made and moved to be looked at: no model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from model.messages.base import Array, Request, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadVectors(Request):
    """Random vectors, and pushed apart if that is wanted: `VectorsSpread` again and again.

    Newest wins. Stopped by `Cancel`.

    Attributes:
        n, d: vectors and dimensions.
        seed: of the drawing.
        push: whether they are pushed apart.
    """

    newest_wins: ClassVar[bool] = True
    n: int
    d: int
    seed: int = 0
    push: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorsSpread(Result):
    """Where they are. Shape suffix: A bins of angle.

    Attributes:
        step, steps: of the pushing; both 0 of vectors that are not pushed.
        counts_A: pairs in each bin of a tenth of a degree, ``[1800]``.
        n, d: vectors and dimensions.
        largest_cosine: the largest absolute cosine of a pair.
        bound: which it can't be below (Welch 1974).
        exact: whether all pairs were looked at.
    """

    step: int
    steps: int
    counts_A: NDArray[np.int64]
    n: int
    d: int
    largest_cosine: float
    bound: float
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PackVectors(Request):
    """How many vectors fit, in more and more dimensions: `VectorsPacked` again and again.

    Newest wins. Stopped by `Cancel`.

    Attributes:
        degrees: how far from 90 degrees a pair may be.
        dimensions: in which, one after the other.
        seed: of the drawing.
    """

    newest_wins: ClassVar[bool] = True
    degrees: float
    dimensions: tuple[int, ...]
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """How many fit in so many dimensions.

    Attributes:
        d: dimensions.
        n: that were found to fit.
        more: whether more would: it was left at that.
        most: more than so many can't (Welch 1974); infinite where that says nothing.
    """

    d: int
    n: int
    more: bool
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorsPacked(Result):
    """What was found so far.

    Attributes:
        degrees: as was asked.
        fits: by dimensions.
        done: whether that is all.
    """

    degrees: float
    fits: tuple[Fit, ...]
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainToy(Request):
    """Train features to share dimensions (Elhage et al. 2022): `ToyTrained` again and again.

    Newest wins. Stopped by `Cancel`.

    Attributes:
        n, d: features and dimensions.
        seed: of the beginning and the examples.
    """

    newest_wins: ClassVar[bool] = True
    n: int
    d: int
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyTrained(Result):
    """Where it is. Shape suffixes: S densities, D dimensions, N features.

    Attributes:
        step, steps: of the training.
        densities: how often a feature is present, for each of the networks side by side.
        w_SDN: what each feature is written as.
        b_SN: what is added before the nonlinearity.
        loss_S: what is lost, a mean over features weighted by their importance.
        shared_SN: the share of a dimension that each feature has for itself.
    """

    step: int
    steps: int
    densities: tuple[float, ...]
    w_SDN: Array
    b_SN: Array
    loss_S: Array
    shared_SN: Array
