"""A disk that gets full: no file of this process may grow beyond some bytes.

What a full disk does, a write that ends short and a refusal after it, by the system's own limit; a
pretended error in one function would miss every writer that does not call it.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

FULL = "File too large"
"""What the system says; of a disk it is that there is no space left."""


@contextmanager
def room_for(n_bytes: int) -> Iterator[None]:
    """Inside, every file can hold so many bytes and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
