"""MLPs and mixtures of experts; fused, or step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import Experts, TransformerConfig
from model.network import training_kernels
from model.network.keep import Keep
from model.network.linear import Linear


class MLP(nn.Module):
    """Two linear maps around a nonlinearity, or a gated one (Shazeer 2020).

    Args:
        config: sizes and choices.
        name: what its activations' names begin with, ``blocks.0.mlp``; an expert has none.
    """

    def __init__(self, config: TransformerConfig, name: str = "") -> None:
        super().__init__()
        self.name = name
        self.activation = config.activation
        self.up = Linear(config.d_model, config.d_mlp, bias=config.mlp_bias)
        self.gate = (
            Linear(config.d_model, config.d_mlp, bias=config.mlp_bias) if config.gated else None
        )
        self.down = Linear(config.d_mlp, config.d_model, bias=config.mlp_bias)

    def forward(self, x_BTD: Tensor, keep: Keep | None = None) -> Tensor:
        """What the MLP adds to the stream, before any norm or scale of it, ``[B, T, D]``."""
        if keep is not None:
            return self._kept(x_BTD, keep)
        up_BTM = self.up(x_BTD)
        if self.gate is None:
            return self.down(activate(up_BTM, self.activation))
        return self.down(activate(self.gate(x_BTD), self.activation) * up_BTM)

    def _kept(self, x_BTD: Tensor, keep: Keep) -> Tensor:
        """The same, with names: the hidden layer isn't let go before it was handed over."""
        pre_BTM = up_BTM = self.up(x_BTD)
        if self.gate is not None:
            pre_BTM = self.gate(x_BTD)
            keep(f"{self.name}.hook_pre_linear", up_BTM)
        keep(f"{self.name}.hook_pre", pre_BTM)
        post_BTM = activate(pre_BTM, self.activation)
        if self.gate is not None:
            post_BTM = post_BTM * up_BTM
        keep(f"{self.name}.hook_post", post_BTM)
        return self.down(post_BTM)


class Mixture(nn.Module):
    """A mixture of experts: each position is sent to the few that a router likes best."""

    def __init__(self, config: TransformerConfig, name: str = "") -> None:
        super().__init__()
        self.name = name
        assert config.experts is not None
        self.sizes: Experts = config.experts
        self.d_mlp = config.d_mlp
        self.router = Linear(config.d_model, config.experts.n, bias=False)
        self.experts = nn.ModuleList(MLP(config) for _ in range(config.experts.n))

    def forward(self, x_BTD: Tensor, keep: Keep | None = None) -> Tensor:
        """What the chosen experts add to the stream together, ``[B, T, D]``."""
        router_BTX = self.router(x_BTD)
        weights_BTX = self.weigh(router_BTX)
        indices_BTA = self.choose(weights_BTX)
        shares_BTA = self.share(weights_BTX, indices_BTA)
        if keep is not None:
            keep(f"{self.name}.hook_router", router_BTX)
            keep(f"{self.name}.hook_expert_weights", weights_BTX)
            keep(f"{self.name}.hook_expert_indices", indices_BTA)
            keep(f"{self.name}.hook_expert_shares", shares_BTA)
        out_BTD = torch.zeros_like(x_BTD)
        for e, expert in enumerate(self.experts):
            at = (indices_BTA == e).nonzero(as_tuple=True)
            if len(at[0]):
                place = at[:2]
                part = expert(x_BTD[place]) * shares_BTA[at][:, None]
                out_BTD.index_put_(place, part.to(x_BTD.dtype), accumulate=True)
        return out_BTD

    def weigh(self, router_BTX: Tensor) -> Tensor:
        """A share for each expert, ``[B, T, X]``; at least float32, or close races were drawn."""
        wide = torch.promote_types(router_BTX.dtype, torch.float32)
        return router_BTX.softmax(-1, dtype=wide)

    def choose(self, weights_BTX: Tensor) -> Tensor:
        """The experts with the largest weights, largest first, ``[B, T, A]``."""
        return weights_BTX.topk(self.sizes.n_active, dim=-1).indices

    def share(self, weights_BTX: Tensor, indices_BTA: Tensor) -> Tensor:
        """How much each chosen expert counts, ``[B, T, A]``."""
        chosen_BTA = weights_BTX.gather(-1, indices_BTA)
        if not self.sizes.normalized:
            return chosen_BTA
        return chosen_BTA / chosen_BTA.sum(-1, keepdim=True)

    def hidden(self, x_BTD: Tensor, indices_BTA: Tensor, which: str) -> Tensor:
        """What the chosen experts' linear map ``up`` or ``gate`` makes of it, ``[B, T, A, M]``."""
        out_BTAM = x_BTD.new_empty(*indices_BTA.shape, self.d_mlp)
        for e, expert in enumerate(self.experts):
            at = (indices_BTA == e).nonzero(as_tuple=True)
            linear = cast("Callable[[Tensor], Tensor]", getattr(expert, which))
            out_BTAM[at] = linear(x_BTD[at[:2]])
        return out_BTAM

    def join(self, hidden_BTAM: Tensor, shares_BTA: Tensor, indices_BTA: Tensor) -> Tensor:
        """The chosen experts' outputs, each as much as its share, ``[B, T, D]``."""
        d_model = self.router.in_features
        out_BTAD = hidden_BTAM.new_empty(*indices_BTA.shape, d_model)
        for e, expert in enumerate(self.experts):
            at = (indices_BTA == e).nonzero(as_tuple=True)
            out_BTAD[at] = cast("MLP", expert).down(hidden_BTAM[at])
        return (out_BTAD * shares_BTA[..., None]).sum(-2).to(hidden_BTAM.dtype)


def activate(x: Tensor, activation: str) -> Tensor:
    """The MLP's nonlinearity, elementwise."""
    match activation:
        case "gelu_tanh":
            return F.gelu(x, approximate="tanh")
        case "gelu":
            return F.gelu(x)
        case "relu":
            return F.relu(x)
        case "relu2":
            return training_kernels.relu2(x) if training_kernels.wanted(x) else F.relu(x).square()
        case "silu":
            return F.silu(x)
        case "quick_gelu":
            return x * torch.sigmoid(1.702 * x)
        case "gelu_10":
            return F.gelu(x).clamp(-10, 10)
        case "mish":
            return F.mish(x)
        case "tanh":
            return torch.tanh(x)
        case "sigmoid":
            return torch.sigmoid(x)
        case "relu6":
            return F.relu6(x)
        case "leaky_relu":
            return F.leaky_relu(x)
        case "hardswish":
            return F.hardswish(x)
        case "laplace":  # Ma et al. 2022 (MEGA)
            return 0.5 * (1 + torch.erf((x - 0.707107) / (0.282095 * math.sqrt(2))))
        case "sqrtsoftplus":
            return F.softplus(x).sqrt()
        case "linear":
            return x
    raise ValueError(f"Unknown activation {activation!r}.")
