"""The gradient of a token's loss, block by block from the last to the first.

A block's operations are run again with the graph of their gradients, and gone through backwards
alone: memory for one block, a slice a block. Shape suffixes: O operations, T positions, D d_model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.gradients import Gradients
from model.bench.plan import plan_of
from model.operations import INPUT_IDS, LOGITS, Operation
from model.probe.loss_flow.asks import LossFlow, LossFlowFound
from model.probe.measuring import finite, likeliest_at, place, token_of
from model.probe.question import Answer, Array, ProbeError, TokenId, read_only
from model.subject import Subject
from model.transformer import Transformer


def answer(question: LossFlow, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block a slice.

    Raises:
        ValueError: there is no such position, or the network predicts no next token.
    """
    network = bench.network(subject)
    config = network.config
    if config.no_continuation:
        raise ProbeError(f"{config.no_continuation} So no token has a loss that flows back.")
    at = place(question.position, subject.n_tokens, "position")
    target = token_of(bench, subject, question.target, "target")
    if target is None:
        there = at + 1 < subject.n_tokens
        target = TokenId(subject.ids[at + 1]) if there else likeliest_at(bench, subject, at)
    way = Gradients(bench, subject, at)
    found: dict[str, Array] = {}
    loss, flow_BTD = _end(way, network, at, int(target), found)
    finite(loss, bench, subject, at)
    yield None
    for layer in reversed(range(config.n_layers)):
        bench.network(subject)  # it may have learned on
        flow_BTD = _block(way, network, layer, flow_BTD, found)
        yield None
    along_T = _front(way, network, subject, flow_BTD, found)
    ops = [op for op in network.operations if op.output in found]
    yield LossFlowFound(
        subject=subject,
        question=question,
        target=int(target),
        nats=loss,
        names=tuple(op.output for op in ops),
        layers=tuple(-1 if op.layer is None else op.layer for op in ops),
        kinds=tuple(op.kind for op in ops),
        norm_OT=read_only(np.stack([found[op.output] for op in ops])),
        embedding_T=read_only(found[_table(network.operations)].copy()),
        along_T=read_only(along_T),
    )


def _end(
    way: Gradients, network: Transformer, at: int, target: int, found: dict[str, Array]
) -> tuple[float, Tensor]:
    """The loss, and its gradient with respect to what the last block leaves, ``[1, T, D]``."""
    with torch.inference_mode(False), torch.enable_grad():
        resid_BTD = way.resid(network.config.n_layers)
        whole = way.is_changed
        plan = plan_of(network.config)
        border = plan.borders[-1]
        held = {border: resid_BTD if whole else resid_BTD[:, at : at + 1]}
        _run(way, plan.needed(None, (LOGITS,), (border,)), held)
        scores_V = held[LOGITS][0, at if whole else 0]
        wide_V = scores_V if scores_V.dtype is torch.float64 else scores_V.float()
        loss = -wide_V.log_softmax(-1)[target]
        names = _on_the_way(held, border)
        grads = torch.autograd.grad(
            loss, [resid_BTD, *(held[name] for name in names)], allow_unused=True
        )
    for name, grad in zip(names, grads[1:], strict=True):
        norms_T = _norms(grad, held[name], network.shapes[name])
        if not whole:
            norms_T, of_one = np.zeros(way.stop), norms_T
            norms_T[at] = of_one[0]
        found[name] = norms_T
    assert grads[0] is not None
    return float(loss.detach()), grads[0]


def _block(
    way: Gradients, network: Transformer, layer: int, after_BTD: Tensor, found: dict[str, Array]
) -> Tensor:
    """The gradient with respect to what a block reads; lengths of all in between are noted."""
    before, after = way.borders(layer)
    with torch.inference_mode(False), torch.enable_grad():
        held = {before: way.resid(layer)}
        _run(way, way.operations(layer), held)
        names = _on_the_way(held, before)
        grads = torch.autograd.grad(
            held[after], [held[name] for name in (before, *names)], after_BTD, allow_unused=True
        )
    for name, grad in zip(names, grads[1:], strict=True):
        found[name] = _norms(grad, held[name], network.shapes[name])
    assert grads[0] is not None
    return grads[0]


def _front(
    way: Gradients,
    network: Transformer,
    subject: Subject,
    after_BTD: Tensor,
    found: dict[str, Array],
) -> Array:
    """Back into the tokens' vectors; their product with the gradient, ``[T]``."""
    plan = plan_of(network.config)
    border = plan.borders[0]
    ids_BT = torch.tensor([subject.ids[: way.stop]], device=after_BTD.device)
    ops = plan.needed(None, (border,), (INPUT_IDS,))
    table = _table(ops)
    with torch.inference_mode(False), torch.enable_grad():
        held: dict[str, Tensor] = {INPUT_IDS: ids_BT}
        for op in ops:
            output = way.run(op, [held[name] for name in op.inputs])
            if not any(held[name].requires_grad for name in op.inputs):
                # Read out of a table, whether or not that one learns.
                output = output.detach().clone().requires_grad_()
            held[op.output] = output
        names = _on_the_way(held, "")
        grads = torch.autograd.grad(
            held[border], [held[name] for name in names], after_BTD, allow_unused=True
        )
    for name, grad in zip(names, grads, strict=True):
        found[name] = _norms(grad, held[name], network.shapes[name])
    grad = grads[names.index(table)]
    assert grad is not None
    along_BT = (grad.cpu().double() * held[table].detach().cpu().double()).sum(-1)
    products: Array = along_BT[0].numpy()
    return products


def _run(way: Gradients, ops: Sequence[Operation], held: dict[str, Tensor]) -> None:
    for op in ops:
        held[op.output] = way.run(op, [held[name] for name in op.inputs])


def _table(ops: Sequence[Operation]) -> str:
    """The name of the tokens' vectors, as they are read out of the table."""
    return next(op.output for op in ops if op.kind == "embed")


def _on_the_way(held: Mapping[str, Tensor], border: str) -> list[str]:
    """The activations that a gradient can be had of, but the one that all begins with."""
    return [name for name, value in held.items() if name != border and value.requires_grad]


def _norms(grad: Tensor | None, value: Tensor, shape: str) -> Array:
    """The length at each position, ``[T]`` float64: of a query's row, where there are two."""
    at = shape.index("Q" if "Q" in shape else "T")
    if grad is None:
        return np.zeros(value.shape[at])
    # Not every device has float64.
    rows = grad.detach().cpu().double().movedim(at, 0).flatten(1)
    found: Array = rows.norm(dim=1).numpy()
    return found
