"""What the pane says of the plan, of what goes on and of the law. Knows records and fits."""

from __future__ import annotations

import math

import numpy as np

from model.counting import counted
from model.train.scaling.counts import COUNT_WORDS, ParameterCount
from model.train.scaling.fit import LEAST_POINTS, LEVEL, LawFit, Number
from model.train.scaling.folder import QueueRecord, SizeRecord

EMPTY_CURVES = "No size has begun. Press Start: all curves will lie over each other here."
STATE_WORDS = {
    "waiting": "waiting",
    "stopped": "stopped",
    "training": "training",
    "done": "done",
    "diverged": "diverged",
    "damaged": "damaged",
}


def empty_law(record: QueueRecord) -> str:
    """Why there is no law yet, and what makes one."""
    n = len(record.done)
    return (
        f"{counted(n, 'size')} of {len(record.sizes)} done. A law of three numbers is fitted "
        f"from {LEAST_POINTS} sizes on."
    )


def time_words(seconds: float) -> str:
    """A time for people: 8 s, 3 min, 1 h 20."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h {seconds % 3600 / 60:02.0f}"


def of_plan(record: QueueRecord, left: float | None) -> str:
    """What will be trained, before it is."""
    n = len(record.sizes)
    takes = "Measure says how long it takes here."
    if left is not None:
        threads = record.expected.threads if record.expected is not None else 1
        takes = f"About {time_words(left)}, as measured here with {counted(threads, 'thread')}."
    return f"{n} runs, one after the other, in the background. {takes}"


def of_going(doing: str, record: QueueRecord, left: float | None, *, paused: bool) -> str:
    """What is done just now."""
    n_done = sum(size.state in ("done", "diverged") for size in record.sizes)
    said = f"{doing or 'Getting ready'} · {n_done} of {len(record.sizes)} done"
    if left is not None:
        said += f" · about {time_words(left)} left"
    return f"Paused. {said}" if paused else said


def of_law(fit: LawFit, count: ParameterCount) -> str:
    """The law as a formula with its numbers."""
    said = f"L = {fit.irreducible.value:.3f} + {fit.a.value:.3g} / N^{fit.alpha.value:.3f}"
    if fit.b is not None and fit.beta is not None:
        said += f" + {fit.b.value:.3g} / D^{fit.beta.value:.3f}"
    return f"{said}, N = {COUNT_WORDS[count]}"


def interval(number: Number, spec: str = ".3f") -> str:
    """A number with its interval."""
    return f"{number.value:{spec}} [{number.low:{spec}}, {number.high:{spec}}]"


def how(fit: LawFit) -> str:
    """How it was fitted and how far to trust it."""
    left = fit.alpha_without_P[np.isfinite(fit.alpha_without_P)]
    without = (
        f" With one size left out α lies from {left.min():.3f} to {left.max():.3f}."
        if len(left)
        else ""
    )
    worst = float(abs(fit.residuals_P).max())
    return (
        f"Huber loss between log losses (δ = {fit.delta:g}), {len(fit.samples_SK)} resampled laws; "
        f"brackets and band hold {LEVEL:.0%}. The farthest point is {worst:.1%} off.{without}"
    )


def of_size(size: SizeRecord) -> str:
    """All that is known of a run, for a tooltip; a line each."""
    every = size.parameters("all")
    lines = [
        f"width {size.width}, {counted(size.config.n_layers, 'layer')}, "
        f"{counted(size.config.n_heads, 'head')}",
        f"{size.parameters('blocks'):,} parameters without embeddings"
        + ("" if every is None else f", {every:,} in all"),
        f"{size.tokens:,} tokens in {counted(size.steps, 'step')}",
    ]
    if size.lr is not None:
        lines.append(f"learning rate {size.lr:.3g}")
    flops, six_n, six_all = size.flops, size.six_nd("blocks"), size.six_nd("all")
    if flops is not None and six_n is not None and six_all is not None:
        lines.append(
            f"compute: counted {flops:.3g} FLOP; 6ND {six_n:.3g} without embeddings, "
            f"{six_all:.3g} with"
        )
    if size.step:
        lines.append(f"step {size.step:,} after {time_words(size.seconds)}")
    if not math.isnan(size.val_loss):
        lines.append(f"validation loss {size.val_loss:.4f} nats per token")
    if size.problem:
        lines.append(size.problem)
    return "\n".join(lines)


def of_stopped(record: QueueRecord, left: float | None) -> str:
    """A queue that can go on."""
    n_done = sum(size.state in ("done", "diverged") for size in record.sizes)
    said = f"Stopped, {n_done} of {len(record.sizes)} done; it goes on from what is saved"
    return f"{said}, about {time_words(left)} more." if left is not None else f"{said}."


def of_done(record: QueueRecord) -> str:
    """A queue of which nothing is left."""
    seconds = sum(size.seconds for size in record.sizes)
    diverged = sum(size.state == "diverged" for size in record.sizes)
    said = f"All {len(record.sizes)} sizes are done, in {time_words(seconds)}: {record.folder}"
    return f"{said}. {diverged} diverged and left the law." if diverged else said


def share_of(record: QueueRecord) -> float:
    """How much of a queue's compute is done, 0 to 1: larger sizes take longer."""
    weights = [(size.parameters("blocks") or 0) * size.tokens for size in record.sizes]
    done = sum(w * size.step / size.steps for w, size in zip(weights, record.sizes))
    return done / max(1, sum(weights))
