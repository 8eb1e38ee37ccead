"""How near everything is, as a histogram, with the place of what is listed.

Knows an answer; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.charts.histogram import Histogram
from model.space.questions.asks import Near, NearFound

METRIC_WORDS = {"cosine": "cosines", "dot": "dot products", "euclidean": "distances"}


class Similarities(Histogram):
    """The histogram of a table's similarities to what is looked at.

    A line stands where the best answer is, a thinner one at each other neighbour, and one where
    the expected word is.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Histogram of all similarities")
        self._found: NearFound | None = None

    def show_found(self, found: NearFound | None) -> None:
        """Show this answer's."""
        if found is self._found:
            return
        self._found = found
        if found is None:
            return
        self.setAccessibleDescription(said(found))
        low, high, counts = found.low, found.high, found.counts
        if found.values and counts.any():
            # Only where something is: of cosines most of the way from -1 to 1 is empty.
            filled = counts.nonzero()[0]
            step = (high - low) / len(counts)
            first, last = max(0, int(filled[0]) - 1), min(len(counts), int(filled[-1]) + 2)
            low, high = low + first * step, low + last * step
            counts = counts[first:last]
        self.set_counts(counts, low, high, found.mean, found.std)

    def marked(self) -> list[tuple[float, str, float]]:
        """Where lines stand, with their tone and width."""
        found = self._found
        if found is None:
            return []
        others = [value for value, own in zip(found.values, found.own) if not own]
        lines = [(value, "accent", 1.0) for value in others[1:]]
        lines += [(value, "accent", 2.0) for value in others[:1]]
        if found.rank:
            lines.append((found.expected_value, "good", 2.0))
        return lines

    def paint_overlay(self, painter: QPainter) -> None:
        t, plot = theme.current(), self.plot
        for value, tone, width in self.marked():
            x = self._x(value)
            if plot.left() - 1 <= x <= plot.right() + 1:
                painter.setPen(QPen(t.color(tone), width))
                painter.drawLine(QPointF(x, plot.top() + 2), QPointF(x, plot.bottom()))
        found = self._found
        if found is not None:
            painter.setFont(theme.sans(theme.SMALL_FONT_SIZE))
            painter.setPen(t.color("dim"))
            assert isinstance(found.question, Near)
            words = f"all {found.n:,} {METRIC_WORDS[found.question.metric]}"
            box = QRectF(plot.left(), 0, plot.width(), 16)
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words
            )
        super().paint_overlay(painter)


def said(found: NearFound) -> str:
    """What the nearest means among all, in a sentence."""
    assert isinstance(found.question, Near)
    words = METRIC_WORDS[found.question.metric]
    line = f"All {found.n:,} {words}: {found.mean:.3g} ± {found.std:.2g}."
    best = next((value for value, own in zip(found.values, found.own) if not own), None)
    if best is not None and found.std > 0:
        away = abs(best - found.mean) / found.std
        line += f" The nearest is {away:.1f} deviations off."
    return line
