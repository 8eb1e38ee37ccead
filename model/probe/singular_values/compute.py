"""All singular values of a matrix, exactly, in slices of a fraction of a second.

LAPACK's own routines can't be stopped, and take minutes for the large matrices of published
models. So a large matrix goes the textbook way by hand: the smaller of its two Gram matrices, in
float64 and summed band by band; Householder's reduction to three diagonals, in panels; then
bisection for all eigenvalues at once. For 2048 × 2048 that took 3.3 s on one core where LAPACK
took 3.0. A small matrix goes to LAPACK.

By the Gram matrix values are exact to about 1e-8 of the largest: the float32 weights themselves
are known to 6e-8. Smaller ones than that are noise by either way.

Golub and Van Loan, Matrix Computations, 4th ed., 8.3.1 (tridiagonalisation) and 8.4.1 (bisection
with Sturm sequences); panels as in LAPACK's dsytrd. Knows tensors, no network.

Shape suffixes: R rows, C columns, n the smaller of both.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor

from model.probe.question import ProbeError

DIRECT = 1.5e8
"""Rows × columns × the smaller of both up to which LAPACK takes the matrix itself (0.1 s)."""

DIRECT_GRAM = 800
"""Size up to which LAPACK takes the Gram matrix (0.2 s on one core)."""

PANEL = 32
READ_AT_ONCE = 2e7
"""Numbers of the matrix that are read between two yields while it is reduced, about 20 ms."""
BISECTIONS = 56

# Shares of the whole that the three stages take, for progress; measured at n = 2048.
_GRAM, _REDUCE = 0.25, 0.85


def singular_values(matrix_RC: Tensor) -> Generator[float, None, Tensor]:
    """All singular values.

    Args:
        matrix_RC: any floating dtype, any device.

    Yields:
        After each slice, which share of the work is done, about.

    Returns:
        ``[n]`` float64 on the CPU, largest first.

    Raises:
        ValueError: it holds NaN or infinity: there are no singular values.
    """
    n_rows, n_columns = matrix_RC.shape
    n = min(n_rows, n_columns)
    if n_rows * n_columns * n <= DIRECT:
        numbers = matrix_RC.detach().cpu().double()
        _all_finite(numbers)
        return torch.linalg.svdvals(numbers)
    tall = matrix_RC if n_rows >= n_columns else matrix_RC.T
    gram_nn = torch.zeros(n, n, dtype=torch.float64)
    at_once = max(1, int(DIRECT // (n * n)))
    for first in range(0, len(tall), at_once):
        band = tall[first : first + at_once].detach().cpu().double()
        _all_finite(band)
        gram_nn.addmm_(band.T, band)
        yield _GRAM * (first + len(band)) / len(tall)
    if n <= DIRECT_GRAM:
        return torch.linalg.eigvalsh(gram_nn).clamp_(min=0).sqrt().flip(0)
    diagonal_n, beside = yield from _tridiagonal(gram_nn)
    eigenvalues_n = yield from _eigenvalues(diagonal_n, beside)
    return eigenvalues_n.clamp_(min=0).sqrt().flip(0)


def effective_rank(values_n: Tensor) -> float:
    """The exponential of the entropy of the values' shares (Roy and Vetterli 2007).

    n for a matrix that stretches all directions alike, 1 for one that knows one direction.
    """
    shares = values_n.double() / values_n.double().sum().clamp_min(1e-300)
    shares = shares[shares > 0]
    return float(torch.exp(-(shares * shares.log()).sum())) if len(shares) else 0.0


def _all_finite(numbers: Tensor) -> None:
    if not bool(numbers.isfinite().all()):
        raise ProbeError("The matrix holds NaN or infinity, so it has no singular values.")


def _tridiagonal(a_nn: Tensor) -> Generator[float, None, tuple[Tensor, Tensor]]:
    """Diagonal and subdiagonal of a similar tridiagonal matrix; ``a_nn`` is overwritten."""
    n = len(a_nn)
    diagonal, beside = torch.zeros(n, dtype=a_nn.dtype), torch.zeros(n - 1, dtype=a_nn.dtype)
    read = 0
    for k in range(0, n, PANEL):
        width = min(PANEL, n - k)
        v = torch.zeros(n - k, width, dtype=a_nn.dtype)
        w = torch.zeros(n - k, width, dtype=a_nn.dtype)
        for i in range(width):
            # The columns before it in this panel have not been applied to this one yet.
            column = a_nn[k + i :, k + i] - v[i:, :i] @ w[i, :i] - w[i:, :i] @ v[i, :i]
            diagonal[k + i] = column[0]
            if k + i == n - 1:
                break
            x = column[1:]
            norm = float(x.norm())
            beside[k + i] = norm  # up to its sign, which eigenvalues do not depend on
            if norm == 0.0:
                continue
            u = x.clone()
            u[0] += norm if float(x[0]) >= 0 else -norm
            tau = 2.0 / float(u @ u)
            v[i + 1 :, i] = u
            product = a_nn[k + i + 1 :, k + i + 1 :] @ u
            product -= v[i + 1 :, :i] @ (w[i + 1 :, :i].T @ u)
            product -= w[i + 1 :, :i] @ (v[i + 1 :, :i].T @ u)
            product *= tau
            product -= (0.5 * tau * float(product @ u)) * u
            w[i + 1 :, i] = product
            read += len(u) * len(u)
            if read > READ_AT_ONCE:
                read = 0
                yield _reduced(n - k - i, n)
        rest = a_nn[k + width :, k + width :]
        rest.addmm_(v[width:], w[width:].T, alpha=-1)
        rest.addmm_(w[width:], v[width:].T, alpha=-1)
    return diagonal, beside


def _reduced(left: int, n: int) -> float:
    """Progress, where so many columns are left to reduce: the work is their cube."""
    return _GRAM + (_REDUCE - _GRAM) * (1 - (left / n) ** 3)


def _eigenvalues(diagonal: Tensor, beside: Tensor) -> Generator[float, None, Tensor]:
    """All eigenvalues of a symmetric tridiagonal matrix, smallest first, by bisection."""
    n = len(diagonal)
    d, e = diagonal.numpy(), beside.numpy()
    reach = np.zeros(n)
    reach[:-1] += np.abs(e)
    reach[1:] += np.abs(e)
    low, high = np.full(n, (d - reach).min()), np.full(n, (d + reach).max())
    # Never 0, so that a pivot of 0 gives infinity and goes on from there, instead of NaN.
    squares = e * e + 1e-300
    wanted = np.arange(n)
    quotient, negative = np.empty(n), np.empty(n, np.bool_)
    for step in range(BISECTIONS):
        middle = (low + high) / 2
        # Sturm: as many pivots of A - middle are negative as eigenvalues lie below.
        pivot = d[0] - middle
        below = (pivot < 0).astype(np.int64)
        with np.errstate(divide="ignore", over="ignore"):
            # In place: 5 passes over one short vector, n times. (torch takes three times as long.)
            for i in range(1, n):
                np.divide(squares[i - 1], pivot, out=quotient)
                np.subtract(d[i], middle, out=pivot)
                np.subtract(pivot, quotient, out=pivot)
                np.less(pivot, 0, out=negative)
                np.add(below, negative, out=below)
        left = below > wanted
        high = np.where(left, middle, high)
        low = np.where(left, low, middle)
        yield _REDUCE + (1 - _REDUCE) * (step + 1) / BISECTIONS
    return torch.from_numpy((low + high) / 2)
