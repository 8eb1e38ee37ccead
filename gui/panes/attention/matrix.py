"""One head's weights or scores as the content of a heat map.

Knows arrays and labels; no store, no widget. Shape suffixes: Q queries, S keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gui.panes.attention.words import percent, shares
from gui.widgets.heat_map.layout import HeatMapContent


def matrix_content(
    values_QS: NDArray[Any],
    masked_QS: NDArray[np.bool_],
    labels: tuple[str, ...],
    *,
    scores: bool,
    transposed: bool,
    to_largest: bool,
    hide_first: bool,
) -> HeatMapContent:
    """What to draw.

    Args:
        values_QS: the tensor's values.
        masked_QS: where a query may not look.
        labels: one a token.
        scores: signed scores rather than weights from 0 to 1.
        transposed: columns are queries.
        to_largest: colours end at the largest weight drawn; scores always do so.
        hide_first: the first key is hatched and left out of the colours' range.
    """
    masked_QS = masked_QS | ~np.isfinite(values_QS)
    hidden_QS = np.zeros_like(masked_QS)
    hidden_QS[:, 0] = hide_first
    hidden_QS &= ~masked_QS
    drawn = values_QS[~masked_QS & ~hidden_QS]
    largest = float(np.abs(drawn).max()) if drawn.size else 0.0
    scaled = (scores or to_largest) and largest > 0
    title = "score q · k / √d" if scores else "attention weight"
    if scaled:
        title += ", to largest"
    causal = bool(masked_QS[0, 1:].all())
    held = None if scores or not hide_first else shares(values_QS, causal=causal)
    if held is not None:
        title = f"first token holds {percent(held.first)}, hidden · {title}"
    hatched = " or ".join(
        word for word, on in (("masked", masked_QS.any()), ("hidden", hide_first)) if on
    )
    return HeatMapContent(
        values_RC=values_QS.T if transposed else values_QS,
        row_labels=labels,
        column_labels=labels,
        row_title="keys" if transposed else "queries",
        column_title="queries" if transposed else "keys",
        kind="diverging" if scores else "sequential",
        limit=largest if scaled else 1.0,
        masked_RC=masked_QS.T if transposed else masked_QS,
        hidden_RC=hidden_QS.T if transposed else hidden_QS,
        value_title=title,
        masked_title=hatched,
        digits=1 if scores else 2,
    )
