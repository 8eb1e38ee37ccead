"""A power law with an irreducible term through the losses of several sizes, and how sure it is.

L(N) = E + A / N^α, and where the sizes were trained on several numbers of tokens
L(N, D) = E + A / N^α + B / D^β. As Hoffmann et al. 2022 (arXiv:2203.15556, approach 3) fit it: the
Huber loss between the logarithms, over e = log E, a = log A, b = log B and the exponents, from a
grid of beginnings. The minimum is found by Levenberg-Marquardt steps on the reweighted squares, for
all beginnings and all resamples of the bootstrap at once: they are matrices of 3 × 3 or 5 × 5.

Knows NumPy and points; no run, no network.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DELTA = 0.03
"""Beyond this difference of logarithms a point pulls with a constant force. Hoffmann et al. took
0.001 for 400 runs; of a handful of points that goes through three exactly and drops the others."""
RESAMPLES = 400
LEVEL = 0.9
"""Of the intervals: a twentieth of the resamples lies below, a twentieth above."""
LEAST_POINTS = 5
LEAST_TOKENS, LEAST_WITH_TOKENS = 3, 8
"""Numbers of tokens, and points, from which on tokens have a term of their own."""
UNSETTLED = 3.0
"""Between the ends of an exponent's interval; beyond it the law is said to say nothing."""
_ITERATIONS, _ENOUGH, _IDLE = 200, 1e-7, 12
"""Of the search at most; it ends after so many in which no row has gained that share."""
_CHUNK = 25
_STARTS_ALPHA = (0.1, 0.25, 0.5, 1.0)
_STARTS_SHARE = (0.05, 0.5, 0.9, 0.99)
"""Of the least loss, as the irreducible term."""
_LEAST_E = 1e-3
"""Of the least loss; smaller ones can't be told from none, and their logarithm runs away."""


class FitError(ValueError):
    """Points that no law can be fitted to; the message says why."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a law with the interval of its bootstrap."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class LawFit:
    """A law, fitted.

    Attributes:
        N_P, D_P, loss_P: the points; D are tokens.
        irreducible, a, alpha: E, A and α, with their intervals.
        b, beta: B and β; None where all points have the same tokens.
        predicted_P: of the law at the points.
        objective: sum of the Huber losses at the minimum.
        delta: of the Huber loss.
        samples_SK: numbers of the resamples, a row each: E, A, α and, with tokens, B, β.
        alpha_without_P: α where each point in turn is left out; NaN where that leaves too few.
        objective_without_E: the same sum for the best law without an irreducible term.
    """

    N_P: Array
    D_P: Array
    loss_P: Array
    irreducible: Number
    a: Number
    alpha: Number
    b: Number | None
    beta: Number | None
    predicted_P: Array
    objective: float
    delta: float
    samples_SK: Array
    alpha_without_P: Array
    objective_without_E: float

    @property
    def residuals_P(self) -> Array:
        """Log of measured over predicted: 0.01 is a loss that is 1% higher than the law's."""
        return np.log(self.loss_P / self.predicted_P)

    def predict(self, N: Array, D: float | None = None) -> Array:
        """The law's loss at sizes.

        Args:
            N: parameters.
            D: tokens; where they vary. The largest of the points if left out.
        """
        numbers = np.array([[n.value for n in self.numbers]])
        return _losses(numbers, N, self._tokens(N, D))[0]

    def band(self, N: Array, D: float | None = None) -> tuple[Array, Array]:
        """Between which losses the resampled laws lie at sizes, as `LEVEL` says."""
        losses_SN = _losses(self.samples_SK, N, self._tokens(N, D))
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(losses_SN, (tail, 1 - tail), axis=0)
        return low, high

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All that were fitted, in the order of `samples_SK`."""
        first = (self.irreducible, self.a, self.alpha)
        return first if self.b is None or self.beta is None else (*first, self.b, self.beta)

    @property
    def is_settled(self) -> bool:
        """Whether the points say how steep the law is, within a factor of `UNSETTLED`."""
        return self.alpha.high <= UNSETTLED * self.alpha.low

    @property
    def needs_irreducible(self) -> bool:
        """Whether the points tell that there is an irreducible term at all."""
        return self.is_settled and self.irreducible.low > 2 * _LEAST_E * float(self.loss_P.min())

    def row(self, N: float, D: float) -> int | None:
        """Which point has so many parameters and tokens; None for none."""
        found = np.flatnonzero((self.N_P == N) & (self.D_P == D))
        return int(found[0]) if len(found) else None

    def _tokens(self, N: Array, D: float | None) -> Array:
        return np.full(len(N), self.D_P.max() if D is None else D)


def fit_law(
    N: Sequence[float],
    D: Sequence[float],
    loss: Sequence[float],
    *,
    delta: float = DELTA,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Generator[float, None, LawFit]:
    """Fit a law; yields the share done between slices of some 50 ms.

    Resamples keep the sizes and draw their deviations from the law anew, with replacement and
    widened by √(n / (n − k)) for the k numbers that were fitted: drawing the few points themselves
    would often leave less than a law needs.

    Args:
        N: parameters of each point.
        D: tokens of each point; where they differ, their term is fitted too.
        loss: of each point, nats.
        delta: of the Huber loss.
        resamples: of the bootstrap.
        seed: of the resamples.

    Raises:
        FitError: there are too few points, or one is no loss.
    """
    N_P, D_P, loss_P = (np.asarray(one, dtype=np.float64) for one in (N, D, loss))
    with_tokens = _check(N_P, D_P, loss_P)
    log_P = np.log(loss_P)
    best, objective = _best(N_P, D_P, log_P[None], delta, with_tokens)
    yield 0.1
    _, without = _best(N_P, D_P, log_P[None], delta, with_tokens, irreducible=False)
    n, k = len(N_P), best.shape[1]
    predicted_P = _losses(_natural(best, with_tokens), N_P, D_P)[0]
    residuals = log_P - np.log(predicted_P)
    wide = residuals * np.sqrt(n / (n - k))
    draws = np.random.default_rng(seed).integers(n, size=(resamples, n))
    found = []
    for start in range(0, resamples, _CHUNK):
        targets = np.log(predicted_P) + wide[draws[start : start + _CHUNK]]
        found.append(_best(N_P, D_P, targets, delta, with_tokens, near=best)[0])
        yield 0.1 + 0.8 * min(1.0, (start + _CHUNK) / resamples)
    samples = _natural(np.concatenate(found), with_tokens)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(samples, (tail, 1 - tail), axis=0)
    value = _natural(best, with_tokens)[0]
    numbers = [Number(float(v), float(lo), float(hi)) for v, lo, hi in zip(value, low, high)]
    return LawFit(
        N_P=_kept(N_P),
        D_P=_kept(D_P),
        loss_P=_kept(loss_P),
        irreducible=numbers[0],
        a=numbers[1],
        alpha=numbers[2],
        b=numbers[3] if with_tokens else None,
        beta=numbers[4] if with_tokens else None,
        predicted_P=_kept(predicted_P),
        objective=float(objective[0]),
        delta=delta,
        samples_SK=_kept(samples),
        alpha_without_P=_kept(_alphas_without(N_P, D_P, log_P, delta, with_tokens)),
        objective_without_E=float(without[0]),
    )


def huber(residuals: Array, delta: float) -> Array:
    """The Huber loss of each residual: half its square near 0, straight beyond ``delta``."""
    size = np.abs(residuals)
    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))


def _check(N_P: Array, D_P: Array, loss_P: Array) -> bool:
    """Whether the tokens vary.

    Raises:
        FitError: the points are too few, or no losses of networks.
    """
    if not len(N_P) == len(D_P) == len(loss_P):
        raise FitError("Every point needs its parameters, its tokens and its loss.")
    values = np.concatenate((N_P, D_P, loss_P))
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise FitError("Parameters, tokens and losses must be finite and above 0.")
    n_sizes, n_tokens = len(np.unique(N_P)), len(np.unique(D_P))
    if n_sizes < LEAST_POINTS:
        raise FitError(
            f"A law needs at least {LEAST_POINTS} sizes that are done; there "
            f"{'is' if n_sizes == 1 else 'are'} {n_sizes}."
        )
    if n_tokens == 1:
        return False
    if n_tokens < LEAST_TOKENS or len(N_P) < LEAST_WITH_TOKENS:
        raise FitError(
            f"A law over tokens needs at least {LEAST_TOKENS} numbers of tokens and "
            f"{LEAST_WITH_TOKENS} points that are done; "
            f"there are {n_tokens} and {len(N_P)}. Fit those of one number of tokens alone."
        )
    return True


def _best(
    N_P: Array,
    D_P: Array,
    target_SP: Array,
    delta: float,
    with_tokens: bool,
    *,
    irreducible: bool = True,
    near: Array | None = None,
) -> tuple[Array, Array]:
    """The minimum for each row of targets, over all beginnings.

    Args:
        N_P, D_P: the points.
        target_SP: logarithms of losses, a row a resample.
        delta: of the Huber loss.
        with_tokens: whether tokens have a term.
        irreducible: whether there is a term E.
        near: a beginning besides those of the grid, ``[1, K]``.

    Returns:
        Parameters ``[S, K]`` (e, a, α, and b, β) and objectives ``[S]``.
    """
    starts_TK = _starts(N_P, D_P, target_SP.mean(0), with_tokens, irreducible)
    if near is not None:
        # The resamples lie around the points' own minimum: fewer beginnings find theirs.
        starts_TK = np.concatenate((near, starts_TK[:: max(1, len(starts_TK) // 4)]))
    S, T = len(target_SP), len(starts_TK)
    params = np.tile(starts_TK, (S, 1))
    target = np.repeat(target_SP, T, axis=0)
    params, objective = _descend(params, N_P, D_P, target, delta, with_tokens, irreducible)
    objective_ST = objective.reshape(S, T)
    chosen = objective_ST.argmin(1)
    return params.reshape(S, T, -1)[np.arange(S), chosen], objective_ST.min(1)


def _starts(N_P: Array, D_P: Array, target_P: Array, with_tokens: bool, irreducible: bool) -> Array:
    """Beginnings: shares of the least loss as E, some exponents, and the A that then fits best."""
    rows = []
    least = np.exp(target_P).min()
    parts = 2 if with_tokens else 1
    shares = _STARTS_SHARE if irreducible else (0.0,)
    for share in shares:
        rest = np.log(np.maximum(np.exp(target_P) - share * least, 1e-3 * least) / parts)
        e = np.log(share * least) if irreducible else -np.inf
        for alpha in _STARTS_ALPHA:
            a = float(np.mean(rest + alpha * np.log(N_P)))
            row = [e, a, alpha]
            if with_tokens:
                row += [float(np.mean(rest + alpha * np.log(D_P))), alpha]
            rows.append(row)
    return np.array(rows)


def _descend(
    params: Array,
    N_P: Array,
    D_P: Array,
    target_RP: Array,
    delta: float,
    with_tokens: bool,
    irreducible: bool,
) -> tuple[Array, Array]:
    """Levenberg-Marquardt steps on the reweighted squares, for all rows at once."""
    floor = np.log(_LEAST_E) + target_RP.min(1)
    R, K = params.shape
    damping = np.full(R, 1e-2)
    model, jacobian = _log_model(params, N_P, D_P, with_tokens)
    objective = huber(model - target_RP, delta).sum(1)
    free = np.ones(K) if irreducible else np.array([0.0, *np.ones(K - 1)])
    idle = 0
    for _ in range(_ITERATIONS):
        residual = model - target_RP
        weight = 1 / np.maximum(np.abs(residual) / delta, 1.0)
        jac = jacobian * free
        JW = jac * weight[:, :, None]
        normal = np.einsum("rpk,rpl->rkl", JW, jac)
        gradient = np.einsum("rpk,rp->rk", JW, residual)
        diagonal = np.einsum("rkk->rk", normal)
        scale = np.maximum(diagonal, 1e-12 * diagonal.max(1, keepdims=True)) + 1e-30
        normal = normal + np.einsum("rk,kl->rkl", damping[:, None] * scale, np.eye(K))
        step = np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
        tried = params - np.clip(step, -2.0, 2.0) * free
        if irreducible:
            tried[:, 0] = np.maximum(tried[:, 0], floor)
        tried[:, 2::2] = np.maximum(tried[:, 2::2], 1e-4)  # a loss that rises with size is no law
        new_model, new_jacobian = _log_model(tried, N_P, D_P, with_tokens)
        new_objective = huber(new_model - target_RP, delta).sum(1)
        better = new_objective < objective
        idle = 0 if (objective - new_objective > _ENOUGH * objective).any() else idle + 1
        params = np.where(better[:, None], tried, params)
        model = np.where(better[:, None], new_model, model)
        jacobian = np.where(better[:, None, None], new_jacobian, jacobian)
        objective = np.where(better, new_objective, objective)
        damping = np.clip(np.where(better, damping / 3, damping * 4), 1e-12, 1e12)
        if idle == _IDLE:
            break
    return params, objective


def _log_model(params: Array, N_P: Array, D_P: Array, with_tokens: bool) -> tuple[Array, Array]:
    """Log L at the points and its derivatives, ``[R, P]`` and ``[R, P, K]``."""
    log_N, log_D = np.log(N_P), np.log(D_P)
    e, a, alpha = params[:, 0, None], params[:, 1, None], params[:, 2, None]
    terms = [np.broadcast_to(e, (len(params), len(N_P))), a - alpha * log_N]
    if with_tokens:
        terms.append(params[:, 3, None] - params[:, 4, None] * log_D)
    stacked = np.stack(terms)
    top = stacked.max(0)
    parts = np.exp(stacked - top)
    whole = parts.sum(0)
    share = parts / whole
    columns = [share[0], share[1], -share[1] * log_N]
    if with_tokens:
        columns += [share[2], -share[2] * log_D]
    return top + np.log(whole), np.stack(columns, axis=2)


def _natural(params: Array, with_tokens: bool) -> Array:
    """E, A, α (B, β) of the parameters of the search."""
    found = params.copy()
    for column in (0, 1, 3) if with_tokens else (0, 1):
        found[:, column] = np.exp(found[:, column])
    return found


def _losses(numbers_SK: Array, N: Array, D: Array) -> Array:
    """L at sizes, ``[S, N]``."""
    E, A, alpha = (numbers_SK[:, at, None] for at in range(3))
    losses = E + A * N**-alpha
    if numbers_SK.shape[1] == 5:
        losses = losses + numbers_SK[:, 3, None] * D ** -numbers_SK[:, 4, None]
    return losses


def _alphas_without(N_P: Array, D_P: Array, log_P: Array, delta: float, with_tokens: bool) -> Array:
    """α where each point in turn is left out; NaN where too few would be left."""
    found = np.full(len(N_P), np.nan)
    for at in range(len(N_P)):
        left = np.arange(len(N_P)) != at
        try:
            still = _check(N_P[left], D_P[left], np.exp(log_P[left]))
        except FitError:
            continue
        if still == with_tokens:
            best, _ = _best(N_P[left], D_P[left], log_P[None, left], delta, with_tokens)
            found[at] = best[0, 2]
    return found


def _kept(array: Array) -> Array:
    array = np.array(array)
    array.flags.writeable = False
    return array
