"""One operation's scene: its inputs, weights and output, at the resolution that is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from model.bench import Bench
from model.network.rotary import rotation
from model.operations import LOGITS, PROBABILITIES, SCORE_HOOKS, aliases
from model.parameters import parameter
from model.probe.question import Answer, Array, read_only
from model.probe.scene import of_mlp
from model.probe.scene.asks import Scene, SceneFound, Scored
from model.probe.scene.code import Wanted, lines
from model.probe.scene.making import Making
from model.probe.tensors.compute import to_array
from model.probe.weights.compute import as_matrix
from model.probe.weights.matrix_layout import layout_of
from model.sampling import OWN, probabilities
from model.subject import Subject

OF_THE_SOFTMAX = frozenset((*SCORE_HOOKS, "mask", "pattern"))
"""Kinds of operations between q · k and the weights: a scene shows all of them."""

TABLE_ROWS = 9
"""Rows of a table around the one that is fetched, at most."""


def answer(question: Scene, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once: a vector times a matrix at one position; what neurons promote a moment later."""
    network = bench.network(subject)
    name = aliases(network.config).get(question.of, question.of)
    op = next((op for op in network.operations if op.output == name), None)
    position = min(question.position, subject.n_tokens - 1)
    if op is None:
        yield SceneFound(subject=subject, question=question, panels=(), lengths={}, cosines={})
        return
    making = Making(question, subject, bench, network, op, position)
    _make(making)
    found = _found(making)
    if op.kind == "mlp_out" and network.config.has_logits and network.config.experts is None:
        yield replace(found, share=0.5)
        found = replace(found, promoted=(yield from of_mlp.promoting(making)))
    yield found


def _found(making: Making) -> SceneFound:
    lengths, cosines = making.geometry()
    return SceneFound(
        subject=making.subject,
        question=making.question,
        panels=tuple(making.panels),
        lengths=lengths,
        cosines=cosines,
        scored=making.scored,
        n_kept=making.n_kept,
        angles=making.angles,
        pairs=making.pairs,
        lines=_lines(making),
    )


def _lines(making: Making) -> str:
    op, config = making.op, making.config
    changed = tuple(
        each.words for each in making.subject.interventions if op.output in each.operations(config)
    )
    half = next(making.network.parameters()).dtype in (torch.float16, torch.bfloat16)
    wanted = Wanted(op, config, making.position, making.question.sampling, changed, half)
    return lines(wanted)


def _make(making: Making) -> None:
    """Read the panels of the operation's kind."""
    op = making.op
    match op.kind:
        case "tokens":
            ids = np.array(making.subject.ids, dtype=np.int64)[None]
            making.add("out", op.output, " T", ids, (0, None), whole=True)
        case "embed" | "pos_embed" | "token_type_embed":
            _fetch(making)
        case "softmax" | "unembed":
            _vocabulary(making)
        case kind if kind in OF_THE_SOFTMAX:
            _scores(making)
        case "mix":
            shown = making.read_most(op.inputs[0])
            making.row("in", op.inputs[0], shown)
            making.of_positions(op.inputs[1], shown)
            making.other_positions(op.inputs[0], op.inputs[1], shown)
            making.vector("out", op.output)
        case "attn_out":
            _join(making)
        case "router" | "expert_weights" | "expert_indices" | "expert_shares":
            of_mlp.route(making)
        case "mlp_out":
            of_mlp.write(making)
        case "mlp_act" | "head_act":
            for name in op.inputs:
                making.vector("in", name, whole=True)
            making.vector("out", op.output, whole=True)
        case _:
            for name in op.inputs:
                making.vector("in", name)
            for name in making.asked(op.parameters):
                making.parameter(name)
            making.vector("out", op.output)
            if op.kind == "rotate":
                _angles(making)


def _fetch(making: Making) -> None:
    """A row of a table, among its neighbours."""
    op, config = making.op, making.config
    n = max(1, min(TABLE_ROWS, making.question.most_keys))
    if op.parameters:
        table = parameter(making.network, op.parameters[0])
        row = {
            "embed": making.subject.ids[making.position],
            "pos_embed": making.position + config.position_offset,
            "token_type_embed": 0,
        }[op.kind]
        places = _around(row, n, table.shape[0])
        rows = to_array(table[places[0] : places[-1] + 1]).copy()
        letters = "VD" if op.kind == "embed" else "TD"
        making.add("table", op.parameters[0], letters, rows, (None, None), places)
    else:  # sines of the position: its table is what the operation writes
        places = _around(making.position, n, making.subject.n_tokens)
        rows = making.read(op.output, int(places[0]), int(places[-1]) + 1)
        making.add("table", op.output, "TD", rows, (0, None, None), places)
    making.vector("out", op.output)


def _around(row: int, n: int, of: int) -> Array:
    """Places of n rows of a table, one of them in the middle if there is room on both sides."""
    first = max(0, min(row - n // 2, of - n))
    return np.arange(first, min(first + n, of))


def _scores(making: Making) -> None:
    """A query against all keys, and every step from there to the weights."""
    chain = [
        op
        for op in making.network.operations
        if op.layer == making.op.layer and op.kind in OF_THE_SOFTMAX
    ]
    queries, keys = chain[0].inputs
    shown = making.read_most(chain[-1].output)
    making.vector("in", queries)
    making.of_positions(keys, shown)
    for op in chain:
        making.row("chain", op.output, shown)


def _join(making: Making) -> None:
    """Heads' results, and what each of them adds to the joined one."""
    op, at = making.op, making.position
    z_HK = making.read(op.inputs[0], at, at + 1)[0].copy()
    making.add("in", op.inputs[0], "HK", z_HK, (0, at, None, None), whole=True)
    w_HKD = parameter(making.network, op.parameters[0])
    mixed = torch.from_numpy(z_HK).to(w_HKD.device, torch.float32)
    scale = making.config.scales.residual
    with torch.inference_mode():
        added = torch.einsum("hk,hkd->hd", mixed, w_HKD.to(torch.float32)) * scale
    result = f"blocks.{op.layer}.attn.hook_result"  # TransformerLens' name; a trace has none
    making.add("parts", result, "HD", to_array(added), (0, at, None, None))
    layout = layout_of(op.parameters[0], tuple(w_HKD.shape))
    making.pooled("weight", op.parameters[0], "KD", as_matrix(w_HKD, layout), (None, None))
    for name in op.parameters[1:]:
        making.parameter(name)
    making.vector("out", op.output)


def _vocabulary(making: Making) -> None:
    """Scores of tokens, the likeliest of them by name."""
    at, question = making.position, making.question
    values = making.bench.values(making.subject, (LOGITS,), at, at + 1)
    logits_V = to_array(values[LOGITS][0, 0])
    try:
        shares_V = probabilities(logits_V, question.sampling)
        own_V = shares_V if question.sampling == OWN else probabilities(logits_V, OWN)
    except ValueError:  # of a network that diverged
        shares_V = own_V = np.full(len(logits_V), np.nan)
    before_V = np.cumsum(shares_V) - shares_V
    order = np.argsort(-logits_V, kind="stable")[: question.n_tokens]
    making.scored = tuple(
        Scored(
            int(id), float(logits_V[id]), float(shares_V[id]), float(own_V[id]), float(before_V[id])
        )
        for id in order
    )
    making.n_kept = int((shares_V > 0).sum())
    index = (0, at, None)
    if making.op.kind == "unembed":
        making.vector("in", making.op.inputs[0])
        for name in making.op.parameters:
            _rows_of_vocabulary(making, name, order)
        making.add("out", LOGITS, " V", logits_V[None].copy(), index)
    else:
        making.add("in", LOGITS, " V", logits_V[None].copy(), index)
        making.add("out", PROBABILITIES, " V", shares_V[None], index)


def _rows_of_vocabulary(making: Making, name: str, ids: Array) -> None:
    """The vectors with which the likeliest tokens are compared."""
    tensor = parameter(making.network, name)
    if tensor.ndim == 1:
        return
    table = tensor if name == "W_E" else tensor.T
    rows = to_array(table[torch.from_numpy(np.ascontiguousarray(ids))]).copy()
    making.add("table", name, "VD", rows, (None, None), ids, transposed=name == "W_U")


def _angles(making: Making) -> None:
    """How far each pair of dimensions turns."""
    assert making.op.layer is not None
    rotary = making.config.rotary_at(making.op.layer)
    assert rotary is not None
    like = torch.zeros((), dtype=torch.float64)
    n = making.subject.n_tokens
    cos, sin = rotation(rotary, making.config, making.position, 1, like, n)
    half = cos.shape[1]
    first = np.arange(half)
    pairs = np.stack((2 * first, 2 * first + 1) if rotary.interleaved else (first, first + half))
    making.angles = read_only(np.arctan2(sin[0].numpy(), cos[0].numpy()))
    making.pairs = read_only(pairs.T.copy())
