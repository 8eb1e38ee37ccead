"""The two sides of a comparison as a picture needs to know them: their names, and B − A.

Knows nothing else: what is compared is `gui/session/comparing.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sides:
    """Which side is in view, and what both are called.

    Attributes:
        in_view_is_b: whether B is the side in view: then the other one is A.
        names: what A and B are called where there is little room.
    """

    in_view_is_b: bool = True
    names: tuple[str, str] = ("before", "after")

    def minus(self, in_view: Any, other: Any) -> Any:
        """B − A of a number or array of the side in view and that of the other."""
        return in_view - other if self.in_view_is_b else other - in_view

    def in_order(self, in_view: Any, other: Any) -> tuple[Any, Any]:
        """What belongs to A and what to B, of two that belong to the side in view and the other."""
        return (other, in_view) if self.in_view_is_b else (in_view, other)

    @property
    def places(self) -> tuple[str, str]:
        """Where a number of A and one of B hold: ``before`` and ``after``, or in A, in B."""
        return self.names if self.names == ("before", "after") else ("in A", "in B")

    @property
    def difference(self) -> str:
        """What B − A is called."""
        return f"{self.names[1]} − {self.names[0]}"

    @property
    def ratio(self) -> str:
        """What B ÷ A is called."""
        return f"{self.names[1]} ÷ {self.names[0]}"

    @property
    def inverse(self) -> str:
        """What A ÷ B is called."""
        return f"{self.names[0]} ÷ {self.names[1]}"

    @property
    def in_view(self) -> str:
        """What the side in view is called."""
        return self.names[1 if self.in_view_is_b else 0]

    @property
    def at_other(self) -> str:
        """Where another number than the one in view holds: ``before the interventions``."""
        return "before the interventions" if self.other == "before" else f"in {self.other}"

    @property
    def other(self) -> str:
        """What the side that is not in view is called."""
        return self.names[0 if self.in_view_is_b else 1]
