"""How a row of the palette looks: what it is called, what it is, its keys. Knows no window."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui import theme
from gui.widgets.drawing_cache import line
from gui.window.palette.ranking import Offer

Index = QModelIndex | QPersistentModelIndex
OFFER_ROLE = Qt.ItemDataRole.UserRole
ROW = 30
PAD = 12
_IN_MONO = ("prompt", "operation", "tensor", "token")


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
