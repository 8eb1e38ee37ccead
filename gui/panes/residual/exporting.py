"""What is drawn of the stream as named arrays, for CSV and npz.

Knows what the pictures are made of; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gui.panes.residual.lengths_picture import LengthsDrawn
from gui.panes.residual.lens_picture import LensDrawn
from model.probe.question import Named
from model.probe.stream_at.asks import StreamAtFound

Data = Mapping[str, Named | NDArray[Any]]


def exported(drawn: LensDrawn | LengthsDrawn | StreamAtFound | None) -> Data:
    """The numbers of a picture; of the other side under its name: ``before_…``, ``B_…``."""
    if isinstance(drawn, LensDrawn):
        return _lens(drawn)
    if isinstance(drawn, LengthsDrawn):
        return _lengths(drawn)
    return {} if drawn is None else dict(drawn.arrays())


def _lens(drawn: LensDrawn) -> Data:
    """The rows and columns that are there, and the column of the charts is one of them."""
    sheet, model = drawn.sheet, drawn.model
    rows, columns = np.flatnonzero(sheet.known_LP.any(1)), np.flatnonzero(sheet.known_LP.any(0))
    if not rows.size:
        return {}
    block = np.ix_(rows, columns)
    at = {"border": rows, "position": columns}

    def grid(values: NDArray[Any]) -> Named:
        return Named(values[block], ("border", "position"), at)

    texts = {i: model.token_text(i) for i in np.unique(sheet.ids_LP[block]).tolist() if i >= 0}
    tokens = np.array([[texts.get(i, "") for i in row] for row in sheet.ids_LP[block].tolist()])
    data: dict[str, Named | NDArray[Any]] = {
        "id": grid(sheet.ids_LP),
        "token": Named(tokens, ("border", "position"), at),
        "probability": grid(sheet.probabilities_LP),
        "entropy_bits": grid(sheet.entropies_LP),
        "watched_id": Named(
            np.broadcast_to(sheet.watched_P[columns], tokens.shape), ("border", "position"), at
        ),
        "watched_probability": grid(sheet.watched_probabilities_LP),
        "watched_rank": grid(sheet.watched_ranks_LP),
    }
    if drawn.other is not None:
        other, name = drawn.other, drawn.sides.other
        data[f"{name}_id"] = grid(other.ids_LP)
        data[f"{name}_probability"] = grid(other.probabilities_LP)
        data[f"{name}_entropy_bits"] = grid(other.entropies_LP)
        data[f"{name}_watched_probability"] = grid(other.watched_probabilities_LP)
        data[f"{name}_watched_rank"] = grid(other.watched_ranks_LP)
    return data


def _lengths(drawn: LengthsDrawn) -> Data:
    data: dict[str, Named | NDArray[Any]] = dict(drawn.norms.arrays())
    if drawn.norms_other is not None:
        data[f"{drawn.sides.other}_norm"] = drawn.norms_other.arrays()["norm"]
    if drawn.stream is not None:
        arrays = drawn.stream.arrays()
        data["station_norm"] = arrays["norm"]
        data["write_norm"], data["write_cosine"] = arrays["write_norm"], arrays["write_cosine"]
    if drawn.why is not None:
        data["logit_part"] = drawn.why.arrays()["value"]
    return data
