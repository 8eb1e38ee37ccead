"""The question for what context costs on this machine, and the measurements that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from model.probe.cost.fit import Fit
from model.probe.lines import asking_again
from model.probe.question import Answer, Array, Named, Question

Series = Literal["prefill_fused", "prefill_explicit", "decode_cached", "decode_uncached"]
SERIES: tuple[Series, ...] = (
    "prefill_fused",
    "prefill_explicit",
    "decode_cached",
    "decode_uncached",
)
SHORTEST = 16
QUARTILES = ("median", "low", "high")


@dataclass(frozen=True, slots=True)
class Cost(Question):
    """What it costs to read and to continue a text, in seconds and bytes, on this machine now.

    Texts of random tokens from 16 up, each length half as long again as the one before it, as far
    as the model's context, memory and patience reach. What interventions change is left out: it is
    the network as it is that is measured.

    Attributes:
        longest: tokens of the longest text; 0 for as many as the model's context holds.
        repeats: how often each pass is timed at least; three times where it takes a second.
        patience: seconds that one pass may take; longer texts are left out.
        run: which measuring it is; another number measures again what is known already.
    """

    name: ClassVar[str] = "cost"
    title: ClassVar[str] = "what context costs"
    of_text: ClassVar[bool] = False
    later: ClassVar[bool] = True
    longest: int = 0
    repeats: int = 5
    patience: float = 10.0
    run: int = 0


@dataclass(frozen=True, slots=True)
class Speedup:
    """The same products one after another and all at once.

    Attributes:
        what: ``heads`` of the first block; ``tokens`` of a text; ``texts`` of a batch.
        n: how many of them.
        one_by_one, at_once: median seconds.
    """

    what: str
    n: int
    one_by_one: float
    at_once: float

    @property
    def ratio(self) -> float:
        """How many times faster they are at once."""
        return self.one_by_one / self.at_once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CostFound(Answer):
    """What was measured, a length a row; formulas beside it.

    Series are ``prefill_fused`` and ``prefill_explicit``: a text is read whole, with fused
    attention (its keys and values kept) or operation by operation; ``decode_cached`` and
    ``decode_uncached``: its last token alone, those before it in a cache, or all read again.

    Attributes:
        tokens_N: lengths that were measured.
        seconds_SNQ: series × length × (median, lower and upper quartile); NaN where there is none.
        repeats_SN: how many passes each median is of.
        peak_SN: the most bytes that tensors beside the weights took at once; NaN as above. Counted
            after each operation; what a kernel takes inside itself is not seen.
        cache_N: bytes of keys and values that continuing such a text reads, by formula.
        read_flops_N, decode_flops_N: by formula.
        decode_bytes_N: weights and cache that a token reads, in bytes, by formula.
        speedups: one after another against at once.
        fits: how seconds and bytes grow, over the larger half of the lengths.
        stopped: why a series ends where it does, a sentence each.
        sentence: what it comes to.
        bytes_per_number: of weights, keys and values.
        weights_bytes: of all weights.
        cache_bytes_per_token: in all layers, while no window bounds it.
        device, dtype, threads: what computed.
        n_repeated: passes that were not counted, but timed again: the program did something else
            meanwhile, or another one had the core.
        busy_elsewhere: share of the time in which other programs had the core.
    """

    tokens_N: Array
    seconds_SNQ: Array
    repeats_SN: Array
    peak_SN: Array
    cache_N: Array
    read_flops_N: Array
    decode_flops_N: Array
    decode_bytes_N: Array
    speedups: tuple[Speedup, ...] = ()
    fits: tuple[Fit, ...] = ()
    stopped: tuple[str, ...] = ()
    sentence: str = ""
    bytes_per_number: int = 4
    weights_bytes: int = 0
    cache_bytes_per_token: int = 0
    device: str = "cpu"
    dtype: str = "float32"
    threads: int = 1
    n_repeated: int = 0
    busy_elsewhere: float = 0.0

    def seconds_of(self, series: Series) -> Array:
        """Medians of a series, a length each."""
        return self.seconds_SNQ[SERIES.index(series), :, 0]

    def peak_of(self, series: Series) -> Array:
        """Peak bytes of a series, a length each."""
        return self.peak_SN[SERIES.index(series)]

    def fit_of(self, name: str) -> Fit | None:
        """How a series grows: ``prefill_fused`` in seconds, ``prefill_fused_bytes`` in bytes."""
        return next((fit for fit in self.fits if fit.series == name), None)

    @property
    def measured(self) -> tuple[Series, ...]:
        """The series of which there is a number."""
        return tuple(name for name in SERIES if np.isfinite(self.seconds_of(name)).any())

    @property
    def n_measured(self) -> int:
        """Tokens of the longest text that was measured; 0 before the first."""
        known = np.isfinite(self.seconds_SNQ[:, :, 0]).any(0)
        return int(self.tokens_N[known].max()) if known.any() else 0

    def arrays(self) -> Mapping[str, Named]:
        tokens = {"tokens": self.tokens_N}
        by_series = {"series": np.array(SERIES), **tokens}
        axes = ("series", "tokens")
        found = {
            f"seconds_{name}": Named(self.seconds_SNQ[:, :, at], axes, by_series)
            for at, name in enumerate(QUARTILES)
        }
        found["repeats"] = Named(self.repeats_SN, axes, by_series)
        found["peak_bytes"] = Named(self.peak_SN, axes, by_series)
        for name in ("cache", "read_flops", "decode_flops", "decode_bytes"):
            values = getattr(self, f"{name}_N")
            found["cache_bytes" if name == "cache" else name] = Named(values, ("tokens",), tokens)
        if self.speedups:
            n = np.array([one.n for one in self.speedups])
            names = np.array([f"{one.what} {one.n}" for one in self.speedups])
            for name in ("one_by_one", "at_once"):
                values = np.array([getattr(one, name) for one in self.speedups])
                found[f"seconds_{name}"] = Named(values, ("case",), {"case": names})
            found["n_at_once"] = Named(n, ("case",), {"case": names})
        return found

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "lengths": [self._row(at) for at in range(len(self.tokens_N))],
            "fits": [
                {
                    "series": fit.series,
                    "exponent": fit.exponent,
                    "error": fit.error,
                    "from_tokens": fit.since,
                    "to_tokens": fit.until,
                }
                for fit in self.fits
            ],
            "parallel": [
                {
                    "what": one.what,
                    "n": one.n,
                    "one_by_one_seconds": one.one_by_one,
                    "at_once_seconds": one.at_once,
                    "ratio": one.ratio,
                }
                for one in self.speedups
            ],
        }

    def _row(self, at: int) -> dict[str, Any]:
        """One length: what was measured of it and what formulas say; None where it wasn't."""
        row: dict[str, Any] = {"tokens": int(self.tokens_N[at])}
        for s, name in enumerate(SERIES):
            kind, _, how = name.partition("_")
            if name not in self.measured:
                continue
            median, low, high = (_number(value) for value in self.seconds_SNQ[s, at])
            row[f"{kind}_seconds_{how}"] = median
            row[f"{kind}_seconds_{how}_low"] = low
            row[f"{kind}_seconds_{how}_high"] = high
            row[f"{kind}_bytes_{how}"] = _number(self.peak_SN[s, at])
        row["cache_bytes"] = int(self.cache_N[at])
        row["read_flops_formula"] = float(self.read_flops_N[at])
        if "decode_cached" in self.measured:
            row["decode_flops_formula"] = float(self.decode_flops_N[at])
            row["decode_bytes_formula"] = int(self.decode_bytes_N[at])
        return row

    def code(self) -> str:
        return asking_again(self)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
