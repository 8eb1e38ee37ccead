"""The law that is found is the one that was put in, and the best by the same measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.slices import finish
from model.train.scaling.fit import FitError, LawFit, fit_law, huber
from model.train.scaling.published import verdict

N = np.array([3.3e3, 9e3, 2.5e4, 8.4e4, 2e5, 6.7e5])
D = np.full(6, 2e6)
LAW = 0.9 + 30 / N**0.4


def fitted(loss: NDArray[np.float64], sizes: NDArray[np.float64] = N, **options: Any) -> LawFit:
    tokens = options.pop("tokens", np.full(len(sizes), 2e6))
    return finish(fit_law(list(sizes), list(tokens), list(loss), **options))


def noisy(scale: float, seed: int) -> NDArray[np.float64]:
    return LAW * np.exp(np.random.default_rng(seed).normal(0, scale, len(LAW)))


def test_an_exact_law_is_found_exactly() -> None:
    fit = fitted(LAW)
    assert [one.value for one in fit.numbers] == pytest.approx([0.9, 30, 0.4], rel=1e-5)
    assert np.abs(fit.residuals_P).max() < 1e-8
    assert fit.alpha.high - fit.alpha.low < 1e-4
    assert fit.alpha_without_P == pytest.approx(np.full(6, 0.4), rel=1e-4)
    assert fit.predict(np.array([1e7])) == pytest.approx([0.9 + 30 / 1e7**0.4])
    assert fit.needs_irreducible


def test_no_other_search_finds_a_better_one() -> None:
    """Torch's L-BFGS from several beginnings, as Hoffmann et al. did it."""
    loss = noisy(0.01, 1)
    fit = fitted(loss, resamples=20, delta=1e-3)
    least = np.inf
    log_N, log_L = torch.tensor(np.log(N)), torch.tensor(np.log(loss))
    for e in (0.2, 0.9):
        for alpha in (0.2, 0.6):
            p = torch.tensor([np.log(e), 3.0, alpha], dtype=torch.float64, requires_grad=True)
            search = torch.optim.LBFGS([p], max_iter=300, line_search_fn="strong_wolfe")

            def cost(p: torch.Tensor = p, search: torch.optim.LBFGS = search) -> torch.Tensor:
                search.zero_grad()
                law = torch.logaddexp(p[0], p[1] - p[2] * log_N)
                found = torch.nn.functional.huber_loss(law, log_L, delta=1e-3, reduction="sum")
                found.backward()
                return found

            search.step(cost)
            least = min(least, cost().item())
    assert fit.objective <= least * (1 + 1e-6)
    assert fit.objective == pytest.approx(huber(fit.residuals_P, 1e-3).sum())


def test_the_interval_holds_the_truth_and_grows_with_the_noise() -> None:
    held, widths = 0, []
    for scale in (0.002, 0.02):
        wide = []
        for seed in range(4):
            fit = fitted(noisy(scale, seed), resamples=50)
            held += fit.alpha.low <= 0.4 <= fit.alpha.high
            wide.append(fit.alpha.high - fit.alpha.low)
        widths.append(np.median(wide))
    assert held >= 5, "of 8 intervals of 90 %"
    assert widths[1] > 3 * widths[0]


def test_the_band_holds_the_law_and_widens_beyond_the_points() -> None:
    fit = fitted(noisy(0.005, 3), resamples=100)
    low, high = fit.band(np.array([8e4, 1e9]))
    law = fit.predict(np.array([8e4, 1e9]))
    assert (low <= law).all()
    assert (law <= high).all()
    assert high[1] / low[1] > high[0] / low[0]


def test_an_outlier_moves_a_huber_fit_less_than_squares() -> None:
    loss = LAW.copy()
    loss[2] *= 1.05
    assert abs(fitted(loss, resamples=20, delta=1e-3).alpha.value - 0.4) < 0.005
    assert abs(fitted(loss, resamples=20, delta=10.0).alpha.value - 0.4) > 0.02


def test_a_law_without_an_irreducible_term_says_that_it_can_not_tell() -> None:
    pure = 30 / N**0.2 * np.exp(np.random.default_rng(0).normal(0, 0.003, 6))
    fit = fitted(pure, resamples=100)
    assert fit.alpha.low <= 0.2 <= fit.alpha.high
    assert not fit.needs_irreducible
    assert "do not tell" in verdict(fit)
    assert fitted(LAW).objective_without_E > 1e-4


def test_tokens_have_a_term_of_their_own_where_they_vary() -> None:
    sizes, tokens = np.tile(N, 4), np.repeat([2.5e5, 5e5, 1e6, 4e6], 6)
    loss = 0.9 + 30 / sizes**0.4 + 200 / tokens**0.45
    fit = fitted(loss, sizes, tokens=tokens, resamples=20)
    assert fit.b is not None
    assert fit.beta is not None
    assert [one.value for one in fit.numbers] == pytest.approx([0.9, 30, 0.4, 200, 0.45], rel=1e-3)
    assert fit.predict(np.array([2e5]), 1e6) == pytest.approx(loss[16], rel=1e-5)


def test_noise_alone_is_said_to_settle_nothing() -> None:
    flat = 2.4 * np.exp(np.random.default_rng(1).normal(0, 0.02, 6))
    fit = fitted(flat, resamples=100)
    assert "do not settle the exponent" in verdict(fit)
    assert not fit.needs_irreducible


@pytest.mark.parametrize(
    ("sizes", "tokens", "loss", "says"),
    [
        (N[:4], D[:4], LAW[:4], "at least 5 sizes that are done; there are 4"),
        (np.full(6, 1e4), D, LAW, "there is 1"),
        (N, D, np.array([1, 1, 1, 1, 1, np.nan]), "finite and above 0"),
        (N, np.array([1e6, 2e6] * 3), LAW, "at least 3 numbers of tokens"),
        (N, D[:5], LAW, "Every point needs"),
    ],
)
def test_points_that_no_law_goes_through_are_refused(
    sizes: Any, tokens: Any, loss: Any, says: str
) -> None:
    with pytest.raises(FitError, match=says):
        finish(fit_law(list(sizes), list(tokens), list(loss)))
