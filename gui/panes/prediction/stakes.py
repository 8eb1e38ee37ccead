"""Points that a person spreads over tokens: a bar each, dragged or moved by keys, and what is left.

Knows the theme; no store, no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from gui.widgets.focus_ring import draw_focus
from gui.widgets.signs import draw_sign
from gui.widgets.text import hatch

WHOLE = 100
LEFT_OVER = 1
"""Points that stay for all other tokens."""
FIRST_SHARE = 0.5
"""Of what is left, a token that is named gets so much to begin with."""
BAR = 11.0
CROSS = 18.0
"""Room for the sign that takes a token off."""
KEY_STEP, LARGE_STEP = 1, 10


class Stakes(QWidget):
    """A row a token and a last one for everything else.

    A drag along a bar sets its points; Up and Down choose a row, Left and Right move its points by
    1, with Shift by 10; Delete takes it off.

    Signals:
        changed: other points, or other tokens.
        committed: Return was pressed.
    """

    changed = Signal()
    committed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: dict[int, int] = {}
        self._row = 0
        self._name: Callable[[int], str] = str
        self._n_others = 0
        self._font = theme.mono()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Your points")
        self.setToolTip(
            "Drag a bar to give a token more or fewer of your 100 points. Keys: Up and Down choose "
            "a token, Left and Right give a point less or more (Shift: ten), Delete takes it off."
        )

    # ------------------------------------------------------------------------ contents

    @property
    def points(self) -> Mapping[int, int]:
        """What each token has, by id, in the order in which they were named."""
        return dict(self._points)

    @property
    def left(self) -> int:
        """Points for everything else."""
        return WHOLE - sum(self._points.values())

    @property
    def row(self) -> int:
        """The row that keys move."""
        return self._row

    def set_vocabulary(self, name: Callable[[int], str], d_vocab: int) -> None:
        """How tokens are called, and how many there are."""
        self._name, self._n_others = name, d_vocab

    def clear(self) -> None:
        """No token has points."""
        self._points, self._row = {}, 0
        self._tell(report=False)

    def add(self, token_id: int) -> None:
        """Give a token half of what is left; one that has points already is only chosen."""
        if token_id not in self._points:
            free = self.left - LEFT_OVER
            if free < 1:
                return
            self._points[token_id] = max(1, round(free * FIRST_SHARE))
        self._row = list(self._points).index(token_id)
        self._tell()

    def set_points(self, token_id: int, points: int) -> None:
        """Give a token so many points, as far as there are some left; at least 1."""
        if token_id in self._points:
            most = self.left + self._points[token_id] - LEFT_OVER
            self._points[token_id] = max(1, min(points, most))
            self._tell()

    def remove(self, token_id: int) -> None:
        """Take a token off."""
        if self._points.pop(token_id, None) is not None:
            self._row = max(0, min(self._row, len(self._points) - 1))
            self._tell()

    def _tell(self, *, report: bool = True) -> None:
        said = [f"{self._name(i)}: {n}" for i, n in self._points.items()]
        self.setAccessibleDescription(", ".join([*said, f"everything else: {self.left}"]))
        self.updateGeometry()
        self.update()
        if report:
            self.changed.emit()

    # ---------------------------------------------------------------------------- room

    def sizeHint(self) -> QSize:
        return QSize(200, (len(self._points) + 1) * theme.ROW_HEIGHT + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(140, self.sizeHint().height())

    def track(self, row: int) -> QRectF:
        """The place of a row's bar at 100 points."""
        metrics = QFontMetricsF(self._font)
        widest = max((metrics.horizontalAdvance(self._name(i)) for i in self._points), default=0.0)
        least = metrics.horizontalAdvance("0") * 8
        left = min(max(least, widest), self.width() * 0.4) + theme.SPACE
        right = self.width() - CROSS - metrics.horizontalAdvance("100") - theme.SPACE
        top = row * theme.ROW_HEIGHT + (theme.ROW_HEIGHT - BAR) / 2
        return QRectF(left, top, max(8.0, right - left), BAR)

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(self._font)
            for row, (token_id, points) in enumerate(self._points.items()):
                self._paint_row(painter, row, self._name(token_id), points, named=True)
                cross = QRectF(
                    self.width() - CROSS, row * theme.ROW_HEIGHT, CROSS, theme.ROW_HEIGHT
                )
                draw_sign(painter, "close", cross, t.color("dim"))
            self._paint_row(painter, len(self._points), "all else", self.left, named=False)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    def _paint_row(
        self, painter: QPainter, row: int, text: str, points: int, *, named: bool
    ) -> None:
        t = theme.current()
        whole, track = QRectF(0, row * theme.ROW_HEIGHT, self.width(), theme.ROW_HEIGHT), None
        if named and row == self._row:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color("accent_soft"))
            painter.drawRoundedRect(whole.adjusted(0, 1, 0, -1), theme.RADIUS, theme.RADIUS)
        track = self.track(row)
        metrics = QFontMetricsF(self._font)
        painter.setPen(t.color("text" if named else "dim"))
        place = QRectF(4, whole.top(), track.left() - theme.SPACE, whole.height())
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, middle | int(Qt.TextFlag.TextForceLeftToRight), shown)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.color("track"))
        painter.drawRoundedRect(track, 2, 2)
        bar = QRectF(track)
        bar.setWidth(track.width() * points / WHOLE)
        if named:
            painter.setBrush(t.color("lens"))
            painter.drawRoundedRect(bar, 2, 2)
        else:
            hatch(painter, bar, t.color("faint"), 4.0)
        painter.setPen(t.color("text" if named else "dim"))
        number = QRectF(
            track.right(), whole.top(), self.width() - CROSS - track.right(), whole.height()
        )
        painter.drawText(number, middle | int(Qt.AlignmentFlag.AlignRight), str(points))

    # ------------------------------------------------------------------ mouse and keys

    def _row_at(self, at: QPointF) -> int | None:
        row = int(at.y() // theme.ROW_HEIGHT)
        return row if at.y() >= 0 and row < len(self._points) else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position())
        if row is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._row = row
        if event.position().x() >= self.width() - CROSS:
            self.remove(list(self._points)[row])
        else:
            self._drag(event.position())
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._points:
            self._drag(event.position())

    def _drag(self, at: QPointF) -> None:
        track = self.track(self._row)
        if at.x() >= track.left() - theme.SPACE:
            share = (at.x() - track.left()) / track.width()
            self.set_points(list(self._points)[self._row], round(share * WHOLE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, ids = event.key(), list(self._points)
        large = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        step = LARGE_STEP if large else KEY_STEP
        if ids and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            way = 1 if key == Qt.Key.Key_Down else -1
            self._row = max(0, min(self._row + way, len(ids) - 1))
            self.update()
        elif ids and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            way = step if key == Qt.Key.Key_Right else -step
            token_id = ids[self._row]
            self.set_points(token_id, self._points[token_id] + way)
        elif ids and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove(ids[self._row])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.committed.emit()
        else:
            super().keyPressEvent(event)
