"""Muon, held to a singular value decomposition and to a plain float64 update."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.train.muon import Muon, orthogonal
from model.train.optimiser import optimiser_of, set_rate
from model.train.presets import PRESETS
from model.transformer import Transformer

RECIPE = replace(
    PRESETS["tiny"],
    d_model=8,
    d_mlp=20,
    n_layers=1,
    optimiser="muon",
    matrix_lr=0.1,
    momentum=0.7,
    weight_decay=0.3,
    lr=0.02,
)
COEFFICIENTS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
)
Array = NDArray[np.float64]


def made(seed: int = 3) -> Transformer:
    network = Transformer(RECIPE.config(d_vocab=7)).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.3, generator=generator)
    return network


def set_gradients(network: Transformer, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)


def polar(matrix: Array) -> Array:
    """By the singular values alone: an odd polynomial leaves the vectors as they are."""
    u, s, v = np.linalg.svd(matrix / (np.linalg.norm(matrix) * 1.02), full_matrices=False)
    for a, b, c in COEFFICIENTS:
        s = a * s + b * s**3 + c * s**5
    return (u * s) @ v


def test_directions_learn_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(3, 12, 40, generator=generator, dtype=torch.float64)
    matrices *= torch.logspace(0, -2, 12, dtype=torch.float64)[:, None]  # 200 times as long
    found = orthogonal(matrices, torch.float64)
    for one, of in zip(found.numpy(), matrices.numpy(), strict=True):
        assert np.allclose(one, polar(of), atol=1e-6)
        values = np.linalg.svd(one, compute_uv=False)
        assert 0.4 < values.min() <= values.max() < 1.6
    assert not orthogonal(torch.zeros(1, 4, 6), torch.float32).any()


def test_half_precision_is_near_enough() -> None:
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(2, 32, 96, generator=generator)
    exact = orthogonal(matrices, torch.float32)
    off = orthogonal(matrices, torch.bfloat16).float() - exact
    assert off.norm() / exact.norm() < 0.06


def test_an_update_is_that_of_a_plain_one_and_queries_keys_and_values_are_three() -> None:
    network = made()
    before = {name: p.detach().numpy().copy() for name, p in network.named_parameters()}
    optimiser = optimiser_of(network, RECIPE, torch.float64)
    assert isinstance(optimiser, Muon)
    momenta: dict[str, Array] = {}
    for step, lr in ((1, 0.02), (2, 0.01)):
        set_gradients(network, step)
        set_rate(optimiser, lr)
        optimiser.step()
        rate = lr * 0.1 / 0.02  # rises and falls as the other
        for name, parameter in network.named_parameters():
            if not name.startswith("blocks.") or parameter.ndim < 2:
                continue
            assert parameter.grad is not None
            grad = parameter.grad.numpy()
            momentum = momenta[name] = 0.7 * momenta.get(name, np.zeros_like(grad)) + 0.3 * grad
            ahead = 0.3 * grad + 0.7 * momentum
            parts = np.split(ahead, 3) if name.endswith("qkv.weight") else [ahead]
            moved = np.concatenate(
                [polar(part) * max(1.0, part.shape[0] / part.shape[1]) ** 0.5 for part in parts]
            )
            before[name] = before[name] * (1 - rate * 0.3) - rate * moved
            found = parameter.detach().numpy()
            assert np.allclose(found, before[name], atol=1e-6), (step, name)
    assert set(momenta) == {
        "blocks.0.attn.qkv.weight",
        "blocks.0.attn.out.weight",
        "blocks.0.mlp.up.weight",
        "blocks.0.mlp.down.weight",
    }


def test_all_else_is_moved_by_adamw() -> None:
    ours, theirs = made(), made()
    both = (
        optimiser_of(ours, RECIPE, torch.float64),
        optimiser_of(theirs, replace(RECIPE, optimiser="adamw")),
    )
    for step in (1, 2):
        for network, optimiser in zip((ours, theirs), both, strict=True):
            set_gradients(network, step)
            optimiser.step()
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        by_muon = name.startswith("blocks.") and a.ndim == 2
        assert torch.equal(a, b) != by_muon, name


@pytest.mark.parametrize("n_kv_heads", [1, 2])
def test_what_it_keeps_comes_back(n_kv_heads: int) -> None:
    recipe = replace(RECIPE, n_kv_heads=n_kv_heads)
    first, second = (Transformer(recipe.config(d_vocab=7)) for _ in range(2))
    one = optimiser_of(first, recipe)
    set_gradients(first, 1)
    one.step()
    second.load_state_dict(first.state_dict())
    other = optimiser_of(second, recipe)
    state: dict[str, Any] = deepcopy(one.state_dict())
    other.load_state_dict(state)
    for network, optimiser in ((first, one), (second, other)):
        set_gradients(network, 2)
        optimiser.step()
    for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b), name
