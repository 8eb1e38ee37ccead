"""What decays, and what a step asks of the C library."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model.train.optimiser import optimiser_of
from model.train.presets import PRESETS
from model.transformer import Transformer


@pytest.mark.parametrize("tied", [True, False])
def test_matrices_decay_and_biases_and_norms_do_not(tied: bool) -> None:
    recipe = replace(PRESETS["tiny"], weight_decay=0.5, lr=0.1, tied_embeddings=tied)
    network = Transformer(recipe.config(d_vocab=7))
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    for p in network.parameters():
        p.grad = torch.zeros_like(p)
    optimiser_of(network, recipe).step()
    for name, p in network.named_parameters():
        expected = before[name] * (1 - 0.1 * 0.5) if p.ndim >= 2 else before[name]
        torch.testing.assert_close(p.detach(), expected, msg=name)


def test_tied_weights_are_updated_once() -> None:
    network = Transformer(PRESETS["tiny"].config(d_vocab=7))
    groups = optimiser_of(network, PRESETS["tiny"]).param_groups
    assert sum(p.numel() for group in groups for p in group["params"]) == network.config.n_params
