"""How the fast path is watched: what it has at hand is handed over while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

Keep: TypeAlias = Callable[[str, Tensor], None]
"""Called with the full name of an operation and what it wrote.

Only for what the fast path has in the meaning and shape of the traced path; equal to it within
rounding. The tensor is the one that the pass goes on with, often a view: to be read or copied,
not to be changed.
"""
