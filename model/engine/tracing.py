"""A prompt's way through the model in view, and single activations of it.

Knows messages, prompts and the traced path; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.arrays import to_array
from model.engine.evaluating import evaluating
from model.engine.job import Job, RequestError
from model.engine.prompt import read_prompt
from model.engine.workplace import Workplace
from model.operations import PROBABILITIES, Operation, aliases, shape_of

if TYPE_CHECKING:
    from model.config import TransformerConfig

TRACE_BUDGET = 384 * 2**20
"""Bytes of activations that a trace carries to the window; the rest is fetched one by one."""

DROPPED_FIRST = (
    "dot",
    "scale",
    "bias",
    "cap",
    "mask",
    "mlp_in",
    "mlp_gate",
    "mlp_act",
    "key",
    "query",
    "rotate",
    "value",
    "mix",
    "norm",
    "pattern",
    "attn_out",
    "mlp_out",
)
"""Kinds of operation in the order in which a trace that is too large leaves them out."""


def run_trace(request: m.RunTrace, place: Workplace) -> Job:
    """Answers `RunTrace`, and remembers it for the model that learns."""
    place.traced = request
    yield traced(request, place, request.id)


def traced(request: m.RunTrace, place: Workplace, request_id: int) -> m.Result:
    """The prompt's way through the model in view, as the answer to a request."""
    from model.trace import record

    lm, info = place.lm, place.info
    prompt = read_prompt(lm, request.text, request.ids)
    if isinstance(prompt, str):
        return m.PromptRefused(request_id=request_id, message=prompt)
    network = lm.transformer
    names, left_out = what_fits(network.operations, lm.config, len(prompt.ids))
    began = time.perf_counter()
    with evaluating(network):
        trace = record(network, lm.ids(prompt.ids), names)
    seconds = time.perf_counter() - began
    activations = {name: to_array(trace[name]) for name in trace.names}
    return m.TraceReady(
        request_id=request_id,
        model_id=info.model_id,
        step=place.step,
        text=request.text,
        tokens=prompt.tokens,
        activations=MappingProxyType(activations),
        left_out=left_out,
        notes=prompt.notes,
        truncated_at=prompt.truncated_at,
        seconds=seconds,
        n_bytes=prompt.n_bytes,
    )


def fetch_activation(request: m.FetchActivation, place: Workplace) -> Job:
    """Answers `FetchActivation`."""
    from model.trace import record

    lm = place.lm
    prompt = read_prompt(lm, request.text, request.ids)
    if isinstance(prompt, str):
        raise RequestError(prompt)
    with evaluating(lm.transformer):
        trace = record(lm.transformer, lm.ids(prompt.ids), (request.name,))
    yield m.ActivationReady(
        request_id=request.id,
        model_id=place.model_id,
        name=request.name,
        array=to_array(trace[request.name]),
    )


def what_fits(
    operations: tuple[Operation, ...],
    config: TransformerConfig,
    n_tokens: int,
    budget: int = TRACE_BUDGET,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which activations of a prompt of that length fit, and which are left out.

    Left out are whole kinds of operation, the largest and least looked at first, so that a
    pane has all layers or none.

    Args:
        operations, config: of the network.
        n_tokens: of the prompt.
        budget: in bytes, at 4 a number.

    Returns:
        Names to record, names left out; aliases count nothing and go with their tensor.
    """
    ops = [op for op in operations if op.output != PROBABILITIES]

    def size(op: Operation) -> int:
        return 4 * prod(shape_of(op, config, 1, n_tokens))

    dropped: set[str] = set()
    total = sum(size(op) for op in ops)
    for kind in DROPPED_FIRST:
        if total <= budget:
            break
        dropped |= {op.output for op in ops if op.kind == kind}
        total = sum(size(op) for op in ops if op.output not in dropped)
    names = [op.output for op in ops if op.output not in dropped]
    same = aliases(config)
    names += [alias for alias, name in same.items() if name not in dropped]
    left_out = [op.output for op in ops if op.output in dropped]
    left_out += [alias for alias, name in same.items() if name in dropped]
    return tuple(names), tuple(left_out)
