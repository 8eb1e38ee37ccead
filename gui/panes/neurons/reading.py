"""How far texts are to be read, for each layer and source: what the person asked for, and stopped.

Values only; no Qt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST = 10_000
"""Tokens that are read at the first press; twice as many more at each further one."""


@dataclass(slots=True)
class Reading:
    """What is to be read.

    Attributes:
        file: of the texts; empty for the story world.
        goes_on: whether a layer that was not read for is read for by itself.
    """

    file: str = ""
    goes_on: bool = False
    _goals: dict[tuple[int, int, str], int] = field(default_factory=dict)

    def goal(self, model: int, layer: int) -> int:
        """How many tokens are wanted."""
        return self._goals.get((model, layer, self.file), FIRST if self.goes_on else 0)

    def start(self, model: int, layer: int, n_read: int) -> None:
        """Read, or read on."""
        self.goes_on = True
        self._goals[model, layer, self.file] = FIRST if n_read < FIRST else 3 * n_read

    def stop(self, model: int, layer: int, n_read: int) -> None:
        """What was read is enough."""
        self.goes_on = False
        self._goals[model, layer, self.file] = n_read
