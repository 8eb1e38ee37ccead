"""Words and figures in a pane: one tone of the theme, elided or wrapped, never clipped.

Asks the theme when it paints, so that a change of theme needs a repaint and no more. Knows no
store.
"""

from __future__ import annotations

import html
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtGui import Qt as GuiQt  # it alone knows what looks like HTML
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from gui import theme
from gui.widgets.drawing_cache import line
from model.counting import counted as counted

READABLE = 4.5
"""Least contrast of text with what is under it (WCAG 2.1)."""


class Text(QLabel):
    """A line or a paragraph.

    Args:
        text: what it says.
        tone: one of the theme's `TEXT_TONES`; `faint` is of marks, and can't be read.
        font: from the theme; the label font by default.
        wrap: break lines between words; otherwise one line, elided where it has no room.
        elide: where one line loses characters.
        dot: name of the theme colour of a dot in front, or None.
    """

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        tone: str = "text",
        font: QFont | None = None,
        wrap: bool = False,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        dot: str | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._tone = tone
        self._elide = elide
        self._dot = dot
        # Prompts and tokens are shown as they are, never read as HTML.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(font or theme.sans())
        self.setWordWrap(wrap)
        self.setAlignment(align | Qt.AlignmentFlag.AlignVCenter)
        if wrap:
            policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
            policy.setHeightForWidth(True)
            self.setSizePolicy(policy)

    @property
    def tone(self) -> str:
        return self._tone

    def setText(self, text: str) -> None:
        # QLabel would ask for a new layout and paint, whatever the text.
        if text != self.text():
            super().setText(text)

    def set_tone(self, tone: str) -> None:
        if tone != self._tone:
            self._tone = tone
            self.update()

    def minimumSizeHint(self) -> QSize:
        height = QFontMetrics(self.font()).height()
        if self.wordWrap():
            return QSize(60, height)
        return QSize(min(self.sizeHint().width(), 24), height)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            box = self.rect()
            if self._dot is not None and self.text():
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.current().color(self._dot))
                painter.drawEllipse(QPointF(5, self.height() / 2), 2.5, 2.5)
                box.setLeft(12)
            painter.setPen(theme.current().color(self._tone))
            if self.wordWrap():
                flags = int(self.alignment()) | int(Qt.TextFlag.TextWordWrap)
                painter.setFont(self.font())
                painter.drawText(box, flags, self.text())
            else:
                shown = line(self.text(), self.font(), box.width(), self._elide)
                left = float(box.left())
                if self.alignment() & Qt.AlignmentFlag.AlignRight:
                    left = box.right() + 1 - shown.width
                elif self.alignment() & Qt.AlignmentFlag.AlignHCenter:
                    left += (box.width() - shown.width) / 2
                shown.draw(painter, left, box.height() / 2)


def as_written(text: str) -> str:
    """A text for a tooltip, which takes what begins with a tag for HTML: shown letter by letter.

    A folder may be called ``<b>``, a token may be ``<s>``.
    """
    if not GuiQt.mightBeRichText(text):
        return text
    lines = html.escape(text, quote=False).replace("\n", "<br>")
    return f"<p style='white-space: pre-wrap'>{lines}</p>"


def no_mnemonic(text: str) -> str:
    """A name for a button or a menu, which take ``&`` for a key and what follows a tab for keys."""
    return text.replace("&", "&&").replace("\t", " ")


def utf16_length(text: str) -> int:
    """How long Qt thinks a text is: characters beyond the basic plane count as two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def ink_on(fill: QColor) -> QColor:
    """The theme's text colour that reads better on a fill: the ordinary one or its opposite.

    Black or white on the few fills in the middle on which neither of them can be read.
    """
    t = theme.current()
    return QColor(_ink(fill.rgb(), t.text, t.on_accent))


@lru_cache(maxsize=1024)
def _ink(rgb: int, *inks: str) -> str:
    fill = QColor.fromRgb(rgb)
    best = max(inks, key=lambda ink: contrast(QColor(ink), fill))
    if contrast(QColor(best), fill) < READABLE:
        best = max(("#000000", "#ffffff"), key=lambda ink: contrast(QColor(ink), fill))
    return best


def contrast(a: QColor, b: QColor) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    lighter, darker = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: QColor) -> float:
    """Relative luminance, WCAG 2.1."""

    def linear(c: float) -> float:
        return c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4

    r, g, b = (linear(c) for c in (color.redF(), color.greenF(), color.blueF()))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def hatch(painter: QPainter, box: QRectF, color: QColor, step: float = 5.0) -> None:
    """Fine diagonal lines: "there is no value here", told apart from every colour of a map."""
    painter.save()
    painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
    painter.setPen(color)
    x = box.left() - box.height()
    while x < box.right():
        painter.drawLine(round(x), round(box.bottom()), round(x + box.height()), round(box.top()))
        x += step
    painter.restore()
