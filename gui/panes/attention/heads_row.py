"""The mosaic's controls: the order of heads, a line that filters them, and what stands beside.

Knows orders and filters; no store, no view.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from gui import theme
from gui.panes.attention.head_filter import EXAMPLES, HeadFilter, read_filter
from gui.panes.attention.head_kinds import GROUPS, UNKNOWN
from gui.panes.attention.head_order import ORDERS
from gui.widgets.action_row import HEIGHT
from gui.widgets.control_button import ControlButton

LEAST = (0.1, 0.3, 0.5)


class HeadsRow(QWidget):
    """Order, filter, and a further option.

    Signals:
        filter_changed: another filter.

    Attributes:
        field: the line.
    """

    filter_changed = Signal()

    def __init__(self, orders: QActionGroup, options: list[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Mosaic")
        self._filter = HeadFilter()
        self._button = QToolButton()
        self._button.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._button.setToolTip("In which order heads stand")
        self._button.setAccessibleName("Order of heads")
        menu = QMenu(self._button)
        menu.setToolTipsVisible(True)
        menu.addActions(orders.actions())
        self._button.setMenu(menu)
        self._orders = orders
        orders.triggered.connect(self._name_order)
        self._name_order()

        self.field = _Field()
        self.field.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.field.setPlaceholderText("Filter")
        self.field.setClearButtonEnabled(True)
        self.field.setAccessibleName("Filter heads")
        self.field.setMinimumWidth(60)
        self.field.setFixedHeight(HEIGHT)
        self.field.textChanged.connect(self._read)
        self._offers = ControlButton("press", sign="more")
        self._offers.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._offers.setToolTip("Filters to choose from")
        self._offers.setAccessibleName("Filters to choose from")
        self._offers.setMenu(self._menu_of_filters())

        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._button)
        row.addWidget(self.field, 1)
        row.addWidget(self._offers)
        for action in options:
            row.addWidget(ControlButton.of(action))
        self.setFixedHeight(HEIGHT)
        self._explain()

    def sizeHint(self) -> QSize:
        return QSize(self._button.sizeHint().width() + 120, HEIGHT)

    @property
    def filter(self) -> HeadFilter:
        """What the line asks for."""
        return self._filter

    def set_filter(self, line: str) -> None:
        """Write a line, as a person would."""
        self.field.setText(line)

    def _menu_of_filters(self) -> QMenu:
        menu = QMenu(self._offers)
        for least in LEAST:
            action = menu.addAction(f"More than {least:g} on the selected key")
            action.setData(f"> {least:g}")
        menu.addSeparator()
        for kind, name in GROUPS.items():
            if kind != UNKNOWN:
                menu.addAction(name.capitalize()).setData(name.split()[0])
        menu.addSeparator()
        menu.addAction("All heads").setData("")
        menu.triggered.connect(self._add)
        return menu

    def _add(self, action: QAction) -> None:
        term, line = str(action.data()), self.field.text().strip()
        self.field.setText(f"{line} {term}".strip() if term else "")

    def _name_order(self) -> None:
        name = str(self._orders.checkedAction().data())
        self._button.setText(f"{ORDERS[name][0]} ▾")

    def _read(self, line: str) -> None:
        found = read_filter(line)
        if found != self._filter:
            self._filter = found
            self._explain()
            self.filter_changed.emit()

    def _explain(self) -> None:
        problem = self._filter.problem
        self.field.setToolTip(problem or f"Only some heads: {EXAMPLES} (on the selected key)")
        self.field.setAccessibleDescription(self.field.toolTip())


class _Field(QLineEdit):
    """A line that Esc empties, then leaves."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            event.accept()
            return
        super().keyPressEvent(event)
