"""Facts about one parameter tensor: its figures, its histogram, its picture as a matrix.

Everything is a generator that yields after each slice how many numbers it has read, so that who
runs it can do something else in between, tell how far it is, or stop. Sums are in float64.
Knows tensors, no network.

Shape suffixes: R rows, C columns.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from model.probe.question import ProbeError
from model.probe.weights.matrix_layout import MatrixLayout

SLICE = 2**16
"""Numbers read between two yields, about: their float64 copies stay in a core's cache."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of all numbers in a tensor that are finite.

    Attributes:
        n: how many numbers, finite or not.
        mean, std: std is the population's (divided by n).
        low, high: the extremes.
        n_zeros: how many are exactly 0.
        norm: square root of the sum of squares (Frobenius).
        n_not_finite: NaN and infinities; the other figures leave them out, and are NaN where
            nothing is left.
    """

    n: int
    mean: float
    std: float
    low: float
    high: float
    n_zeros: int
    norm: float
    n_not_finite: int = 0

    @property
    def rms(self) -> float:
        """Root mean square."""
        return self.norm / math.sqrt(max(1, self.n - self.n_not_finite))


@dataclass(frozen=True, slots=True)
class Picture:
    """A part of a matrix in at most so many cells.

    Attributes:
        values_RC: of each cell the number farthest from 0 in its block, as it stands in the
            tensor; NaN where the block holds one.
        rows_RC, columns_RC: where in the matrix that number stands, int32.
        block: rows and columns of the matrix to a cell; (1, 1) leaves nothing out.
    """

    values_RC: Tensor
    rows_RC: Tensor
    columns_RC: Tensor
    block: tuple[int, int]


def figures(tensor: Tensor) -> Generator[int, None, Figures]:
    """Mean, deviation, extremes, zeros, norm."""
    n = tensor.numel()
    total = squares = 0.0
    low, high = math.inf, -math.inf
    n_zeros = n_finite = 0
    for part in slices(tensor):
        numbers = part.flatten()
        sums = numbers.double()
        part_total = float(sums.sum())
        if not math.isfinite(part_total):  # one NaN or infinity is enough for that
            numbers = numbers[numbers.isfinite()]
            sums = numbers.double()
            part_total = float(sums.sum())
        if numbers.numel():
            n_finite += numbers.numel()
            total += part_total
            squares += float(sums.dot(sums))
            least, most = numbers.aminmax()
            low, high = min(low, float(least)), max(high, float(most))
            n_zeros += numbers.numel() - int(numbers.count_nonzero())
        yield part.numel()
    if not n_finite:
        nan = math.nan
        return Figures(n, nan, nan, nan, nan, 0, nan, n)
    mean = total / n_finite
    # float64 sums of at most float32 weights: the difference of the two squares keeps its digits
    # unless the mean is some 10,000 times the deviation.
    std = math.sqrt(max(0.0, squares / n_finite - mean * mean))
    return Figures(n, mean, std, low, high, n_zeros, math.sqrt(squares), n - n_finite)


def histogram(tensor: Tensor, low: float, high: float, n_bins: int) -> Generator[int, None, Tensor]:
    """Counts ``[n_bins]``, int64, in equal bins from low to high, the last with its upper edge.

    What isn't finite, or lies outside, is in no bin.
    """
    counts = torch.zeros(n_bins, dtype=torch.int64)
    for part in slices(tensor):
        # In float64: no number of another precision is then outside edges that are its own.
        found = torch.histc(part.flatten().cpu().double(), n_bins, low, high)
        counts += found.long()
        yield part.numel()
    return counts


def as_matrix(tensor: Tensor, layout: MatrixLayout) -> Tensor:
    """The tensor as ``[rows, columns]``: a view where its strides allow one."""
    if layout.part is not None:
        return tensor[layout.part]
    return tensor.permute(*layout.rows, *layout.columns).reshape(layout.n_rows, layout.n_columns)


def picture(
    matrix_RC: Tensor,
    rows: tuple[int, int],
    columns: tuple[int, int],
    most: tuple[int, int],
) -> Generator[int, None, Picture]:
    """A window of a matrix, pooled to at most so many cells.

    Args:
        matrix_RC: any strides, any device.
        rows, columns: first and one past the last, within the matrix.
        most: the most rows and columns of cells.
    """
    n_rows, n_columns = rows[1] - rows[0], columns[1] - columns[0]
    down, across = -(-n_rows // most[0]), -(-n_columns // most[1])
    values, at_rows, at_columns = [], [], []
    bands = max(1, SLICE // (down * n_columns))
    for first in range(rows[0], rows[1], bands * down):
        last = min(rows[1], first + bands * down)
        window = matrix_RC[first:last, columns[0] : columns[1]]
        pooled = farthest(window, down, across)
        values.append(pooled[0].cpu())
        at_rows.append((pooled[1] + first).cpu())
        at_columns.append((pooled[2] + columns[0]).cpu())
        yield window.numel()
    return Picture(torch.cat(values), torch.cat(at_rows), torch.cat(at_columns), (down, across))


def farthest(window_RC: Tensor, down: int, across: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of each block the number farthest from 0 (NaN is farther), and its row and column."""
    n_rows, n_columns = window_RC.shape
    high, wide = -(-n_rows // down), -(-n_columns // across)
    size = window_RC.abs()
    # Padding loses against every number: -1 is nearer to 0 than any absolute value.
    padded = size.new_full((high * down, wide * across), -1.0)
    padded[:n_rows, :n_columns] = size.nan_to_num(nan=math.inf, posinf=math.inf)
    blocks = padded.view(high, down, wide, across).transpose(1, 2).reshape(high, wide, -1)
    best = blocks.argmax(dim=-1)
    at_rows = torch.arange(high, device=best.device)[:, None] * down + best // across
    at_columns = torch.arange(wide, device=best.device)[None, :] * across + best % across
    return window_RC[at_rows, at_columns], at_rows.int(), at_columns.int()


def slices(tensor: Tensor) -> Iterator[Tensor]:
    """The tensor in parts of about `SLICE` numbers, in the order in which they lie in memory."""
    if tensor.ndim == 0:
        yield tensor
        return
    order = sorted(range(tensor.ndim), key=tensor.stride().__getitem__, reverse=True)
    tensor = tensor.permute(*order)
    yield from _cut(tensor)


def slices_of_both(a: Tensor, b: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The same parts of two tensors of one shape, in the order in which the first lies in memory.

    Raises:
        ValueError: their shapes differ.
    """
    if a.shape != b.shape:
        raise ProbeError(f"One tensor is {tuple(a.shape)}, the other {tuple(b.shape)}.")
    order = sorted(range(a.ndim), key=a.stride().__getitem__, reverse=True)
    yield from zip(_cut(a.permute(*order)), _cut(b.permute(*order)), strict=True)


def _cut(tensor: Tensor) -> Iterator[Tensor]:
    if tensor.numel() <= SLICE or tensor.ndim == 0:
        yield tensor
        return
    per_row = max(1, tensor.numel() // tensor.shape[0])
    if per_row > SLICE:
        for row in tensor:
            yield from _cut(row)
        return
    at_once = SLICE // per_row
    for first in range(0, tensor.shape[0], at_once):
        yield tensor[first : first + at_once]
