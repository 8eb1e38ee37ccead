"""Neurons cut and clamped from where they are seen: menus over the map and the bars.

Changes `store.intervening`. Knows the pane's views and answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QPoint

from gui.reading import intervening
from gui.widgets.canvas import Canvas
from gui.widgets.offer_menu import MenuItem, OfferMenu
from model.interventions import SetNeuron
from model.probe.neurons.map.asks import NeuronMapFound

if TYPE_CHECKING:
    from gui.panes.neurons.pane import NeuronsPane


class Changing(QObject):
    """Connects the pane's views to the list of interventions."""

    def __init__(self, pane: NeuronsPane) -> None:
        super().__init__(pane)
        self._pane = pane
        pane.grid.menu_requested.connect(self._of_cell)
        pane.bars.menu_requested.connect(self._of_bar)

    def _of_cell(self, at: QPoint | None, on_screen: QPoint) -> None:
        pane = self._pane
        cell = None if at is None else pane.grid.cell_at(at)
        found = pane.answered("map", NeuronMapFound)
        if at is None:
            self._open(pane.neuron, pane.grid, on_screen)
        elif cell is not None and cell[0] is not None and found is not None:
            self._open(int(found.order_N[cell[0]]), pane.grid, on_screen)

    def _of_bar(self, at: QPoint | None, on_screen: QPoint) -> None:
        bars = self._pane.bars
        row = None if at is None else bars.row_at(at)
        if at is None:
            self._open(self._pane.neuron, bars, on_screen)
        elif row is not None:
            self._open(bars.rows[row].neuron, bars, on_screen)

    def _open(self, neuron: int | None, view: Canvas, on_screen: QPoint) -> None:
        store = self._pane.store
        if store.model is None or neuron is None:
            return
        layer = store.selection.layer
        offers = intervening.of_neuron(store.model.config, layer, neuron, self._largest(neuron))
        is_on = store.intervening.is_on
        items = [
            MenuItem(one.words, one.intervention, is_on(one.intervention), one.refusal)
            for one in offers
        ]
        menu = OfferMenu(items, view)
        menu.chosen.connect(self._do)
        menu.popup(on_screen)

    def _largest(self, neuron: int) -> float | None:
        """The neuron's largest activation in the text, where its row is here."""
        found = self._pane.answered("map", NeuronMapFound)
        if found is None:
            return None
        rows = np.flatnonzero(found.rows_R == neuron)
        own_T = found.values_RT[rows[:1]]
        own_T = own_T[np.isfinite(own_T)]
        return float(own_T.max()) if own_T.size else None

    def _do(self, thing: object) -> None:
        if isinstance(thing, SetNeuron):
            # Selected, or the next strongest would be looked at instead of what was done.
            self._pane.store.select(neuron=thing.neuron)
            self._pane.store.intervening.toggle(thing)
