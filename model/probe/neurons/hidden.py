"""The neurons of a block by number, whether its MLP is one or a mixture of experts.

A neuron of a mixture has the number expert × neurons of one + its place in it; where a token isn't
sent to its expert it has no activation. Knows the bench and names; no question. Shape suffixes: B
windows, T positions, A active experts, M neurons of an MLP, N all neurons, R some of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from model.bench import Bench
from model.config import TransformerConfig
from model.subject import Subject


def names(config: TransformerConfig, layer: int, *hooks: str) -> tuple[str, ...]:
    """The activations that `spread` needs for some of ``hook_post``, ``hook_pre``, …."""
    own = tuple(f"blocks.{layer}.mlp.{hook}" for hook in hooks)
    if config.experts is None:
        return own
    return (*own, f"blocks.{layer}.mlp.hook_expert_indices")


def share_name(layer: int) -> str:
    """The activation with how much each chosen expert counts."""
    return f"blocks.{layer}.mlp.hook_expert_shares"


def spread(config: TransformerConfig, layer: int, hook: str, found: Mapping[str, Tensor]) -> Tensor:
    """One hook's values of every neuron, ``[B, T, N]``; NaN where an expert isn't asked.

    Args:
        config: of the network.
        layer: of the block.
        hook: ``hook_post``, ``hook_pre`` or ``hook_pre_linear``.
        found: has it, and the experts' indices if there are experts (`names`).
    """
    values = found[f"blocks.{layer}.mlp.{hook}"]
    if config.experts is None:
        return values
    indices_BTA = found[f"blocks.{layer}.mlp.hook_expert_indices"]
    return _spread(values, indices_BTA, config.experts.n)


def spread_experts(
    config: TransformerConfig, layer: int, found: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """How much the expert of each neuron counts at each token, and as which of the chosen.

    Returns:
        ``[B, T, N]`` each; NaN where it isn't asked.
    """
    shares_BTA = found[share_name(layer)]
    indices_BTA = found[f"blocks.{layer}.mlp.hook_expert_indices"]
    assert config.experts is not None
    places_BTA = torch.arange(shares_BTA.shape[-1], device=shares_BTA.device).to(shares_BTA)
    some = shares_BTA, places_BTA.expand(shares_BTA.shape)
    alike = (one[..., None].expand(*one.shape, config.d_mlp) for one in some)
    share_BTN, place_BTN = (_spread(one, indices_BTA, config.experts.n) for one in alike)
    return share_BTN, place_BTN


def _spread(values_BTAM: Tensor, indices_BTA: Tensor, n_experts: int) -> Tensor:
    B, T, _, M = values_BTAM.shape
    out_BTXM = values_BTAM.new_full((B, T, n_experts, M), torch.nan)
    out_BTXM.scatter_(2, indices_BTA[..., None].expand(values_BTAM.shape), values_BTAM)
    return out_BTXM.reshape(B, T, n_experts * M)


def of_some(
    bench: Bench, subject: Subject, layer: int, neurons_R: Tensor, hooks: tuple[str, ...]
) -> dict[str, Tensor]:
    """Some neurons at every token, by hook, ``[T, R]``; NaN where an expert isn't asked.

    Args:
        bench, subject: whose.
        layer: of the block.
        neurons_R: their numbers.
        hooks: ``hook_post``, ``hook_pre``, ``hook_pre_linear``.
    """
    config = bench.network(subject).config
    parts: dict[str, list[Tensor]] = {hook: [] for hook in hooks}
    for start in range(0, subject.n_tokens, AT_ONCE):
        found = bench.values(subject, names(config, layer, *hooks), start, start + AT_ONCE)
        with torch.inference_mode():
            for hook in hooks:
                own_TN = spread(config, layer, hook, found)[0]
                parts[hook].append(own_TN[:, neurons_R.to(own_TN.device)].cpu())
    return {hook: torch.cat(some) for hook, some in parts.items()}


AT_ONCE = 256
"""Tokens whose hidden layer is computed in one go."""
