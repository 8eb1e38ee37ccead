"""A number, the terms that make most of it, and what reads it: one line, whose words are links.

Each term leads to the operation that wrote it, down to the token; what reads the number leads on.
Knows pieces (`pieces`); no answer, no store.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from gui import theme
from gui.panes.stage.pieces import Piece, Target
from gui.widgets import formula
from gui.widgets.focus_ring import draw_focus
from gui.widgets.tips import Tips

HEIGHT = 36
GAP = 18.0
FEEDS = "feeds"


def _heard(piece: Piece) -> str:
    """For who hears it."""
    said = formula.plain(piece.figure) if piece.is_formula else piece.figure
    return " ".join(f"{said} {piece.word}".split())


class TermsLine(QWidget):
    """Paints the pieces; those that have no room are left out.

    What reads the number stands at the right end. Left and Right go from link to link, Return
    follows one.

    Signals:
        followed: a `Target` that was clicked.
    """

    followed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self._pieces: list[Piece] = []
        self._feeds: list[Piece] = []
        self._links: list[tuple[QRectF, Target]] = []
        self._lit: int | None = None
        self._laid: list[tuple[Piece, float, float]] = []
        self.setAccessibleName("What the number is made of, and what reads it")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)

    def set_pieces(self, pieces: list[Piece], feeds: list[Piece] | None = None) -> None:
        """Say something else."""
        feeds = feeds or []
        if (pieces, feeds) != (self._pieces, self._feeds):
            self._pieces, self._feeds = pieces, feeds
            words = ", ".join(_heard(piece) for piece in pieces)
            if feeds:
                words += "; feeds " + ", ".join(_heard(piece) for piece in feeds)
            self.setAccessibleDescription(words)
            self._lit = None
            self._place()
            self.update()

    @property
    def text(self) -> str:
        """All of it as words."""
        return self.accessibleDescription()

    @property
    def links(self) -> list[tuple[QRectF, Target]]:
        """What can be followed, and where it stands."""
        return self._links

    def sizeHint(self) -> QSize:
        return QSize(300, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, HEIGHT)

    def _place(self) -> None:
        """Find the room of every piece."""
        self._laid = []
        self._links = []
        large = QFontMetricsF(theme.mono(theme.FONT_SIZE))
        small = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE))

        def wide(piece: Piece) -> float:
            mono = theme.mono(theme.FONT_SIZE)
            if piece.is_formula:
                above = formula.width(piece.figure, mono)
            else:
                above = large.horizontalAdvance(piece.figure)
            return max(above, small.horizontalAdvance(piece.word))

        right = self.width() - 12.0
        shown: list[Piece] = []
        taken = small.horizontalAdvance(FEEDS) + GAP
        for piece in self._feeds:
            if taken + wide(piece) > 0.5 * self.width() and shown:
                break
            shown.append(piece)
            taken += wide(piece) + GAP
        end = right - taken + GAP if shown else right
        x = 12.0
        for i, piece in enumerate(self._pieces):
            if x + wide(piece) > (end - GAP if shown else end) and i:
                break
            self._add(piece, x, wide(piece))
            x += wide(piece) + GAP
        x = end
        if shown:
            self._add(Piece(FEEDS, "", "dim"), x, small.horizontalAdvance(FEEDS))
            x += small.horizontalAdvance(FEEDS) + GAP
        for piece in shown:
            self._add(piece, x, wide(piece))
            x += wide(piece) + GAP

    def _add(self, piece: Piece, x: float, wide: float) -> None:
        self._laid.append((piece, x, wide))
        upper, lower = QRectF(x, 0, wide + 2, 19), QRectF(x, 19, wide + 2, 16)
        if piece.to is not None and piece.to == piece.word_to:
            self._links.append((upper.united(lower), piece.to))
            return
        for box, target in ((upper, piece.to), (lower, piece.word_to)):
            if target is not None:
                self._links.append((box, target))

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            large, small = theme.mono(theme.FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
            t = theme.current()
            lit = None if self._lit is None else self._links[self._lit][0]
            align = Qt.AlignmentFlag.AlignVCenter
            for piece, x, wide in self._laid:
                for box, text, font, tone in (
                    (QRectF(x, 0, wide + 2, 20), piece.figure, large, piece.tone),
                    (QRectF(x, 19, wide + 2, 15), piece.word, small, "dim"),
                ):
                    if piece.figure == FEEDS:
                        font = small
                    underlined = lit is not None and text and lit.contains(box.center())
                    if underlined:
                        font = QFont(font)
                        font.setUnderline(True)
                    shown = "accent" if underlined else tone
                    if piece.is_formula and text is piece.figure:
                        formula.draw(painter, text, box, font, shown)
                        continue
                    painter.setFont(font)
                    painter.setPen(t.color(shown))
                    painter.drawText(box, align, text)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    # --------------------------------------------------------------------------- events

    def _link_at(self, point: QPointF) -> int | None:
        return next((i for i, (box, _) in enumerate(self._links) if box.contains(point)), None)

    def _light(self, link: int | None) -> None:
        if link != self._lit:
            self._lit = link
            shape = Qt.CursorShape.ArrowCursor if link is None else _HAND
            self.setCursor(shape)
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lit = None
        self._place()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._light(self._link_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._light(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        link = self._link_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and link is not None:
            self.followed.emit(self._links[link][1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        n, lit = len(self._links), self._lit
        key = event.key()
        if n and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = 1 if key == Qt.Key.Key_Right else -1
            first = 0 if step > 0 else n - 1
            self._light(first if lit is None else (lit + step) % n)
        elif lit is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.followed.emit(self._links[lit][1])
        else:
            super().keyPressEvent(event)

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        link = self._link_at(QPointF(event.pos()))
        words = ""
        if link is not None:
            target = self._links[link][1]
            index = f"[{', '.join(map(str, target.index))}]" if target.index else ""
            words = f"Go to {target.name}{index}"
        QToolTip.showText(event.globalPos(), words, self)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._light(None)
        self.update()


_HAND = Qt.CursorShape.PointingHandCursor
