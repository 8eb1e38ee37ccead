"""A network that learns, looked at as one that doesn't."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.transformer import Transformer


@contextmanager
def evaluating(network: Transformer) -> Iterator[None]:
    """Dropout is off inside, and as it was afterwards."""
    if not network.training:  # the usual case; telling every module takes a millisecond
        yield
        return
    network.eval()
    try:
        yield
    finally:
        network.train()
