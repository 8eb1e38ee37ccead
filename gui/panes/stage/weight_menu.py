"""A weight on the stage: a click inspects it, a right click offers to set it by hand.

Knows the store and the view.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint

from gui.panes.stage.view import Pointed, StageView
from gui.reading import intervening as reading
from gui.reading.inspecting import inspected_parameter
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.offer_menu import MenuItem, OfferMenu
from model.interventions import SetWeight


class WeightMenu(QObject):
    """Connects the view to the inspector and to the list of interventions.

    Args:
        store: that is asked to inspect and to change.
        view: whose numbers are pointed at.
    """

    def __init__(self, store: Store, view: StageView) -> None:
        super().__init__(view)
        self._store, self._view = store, view
        view.chosen.connect(self._inspect)
        view.menu_requested.connect(self._offer)

    def weight(self, number: Pointed | None) -> Inspected | None:
        """A number as a weight; None where it is none, or stands for several."""
        model = self._store.model
        if model is None or number is None or number.written:
            return None
        if SetWeight(number.name, number.index).refusal(model.config):
            return None
        return inspected_parameter(number.name, number.index, number.value, dtype=model.dtype)

    def _inspect(self, number: Pointed) -> None:
        weight = self.weight(number)
        if weight is not None:
            self._store.inspect(weight)

    def _offer(self, at: QPoint | None, on_screen: QPoint) -> None:
        weight = self.weight(None if at is None else self._view.number_at(at))
        model = self._store.model
        if weight is None or weight.value is None or model is None:
            return
        self._store.inspect(weight)
        offers = reading.of_weight(model.config, weight.name, weight.index, weight.value)
        is_on = self._store.intervening.is_on
        items = [
            MenuItem(offer.words, offer.intervention, is_on(offer.intervention), offer.refusal)
            for offer in offers
        ]
        menu = OfferMenu(items, self._view)
        menu.chosen.connect(self._choose)
        menu.popup(on_screen)

    def _choose(self, one: object) -> None:
        assert isinstance(one, SetWeight)
        if self._store.intervening.is_on(one):
            self._store.intervening.toggle(one)
        else:
            self._store.intervening.set_weight(one)
