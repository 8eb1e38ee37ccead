"""The figures of a run in words: how far, how good, how fast, how it ended.

Knows the state of a run, no widget.
"""

from __future__ import annotations

from typing import Literal

from gui.panes.training.figure_grid import Figure
from gui.session.run import Run


def run_figures(run: Run) -> tuple[Figure, ...]:
    """What is worth knowing now."""
    total = run.started.recipe.steps
    last = run.steps[-1] if run.steps else None
    check = run.evaluations[-1] if run.evaluations else None
    figures = [Figure("step", f"{run.step:,} / {total:,}")]
    if last is not None:
        figures.append(
            Figure(
                "train", f"{last.train_loss:.4f}", "Loss of the last step's batch, nats per token"
            )
        )
    if check is not None:
        best = min(run.evaluations, key=lambda event: event.val_loss)
        figures.append(
            Figure(
                "validation",
                f"{check.val_loss:.4f}",
                f"At step {check.step:,}, nats per token; {check.bits_per_byte:.4f} bits per byte. "
                f"Best: {best.val_loss:.4f} at step {best.step:,}",
            )
        )
    if last is not None:
        figures += [
            Figure("tokens/s", f"{last.tokens_per_second:,.0f}", "Over about the last second"),
            Figure("elapsed", duration(last.seconds), "Training, validating and saving; no pauses"),
        ]
        if run.running and last.step:
            left = (total - last.step) * last.seconds / last.step
            figures.append(Figure("left", f"≈ {duration(left)}", "At the pace until now"))
        figures += [
            Figure("grad norm", f"{last.grad_norm:.3g}", "Of all gradients, before clipping"),
            Figure("rate", f"{last.lr:.3g}", "Learning rate of the last step"),
        ]
    if run.analogies:
        point = run.analogies[-1]
        figures += [
            Figure(
                "rank",
                f"{point.rank:,} ({point.rank_all_words:,})",
                f"{point.expression}: the answer's rank by cosine in W_E without the three words "
                "of the question; in brackets with them",
            ),
            Figure(
                "analogies",
                f"{point.share:.1%}",
                f"Of {point.n:,} gendered analogies (all ordered pairs of pairs), how many have "
                "the right answer at rank 1, the three words left out",
            ),
        ]
    info = run.started.info
    figures.append(Figure("parameters", f"{info.n_params:,}", "Tied ones counted once"))
    return tuple(figures)


def ending(run: Run) -> tuple[Literal["good", "dim", "bad"], str]:
    """How a run ended: its colour, and a sentence."""
    finished = run.finished
    if finished is None:
        return "dim", ""
    match finished.reason:
        case "diverged":
            return "bad", finished.message
        case "stopped":
            return "dim", finished.message
        case _:
            return "good", finished.message


def duration(seconds: float) -> str:
    """A time span: 8.2 s, 1:05 min, 2:10 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d} h"
