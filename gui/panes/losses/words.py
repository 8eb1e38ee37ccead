"""What losses, gradients and moves say, in words. Knows answers; no Qt."""

from __future__ import annotations

import math

import numpy as np

from model.counting import counted
from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound
from model.probe.loss_flow.asks import LossFlowFound
from model.probe.weights_moved.asks import WeightsMovedFound


def batch(found: BatchLossesFound) -> str:
    """Which batch it is and what it costs."""
    question = found.question
    assert isinstance(question, BatchLosses)
    B, T = found.ids_BT.shape
    costs = f"loss {found.loss:.4f} nats = {found.loss / math.log(2):.3f} bits a token"
    if not math.isfinite(found.loss):
        costs = "its loss is no finite number"
    return (
        f"{question.part} batch {found.number} of {found.source} · {B} × {T - 1} tokens · {costs}"
    )


def here(found: BatchLossesFound, last: int | None = None) -> str:
    """What the batch says of the model.

    Args:
        found: the batch.
        last: the last step of its run; None where that isn't known.
    """
    question = found.question
    assert isinstance(question, BatchLosses)
    nats = found.nats_BT[np.isfinite(found.nats_BT)].astype(np.float64)
    if not len(nats):
        return "No loss of this batch is a finite number."
    ranked = np.sort(nats)[::-1]
    n = max(1, len(ranked) // 10)
    share = ranked[:n].sum() / max(ranked.sum(), 1e-12)
    whose = ""
    if found.of_run and question.part == "training":
        if found.step is not None and found.number == found.step + 1:
            learns = "learns" if last is None or found.number <= last else "would learn"
            whose = f"This is what step {found.number:,} {learns} from. "
        elif found.step is not None and found.number <= found.step:
            whose = f"Step {found.number:,} has learned from this. "
    elif not found.of_run:
        whose = "This model has no run folder, so this is not what it was trained on. "
    half = max(float(np.median(nats)) / math.log(2), 0.01)  # "less than 0.00" says nothing
    return (
        f"{whose}A tenth of the tokens carries {share:.0%} of the loss; half of them cost less "
        f"than {half:.2f} bits each."
    )


def flow(found: LossFlowFound, token: str, words: list[str]) -> str:
    """Where the gradient of a token's loss goes."""
    total = float(found.embedding_T.sum())
    best = int(found.embedding_T.argmax())
    share = found.embedding_T[best] / total if total > 0 else math.nan
    return (
        f"{token} costs {found.nats:.3f} nats here. Of what flows back into the embeddings, most "
        f"({share:.0%} of the lengths) reaches {words[best]} at position {best}."
    )


def moved(found: WeightsMovedFound) -> str:
    """What the training moved."""
    steps = f"since step {found.since:,}"
    if found.step is not None:
        n = found.step - found.since
        steps = f"from step {found.since:,} to {found.step:,}"
        steps += " (one step)" if n == 1 else ""
    far = int(found.norm_N.argmax())
    relative = np.where(np.isfinite(found.relative_N), found.relative_N, -1)
    most = int(relative.argmax())
    return (
        f"{steps.capitalize()} all weights together moved by ‖Δ‖ = {found.norm:.3g}. The farthest "
        f"went {found.names[far]} ({found.norm_N[far]:.3g}); for its length "
        f"{found.names[most]} ({relative[most]:.1%})."
    )


def moved_title(found: WeightsMovedFound) -> str:
    """What the picture shows."""
    rows, columns = found.shape
    cells = "" if found.block == (1, 1) else f", {found.block[0]} × {found.block[1]} to a cell"
    return f"Δ {found.drawn} · {rows:,} × {columns:,}{cells}"


def about_moved(found: WeightsMovedFound, at: int) -> str:
    """One tensor's move."""
    n, moved = int(found.n_N[at]), int(found.n_moved_N[at])
    return (
        f"{found.names[at]}\n‖Δ‖ {found.norm_N[at]:.6g}, of its own length "
        f"{found.relative_N[at]:.4%}\nlargest |Δ| {found.max_abs_N[at]:.6g}\n"
        f"{moved:,} of {counted(n, 'number')} changed"
    )
