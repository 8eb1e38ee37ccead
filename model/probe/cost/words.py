"""What the measurements come to, in a sentence. Knows the answer's numbers only."""

from __future__ import annotations

import numpy as np

from model.preview import file_size
from model.probe.cost.asks import CostFound


def duration(seconds: float) -> str:
    """Seconds in the unit that fits, three digits: 412 µs, 3.2 ms, 12.4 s."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= 0.9995 * unit or unit == 1e-6:
            value = seconds / unit
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f} {name}"
    raise AssertionError(seconds)


def times(ratio: float) -> str:
    """A ratio with two digits that mean something: 1.3, 31, 240."""
    return f"{ratio:.2g}" if ratio < 9.95 else f"{ratio:,.0f}"


def sentence(found: CostFound) -> str:
    """What it costs at the longest text of which everything is known."""
    if not found.n_measured:
        return ""
    if "decode_cached" in found.measured:
        return _of_decoding(found)
    return _of_reading(found)


def _of_decoding(found: CostFound) -> str:
    cached, again = found.seconds_of("decode_cached"), found.seconds_of("decode_uncached")
    both = np.flatnonzero(np.isfinite(cached) & np.isfinite(again))
    if not len(both):
        return _of_reading(found)
    at = int(both[-1])
    n, ratio = int(found.tokens_N[at]), float(again[at] / cached[at])
    if ratio >= 1.05:
        words = f"a new token costs 1/{times(ratio)} of reading the text again"
    else:
        words = "a new token costs as much as reading the text again"
    took = file_size(int(found.cache_N[at]))
    return f"At {n:,} tokens {words}; the cache takes {took}."


def _of_reading(found: CostFound) -> str:
    fused = found.seconds_of("prefill_fused")
    known = np.flatnonzero(np.isfinite(fused))
    if not len(known):
        return ""
    at = int(known[-1])
    words = f"Reading {int(found.tokens_N[at]):,} tokens takes {duration(float(fused[at]))}"
    slower = float(found.seconds_of("prefill_explicit")[at] / fused[at])
    if np.isfinite(slower):
        words += f", with all attention weights written out {times(slower)} × as long"
    cached = int(found.cache_N[at]) > 0
    return f"{words}." if cached else f"{words}. Nothing can be kept for a longer text."


def of_parallel(found: CostFound) -> str:
    """How much faster the most of each kind are at once."""
    said = []
    for what, words in (
        ("heads", "heads of a block"),
        ("tokens", "tokens of a text"),
        ("texts", "texts in a batch"),
    ):
        most = [one for one in found.speedups if one.what == what]
        if most:
            said.append(f"{most[-1].n} {words} {times(most[-1].ratio)} ×")
    threads = "one thread" if found.threads == 1 else f"{found.threads} threads"
    where = threads if found.device == "cpu" else found.device.upper()
    return f"At once instead of one after another, on {where}: {', '.join(said)} as fast."
