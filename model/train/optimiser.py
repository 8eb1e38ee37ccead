"""The optimiser of a run, AdamW (Loshchilov and Hutter 2019) or Muon with it, and clipping.

Also what a process does once so that steps are quick. Knows parameters and gradients; no text,
no run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from model.device import keep_freed_memory
from model.train.muon import Muon
from model.train.recipe import Recipe
from model.train.run_folder import RunError
from model.transformer import Transformer


def optimiser_of(
    transformer: nn.Module, recipe: Recipe, dtype: torch.dtype = torch.float32
) -> torch.optim.AdamW:
    """The optimiser of a run: matrices and embeddings decay, biases and norms do not.

    Args:
        transformer: the network, or an adapter of it, whose parameters it changes.
        recipe: names the optimiser and its numbers.
        dtype: in which Muon makes matrices orthogonal.

    Raises:
        RunError: the network lies in shards, of which Muon can make nothing orthogonal.
    """
    named = list(transformer.named_parameters())  # tied ones once
    by_muon = {
        name: _rows_of_matrices(name, parameter, transformer)
        for name, parameter in named
        if recipe.optimiser == "muon" and name.startswith("blocks.") and parameter.ndim == 2
    }
    others = [parameter for name, parameter in named if name not in by_muon]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in others if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
    ]
    usual: dict[str, Any] = {
        "lr": recipe.lr,
        "betas": (recipe.beta1, recipe.beta2),
        "fused": others[0].device.type in ("cpu", "cuda"),
    }
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW([group for group in groups if group["params"]], **usual)
    if any(isinstance(parameter, DTensor) for parameter in others):
        raise RunError(
            "Muon needs whole matrices, and the network lies in shards: train with copies "
            "(--parallel ddp), or with optimiser = 'adamw'."
        )
    matrices = {
        "params": [parameter for name, parameter in named if name in by_muon],
        "weight_decay": recipe.weight_decay,
        "rule": "muon",
        "momentum": recipe.momentum,
        "cuts": list(by_muon.values()),
        "lr_factor": recipe.matrix_lr / recipe.lr,
    }
    return Muon([group for group in (matrices, *groups) if group["params"]], dtype, **usual)


def _rows_of_matrices(
    name: str, parameter: nn.Parameter, transformer: nn.Module
) -> tuple[int, ...]:
    """The rows of the matrices in a parameter: queries, keys and values lie in one."""
    if not name.endswith(".qkv.weight"):
        return (parameter.shape[0],)
    config = cast("Transformer", transformer).config
    kv = config.n_kv_heads * config.d_head
    return (config.n_heads * config.d_head, kv, kv)


def set_rate(optimiser: torch.optim.Optimizer, lr: float) -> None:
    """The learning rate of the next update; matrices that Muon moves have their own share of it."""
    for group in optimiser.param_groups:
        group["lr"] = lr * group.get("lr_factor", 1.0)


def gradients(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    """Every gradient there is."""
    groups = optimiser.param_groups
    return [p.grad for group in groups for p in group["params"] if p.grad is not None]


def grad_norm(grads: Sequence[Tensor]) -> Tensor:
    """The norm of all gradients together; no wait for the device."""
    return get_total_norm(grads)


def clip(optimiser: torch.optim.Optimizer, limit: float, norm: Tensor) -> None:
    """Scale all gradients so that their norm is at most ``limit``."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    clip_grads_with_norm_(parameters, limit, norm)


def warm_up() -> None:
    """Everything that torch or the C library do slowly once: call it before the first step counts.

    The first optimiser imports 130-190 ms of modules; the first backward starts autograd.
    """
    keep_freed_memory()
    weight = nn.Parameter(torch.zeros(2, 2))
    optimiser = torch.optim.AdamW([weight], fused=True)
    weight.square().sum().backward()
    grad_norm(gradients(optimiser))
    optimiser.step()
