"""The numbers of a queue as arrays, and as lines of Python. Knows records and fits; no store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.probe.question import Named
from model.train.scaling.counts import ParameterCount
from model.train.scaling.fit import LawFit
from model.train.scaling.folder import QueueRecord


def arrays_of(
    record: QueueRecord, fit: LawFit | None, count: ParameterCount
) -> Mapping[str, Named]:
    """What is drawn; nothing before a size has begun."""
    if not any(len(size.train_loss_C) or len(size.val_loss_V) for size in record.sizes):
        return {}
    sizes = record.sizes

    def column(values: list[float | None]) -> Named:
        numbers = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
        return Named(numbers, ("size",))

    found = {
        "width": column([size.width for size in sizes]),
        "layers": column([size.config.n_layers for size in sizes]),
        "parameters_blocks": column([size.parameters("blocks") for size in sizes]),
        "parameters_all": column([size.parameters("all") for size in sizes]),
        "tokens": column([size.tokens for size in sizes]),
        "flops": column([size.flops for size in sizes]),
        "six_nd_blocks": column([size.six_nd("blocks") for size in sizes]),
        "six_nd_all": column([size.six_nd("all") for size in sizes]),
        "rate": column([size.lr for size in sizes]),
        "seconds": column([size.seconds for size in sizes]),
        "val_loss": column([size.val_loss for size in sizes]),
    }
    if fit is not None:
        rows = [fit.row(float(size.parameters(count) or 0), float(size.tokens)) for size in sizes]
        for name, values in (("law", fit.predicted_P), ("residual", fit.residuals_P)):
            found[name] = column([None if row is None else float(values[row]) for row in rows])
    return found


def code_of(record: QueueRecord, count: ParameterCount, *, with_law: bool) -> str:
    """Reads the queue from its folder, and fits the law; empty before there is a folder."""
    if not record.folder:
        return ""
    imports = [
        "from pathlib import Path",
        "from model.slices import finish",
        "from model.train.scaling.folder import reading_queue",
    ]
    lines = [
        f"queue = finish(reading_queue(Path({record.folder!r})))",
        "val_loss = [size.val_loss for size in queue.sizes]",
    ]
    if with_law:
        imports.append("from model.train.scaling.fit import fit_law")
        lines += [
            "done = queue.done",
            f"N = [size.parameters({count!r}) for size in done]",
            "D = [size.tokens for size in done]",
            "law = finish(fit_law(N, D, [size.val_loss for size in done]))",
        ]
    return "\n".join((*sorted(imports), "", *lines))
