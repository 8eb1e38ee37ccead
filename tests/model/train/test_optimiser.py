"""What decays, and what a step asks of the C library."""

from __future__ import annotations

import platform
from dataclasses import replace

import pytest
import torch

from model.train.optimiser import keep_freed_memory, optimiser_of
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


def test_freed_memory_is_kept_for_the_next_step() -> None:
    kept = keep_freed_memory()
    assert kept == (platform.libc_ver()[0] == "glibc")
    if not kept:
        return

    import resource

    def faults() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    torch.ones(1 << 20)
    before = faults()
    for _ in range(20):
        torch.ones(1 << 20)  # 4 MiB: 1,024 pages each, if the kernel hands them out anew
    assert faults() - before < 2000
