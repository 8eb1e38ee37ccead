"""How fast the processor computes in half precision, measured: not all have instructions for it.

Without them a product in bfloat16 or float16 has been seen to take 4 to 500 times as long as in
float32, though it reads half the bytes (pytorch issue 146508). Knows torch, no checkpoint.
"""

from __future__ import annotations

import time
from functools import cache

SLOW = 2.0
"""From this factor on a file in half precision is opened in float32: beside it the bytes that are
saved are no gain."""

HALVES = frozenset(("bfloat16", "float16"))

_POSITIONS, _WIDTH = 32, 512
_LEAST_RUNS = 3
_MOST_RUNS = 8
_ENOUGH_SECONDS = 0.004


@cache
def slowdown(dtype: str) -> float:
    """How many times as long a matrix product takes on the processor as in float32.

    Measured once in a process, in a few milliseconds (0.1 s where it is 500 times as long).

    Args:
        dtype: ``bfloat16`` or ``float16``.
    """
    return _product_seconds(dtype) / _product_seconds("float32")


def _product_seconds(dtype: str) -> float:
    """The shortest of some runs: what else goes on in the machine only makes one longer."""
    import torch

    kind: torch.dtype = getattr(torch, dtype)
    x_TD = torch.ones((_POSITIONS, _WIDTH), dtype=kind)
    w_DD = torch.ones((_WIDTH, _WIDTH), dtype=kind)
    best, began = float("inf"), time.perf_counter()
    with torch.inference_mode():
        for run in range(_MOST_RUNS):
            start = time.perf_counter()
            torch.nn.functional.linear(x_TD, w_DD)
            end = time.perf_counter()
            # The first prepares the kernel, which takes longer than a fast product.
            best = min(best, end - start) if run else best
            if run + 1 >= _LEAST_RUNS and end - began > _ENOUGH_SECONDS:
                break
    return best
