"""What an MLP writes neuron by neuron, and where a router sends a position.

Knows a scene in the making and the network's weights. Shape suffixes: A active experts, D d_model,
M d_mlp, N neurons, X experts.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from model.network.mlp import MLP, Mixture
from model.parameters import parameter
from model.probe.neurons.weights import direction, read_by_unembedding
from model.probe.question import Array
from model.probe.scene.making import Making
from model.probe.tensors.compute import to_array

PROMOTED = 4
"""Tokens that are told of each neuron."""
AT_ONCE = 8192
"""Tokens of the vocabulary that are scored in a slice."""

Promoted: TypeAlias = tuple[tuple[tuple[int, float], ...], ...]
"""Of each neuron, the ids of tokens, each with by how much its score is raised."""


def write(making: Making) -> None:
    """The neurons that write most, what each of them adds, and what all the others add."""
    op, config = making.op, making.config
    if config.experts is not None:
        _routing(making)
        making.vector("out", op.output)
        return
    making.vector("in", op.inputs[0], whole=True)
    h_M = making.panels[0].values_RC[0]
    table_MD = parameter(making.network, op.parameters[0])
    wide = torch.promote_types(table_MD.dtype, torch.float32)
    with torch.inference_mode():
        lengths_M = to_array(torch.linalg.vector_norm(table_MD.to(wide), dim=1))
    written_M = np.nan_to_num(np.abs(h_M) * lengths_M, nan=-1.0)
    n = max(1, min(making.question.most_keys, len(h_M)))
    shown = np.argsort(-written_M, kind="stable")[:n]
    rows_ND = to_array(table_MD[torch.from_numpy(shown.copy())])
    parts_ND = h_M[shown, None] * rows_ND * config.scales.residual
    making.add("table", op.parameters[0], "MD", rows_ND.copy(), (None, None), shown)
    name = f"{op.inputs[0]} · {op.parameters[0]}"
    making.add("parts", name, "MD", parts_ND, (None, None), shown)
    _add_rest(making, h_M, shown, table_MD, len(h_M) - n)
    for bias in op.parameters[1:]:
        making.parameter(bias)
    making.vector("out", op.output)


def _add_rest(making: Making, h_M: Array, shown: Array, table_MD: Tensor, n_others: int) -> None:
    if not n_others:
        return
    others_M = h_M.copy()
    others_M[shown] = 0
    with torch.inference_mode():
        others = torch.from_numpy(others_M).to(table_MD.device)
        wide = torch.promote_types(others.dtype, table_MD.dtype)
        rest_D = to_array(others.to(wide) @ table_MD.to(wide)) * making.config.scales.residual
    making.add("rest", f"{n_others:,} other neurons", " D", rest_D[None], (None,))


def promoting(making: Making) -> Generator[None, None, Promoted]:
    """For each neuron that is drawn, the tokens whose scores it raises most here, and by how much.

    As it writes now (its activation times its row of ``W_out``), through the final norm's weight
    without its division, and the unembedding; what stands between is left out. In slices of the
    vocabulary, for all neurons at once.
    """
    network, layer = making.network, making.op.layer
    assert layer is not None
    assert network.unembed is not None
    parts = next(panel for panel in making.panels if panel.role == "parts")
    assert parts.at_rows is not None
    h_M = making.panels[0].values_RC[0]
    unembed_VD = network.unembed.weight
    best: list[Tensor] = []
    with torch.inference_mode():
        written_ND = torch.stack(
            [direction(network, layer, int(n)) * float(h_M[n]) for n in parts.at_rows]
        )
        x_ND = read_by_unembedding(network, written_ND, fold_norm=True)
    for first in range(0, len(unembed_VD), AT_ONCE):
        with torch.inference_mode():
            scores_NV = x_ND @ unembed_VD[first : first + AT_ONCE].T
            top = (
                (scores_NV * network.config.scales.logits)
                .float()
                .topk(min(PROMOTED, scores_NV.shape[1]))
            )
            best.append(torch.stack((top.indices.double() + first, top.values.double())))
        yield None
    ids_NC, scores_NC = torch.cat(best, dim=-1)
    order = scores_NC.topk(min(PROMOTED, scores_NC.shape[1])).indices
    ids, scores = ids_NC.gather(1, order).long().tolist(), scores_NC.gather(1, order).tolist()
    return tuple(tuple(zip(*each)) for each in zip(ids, scores))


def route(making: Making) -> None:
    """The vector against each expert's, scores, weights, and what the chosen experts write."""
    _routing(making)
    chain = {panel.name for panel in making.panels if panel.role == "chain"}
    if making.op.output not in chain:
        making.vector("out", making.op.output)


def _routing(making: Making) -> None:
    name = f"blocks.{making.op.layer}.mlp"
    router = making.network.operation(f"{name}.hook_router")
    at = making.position
    indices_A = making.read(f"{name}.hook_expert_indices", at, at + 1)[0]
    weights_X = making.read(f"{name}.hook_expert_weights", at, at + 1)[0]
    order = [int(e) for e in np.argsort(-np.nan_to_num(weights_X, nan=-1.0), kind="stable")]
    chosen = [int(e) for e in indices_A]
    most = max(len(chosen), making.question.most_keys)
    others = [e for e in order if e not in chosen][: most - len(chosen)]
    shown = np.array(sorted((*chosen, *others)), dtype=np.int64)
    making.vector("in", router.inputs[0])
    table_XD = to_array(parameter(making.network, router.parameters[0]).T[torch.from_numpy(shown)])
    making.add("table", router.parameters[0], "XD", table_XD, (None, None), shown, transposed=True)
    for hook in ("hook_router", "hook_expert_weights"):
        row_X = making.read(f"{name}.{hook}", at, at + 1)[0, shown]
        making.add("chain", f"{name}.{hook}", " X", row_X[None].copy(), (0, at, None), None, shown)
    shares_A = making.read(f"{name}.hook_expert_shares", at, at + 1)[0]
    making.add("chain", f"{name}.hook_expert_shares", " A", shares_A[None].copy(), (0, at, None))
    making.add("in", f"{name}.hook_expert_indices", " A", indices_A[None].copy(), (0, at, None))
    making.add(
        "parts",
        f"{name}: share · expert",
        "XD",
        _written(making, name, indices_A, shares_A),
        (None, None),
        np.array(chosen, dtype=np.int64),
    )


def _written(making: Making, name: str, indices_A: Array, shares_A: Array) -> Array:
    """What each chosen expert adds to the stream, times its share, ``[A, D]``."""
    at = making.position
    hidden_AM = torch.from_numpy(making.read(f"{name}.hook_post", at, at + 1)[0].copy())
    assert making.op.layer is not None
    mixture = cast("Mixture", making.network.blocks[making.op.layer].mlp)
    rows = []
    with torch.inference_mode():
        for hidden_M, expert, share in zip(hidden_AM, indices_A, shares_A):
            down = cast("MLP", mixture.experts[int(expert)]).down
            out_D = down(hidden_M.to(down.weight.device, down.weight.dtype))
            rows.append(to_array(out_D) * float(share) * making.config.scales.residual)
    return np.stack(rows)
