"""The column beside the cloud: what is near, analogies, pairs along a direction, paths, groups.

Knows its pages; no store.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from gui import theme
from gui.panes.base import column
from gui.panes.space.along_page import AlongPage
from gui.panes.space.groups_page import GroupsPage
from gui.panes.space.path_page import PathPage
from gui.panes.space.side import SpaceSide
from gui.panes.space.suite_page import SuitePage
from gui.widgets.segments import Segments

PAGES = (
    ("near", "Near", "What is near the token or the sum that is looked at"),
    ("suite", "Analogy", "A list of analogies, and of how many the expected word is nearest"),
    ("along", "Order", "Whether a direction orders pairs that it was not made of"),
    ("path", "Path", "What the selected token is near after each layer, also in two prompts"),
    ("groups", "Groups", "Colours, filters, selections, clusters, and views that are kept"),
)


class SideColumn(QWidget):
    """One of five pages.

    Attributes:
        pages: which is seen.
        near, suite, along, path, groups: the pages.

    Signals:
        page_chosen: its key.
    """

    page_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.pages = Segments(font=theme.sans(theme.SMALL_FONT_SIZE))
        for key, text, tip in PAGES:
            self.pages.add(key, text, tip)
        self.near = SpaceSide()
        self.suite = SuitePage()
        self.along = AlongPage()
        self.path = PathPage()
        self.groups = GroupsPage()
        self._stack = QStackedWidget()
        for page in (self.near, self.suite, self.along, self.path, self.groups):
            self._stack.addWidget(page)
        inner = column(self, margin=0, spacing=theme.TIGHT)
        inner.addWidget(self.pages, 0, Qt.AlignmentFlag.AlignLeft)
        inner.addWidget(self._stack, 1)
        self.pages.chosen.connect(self._turned)

    @property
    def page(self) -> str:
        """Key of the page that is seen."""
        return self.pages.current

    def show_page(self, key: str) -> None:
        """Turn to a page."""
        self.pages.set_current(key)
        self._stack.setCurrentIndex([page for page, _, _ in PAGES].index(key))

    def _turned(self, key: str) -> None:
        self.show_page(key)
        self.page_chosen.emit(key)
