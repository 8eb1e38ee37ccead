"""Published sizes come from published configs by the formula, and are the known ones."""

from __future__ import annotations

import pytest

from model.published import PUBLISHED

BY_NAME = {one.name: one.config for one in PUBLISHED}


@pytest.mark.parametrize(
    ("name", "n_params", "mlp_percent"),
    [
        ("GPT-2 small", 124_439_808, 45.5),
        ("GPT-2 medium", 354_823_168, 56.8),
        ("GPT-2 large", 774_030_080, 61.0),
        ("GPT-2 XL", 1_557_611_200, 63.1),
        ("GPT-3 175B", 175_181_291_520 + 193 * 2 * 12288, 66.2),  # matrices, and norms
    ],
)
def test_sizes_and_the_share_of_mlps_are_the_known_ones(
    name: str, n_params: int, mlp_percent: float
) -> None:
    config = BY_NAME[name]
    assert config.n_params == n_params
    assert round(100 * config.parameter_counts()["mlp"] / n_params, 1) == mlp_percent
