"""The curves of the three charts, out of an answer: what is drawn, not how.

Measured ones have points and quartiles; formulas are dashed and called so. Knows the answer; no
widget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.preview import file_size
from model.probe.cost.asks import SERIES, CostFound, Series
from model.probe.cost.words import duration, times

F = NDArray[np.float64]

NAMES: dict[Series, str] = {
    "prefill_fused": "read, fused",
    "prefill_explicit": "read, explicit",
    "decode_cached": "new token, cache",
    "decode_uncached": "new token, no cache",
}
MEANS: dict[Series, str] = {
    "prefill_fused": "The text is read whole with fused attention; its keys and values are kept",
    "prefill_explicit": "The text is read whole, all scores and weights of attention written out",
    "decode_cached": "Its last token alone; keys and values of the others lie in the cache",
    "decode_uncached": "Its last token, for which the whole text is read again",
}
COLORS: dict[Series, int] = {
    "prefill_fused": 0,
    "prefill_explicit": 1,
    "decode_cached": 2,
    "decode_uncached": 3,
}


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line of a chart.

    Attributes:
        key: its name in the answer.
        label: in the legend.
        color: place among the theme's series.
        x_N, y_N: its points; y is NaN where there is none.
        low_N, high_N: ends of the bar through each point; as y where there is no spread.
        note: under its label, how it grows or what it is made of.
        details: of each point, for whom hovers it.
        formula: whether it is counted, not timed: dashed and without points.
        means: what it is, a sentence.
    """

    key: str
    label: str
    color: int
    x_N: F
    y_N: F
    low_N: F
    high_N: F
    note: str
    details: tuple[str, ...]
    formula: bool = False
    means: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """All of a chart.

    Attributes:
        curves: what is drawn.
        x_title, y_title: of the axes.
        y_words: a number of the y axis in words.
        x_noun: of what x is a number, in singular.
    """

    curves: tuple[Curve, ...]
    x_title: str
    y_title: str
    y_words: Callable[[float], str]
    x_noun: str = "token"

    @property
    def x_N(self) -> F:
        """All places on the x axis where something was measured."""
        xs = [curve.x_N[np.isfinite(curve.y_N)] for curve in self.curves if not curve.formula]
        return np.unique(np.concatenate(xs)) if xs else np.empty(0)


def time_picture(found: CostFound) -> Picture:
    """Seconds by length, and what the count of FLOPs and bytes says."""
    x_N = found.tokens_N.astype(np.float64)
    curves = [
        _measured(found, name, at) for at, name in enumerate(SERIES) if name in found.measured
    ]
    counts: tuple[tuple[Series, F, str], ...] = (
        ("prefill_fused", found.read_flops_N, "FLOPs"),
        ("decode_cached", found.decode_bytes_N, "bytes"),
    )
    for series, needs_N, what in counts:
        seconds_N = found.seconds_of(series)
        known = np.flatnonzero(np.isfinite(seconds_N))
        if not len(known):
            continue
        # A count becomes seconds by a speed: the one that was reached with the longer half.
        longer = known[len(known) // 2 :]
        speed = float(np.median(needs_N[longer] / seconds_N[longer]))
        at = f"÷ {_speed(speed)}FLOP/s" if what == "FLOPs" else f"÷ {file_size(round(speed))}/s"
        y_N = np.where(x_N <= x_N[known[-1]], needs_N / speed, np.nan)
        curves.append(
            Curve(
                f"{series}_formula",
                f"formula: {what}",
                COLORS[series],
                x_N,
                y_N,
                y_N,
                y_N,
                at,
                tuple(f"{_speed(need)}{what}" for need in needs_N),
                formula=True,
                means=f"Counted {what} over the median speed of the longer half: only its shape "
                "says something",
            )
        )
    return Picture(tuple(curves), "tokens of the text", "time of one pass", duration)


def memory_picture(found: CostFound) -> Picture:
    """Peak bytes by length, the cache by formula, and the weights for comparison."""
    x_N = found.tokens_N.astype(np.float64)
    curves = []
    for at, name in enumerate(SERIES):
        if name not in found.measured:
            continue
        y_N, fit = found.peak_SN[at], found.fit_of(f"{name}_bytes")
        details = tuple("" if np.isnan(y) else "tensors at once" for y in y_N)
        note = "" if fit is None else grows(fit.exponent, fit.error, fit.since)
        curves.append(
            Curve(
                name,
                NAMES[name],
                COLORS[name],
                x_N,
                y_N,
                y_N,
                y_N,
                note,
                details,
                False,
                MEANS[name],
            )
        )
    if found.cache_bytes_per_token:
        y_N = found.cache_N.astype(np.float64)
        each = f"{file_size(found.cache_bytes_per_token)} a token"
        curves.append(
            Curve(
                "cache",
                "formula: cache",
                4,
                x_N,
                y_N,
                y_N,
                y_N,
                each,
                ("",) * len(x_N),
                True,
                "Keys and values that the next token reads, all layers, by formula",
            )
        )
    y_N = np.full(len(x_N), float(found.weights_bytes))
    curves.append(
        Curve(
            "weights",
            "weights",
            7,
            x_N,
            y_N,
            y_N,
            y_N,
            file_size(found.weights_bytes),
            ("",) * len(x_N),
            True,
            "All weights of the model, beside which all else is held",
        )
    )
    return Picture(tuple(curves), "tokens of the text", "most bytes of tensors at once", _bytes)


def speed_picture(found: CostFound) -> Picture:
    """How many times faster n of a kind are at once than one after another."""
    curves = []
    labels = {
        "heads": ("heads of a block", 0),
        "tokens": ("tokens of a text", 1),
        "texts": ("texts of a batch", 2),
    }
    for what, (label, color) in labels.items():
        cases = [one for one in found.speedups if one.what == what]
        if not cases:
            continue
        x_N = np.array([one.n for one in cases], np.float64)
        y_N = np.array([one.ratio for one in cases], np.float64)
        details = tuple(
            f"{duration(one.one_by_one)} one by one, {duration(one.at_once)} at once"
            for one in cases
        )
        note = f"{times(cases[-1].ratio)} × with {cases[-1].n}"
        curves.append(
            Curve(what, label, color, x_N, y_N, y_N, y_N, note, details, False, _AT_ONCE[what])
        )
    if curves:
        most = max(float(curve.x_N[-1]) for curve in curves)
        ends = np.array([1.0, most])
        curves.append(
            Curve(
                "ideal",
                "formula: n ×",
                7,
                ends,
                ends,
                ends,
                ends,
                "no time for more",
                ("", ""),
                True,
                "As fast as if all of them took no longer than one",
            )
        )
    return Picture(
        tuple(curves),
        "how many at once",
        "times as fast as one by one",
        lambda y: f"{times(y)} ×",
        "",
    )


_AT_ONCE = {
    "heads": "Products of a block's heads for 256 tokens: queries, keys, values, mixing, output",
    "tokens": "The first tokens of a text: each once the one before is done, or all in one pass",
    "texts": "The next token of each of some texts, one text after another or as a batch",
}


def grows(exponent: float, error: float, since: int) -> str:
    """An exponent with its error, for example "n^1.92 ± 0.03, n≥512"."""
    signed = f"{exponent:.2f}".replace("-", "−")
    return f"n^{signed} ± {max(error, 0.005):.2f}, n≥{since:,}"


def _measured(found: CostFound, name: Series, at: int) -> Curve:
    x_N = found.tokens_N.astype(np.float64)
    median_N, low_N, high_N = found.seconds_SNQ[at].T
    fit = found.fit_of(name)
    details = tuple(
        "" if np.isnan(median) else f"{duration(low)} – {duration(high)}, {n} passes"
        for median, low, high, n in zip(median_N, low_N, high_N, found.repeats_SN[at], strict=True)
    )
    note = "" if fit is None else grows(fit.exponent, fit.error, fit.since)
    return Curve(
        name,
        NAMES[name],
        COLORS[name],
        x_N,
        median_N,
        low_N,
        high_N,
        note,
        details,
        False,
        MEANS[name],
    )


def _bytes(value: float) -> str:
    return file_size(round(value))


def _speed(value: float) -> str:
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"  # "87.1 G", and "FLOP/s" behind it
    return f"{value:.3g} "
