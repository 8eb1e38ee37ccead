"""What a neuron writes and what that does to tokens' scores, and which tokens it listens to.

From the weights alone. Knows MLPs, mixtures, embedding and unembedding; no text.
Shape suffixes: D d_model, M neurons, V vocabulary.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from model.network.mlp import MLP, Mixture
from model.network.norm import Norm
from model.transformer import Transformer


def write_lengths(network: Transformer, layer: int, neurons: Tensor) -> Tensor:
    """‖what a neuron writes for an activation of one‖, for each of some neurons."""
    tables = _tables(network, layer)
    wide = torch.promote_types(tables[0].dtype, torch.float32)
    lengths_M = torch.cat([torch.linalg.vector_norm(one.to(wide), dim=0) for one in tables])
    return lengths_M[neurons] * network.config.scales.residual


def direction(network: Transformer, layer: int, neuron: int) -> Tensor:
    """What a neuron writes to the stream for an activation of one, ``[D]``."""
    expert, place = divmod(neuron, network.config.d_mlp)
    return _tables(network, layer)[expert][:, place] * network.config.scales.residual


def token_effects(network: Transformer, direction_D: Tensor, *, fold_norm: bool) -> Tensor:
    """What a direction of the stream does to every token's score, ``[V]``, without any scale.

    Args:
        network: with a head that scores tokens.
        direction_D: the direction.
        fold_norm: multiply with the final norm's weight, and centre where it centres.
    """
    assert network.unembed is not None
    x_D = read_by_unembedding(network, direction_D, fold_norm=fold_norm)
    scores_V = torch.mv(network.unembed.weight, x_D)
    return scores_V * network.config.scales.logits


def read_by_unembedding(network: Transformer, direction_D: Tensor, *, fold_norm: bool) -> Tensor:
    """A direction, or several, as the unembedding finds it: normed and projected, ``[..., D]``.

    Args:
        network: with a head that scores tokens.
        direction_D: the direction; the last axis is the stream's.
        fold_norm: as of `token_effects`.
    """
    x_D = direction_D
    norm = network.ln_final
    if fold_norm and norm is not None:
        x_D = (x_D if norm.rms else x_D - x_D.mean(-1, keepdim=True)) * norm.weight()
        x_D = x_D.to(direction_D.dtype)
    if network.project_out is not None:
        x_D = network.project_out(x_D)
    return x_D


def listening(network: Transformer, layer: int, neuron: int, *, fold_norm: bool) -> Tensor:
    """How much each token's embedding alone would put into a neuron's nonlinearity, ``[V]``.

    Through ``W_gate`` of a gated MLP, through ``W_in`` of any other; without bias and positions,
    and without the scale of the norm before it.

    Args:
        network: whose.
        layer: of the block.
        neuron: its number.
        fold_norm: multiply with the weight of the norm that the MLP reads through, and centre
            where it centres.
    """
    expert, place = divmod(neuron, network.config.d_mlp)
    mlp = _mlps(network, layer)[expert]
    linear = mlp.up if mlp.gate is None else mlp.gate
    x_D = linear.weight.detach()[place]
    norm = norm_before(network, layer)
    if fold_norm and norm is not None:
        x_D = x_D * norm.weight()
        x_D = (x_D if norm.rms else x_D - x_D.mean()).to(linear.weight.dtype)
    if network.project_in is not None:
        x_D = network.project_in.weight.detach().T @ x_D
    return torch.mv(network.embed.weight.detach(), x_D) * network.config.scales.embedding


def norm_before(network: Transformer, layer: int) -> Norm | None:
    """The norm through which an MLP reads the stream; None where it reads it as it is."""
    block = network.blocks[layer]
    if network.config.norms.placement == "post":
        return None
    found = block.ln1 if network.config.parallel and block.ln2 is None else block.ln2
    return cast("Norm | None", found)


def _tables(network: Transformer, layer: int) -> list[Tensor]:
    """``W_out`` of the MLP or of each expert, ``[D, M]``."""
    return [one.down.weight.detach() for one in _mlps(network, layer)]


def _mlps(network: Transformer, layer: int) -> list[MLP]:
    """The MLP of a block, or its experts."""
    mlp = cast("MLP | Mixture", network.blocks[layer].mlp)
    return [mlp] if isinstance(mlp, MLP) else [cast("MLP", one) for one in mlp.experts]
