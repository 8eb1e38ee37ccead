"""What the model pane gives out: its table, and the tensor in detail, as arrays with named axes.

Knows what was found of the weights; no widget, no file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gui.session.weights import Weights
from model import messages as m
from model.probe.question import Named

COLUMNS = ("mean", "std", "low", "high", "n_zeros", "norm")


def arrays_of(shown: Sequence[m.WeightTensor], found: Weights, name: str) -> dict[str, Named]:
    """The table, by tensor, and what is drawn of one tensor in detail.

    A bin of the histogram is named by its lower edge, a cell of the picture by its first row and
    column.

    Args:
        shown: the rows of the table.
        found: what is known of the weights.
        name: of the tensor in detail.
    """
    of = {"tensor": np.array([tensor.name for tensor in shown])}
    data = {"numbers": Named(np.array([tensor.n for tensor in shown]), ("tensor",), of)}
    figures = [found.figures.get(tensor.name) for tensor in shown]
    for column in COLUMNS:
        numbers = np.array([getattr(one, column, np.nan) for one in figures], np.float64)
        data[column] = Named(numbers, ("tensor",), of)
    if found.examined is not None and found.examined.name == name:
        data |= _examined(found.examined)
    values = found.singular_values
    if values is not None and values.name == name:
        data["singular_values"] = Named(values.values, ("place",))
    return data


def _examined(found: m.WeightExamined) -> dict[str, Named]:
    edges = np.linspace(found.low, found.high, len(found.counts) + 1)[:-1]
    n_rows, n_columns = found.values.shape
    at = {
        "row": found.rows[0] + np.arange(n_rows) * found.block[0],
        "column": found.columns[0] + np.arange(n_columns) * found.block[1],
    }
    return {
        "histogram": Named(found.counts, ("from",), {"from": edges}),
        "picture": Named(found.values, ("row", "column"), at),
    }
