"""What the verbs of a queue print: its table, its law, and both as JSON. Knows records and fits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from model.train.scaling.counts import COUNT_WORDS, ParameterCount
from model.train.scaling.fit import LEVEL, LawFit
from model.train.scaling.folder import QueueRecord, SizeRecord
from model.train.scaling.published import LAWS, remark, verdict


def queue_table(record: QueueRecord) -> str:
    """A line a size: parameters, tokens, compute, time, state, loss."""
    rows = [("width", "layers", "blocks", "all", "tokens", "rate", "seconds", "state", "loss")]
    for size in record.sizes:
        every = size.parameters("all")
        rows.append(
            (
                f"{size.width}",
                f"{size.config.n_layers}",
                f"{size.parameters('blocks'):,}",
                "–" if every is None else f"{every:,}",
                f"{size.tokens:,}",
                "–" if size.lr is None else f"{size.lr:.3g}",
                _seconds(record, size),
                size.state,
                "–" if math.isnan(size.val_loss) else f"{size.val_loss:.4f}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
    if record.expected is not None:
        whole = sum(record.expected.seconds.values())
        lines.append(
            f"About {whole / 60:.1f} minutes in all, as measured with "
            f"{record.expected.threads} thread(s); ~ is expected."
        )
    return "\n".join(lines)


def queue_json(record: QueueRecord) -> dict[str, Any]:
    """The same for programs."""
    expected = None if record.expected is None else dict(record.expected.seconds)
    return {
        "folder": record.folder,
        "rules": list(record.plan.rules()),
        "is_done": record.is_done,
        "writer": record.writer or None,
        "sizes": [
            {
                "name": size.name,
                "run": size.run_dir,
                "width": size.width,
                "n_layers": size.config.n_layers,
                "n_params_blocks": size.parameters("blocks"),
                "n_params": size.parameters("all"),
                "tokens": size.tokens,
                "lr": size.lr,
                "flops": size.flops,
                "six_nd_blocks": size.six_nd("blocks"),
                "six_nd": size.six_nd("all"),
                "state": size.state,
                "step": size.step,
                "steps": size.steps,
                "seconds": size.seconds,
                "expected_seconds": None if expected is None else expected.get(size.name),
                "val_loss": size.val_loss,
                "problem": size.problem,
            }
            for size in record.sizes
        ],
    }


def fit_lines(fit: LawFit, count: ParameterCount) -> str:
    """A law in words, its residuals and the published ones beside it."""
    names = ("E", "A", "alpha", "B", "beta")
    form = "L = E + A / N^alpha" + ("" if fit.b is None else " + B / D^beta")
    lines = [f"{form}, N = {COUNT_WORDS[count]}, loss in nats per token"]
    for name, number in zip(names, fit.numbers):
        lines.append(
            f"{name:>6} {number.value:10.4g}  {LEVEL:.0%} of resamples "
            f"{number.low:.4g} to {number.high:.4g}"
        )
    left = fit.alpha_without_P[np.isfinite(fit.alpha_without_P)]
    if len(left):
        lines.append(f"alpha {left.min():.3f} to {left.max():.3f} with one size left out")
    lines += [verdict(fit), ""]
    for n, loss, law, off in zip(fit.N_P, fit.loss_P, fit.predicted_P, fit.residuals_P):
        lines.append(f"N {n:>12,.0f}  loss {loss:.4f}  law {law:.4f}  off by {off:+.2%}")
    lines.append("")
    for law_of in LAWS:
        lines.append(
            f"{law_of.title}: alpha {law_of.alpha:.3f}, beta {law_of.beta:.3f}; {law_of.sizes}"
        )
    lines.append(remark(fit))
    return "\n".join(lines)


def fit_json(fit: LawFit, count: ParameterCount) -> dict[str, Any]:
    """The same for programs."""
    names = ("E", "A", "alpha", "B", "beta")
    numbers = {
        name: {"value": n.value, "low": n.low, "high": n.high}
        for name, n in zip(names, fit.numbers)
    }
    return {
        "count": count,
        "level": LEVEL,
        **numbers,
        "objective": fit.objective,
        "objective_without_E": fit.objective_without_E,
        "needs_irreducible": fit.needs_irreducible,
        "points": [
            {
                "N": float(n),
                "D": float(d),
                "loss": float(loss),
                "predicted": float(law),
                "residual": float(off),
                "alpha_without": float(alpha),
            }
            for n, d, loss, law, off, alpha in zip(
                fit.N_P,
                fit.D_P,
                fit.loss_P,
                fit.predicted_P,
                fit.residuals_P,
                fit.alpha_without_P,
            )
        ],
        "published": [
            {"title": law.title, "source": law.source, "alpha": law.alpha, "beta": law.beta}
            for law in LAWS
        ],
        "verdict": verdict(fit),
        "remark": remark(fit),
    }


def _seconds(record: QueueRecord, size: SizeRecord) -> str:
    if size.state in ("done", "diverged"):
        return f"{size.seconds:.0f}"
    expected = None if record.expected is None else record.expected.seconds.get(size.name)
    return "–" if expected is None else f"~{expected:.0f}"
