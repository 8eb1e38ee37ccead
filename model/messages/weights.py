"""The parameter tensors of the model in view."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.messages.base import Array, Request, Result
from model.probe.weights.matrix_layout import MatrixLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWeights(Request):
    """Every parameter tensor of the model in view, by name: `WeightsListed`. Newest wins."""

    newest_wins: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeWeights(Request):
    """Figures of parameter tensors, in this order: `WeightsDescribed`, in bundles. Newest wins.

    Attributes:
        names: of the tensors.
        model_id: of which model; cancelled where another is in view by then. None for whichever.
    """

    newest_wins: ClassVar[bool] = True

    names: tuple[str, ...]
    model_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamineWeight(Request):
    """One parameter tensor in detail: `WeightExamined`. Newest wins.

    Attributes:
        name: its TransformerLens name.
        part: index on the first of three axes (a head, an expert), or None for all of it.
        rows, columns: of its matrix (`model.probe.weights.matrix_layout`), first and one past the
            last; None for all.
        most_cells: the most rows and columns that its picture may have.
        n_bins: of its histogram.
        model_id: as of `DescribeWeights`: rows and columns are of that model's tensor.
    """

    newest_wins: ClassVar[bool] = True

    name: str
    part: int | None = None
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None
    most_cells: tuple[int, int] = (512, 512)
    n_bins: int = 80
    model_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindSingularValues(Request):
    """All singular values of a parameter's matrix, or of one part of it.

    Answered by `SingularValuesFound`, with `SingularValuesProgressed` before it where it takes
    longer than half a second. Stopped by `Cancel`. Newest wins.

    Attributes:
        name, part: as of `ExamineWeight`.
        model_id: as of `DescribeWeights`.
    """

    newest_wins: ClassVar[bool] = True

    name: str
    part: int | None = None
    model_id: int | None = None


@dataclass(frozen=True, slots=True)
class WeightTensor:
    """A parameter tensor, without its numbers.

    Attributes:
        name: under TransformerLens' convention, for example ``blocks.0.attn.W_Q``.
        shape: TransformerLens', which may differ from the file's.
        dtype: in memory.
        layer: index of its block, or None outside the blocks.
        part: embedding, attention, mlp, norm or unembedding.
        tied_to: the parameter whose numbers these are too, seen another way; empty if its own.
        in_file: name of the tensor in a Hugging Face file that holds these numbers (several
            with commas); empty where it is not known.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    layer: int | None
    part: str
    tied_to: str = ""
    in_file: str = ""

    @property
    def n(self) -> int:
        """How many numbers."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsListed(Result):
    """Every parameter tensor of a model, in the order in which the operations read them."""

    model_id: int
    tensors: tuple[WeightTensor, ...]


@dataclass(frozen=True, slots=True)
class WeightFigures:
    """Of the numbers in a tensor that are finite (NaN where none is).

    Attributes:
        name: of the tensor.
        n: how many numbers.
        mean, std, low, high: std is the population's.
        n_zeros: how many are exactly 0.
        norm: square root of the sum of squares.
        n_not_finite: how many are NaN or infinite.
    """

    name: str
    n: int
    mean: float
    std: float
    low: float
    high: float
    n_zeros: int
    norm: float
    n_not_finite: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsDescribed(Result):
    """Figures of some tensors; ``done`` of ``total`` of the request are known by now.

    Attributes:
        model_id, step: of which weights.
        seconds: of work for this request until now.
    """

    model_id: int
    step: int | None
    figures: tuple[WeightFigures, ...]
    done: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightExamined(Result):
    """One parameter tensor in detail, or the part that was asked for.

    Attributes:
        model_id, step: of which weights.
        name, layout: of the tensor, and how it lies as a matrix.
        mean, std, low, high, rms, n, n_not_finite: of its numbers (of the part, if one was asked
            for); low and high are the outer edges of the histogram.
        counts: ``[n_bins]`` int64, numbers in equal bins from low to high.
        rows, columns: the window of the matrix that is pictured.
        block: rows and columns of the matrix to a cell of the picture.
        values: ``[R, C]``, of each cell the number farthest from 0 in its block, as it stands.
        value_rows, value_columns: ``[R, C]``, where in the matrix that number stands.
        seconds: of work.
    """

    model_id: int
    step: int | None
    name: str
    layout: MatrixLayout
    mean: float
    std: float
    low: float
    high: float
    rms: float
    n: int
    n_not_finite: int
    counts: NDArray[np.integer[Any]]
    rows: tuple[int, int]
    columns: tuple[int, int]
    block: tuple[int, int]
    values: Array
    value_rows: NDArray[np.integer[Any]]
    value_columns: NDArray[np.integer[Any]]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SingularValuesProgressed(Result):
    """How far the singular values are: a share of 1."""

    model_id: int
    name: str
    part: int | None
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SingularValuesFound(Result):
    """All singular values of a matrix.

    Attributes:
        values: ``[n]`` float64, largest first.
        effective_rank: exp of the entropy of their shares (Roy and Vetterli 2007).
    """

    model_id: int
    step: int | None
    name: str
    part: int | None
    values: Array
    effective_rank: float
    seconds: float


WeightsResult: TypeAlias = (
    WeightsListed
    | WeightsDescribed
    | WeightExamined
    | SingularValuesProgressed
    | SingularValuesFound
)
