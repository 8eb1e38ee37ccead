"""The rows of the palette: what each is called, what it is, its keys. Knows no window.

A model of Python's own and no items of Qt's: PySide keeps a wrapper for each of those, by its
address, and has ended the program in ``QListWidget.clear`` (6.11; once in several thousand lists).
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from gui import theme
from gui.widgets.drawing_cache import line
from gui.window.palette.ranking import Offer

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
OFFER_ROLE = Qt.ItemDataRole.UserRole
ROW = 30
PAD = 12
_IN_MONO = ("prompt", "operation", "tensor", "token")


class OfferRows(QAbstractListModel):
    """What was found, as Qt's views ask for it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.offers: tuple[Offer, ...] = ()

    def show(self, offers: Sequence[Offer]) -> None:
        """List these from now on."""
        self.beginResetModel()
        self.offers = tuple(offers)
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.offers)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self.offers):
            return None
        offer = self.offers[index.row()]
        if role == OFFER_ROLE:
            return offer
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (offer.title, offer.where, offer.keys) if part)
        return None


class OfferList(QListView):
    """The rows, one of which is current."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found = OfferRows(self)
        self.setModel(self.found)
        self.setAccessibleName("Found")
        self.setItemDelegate(RowDelegate(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    @property
    def row(self) -> int:
        """The current row; -1 for none."""
        return self.currentIndex().row()

    @property
    def offer(self) -> Offer | None:
        """What the current row offers."""
        return self.found.offers[self.row] if 0 <= self.row < len(self.found.offers) else None

    def go_to(self, row: int) -> None:
        """Make a row the current one."""
        self.setCurrentIndex(self.found.index(row, 0))


class RowDelegate(QStyledItemDelegate):
    """One line: the title, its place dimmed behind it, the keys at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        t = theme.current()
        offer = index.data(OFFER_ROLE)
        # PySide's stubs leave these two attributes out.
        box: QRect = getattr(option, "rect")  # noqa: B009
        state: QStyle.StateFlag = getattr(option, "state")  # noqa: B009
        if not isinstance(offer, Offer):
            return
        painter.save()
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(box, t.color("accent_soft"))
            painter.fillRect(QRect(box.left(), box.top(), 2, box.height()), t.color("accent"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, t.color("raised"))
        left, right = float(box.left() + PAD), float(box.right() + 1 - PAD)
        middle = box.center().y() + 0.5
        if offer.keys:
            keys = line(offer.keys, theme.mono(theme.SMALL_FONT_SIZE))
            painter.setPen(t.color("dim"))
            keys.draw(painter, right - keys.width, middle)
            right -= keys.width + PAD
        font = theme.mono() if offer.kind in _IN_MONO else theme.sans()
        title = line(offer.title, font, right - left)
        painter.setPen(t.color("text"))
        title.draw(painter, left, middle)
        room = right - left - title.width - PAD
        if offer.where and room > 40:
            where = line(offer.where, theme.sans(theme.SMALL_FONT_SIZE), room)
            painter.setPen(t.color("dim"))
            where.draw(painter, left + title.width + PAD, middle)
        painter.restore()
