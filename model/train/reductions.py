"""A tensor brought to one number, or to a picture of few cells.

Knows tensors and the letters of their axes; no network, no run.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.train.picture import MOST_COLUMNS, MOST_ROWS, Picture, layout_of
from model.train.watches import Watch

_EXACT = 1 << 20
"""Elements up to which singular values are had in double precision."""


def reduced(tensor: Tensor, reduction: str) -> float:
    """One number of a tensor; what a mask has set to −∞ is left out.

    Args:
        tensor: any shape.
        reduction: one of `model.train.watches.REDUCTIONS`.

    Raises:
        KeyError: there is no such reduction.
    """
    if reduction == "rank":
        return effective_rank(tensor.reshape(-1, tensor.shape[-1]))
    values = tensor.float()
    if reduction == "entropy":
        return float(torch.special.entr(values).sum(-1).mean())
    masked = values.isneginf()
    if masked.any():
        values = values[~masked]
    if not values.numel():
        return math.nan
    match reduction:
        case "norm":
            return float(torch.linalg.vector_norm(values))
        case "rms":
            return float(torch.linalg.vector_norm(values)) / math.sqrt(values.numel())
        case "max":
            return float(values.abs().max())
        case "mean":
            return float(values.mean())
    raise KeyError(reduction)


def effective_rank(table_RC: Tensor) -> float:
    """E to the entropy of the singular values' shares (Roy and Vetterli 2007).

    Of a table of zeros, and of one that has a number which is not finite, NaN.
    """
    rows, columns = table_RC.shape
    wide = table_RC.double() if table_RC.numel() <= _EXACT else table_RC.float()
    gram = wide.T @ wide if rows >= columns else wide @ wide.T
    if not bool(gram.isfinite().all()):
        return math.nan
    sigma = torch.linalg.eigvalsh(gram.double()).clamp(min=0).sqrt()
    total = float(sigma.sum())
    return float(torch.special.entr(sigma / total).sum().exp()) if total else math.nan


def picture_of(tensor: Tensor, watch: Watch, letters: str, step: int) -> Picture:
    """A tensor as a matrix of few cells; a cell is the number of its block that is largest by |x|.

    Args:
        tensor: with the axes that the letters name; of a batch the first text is taken.
        watch: what it is.
        letters: of its axes.
        step: of the run.
    """
    values = tensor.detach().float()
    if letters.startswith("B"):
        values, letters = values[0], letters[1:]
    layout = layout_of(letters, tuple(values.shape))
    matrix_RC = values.permute(*layout.order).reshape(layout.n_rows, layout.n_columns)
    by_row = -(-layout.n_rows // MOST_ROWS)
    by_column = -(-layout.n_columns // MOST_COLUMNS)
    cells_RC = _largest(_largest(matrix_RC, by_row, 0), by_column, 1)
    array = cells_RC.masked_fill(cells_RC.isneginf(), math.nan).cpu().numpy().copy()
    array.flags.writeable = False
    return Picture(watch.place, step, layout, array, by_row, by_column)


def _largest(matrix_RC: Tensor, n: int, axis: int) -> Tensor:
    """Of each n along an axis the one that is largest by |x|."""
    if n == 1:
        return matrix_RC
    short = -matrix_RC.shape[axis] % n
    padding = (0, 0, 0, short) if axis == 0 else (0, short)
    padded = torch.nn.functional.pad(matrix_RC, padding)
    blocks = padded.unflatten(axis, (-1, n))
    size = blocks.abs().nan_to_num(nan=math.inf).masked_fill(blocks.isneginf(), -1)
    return blocks.take_along_dim(size.argmax(axis + 1, keepdim=True), axis + 1).squeeze(axis + 1)
