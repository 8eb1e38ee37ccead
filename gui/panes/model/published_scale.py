"""The open model beside published ones, to scale, with a button for each of them.

Knows configs; no store.
"""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import theme
from gui.panes.model.parameter_tree import tree_of_config
from gui.panes.model.scale_map import ScaleMap, Sized
from gui.widgets.action_row import ActionRow
from model.config import TransformerConfig
from model.published import PUBLISHED


class PublishedScale(QWidget):
    """Buttons above, squares below.

    Attributes:
        map: the squares.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._own: Sized | None = None
        self._published = {one: QAction(one.name, self) for one in PUBLISHED}
        for one, action in self._published.items():
            action.setToolTip(f"{one.name}: {one.source}")
            action.setCheckable(True)
            # Beside GPT-3 everything else is a speck: whoever wants to see that, asks for it.
            action.setChecked(one is not PUBLISHED[-1])
            action.toggled.connect(self._draw)
        row = ActionRow(tuple(self._published.values()), "Published models", self)
        self.map = ScaleMap(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE, 2, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(row)
        layout.addWidget(self.map, 1)

    def show_own(self, name: str, config: TransformerConfig) -> None:
        """Another model is open."""
        self._own = Sized(name, tree_of_config(config), own=True)
        self._draw()

    def _draw(self) -> None:
        if self._own is None:
            return
        shown = (
            Sized(one.name, tree_of_config(one.config), source=one.source)
            for one, action in self._published.items()
            if action.isChecked()
        )
        self.map.set_models((self._own, *shown))
