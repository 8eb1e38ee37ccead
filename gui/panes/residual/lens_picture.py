"""The lens as a picture: which token each cell says, its colour, and the charts of one position.

From answers to `GridContent`. Knows answers and the model's names; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gui.panes.residual import scales
from gui.panes.residual.content import GridContent
from gui.panes.residual.scales import Scaled
from gui.panes.residual.tiles import Sheet
from gui.panes.residual.tracks import Series, Track
from gui.reading.quoting import quoted
from gui.session.sides import Sides
from model.messages import ModelInfo, PromptRead
from model.probe.lens.asks import LensFound

Coloring = Literal["top", "rank", "probability", "entropy"]
RAW = "raw lens: final norm computed anew in every row, last row = the network's own logits"
RAW_SHORT = "raw lens, last row = the logits"
LIMIT = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class LensDrawn:
    """What a picture of the lens is made of.

    Attributes:
        model: whose.
        read: the prompt that was read.
        watched: the watched token; None for the network's own answer at each position.
        sheet: what is known of the cells.
        other: the other side of a comparison, where the difference is shown.
        column: the selected position at all borders.
        column_other: the same of the other side.
        sides: what both are called.
    """

    model: ModelInfo
    read: PromptRead
    watched: int | None
    sheet: Sheet
    other: Sheet | None = None
    column: LensFound | None = None
    column_other: LensFound | None = None
    sides: Sides = field(default_factory=Sides)

    def token(self, token_id: int) -> str:
        """A token of the vocabulary as cells say it."""
        return shown(self.model, token_id)


def shown(model: ModelInfo, token_id: int) -> str:
    """A token without the sign of the space before it: every other one has it."""
    text = model.token_text(token_id)
    return text.removeprefix("·") or text


def row_labels(n_layers: int) -> tuple[str, ...]:
    """Of the borders of blocks."""
    return ("embed", *map(str, range(n_layers)))


def content(drawn: LensDrawn, coloring: Coloring) -> GridContent:
    """The picture."""
    sheet, other = drawn.sheet, drawn.other
    known_LP = sheet.known_LP if other is None else sheet.known_LP & other.known_LP
    changed_LP = None
    if other is not None and coloring == "top":
        changed_LP = known_LP & (sheet.ids_LP != other.ids_LP)
    return GridContent(
        scaled=_scaled(drawn, coloring, known_LP),
        known_RC=known_LP,
        row_labels=row_labels(drawn.model.config.n_layers),
        column_labels=tuple(token.text for token in drawn.read.tokens),
        row_title="after",
        text=_text(drawn, coloring),
        more=_text(drawn, "probability of top" if coloring == "top" else "top"),
        strong_RC=changed_LP,
        tracks=tracks(drawn),
    )


def _scaled(drawn: LensDrawn, coloring: Coloring, known_LP: NDArray[np.bool_]) -> Scaled:
    sheet, other, n_ids = drawn.sheet, drawn.other, drawn.model.config.d_vocab
    if drawn.watched is None:
        whose = "the network's answer at each position"
    else:
        whose = quoted(drawn.token(drawn.watched))
    what = {
        "top": "probability of the likeliest token",
        "rank": f"rank of {whose}",
        "probability": f"probability of {whose}",
        "entropy": "entropy, bits",
    }[coloring]
    titles: tuple[str, ...]
    if other is not None:
        sides = drawn.sides
        if coloring == "rank":  # a rank of 1 after one of 20 is 20 times as high
            here = np.where(known_LP, sheet.watched_ranks_LP, 1).astype(float)
            there = np.where(known_LP, other.watched_ranks_LP, 1).astype(float)
            titles = (f"{what}: {sides.inverse}", f"rank: {sides.inverse}")
            return scales.ratio(*sides.in_order(here, there), titles)
        here, there = (np.where(known_LP, _numbers(one, coloring), 0) for one in (sheet, other))
        titles = (f"{what}: {sides.difference}", sides.difference)
        if coloring == "top":
            titles = (f"{titles[0]} · heavier: another token than {sides.other}", *titles)
        a, b = sides.in_order(here, there)
        return scales.difference(b, a, titles)
    titles = (f"{what} · {RAW}", f"{what} · {RAW_SHORT}", f"{what} · raw lens", what)
    numbers = _numbers(sheet, coloring)
    if coloring == "rank":
        return scales.rank(numbers, n_ids, titles)
    if coloring == "entropy":
        return scales.entropy(numbers, n_ids, titles)
    return scales.probability(numbers, titles)


def _numbers(sheet: Sheet, coloring: Coloring) -> scales.Floats:
    return {
        "top": sheet.probabilities_LP,
        "rank": sheet.watched_ranks_LP.astype(float),
        "probability": sheet.watched_probabilities_LP,
        "entropy": sheet.entropies_LP,
    }[coloring]


def _text(
    drawn: LensDrawn, what: Coloring | Literal["probability of top"]
) -> Callable[[int, int], str]:
    """What cells say: a token, or a number and how it changed."""
    sheet, other = drawn.sheet, drawn.other

    def top(row: int, column: int) -> str:
        return drawn.token(int(sheet.ids_LP[row, column]))

    def rank(row: int, column: int) -> str:
        return compact(int(sheet.watched_ranks_LP[row, column]))

    def number(row: int, column: int) -> str:
        of: Coloring = "top" if what == "probability of top" else what
        digits = 1 if of == "entropy" else 2
        value = _numbers(sheet, of)[row, column]
        if other is None:
            return f"{value:.{digits}f}"
        return signed(drawn.sides.minus(value, _numbers(other, of)[row, column]), digits)

    return {"top": top, "rank": rank}.get(what, number)


def tracks(drawn: LensDrawn) -> tuple[Track, ...]:
    """Probability and rank of the watched token, and the entropy, at the selected position."""
    found, other = drawn.column, drawn.column_other
    n_ids, config = drawn.model.config.d_vocab, drawn.model.config
    token, at = "the answer", "the selected position"
    if found is not None and found.watched_ids_P is not None:
        token = quoted(drawn.token(int(found.watched_ids_P[0])))
        at = quoted(drawn.read.tokens[int(found.positions_P[0])].text)
    rows = tuple(row + 0.5 for row in range(config.n_layers + 1))

    def lines(name: str) -> tuple[Series, ...]:
        if found is None:  # on its way: its place is kept
            return ()
        one = Series("", "lens", "line", rows, _column(found, name))
        if other is None:
            return (one,)
        return (Series(drawn.sides.other, "text", "other", rows, _column(other, name)), one)

    most = float(np.log2(max(n_ids, 2)))
    return (
        Track(
            "probability",
            0.0,
            1.0,
            lines("watched_probability"),
            tip=f"Probability of {token} at {at} after every block, by the lens",
        ),
        Track(
            "rank",
            float(max(n_ids, 2)),
            1.0,
            lines("watched_rank"),
            log=True,
            ends=(f"{n_ids:,}", "1"),
            tip=f"Rank of {token} at {at} among {n_ids:,} tokens (logarithmic; right is best)",
        ),
        Track(
            "entropy",
            0.0,
            most,
            lines("entropy_bits"),
            ends=("0", f"{most:.1f}"),
            tip=f"Entropy at {at} in bits: how undecided the lens is ({most:.1f}: all alike)",
        ),
    )


def _column(found: LensFound, name: str) -> tuple[float, ...]:
    values = found.arrays()[name].values[:, 0].astype(float)
    if name == "watched_rank":
        values = np.where(values > 0, values, np.nan)
    return tuple(values.tolist())


def compact(count: int) -> str:
    """A rank in few letters."""
    if count < LIMIT:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 1000 * 1000 else f"{count / 1e6:.0f}M"


def signed(value: float, digits: int) -> str:
    """A difference; of nothing 0 without a sign."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else "0"
