"""What the mouse and the keys do on the map: tooltips, the selection, and a menu of changes.

Knows the store, the map and what it draws; asks nothing.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QWidget

from gui.panes.patching import words
from gui.panes.patching.offers import offers
from gui.panes.patching.prompts_form import PromptsForm
from gui.panes.patching.sweep_map import SweepMap
from gui.session.store import Store
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.offer_menu import MenuItem, OfferMenu
from model.interventions import Intervention
from model.messages import PromptRead
from model.probe.facts.asks import FactsFound
from model.probe.patch.asks import Patch, PatchFound

Found = PatchFound | FactsFound
Place = tuple[int | None, int | None]


class Pointing(QObject):
    """Connects the map to the selection and to the list of interventions.

    Args:
        store: that both are of.
        heat_map: that is pointed at.
        prompts: the form in which the second prompt is typed.
        parent: the pane.

    Attributes:
        found, drawn, read: the answer, what is drawn of it, and its prompt; None for nothing.
    """

    def __init__(
        self, store: Store, heat_map: HeatMap, prompts: PromptsForm, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.store, self.map, self._prompts, self._pane = store, heat_map, prompts, parent
        self.found: Found | None = None
        self.drawn: SweepMap | None = None
        self.read: PromptRead | None = None
        heat_map.describe = self.describe
        heat_map.cell_chosen.connect(self.choose)
        heat_map.cell_hovered.connect(self._on_hovered)
        heat_map.menu_requested.connect(self._on_menu)
        store.selection_changed.connect(self.mark)

    def show(self, found: Found | None, drawn: SweepMap | None, read: PromptRead | None) -> None:
        """Another map is drawn, or none."""
        self.found, self.drawn, self.read = found, drawn, read

    def mark(self) -> None:
        """Outline the cell that is selected, light the token that the mouse is over elsewhere."""
        drawn, selection = self.drawn, self.store.selection
        if drawn is None:
            return
        place = self._selected_place(drawn) if self._is_of_this_text else None
        lit = selection.hovered if self._is_of_this_text and drawn.by_token else None
        self.map.set_marks(cell=place)
        self.map.set_lit(*((lit, None) if drawn.turned else (None, lit)))

    @property
    def _is_of_this_text(self) -> bool:
        """Whether the map's tokens are those in view."""
        found, subject = self.found, self.store.subject
        return found is not None and subject is not None and found.subject.ids == subject.ids

    def describe(self, row: int, column: int) -> str:
        """What hovering a cell says."""
        found, read, model = self.found, self.read, self.store.model
        if found is None or read is None or model is None or self.drawn is None:
            return ""
        return words.hover(found, self.drawn.cell(row, column), read, model)

    def choose(self, place: Place) -> None:
        """Select layer, head and position of a cell, as far as it has them."""
        drawn, found = self.drawn, self.found
        if drawn is None or found is None:
            return
        row, at = place
        layer_at, token_at = (at, row) if drawn.turned else (row, at)
        changes: dict[str, int] = {}
        cell = drawn.cells[layer_at or 0][token_at or 0]
        if layer_at is not None:
            changes["layer"] = cell.layer
            if cell.head is not None and (token_at is not None or drawn.by_token):
                changes["head"] = cell.head * self._n_sharing
        if token_at is not None and cell.position is not None and self._is_of_this_text:
            changes["position"] = cell.position
        self.store.select(**changes)

    def _selected_place(self, drawn: SweepMap) -> tuple[int, int] | None:
        """Row and column of what is selected."""
        s = self.store.selection
        return drawn.place_of(s.layer, s.head // self._n_sharing, s.position)

    @property
    def _n_sharing(self) -> int:
        """How many heads share one of the map: keys and values of grouped attention."""
        found, model = self.found, self.store.model
        if found is None or model is None or not isinstance(found.question, Patch):
            return 1
        config = model.config
        return config.n_heads // config.n_kv_heads if found.question.kind in ("k", "v") else 1

    def _on_hovered(self, place: Place | None) -> None:
        drawn = self.drawn
        if drawn is None or not drawn.by_token or not self._is_of_this_text:
            return
        self.store.select(hovered=None if place is None else place[0 if drawn.turned else 1])

    # -------------------------------------------------------------------------------- menu

    def _on_menu(self, at: QPoint | None, on_screen: QPoint) -> None:
        items = self.offers(None if at is None else self.map.cell_at(at) or (None, None))
        if items:
            menu = OfferMenu(items, self._pane)
            menu.chosen.connect(self._do)
            menu.popup(on_screen)

    def offers(self, place: Place | None) -> list[MenuItem]:
        """What can be done at a cell, or (None) at the selected one."""
        found, model, drawn = self.found, self.store.model, self.drawn
        if found is None or model is None or drawn is None:
            return []
        row, at = (self._selected_place(drawn) or (None, None)) if place is None else place
        if row is None or at is None:
            return []
        some = offers(found, drawn.cell(row, at), model.config, self._other(found))
        is_on = self.store.intervening.is_on
        return [
            MenuItem(o.words, o.intervention, is_on(o.intervention), o.refusal, o.group)
            for o in some
        ]

    def _other(self, found: Found) -> str:
        """The second prompt as it is typed, if the map is of it; else empty."""
        question, text = found.question, self._prompts.other.text()
        cut = self.store.texts.cut(text)
        is_of_it = isinstance(question, Patch) and cut is not None and cut.ids == question.clean_ids
        return text if is_of_it else ""

    def _do(self, thing: object) -> None:
        if isinstance(thing, Intervention):
            self.store.intervening.toggle(thing)
