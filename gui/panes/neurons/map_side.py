"""The map in the pane: what it draws, what a click or a key selects, and what is brought into view.

Knows the pane with its store and answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from gui.panes.neurons import pictures, words
from gui.reading.inspecting import inspected
from model.probe.neurons.map.asks import NeuronMapFound

if TYPE_CHECKING:
    from gui.panes.neurons.pane import NeuronsPane


class MapSide(QObject):
    """Connects the map to answers and selection."""

    def __init__(self, pane: NeuronsPane) -> None:
        super().__init__(pane)
        self._pane, self.grid = pane, pane.grid
        self._reveal = True
        self._position = -1  # that was brought into view last
        self.grid.describe = self._describe
        self.grid.chosen.connect(self._choose)
        self.grid.moved.connect(self._move)
        pane.store.selection_changed.connect(self.mark)

    def reveal_soon(self) -> None:
        """Bring the neuron into view, as soon as its row is known."""
        self._reveal = True

    def forget(self) -> None:
        """Another model: nothing that is drawn holds of it."""
        self.grid.set_content(None)
        self._reveal, self._position = True, -1

    @property
    def found(self) -> NeuronMapFound | None:
        """What is drawn."""
        return self._pane.answered("map", NeuronMapFound)

    def draw(self) -> None:
        """Take the newest answer."""
        pane, found = self._pane, self.found
        slot, model = pane.slot("map"), pane.store.model
        if found is None or slot is None or slot.read is None or model is None:
            self.grid.set_content(None)
            return
        other = pane.other_rows(found)
        self.grid.set_content(pictures.map_content(found, model, slot.read, other))
        if self._reveal and slot.is_current and pane.store.selection.neuron is not None:
            self._reveal = False
            self.grid.reveal(self._row(found), None)

    def mark(self) -> None:
        """Frame what is selected, and bring another token into view; that needs no answer."""
        found, position = self.found, self._pane.store.selection.position
        row = None if found is None else self._row(found)
        self.grid.set_marks(row, position if position >= 0 else None)
        if found is not None and position not in (-1, self._position):
            self._position = position
            self.grid.reveal(None, position)

    def _row(self, found: NeuronMapFound) -> int | None:
        """In which row the neuron stands."""
        neuron = self._pane.neuron
        if neuron is None or found.asked.layer != self._pane.store.selection.layer:
            return None
        rows = np.flatnonzero(found.order_N == neuron)
        return int(rows[0]) if len(rows) else None

    # ------------------------------------------------------------------ mouse and keys

    def _choose(self, cell: tuple[int | None, int | None]) -> None:
        row, column = cell
        found = self.found
        if found is None:
            return
        changes: dict[str, int] = {} if column is None else {"position": column}
        if row is not None:
            changes["neuron"] = int(found.order_N[row])
            changes["layer"] = found.asked.layer
        self._reveal = found.asked.order == "token"  # its row is another then
        self._pane.store.select(**changes)
        if row is not None and column is not None:
            self._inspect(found, row, column)

    def _move(self, down: int, right: int) -> None:
        found, store, neuron = self.found, self._pane.store, self._pane.neuron
        if found is None:
            return
        changes: dict[str, int] = {}
        if right:
            changes["position"] = max(0, store.selection.position + right)
            if neuron is not None:
                changes["neuron"] = neuron
        if down:
            row = self._row(found)
            row = self.grid.seen.start - 1 if row is None else row
            row = min(max(0, row + down), len(found.order_N) - 1)
            changes["neuron"] = int(found.order_N[row])
        store.select(**changes)
        self.grid.reveal(self._row(found), None)
        self._reveal = found.asked.order == "token"

    def _inspect(self, found: NeuronMapFound, row: int, column: int) -> None:
        slot, store = self._pane.slot("map"), self._pane.store
        read = None if slot is None else slot.read
        place = row - found.asked.first
        if read is None or store.model is None or not 0 <= place < len(found.values_RT):
            return
        index = found.index_of(place, column)
        if index:
            name = f"blocks.{found.asked.layer}.mlp.hook_post"
            value = float(found.values_RT[place, column])
            store.inspect(inspected(store.model, read, name, index, value))

    def _describe(self, row: int, column: int | None) -> str:
        slot, model, found = self._pane.slot("map"), self._pane.store.model, self.found
        if found is None or slot is None or slot.read is None or model is None:
            return ""
        place = row - found.asked.first
        if column is None or not 0 <= place < len(found.values_RT):
            return words.long_name(model.config, found.asked.layer, int(found.order_N[row]))
        token = slot.read.tokens[column].text
        said = words.cell(model.config, found, place, column, token)
        other = self._pane.other_rows(found)
        if other is not None:
            value = float(other.values_RT[place, column])
            none = "" if value == value else f"no other side in {other.sides.other}"
            said += f"\n{none or f'{other.sides.at_other} {value:.6g}'}"
        return said
