"""What the model in view computes for the prompt in view: what every pane is held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray

from tests.gui.desk import Desk


class Recorded(Mapping[str, NDArray[Any]]):
    """A whole trace by the explicit path, as NumPy arrays with their batch dimension."""

    def __init__(self, desk: Desk) -> None:
        subject = desk.store.subject
        assert subject is not None
        self.ids = subject.ids
        self._trace = desk.lm.trace(list(subject.ids), interventions=subject.interventions)

    def __getitem__(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = self._trace[name].detach().numpy()
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._trace)

    def __len__(self) -> int:
        return len(list(self._trace))
