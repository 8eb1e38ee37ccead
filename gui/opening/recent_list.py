"""Models that were opened before: a name, and under it a line on what it is.

Knows paths and lines as it is given them; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from gui import theme
from gui.opening.words import short_name
from gui.widgets.text import as_written

Index = QModelIndex | QPersistentModelIndex
PATH_ROLE = Qt.ItemDataRole.UserRole
LINE_ROLE = Qt.ItemDataRole.UserRole + 1
PROBLEM_ROLE = Qt.ItemDataRole.UserRole + 2


class RecentList(QListWidget):
    """The widget. Who only passes through with Tab chooses nothing.

    Signals:
        chosen: a row was clicked or reached by an arrow key: its path, str.
        opened: a row was double-clicked, or Enter pressed on it: its path, str.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Recent models")
        self.setItemDelegate(RecentDelegate(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setMinimumWidth(240)
        self.itemSelectionChanged.connect(self._choose)
        self.itemActivated.connect(self._open)

    def add(self, path: str) -> None:
        """A row more, of which nothing is known yet."""
        item = QListWidgetItem(self)
        item.setData(PATH_ROLE, path)
        item.setToolTip(as_written(path))

    def write(self, path: str, line: str, *, problem: bool) -> None:
        """What a path is, or why it can't be opened."""
        item = self._item(path)
        if item is None:
            return
        item.setText(short_name(path))
        item.setData(LINE_ROLE, line)
        item.setData(PROBLEM_ROLE, problem)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{item.text()}: {line}")
        item.setToolTip(as_written(f"{path}\n{line}" if line else path))

    def mark(self, path: str) -> None:
        """Select the row of a path, or none where it is not in the list; nothing is chosen."""
        item = self._item(path)
        self.blockSignals(True)
        self.setCurrentRow(-1 if item is None else self.row(item))
        self.blockSignals(False)
        self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.selectedItems():
            # Qt makes the first row current: the first arrow key would go to the second.
            self.setCurrentRow(-1)

    def _item(self, path: str) -> QListWidgetItem | None:
        items = (self.item(row) for row in range(self.count()))
        return next((item for item in items if item.data(PATH_ROLE) == path), None)

    def _choose(self) -> None:
        for item in self.selectedItems():
            self.chosen.emit(str(item.data(PATH_ROLE)))

    def _open(self, item: QListWidgetItem) -> None:
        self.opened.emit(str(item.data(PATH_ROLE)))


class RecentDelegate(QStyledItemDelegate):
    """A recent model: its name, and under it what it is."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, 44)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        t = theme.current()
        # PySide's stubs leave these two attributes out.
        box: QRect = getattr(option, "rect")  # noqa: B009
        state: QStyle.StateFlag = getattr(option, "state")  # noqa: B009
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, t.color("accent_soft"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, t.color("raised"))
        words = box.adjusted(8, 4, -8, -4)
        upper = QRect(words.left(), words.top(), words.width(), words.height() // 2)
        lower = upper.translated(0, words.height() // 2)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        for line, font, tone, text in (
            (upper, theme.sans(), "text", str(index.data())),
            (
                lower,
                theme.sans(theme.SMALL_FONT_SIZE),
                "warning" if index.data(PROBLEM_ROLE) else "dim",
                str(index.data(LINE_ROLE) or ""),
            ),
        ):
            painter.setFont(font)
            painter.setPen(t.color(tone))
            shown = QFontMetrics(font).elidedText(
                text.replace("\n", " "), Qt.TextElideMode.ElideRight, line.width()
            )
            painter.drawText(line, left, shown)
        painter.restore()
