"""The parts of the embedding space's pane, and where they stand in the room that there is.

Knows widgets and sizes; neither store nor messages.
"""

from __future__ import annotations

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLineEdit, QStackedWidget, QWidget

from gui import theme
from gui.panes.base import EmptyState, column
from gui.panes.space.side import SpaceSide
from gui.panes.space.tools import NO_LIMIT, SpaceTools
from gui.widgets.point_cloud.view import PointCloudView
from gui.widgets.text import Text

SIDE_WIDTH = 252
MIN_WIDTH_FOR_SIDE = 560
MIN_HEIGHT_FOR_BELOW = 460
MIN_WIDTH_FOR_TOOLS = 520


class SpaceBody(QStackedWidget):
    """A sentence while there is nothing to draw; else a search, tools, the cloud and its column.

    Attributes:
        search: where a token or a sum of words is typed.
        tools: the buttons beside it.
        view: the cloud.
        side: the column beside it, or below.
        status: the line below.
        empty: the sentence.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a token, or king - man + woman")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(140)
        self.search.setAccessibleName("Search the vocabulary, or a sum of words")
        self.search.setToolTip(
            "Type a part of a token: Enter selects the first, arrow keys another.\n"
            "Or a sum of words such as king - man + woman. In quotes a token is taken byte by\n"
            'byte (" king" has a space before it); #812 is an id. Escape clears.'
        )
        self.tools = SpaceTools()
        self.view = PointCloudView()
        self.view.setAccessibleName("Tokens in space")
        self.side = SpaceSide()
        self.status = Text(tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.empty = EmptyState()
        top = QHBoxLayout()
        top.setSpacing(theme.TIGHT)
        top.addWidget(self.search, 1)
        top.addWidget(self.tools)
        self._middle = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle.setSpacing(theme.SPACE)
        self._middle.addWidget(self.view, 1)
        self._middle.addWidget(self.side)
        self._content = QWidget()
        inner = column(self._content, margin=0, spacing=theme.TIGHT)
        inner.addLayout(top)
        inner.addLayout(self._middle, 1)
        inner.addWidget(self.status)
        # Pages of one size: what is shown first is laid out at once.
        self.addWidget(self.empty)
        self.addWidget(self._content)

    def show_sentence(self, sentence: str) -> None:
        """There is nothing to draw, and why; empty: there is."""
        self.setCurrentWidget(self.empty if sentence else self._content)
        if sentence:
            self.empty.setText(sentence)

    def arrange(self, width: int, height: int, *, tied: bool) -> None:
        """Fit a place.

        Args:
            width, height: of the pane.
            tied: the model has one table, so there is none to choose.
        """
        beside = width >= MIN_WIDTH_FOR_SIDE
        below = height >= MIN_HEIGHT_FOR_BELOW and width >= 220
        directions = QBoxLayout.Direction
        self._middle.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
        self.side.setVisible(beside or below)
        self.side.setFixedWidth(min(SIDE_WIDTH, width * 2 // 5))
        if not beside:
            self.side.setMinimumWidth(0)
            self.side.setMaximumWidth(NO_LIMIT)
        self.side.setMaximumHeight(NO_LIMIT if beside else height * 2 // 5)
        # Where there is little room, the search field gets it.
        self.tools.arrange(tied=tied, narrow=width < MIN_WIDTH_FOR_TOOLS)
