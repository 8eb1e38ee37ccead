"""Tensors as the read-only NumPy arrays that cross the thread border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.messages import Array

if TYPE_CHECKING:
    from torch import Tensor


def to_array(tensor: Tensor) -> Array:
    """A tensor as a read-only NumPy array; float32 where it was bfloat16 or float16.

    Shares memory with a CPU tensor: it must be one that nothing writes to, an activation or a
    result, never a live parameter.
    """
    tensor = tensor.detach()
    if tensor.is_floating_point() and tensor.itemsize < 4:  # NumPy has no bfloat16
        tensor = tensor.float()
    return _read_only(tensor)


def to_ints(tensor: Tensor) -> NDArray[np.integer[Any]]:
    """A tensor of whole numbers as a read-only NumPy array; it shares memory too."""
    return _read_only(tensor)


def _read_only(tensor: Tensor) -> NDArray[Any]:
    array = tensor.cpu().numpy().view()
    array.flags.writeable = False
    return array
