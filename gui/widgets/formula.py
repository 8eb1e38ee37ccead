"""A formula: text with lowered and raised parts, as ``W_E[t_i]`` and ``h_i^e`` say it.

Knows the notation of `model.operations` and the theme; no answer, no store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme

_PART = re.compile(
    r"_\{(?P<low>[^}]*)\}|_(?P<sub>[A-Za-z0-9]+)"
    r"|\^\{(?P<high>[^}]*)\}|\^\((?P<round>[^)]*)\)|\^(?P<sup>[A-Za-z0-9]+)"
)
LINE = 22
"""Height of a line, with what is lowered and raised."""
SMALLER = 3
"""Pixels by which lowered and raised parts are smaller."""


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a formula.

    Attributes:
        text: as it is drawn.
        level: -1 lowered, 1 raised, 0 on the line.
    """

    text: str
    level: int = 0


@lru_cache(maxsize=512)
def runs(formula: str) -> tuple[Run, ...]:
    """The parts of a formula, in order."""
    found: list[Run] = []
    at = 0
    for match in _PART.finditer(formula):
        if match.start() > at:
            found.append(Run(formula[at : match.start()]))
        low = match["low"] if match["low"] is not None else match["sub"]
        if low is not None:
            found.append(Run(low, -1))
        else:
            raised = next(
                match[name] for name in ("high", "round", "sup") if match[name] is not None
            )
            found.append(Run(raised, 1))
        at = match.end()
    if at < len(formula):
        found.append(Run(formula[at:]))
    return tuple(found)


def plain(formula: str) -> str:
    """For who hears it: without marks of what is lowered or raised."""
    return "".join(
        run.text if run.level == 0 else f" {'sub' if run.level < 0 else 'to the'} {run.text} "
        for run in runs(formula)
    )


def width(formula: str, font: QFont) -> float:
    """How wide it is."""
    return sum(QFontMetricsF(_font(run, font)).horizontalAdvance(run.text) for run in runs(formula))


def draw(painter: QPainter, formula: str, box: QRectF, font: QFont, tone: str) -> None:
    """In a box, on one line; what has no room fades into an ellipsis."""
    painter.setPen(theme.current().color(tone))
    metrics = QFontMetricsF(font)
    base = box.center().y() + metrics.capHeight() / 2
    x = box.left()
    for run in runs(formula):
        own = _font(run, font)
        wide = QFontMetricsF(own).horizontalAdvance(run.text)
        painter.setFont(own)
        y = base - run.level * (0.42 if run.level > 0 else 0.22) * metrics.height()
        if x + wide > box.right():
            text = QFontMetricsF(own).elidedText(
                run.text, Qt.TextElideMode.ElideRight, box.right() - x
            )
            painter.drawText(QPointF(x, y), text)
            return
        painter.drawText(QPointF(x, y), run.text)
        x += wide


def _font(run: Run, font: QFont) -> QFont:
    if run.level == 0:
        return font
    return _small(font)


def _small(font: QFont) -> QFont:
    smaller = QFont(font)
    smaller.setPixelSize(max(8, font.pixelSize() - SMALLER))
    return smaller


class FormulaText(QWidget):
    """A formula in as many lines as it needs, broken between its words.

    Args:
        tone: one of the theme's `TEXT_TONES`.
        font: from the theme.
    """

    def __init__(self, parent: QWidget | None = None, *, tone: str, font: QFont) -> None:
        super().__init__(parent)
        self._text = ""
        self._tone = tone
        self.setFont(font)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def text(self) -> str:
        """With its marks of what is lowered and raised."""
        return self._text

    def setText(self, text: str) -> None:
        """Another formula."""
        if text != self._text:
            self._text = text
            self.setAccessibleName("Formula")
            self.setAccessibleDescription(plain(text))
            self.updateGeometry()
            self.update()

    def lines(self, wide: float) -> list[str]:
        """As it is broken in so many pixels."""
        found: list[str] = []
        for word in self._text.split(" "):
            longer = f"{found[-1]} {word}" if found else word
            if found and width(longer, self.font()) <= wide:
                found[-1] = longer
            else:
                found.append(word)
        return found

    def heightForWidth(self, width: int) -> int:
        return LINE * len(self.lines(width))

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(max(60, self.width())))

    def minimumSizeHint(self) -> QSize:
        return QSize(60, LINE)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            for i, line in enumerate(self.lines(self.width())):
                box = QRectF(0, i * LINE, self.width(), LINE)
                draw(painter, line, box, self.font(), self._tone)
