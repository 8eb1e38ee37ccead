"""AdamW (Loshchilov and Hutter 2019) as language models use it, and gradient clipping.

Also what a process does once so that steps are quick. Knows parameters and gradients; no text,
no run.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from model.train.recipe import Recipe


def adamw(transformer: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """The optimiser of a run: matrices and embeddings decay, biases and norms do not."""
    parameters = list(transformer.parameters())  # tied ones once
    groups = [
        {
            "params": [p for p in parameters if p.ndim >= 2],
            "weight_decay": recipe.weight_decay,
        },
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=recipe.lr,
        betas=(recipe.beta1, recipe.beta2),
        fused=parameters[0].device.type in ("cpu", "cuda"),
    )


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


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed blocks for the next step instead of handing them to the kernel.

    A step frees and takes the same large tensors again and again. By default glibc returns each
    to the kernel, which clears every page anew at first touch: 350 to 2,000 page faults a step
    of a small network, 3-7 % of its time; none with this. Holds for the process; other C
    libraries are left alone.

    Returns:
        Whether it was done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    m_trim_threshold, m_mmap_threshold = -1, -3  # malloc.h
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(m_mmap_threshold, 1 << 30)) and bool(
        mallopt(m_trim_threshold, (1 << 31) - 1)
    )
