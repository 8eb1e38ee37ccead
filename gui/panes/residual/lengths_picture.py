"""Lengths as a picture: how long the stream is at every place, and what is added at one position.

From answers to `GridContent`. Knows answers and the model's names; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gui.panes.residual import scales
from gui.panes.residual.content import GridContent
from gui.panes.residual.layout import Sizes
from gui.panes.residual.lens_picture import row_labels, shown
from gui.panes.residual.tracks import Series, Track
from gui.reading.numbers import short
from gui.session.sides import Sides
from model.messages import ModelInfo, PromptRead
from model.probe.attribution.asks import AttributionFound
from model.probe.norms.asks import Norms, NormsFound, Of
from model.probe.stream_at.asks import StreamAtFound

SIZES = Sizes(
    row=14, row_most=96, column=14, column_most=72, fit_row=4, fit_column=0.01, charts=0.45
)
WHAT: dict[Of, str] = {
    "stream": "length of the stream",
    "attention": "length of what attention adds",
    "mlp": "length of what the MLP adds",
}
LABELS = {"attention": "attention", "mlp": "MLP"}
COLORS = {"attention": 2, "mlp": 4}
"""Of the theme's series."""
WITHIN = {"attention": 0.32, "mlp": 0.68}
"""Where in a block's row each stands: attention above the MLP, also where both are one sum."""


@dataclass(frozen=True, slots=True, eq=False)
class LengthsDrawn:
    """What a picture of lengths is made of.

    Attributes:
        model: whose.
        read: the prompt that was read.
        norms, norms_other: lengths at every place; of the other side of a comparison where the
            difference is shown.
        stream, stream_other: the selected position.
        why, why_other: what each half block adds to a token's logit there.
        sides: what both sides are called.
    """

    model: ModelInfo
    read: PromptRead
    norms: NormsFound
    norms_other: NormsFound | None = None
    stream: StreamAtFound | None = None
    stream_other: StreamAtFound | None = None
    why: AttributionFound | None = None
    why_other: AttributionFound | None = None
    sides: Sides = field(default_factory=Sides)

    @property
    def of(self) -> Of:
        """Whose lengths the cells are."""
        question = self.norms.question
        assert isinstance(question, Norms)
        return question.of

    @property
    def first_row(self) -> int:
        """The row of the first lengths: before the first block nothing is added."""
        return 0 if self.of == "stream" else 1


def content(drawn: LengthsDrawn) -> GridContent:
    """The picture."""
    config = drawn.model.config
    shape = config.n_layers + 1, drawn.norms.norms_RP.shape[1]
    first, other = drawn.first_row, drawn.norms_other
    known_RC = np.zeros(shape, np.bool_)
    known_RC[first:] = True
    what = WHAT[drawn.of]
    if other is None:
        part = scales.length(drawn.norms.norms_RP, (f"{what}, logarithmic", what))
    else:
        ratio = drawn.sides.ratio
        a, b = drawn.sides.in_order(drawn.norms.norms_RP, other.norms_RP)
        part = scales.ratio(b, a, (f"{what}: {ratio}", ratio))
        known_RC[first:] &= ~np.isnan(other.norms_RP)  # these have no other side
    values_RC, amounts_RC = np.zeros(shape), np.zeros(shape)
    values_RC[first:], amounts_RC[first:] = part.values, part.amounts

    def text(row: int, column: int) -> str:
        value = values_RC[row, column]
        return short(value, 2) if other is not None else brief(value)

    return GridContent(
        scaled=scales.Scaled(values_RC, amounts_RC, part.map, part.low, part.high, part.titles),
        known_RC=known_RC,
        row_labels=row_labels(config.n_layers),
        column_labels=tuple(token.text for token in drawn.read.tokens),
        row_title="after",
        sizes=SIZES,
        absent_rows=() if first == 0 else (0,),
        text=text,
        tracks=tracks(drawn),
    )


def tracks(drawn: LengthsDrawn) -> tuple[Track, ...]:
    """What happens to the stream at the selected position, half block by half block."""
    found, other = drawn.stream, drawn.stream_other
    if found is None:  # on its way: its place is kept
        names = ("length", "cosine", *(("logit",) if drawn.model.config.has_logits else ()))
        return tuple(Track(name, 0.0, 1.0, ()) for name in names)
    rows = station_rows(found)
    every = [found.norms_S, found.writes_W]
    if other is not None:
        every += [other.norms_S, other.writes_W]
    low, high = scales.ends(np.concatenate(every))
    lengths = [Series("stream", "text", "line", tuple(rows), tuple(found.norms_S.tolist()))]
    if other is not None:
        norms = tuple(other.norms_S.tolist())
        line = Series(drawn.sides.other, "dim", "other", tuple(rows), norms)
        lengths.insert(0, line)
    for of, at in _by_kind(found).items():
        values = tuple(found.writes_W[at].tolist())
        lengths.insert(0, Series(LABELS[of], COLORS[of], "line", _rows(found, at), values))
    charts = [
        Track(
            "length",
            low,
            high,
            tuple(lengths),
            log=True,
            tip="Length of the stream after every half block, and of what attention and MLP add "
            "(logarithmic)",
        ),
        Track(
            "cosine",
            -1.0,
            1.0,
            _bars(found, found.cosines_W),
            ends=("−1", "+1"),
            tip="Cosine of what is added with the stream that it is added to: near 0 it turns the "
            "stream, above it makes it longer, below it takes away",
        ),
    ]
    if drawn.why is not None:
        charts.append(_logit_track(drawn, drawn.why))
    elif drawn.model.config.has_logits:
        charts.append(Track("logit", 0.0, 1.0, ()))
    return tuple(charts)


def _logit_track(drawn: LengthsDrawn, why: AttributionFound) -> Track:
    """What each half block adds to the logit of a token."""
    named: list[Series] = []
    most = 0.0
    for kind in ("attention", "mlp"):
        parts = [part for part in why.parts if part.kind == kind and part.layer is not None]
        at = tuple((part.layer or 0) + 1 + WITHIN[kind] for part in parts)
        values = tuple(part.value for part in parts)
        most = max(most, *(abs(value) for value in values), 0.0) if values else most
        named.append(Series(LABELS[kind], COLORS[kind], "bars", at, values, 0.3))
    top = scales.round_up(most)
    token = shown(drawn.model, why.target)
    return Track(
        f"to “{token}”",
        -top,
        top,
        tuple(named),
        ends=(f"−{top:g}", f"+{top:g}"),
        tip=f"What each half block adds to the logit of “{token}” by itself (direct logit "
        "attribution; the norms' scales as they were)",
    )


def station_rows(found: StreamAtFound) -> list[float]:
    """Where each station stands beside the rows: those of a block share its row evenly."""
    counts: dict[int | None, int] = {}
    for one in found.stations:
        counts[one.layer] = counts.get(one.layer, 0) + 1
    seen: dict[int | None, int] = {}
    rows = []
    for one in found.stations:
        index = seen.get(one.layer, 0)
        seen[one.layer] = index + 1
        row = 0 if one.layer is None else one.layer + 1
        rows.append(row + (index + 0.5) / counts[one.layer])
    return rows


def _rows(found: StreamAtFound, at: Sequence[int]) -> tuple[float, ...]:
    """Where some of what is added stands."""
    return tuple(found.writes[i].layer + 1 + WITHIN[found.writes[i].of] for i in at)


def _bars(found: StreamAtFound, values_W: scales.Floats) -> tuple[Series, ...]:
    made = []
    for of, at in _by_kind(found).items():
        values = tuple(values_W[at].tolist())
        made.append(Series(LABELS[of], COLORS[of], "bars", _rows(found, at), values, 0.3))
    return tuple(made)


def _by_kind(found: StreamAtFound) -> dict[str, list[int]]:
    """Which of what is added attention and MLP add."""
    return {of: [i for i, one in enumerate(found.writes) if one.of == of] for of in LABELS}


def brief(value: float) -> str:
    """A length in a cell."""
    if value >= 1000:
        return f"{value / 1000:.1f}k" if value < 1e5 else f"{value:.0e}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
