"""A sentence whose terms are underlined with dots; each shows its entry of the glossary.

Hovering or clicking a term shows the entry; Tab goes from term to term. Knows the glossary and the
theme; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextLayout,
    QTextLine,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import theme
from gui.reading.glossary import Place, Term, places
from gui.widgets.text import as_written, utf16_length
from gui.widgets.tips import Tips

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a term is drawn: a box for each line that it is on."""

    place: Place
    boxes: tuple[QRectF, ...]


def entry(term: Term) -> str:
    """What a tooltip says of a term."""
    return as_written(f"{term.name}: {term.says}")


class TermText(QWidget):
    """One line, elided where it has no room, or a paragraph.

    Args:
        tone: one of the theme's `TEXT_TONES`.
        font: from the theme; the label font by default.
        wrap: break lines between words; it is as high as it is made.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        tone: str = "text",
        font: QFont | None = None,
        wrap: bool = False,
    ) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self._text = ""
        self._tone = tone
        self._wrap = wrap
        self._places: tuple[Place, ...] = ()
        self._lines: list[tuple[QPointF, str]] = []  # the start of each base line, and its text
        self._spots: list[_Spot] = []
        self._focused: int | None = None
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.timeout.connect(self._show_focused)
        self.setFont(font or theme.sans())
        self.setMouseTracking(True)
        high = QSizePolicy.Policy.Ignored if wrap else QSizePolicy.Policy.Fixed
        self.setSizePolicy(QSizePolicy.Policy.Ignored, high)

    # ---------------------------------------------------------------------- what it says

    def text(self) -> str:
        """All of it."""
        return self._text

    def setText(self, text: str) -> None:
        """Say something else."""
        if text == self._text:
            return
        self._text = text
        self._places = places(text)
        self._focused = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if self._places else Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(text)
        self.setAccessibleDescription(
            " ".join(f"{place.term.name}: {place.term.says}" for place in self._places)
        )
        self._lay_out()
        self.update()

    @property
    def terms(self) -> tuple[Term, ...]:
        """Those that are underlined."""
        return tuple(spot.place.term for spot in self._spots)

    def box_of(self, name: str) -> QRectF:
        """Where a term is drawn."""
        return next(spot.boxes[0] for spot in self._spots if spot.place.term.name == name)

    # --------------------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        shown = self._text
        if not self._wrap:
            metrics = QFontMetricsF(self.font())
            shown = metrics.elidedText(shown, Qt.TextElideMode.ElideRight, float(self.width()))
        layout = QTextLayout(shown, self.font())
        self._flow(layout, self.width() if self._wrap else 1e6)
        if self._wrap and (cut := self._cut(layout)):
            shown = cut
            layout = QTextLayout(shown, self.font())
            self._flow(layout, self.width())
        units = shown.encode("utf-16-le", "surrogatepass")
        self._lines = []
        for line in _lines_of(layout):
            start, n = 2 * line.textStart(), 2 * line.textLength()
            text = units[start : start + n].decode("utf-16-le", "surrogatepass")
            self._lines.append((QPointF(0, line.y() + line.ascent()), text))
        kept = len(shown) if shown == self._text else len(shown.rstrip(ELLIPSIS))
        self._spots = [
            _Spot(place, self._boxes(layout, place)) for place in self._places if place.stop <= kept
        ]

    def _cut(self, layout: QTextLayout) -> str:
        """The text as far as its lines have room, the last one elided; empty where all have."""
        lines = _lines_of(layout)
        fit = max(1, int((self.height() + 1) // lines[0].height())) if lines else 1
        if len(lines) <= fit:
            return ""
        units = self._text.encode("utf-16-le", "surrogatepass")
        start = 2 * lines[fit - 1].textStart()
        head, rest = (
            part.decode("utf-16-le", "surrogatepass") for part in (units[:start], units[start:])
        )
        metrics = QFontMetricsF(self.font())
        return head + metrics.elidedText(rest, Qt.TextElideMode.ElideRight, float(self.width()))

    @property
    def elided(self) -> bool:
        """Whether some of it has no room."""
        return "".join(text for _, text in self._lines) != self._text

    def _flow(self, layout: QTextLayout, width: float) -> float:
        layout.beginLayout()
        y = 0.0
        while True:
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(max(20.0, width))
            line.setPosition(QPointF(0, y))
            y += line.height()
        layout.endLayout()
        return y

    def _boxes(self, layout: QTextLayout, place: Place) -> tuple[QRectF, ...]:
        start, stop = (utf16_length(self._text[:at]) for at in (place.start, place.stop))
        boxes = []
        for line in _lines_of(layout):
            first = max(start, line.textStart())
            last = min(stop, line.textStart() + line.textLength())
            if first < last:
                left, right = (_x(line.cursorToX(at)) for at in (first, last))
                boxes.append(QRectF(left, line.y(), right - left, line.height()))
        return tuple(boxes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._lay_out()

    @property
    def needs(self) -> float:
        """The height of all of its lines, at the width that it has."""
        layout = QTextLayout(self._text, self.font())
        return self._flow(layout, self.width() if self._wrap else 1e6)

    def sizeHint(self) -> QSize:
        metrics = QFontMetricsF(self.font())
        wide = min(420, int(metrics.horizontalAdvance(self._text)) + 2)
        return QSize(wide, int(metrics.height() + 2.5))

    def minimumSizeHint(self) -> QSize:
        return QSize(24, int(QFontMetricsF(self.font()).height() + 2.5))

    # ------------------------------------------------------------------------- drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.setPen(t.color(self._tone))
            painter.setFont(self.font())
            for at, text in self._lines:
                painter.drawText(at, text)
            for i, spot in enumerate(self._spots):
                own = self._focused == i and self.hasFocus()
                pen = QPen(t.color("focus" if own else self._tone, 1.0 if own else 0.7), 1.2)
                pen.setStyle(Qt.PenStyle.SolidLine if own else Qt.PenStyle.DotLine)
                painter.setPen(pen)
                for box in spot.boxes:
                    y = box.bottom() - 0.5
                    painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
                    if own:
                        painter.drawRect(box.adjusted(-1, 1, 1, -1))

    # ------------------------------------------------------------------- mouse and keys

    def _at(self, point: QPointF) -> _Spot | None:
        for spot in self._spots:
            if any(box.contains(point) for box in spot.boxes):
                return spot
        return None

    def _show(self, spot: _Spot) -> None:
        box = spot.boxes[0]
        below = self.mapToGlobal(QPoint(int(box.left()), int(box.bottom()) + 2))
        QToolTip.showText(below, entry(spot.place.term), self, box.toAlignedRect())

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        spot = self._at(QPointF(event.pos()))
        if spot is None and self.elided:
            QToolTip.showText(event.globalPos(), as_written(self._text), self)
        elif spot is None:
            QToolTip.hideText()
            event.ignore()
        else:
            self._show(spot)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self._at(event.position()) is not None
        self.setCursor(Qt.CursorShape.WhatsThisCursor if over else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        spot = self._at(event.position())
        if spot is None:
            event.ignore()
        else:
            self._show(spot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Space) and self._focused is not None:
            self._show(self._spots[self._focused])
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        back = event.reason() == Qt.FocusReason.BacktabFocusReason
        self._focus(len(self._spots) - 1 if back else 0)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._focused = None
        self.update()
        super().focusOutEvent(event)

    def focusNextPrevChild(self, next: bool) -> bool:
        at = -1 if self._focused is None else self._focused + (1 if next else -1)
        if self.hasFocus() and 0 <= at < len(self._spots):
            self._focus(at)
            return True
        return super().focusNextPrevChild(next)

    def _focus(self, at: int) -> None:
        self._focused = at if 0 <= at < len(self._spots) else None
        self.update()
        # A change of focus hides tooltips: this one comes after it.
        self._due.start(0)

    def _show_focused(self) -> None:
        if self._focused is not None and self._focused < len(self._spots):
            self._show(self._spots[self._focused])


def _lines_of(layout: QTextLayout) -> list[QTextLine]:
    return [layout.lineAt(i) for i in range(layout.lineCount())]


def _x(found: object) -> float:
    """PySide gives the position of a cursor alone or with the cursor."""
    return float(found[0]) if isinstance(found, tuple) else float(found)  # type: ignore[arg-type]
