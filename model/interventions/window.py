"""Which positions an intervention is given, and where it reads another text's activations.

Knows neither network nor bench: who executes hands in how activations are had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Ids: TypeAlias = tuple[int, ...]
Read: TypeAlias = "Callable[[Ids, str, int, int], Tensor]"
"""Gives an activation of another text, run without interventions: ``read(ids, name, start, stop)``
is ``[1, stop - start, …]``, or ``[1, H, stop - start, S]`` for patterns."""


def nothing_to_read(ids: Ids, name: str, start: int, stop: int) -> Tensor:
    """Stands where no other text can be run.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{name} of another text is needed here, and no network is at hand to run it.")


@dataclass(frozen=True, slots=True)
class Window:
    """Where in the text the tensors stand that are changed.

    Attributes:
        start: the first position (the first query, of scores and patterns).
        read: how another text's activations are had.
    """

    start: int = 0
    read: Read = nothing_to_read

    def rows(self, positions: tuple[int, ...], n: int) -> list[int]:
        """Those positions that are among ``n`` rows from ``start`` on, as rows; all for none."""
        if not positions:
            return list(range(n))
        return [at - self.start for at in positions if 0 <= at - self.start < n]
