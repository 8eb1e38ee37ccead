"""What the heads of a layer write at a position: all of it, and the part that one key gives.

Knows the bench and the network's weights. Shape suffixes: H heads, G value heads, Q queries,
S keys, K d_head, D d_model, N heads told of, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.interventions.remove_norm import is_removed
from model.probe.attribution.walk import wide
from model.probe.edge.asks import Edge, EdgeFound
from model.probe.neurons.weights import read_by_unembedding
from model.probe.pattern.valued import Valued, write_matrices
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.tensors.compute import to_array
from model.subject import Subject

FINAL_SCALE = "ln_final.hook_scale"


def answer(question: Edge, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """In one slice.

    Raises:
        ValueError: there is no such position.
    """
    network, n = bench.network(subject), subject.n_tokens
    config, layer = network.config, question.layer
    query, key = (_place(at, n) for at in (question.query, question.key))
    pattern_HQS = bench.pattern(subject, layer, None, query, query + 1)
    carried_HQS = Valued(bench, subject, layer).weigh(pattern_HQS, slice(query, query + 1))
    weight_H = to_array(pattern_HQS[:, 0, key].float())
    write_H = to_array(carried_HQS[:, 0, key].float())
    length = float(bench.lengths(subject, f"blocks.{layer}.hook_resid_pre")[query])
    with np.errstate(divide="ignore", invalid="ignore"):
        share_H = write_H / np.float32(length)
    strength_H = np.nan_to_num(write_H, nan=-1.0)
    head_N = np.argsort(-strength_H, kind="stable")[: question.heads]
    yield None
    none = np.zeros((len(head_N), 0))
    promoted = carried = (none.astype(np.int64), none.astype(np.float32))
    if config.has_logits:
        all_ND, part_ND = _written(bench, subject, layer, head_N.tolist(), query, key, weight_H)
        promoted, carried = (
            _tokens(bench, subject, x, query, question.n) for x in (all_ND, part_ND)
        )
    yield EdgeFound(
        subject=subject,
        question=question,
        weight_H=read_only(weight_H),
        write_H=read_only(write_H),
        share_H=read_only(share_H),
        head_N=read_only(head_N),
        promoted_NK=read_only(promoted[0]),
        promoted_score_NK=read_only(promoted[1]),
        carried_NK=read_only(carried[0]),
        carried_score_NK=read_only(carried[1]),
        note=_note(bench, subject, layer),
    )


def _place(at: int, n: int) -> int:
    if not -n <= at < n:
        raise ProbeError(f"There is no position {at}; there are 0 to {n - 1}.")
    return at % n


def _written(
    bench: Bench,
    subject: Subject,
    layer: int,
    heads: list[int],
    query: int,
    key: int,
    weight_H: Array,
) -> tuple[Tensor, Tensor]:
    """What heads add to the stream at the query, ``[N, D]``: all of it, and from the key alone."""
    network = bench.network(subject)
    c, b = network.config, f"blocks.{layer}"
    z, v, scale = f"{b}.attn.hook_z", f"{b}.attn.hook_v", f"{b}.ln1_post.hook_scale"
    z_HK = wide(bench.values(subject, (z,), query, query + 1)[z][0, 0])
    v_GK = wide(bench.values(subject, (v,), key, key + 1)[v][0, 0])
    with torch.inference_mode():
        matrix_NKD, normed = write_matrices(network, layer, heads, subject.interventions)
        shared_by = c.n_heads // c.n_kv_heads
        weight_N = torch.from_numpy(weight_H[heads]).to(v_GK)
        v_NK = v_GK[[head // shared_by for head in heads]] * weight_N[:, None]
        all_ND = torch.einsum("nk,nkd->nd", z_HK[heads], matrix_NKD)
        part_ND = torch.einsum("nk,nkd->nd", v_NK, matrix_NKD)
        if normed:
            by = wide(bench.values(subject, (scale,), query, query + 1)[scale][0, 0, 0])
            all_ND, part_ND = all_ND / by, part_ND / by
    return all_ND, part_ND


def _tokens(
    bench: Bench, subject: Subject, written_ND: Tensor, query: int, n: int
) -> tuple[Array, Array]:
    """The tokens whose logits vectors at the query raise most: ids and by how much."""
    network = bench.network(subject)
    assert network.unembed is not None
    with torch.inference_mode():
        weight_VD = network.unembed.weight
        normed = network.ln_final is not None
        normed = normed and not is_removed("ln_final", subject.interventions)
        x_ND = read_by_unembedding(network, written_ND.to(weight_VD.dtype), fold_norm=normed)
        scores_NV = (x_ND @ weight_VD.T).float() * network.config.scales.logits
        if normed:
            # The last position's head is run only where it is asked for: here it is.
            scale = bench.values(subject, (FINAL_SCALE,), query, query + 1)[FINAL_SCALE]
            scores_NV = scores_NV / scale[0, 0, 0].float()
        best = scores_NV.topk(min(n, scores_NV.shape[1]), dim=1)
    return to_array(best.indices).copy(), to_array(best.values).copy()


def _note(bench: Bench, subject: Subject, layer: int) -> str:
    """What stands between a head and the tokens, and is left out."""
    network = bench.network(subject)
    config = network.config
    if not config.has_logits:
        return "This network scores no tokens, so a head promotes none."
    if config.masked_head is not None or config.head == "mlm":
        return "The transform between the stream and the tokens is left out."
    if config.norms.placement in ("post", "stream"):
        return "The norms of the stream behind this layer are left out."
    return ""
