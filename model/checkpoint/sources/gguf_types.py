"""The number formats of GGUF: their sizes, and quantised ones as plain numbers again.

By the `gguf` library, which is imported when the first such file is seen.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PLAIN = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
}


@cache
def types() -> dict[int, tuple[str, int, int]]:
    """Code in the file -> name, numbers a block, bytes a block.

    Plain types have torch's names, quantised ones those of ggml (``Q4_K``).
    """
    from gguf.constants import GGML_QUANT_SIZES

    return {
        int(kind): (_PLAIN.get(kind.name, kind.name), n, n_bytes)
        for kind, (n, n_bytes) in GGML_QUANT_SIZES.items()
    }


@cache
def block_of(dtype: str) -> tuple[int, int]:
    """Numbers a block and bytes a block of a quantised type."""
    return next((n, n_bytes) for name, n, n_bytes in types().values() if name == dtype)


@cache
def can_dequantise(dtype: str) -> bool:
    """Whether the library makes plain numbers of a quantised type."""
    _, n_bytes = block_of(dtype)
    try:
        dequantise(np.zeros(n_bytes, np.uint8), dtype)
    except NotImplementedError:
        return False
    return True


def dequantise(raw: NDArray[np.uint8], dtype: str) -> NDArray[np.float32]:
    """The numbers of whole blocks, one after the other."""
    from gguf import quants

    _, n_bytes = block_of(dtype)
    with np.errstate(all="ignore"):  # a damaged scale is NaN or infinite, which the reader reports
        made: NDArray[np.float32] = quants.dequantize(raw.reshape(-1, n_bytes), _kind(dtype))
    return made.reshape(-1)


@cache
def _kind(dtype: str) -> Any:
    from gguf.constants import GGMLQuantizationType

    return GGMLQuantizationType[dtype]
