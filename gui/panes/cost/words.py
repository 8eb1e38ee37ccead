"""What the pane says: of the cache, what it takes; of what was measured, how and how far.

Pure functions of answers and the config; no store, no widget.
"""

from __future__ import annotations

import numpy as np

from model.config import TransformerConfig
from model.counting import counted
from model.preview import file_size
from model.probe.cache.asks import CacheFound
from model.probe.cost.asks import CostFound
from model.probe.cost.formulas import cache_numbers
from model.probe.cost.words import of_parallel

BUSY = 0.15
"""Share of the time from which it is said that other programs had the core."""


def of_cache(found: CacheFound, config: TransformerConfig) -> str:
    """What the cache takes here, and what it comes to."""
    n = counted(found.n_tokens, "token")
    if not config.causal:
        return (
            f"Keys and values of {n} take {file_size(found.cache_bytes)}, and none can be kept: "
            "each token reads those behind it, so a longer text changes them all."
        )
    full = file_size(found.bytes_per_number * cache_numbers(config, config.n_ctx))
    words = (
        f"{n} fill {file_size(found.cache_bytes)}, {file_size(found.bytes_per_token)} each; "
        f"a full context of {config.n_ctx:,} takes {full}."
    )
    if found.needed_bytes < found.cache_bytes:
        words += (
            f" Windows have passed {file_size(found.cache_bytes - found.needed_bytes)} of it: "
            f"the next token reads {file_size(found.needed_bytes)}."
        )
    elif config.n_kv_heads < config.n_heads:
        words += (
            f" {counted(config.n_kv_heads, 'head')} of keys and values for {config.n_heads} of "
            f"queries: a head each would take {_ratio(config)} × as much."
        )
    return words


def formula(found: CacheFound) -> str:
    """The bytes of the cache as a product."""
    return f"formula: {found.formula} = {found.cache_bytes:,} bytes"


def held(found: CacheFound) -> str:
    """What the program really holds of the text."""
    each = found.bytes_per_token
    room = found.buffer_bytes // each if each else 0
    return (
        f"Held now: {file_size(found.buffer_bytes)} of buffers, room for "
        f"{counted(room, 'token')}; with the residual stream and what panes look at "
        f"{file_size(found.stream_bytes)}."
    )


def of_measuring(found: CostFound, view: str) -> str:
    """The sentence above a chart."""
    if view == "memory":
        return of_memory(found)
    return of_parallel(found) if view == "parallel" and found.speedups else found.sentence


def of_memory(found: CostFound) -> str:
    """What tensors take while the longest text is read."""
    fused_N, explicit_N = found.peak_of("prefill_fused"), found.peak_of("prefill_explicit")
    known = np.flatnonzero(np.isfinite(fused_N) & np.isfinite(explicit_N))
    if not len(known):
        return found.sentence
    at = int(known[-1])
    fused, explicit = (file_size(round(float(one[at]))) for one in (fused_N, explicit_N))
    cached = int(found.cache_N[at])
    kept = f", {file_size(cached)} of it the cache" if cached else ""
    return (
        f"To read {int(found.tokens_N[at]):,} tokens takes {fused} beside the weights{kept}; "
        f"with all attention weights written out and nothing kept, {explicit}."
    )


def how(found: CostFound, view: str) -> str:
    """How it was measured, why curves end, what makes them doubtful."""
    where = found.device.upper()
    if found.device == "cpu":
        where = f"CPU, {counted(found.threads, 'thread')}"
    said = [f"Measured here: {where}, {found.dtype}."]
    if view == "memory":
        said.append(
            "Bytes of tensors beside the weights, counted after every operation; what a kernel "
            "takes inside itself is not seen."
        )
    elif view == "time":
        said.append(
            "Medians; bars are quartiles. n^a: fitted to the larger half, ± standard error."
        )
    else:
        said.append("Medians of both ways.")
    if found.busy_elsewhere > BUSY and view != "memory":
        said.append(
            f"Other programs had the core for {found.busy_elsewhere:.0%} of the time: "
            "a quiet machine is faster."
        )
    return " ".join((*said, *found.stopped))


def _ratio(config: TransformerConfig) -> str:
    return f"{config.n_heads / config.n_kv_heads:.3g}"
