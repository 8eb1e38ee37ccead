"""Which weights moved: a bar a tensor, how far for its size, and in how many directions.

Knows rows and the theme; no store.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import theme
from model.train.moved_rows import Moved

ROW = 20
HEAD = 20


class MovedView(QWidget):
    """The bars, those that moved most for their size first; the wheel goes on to the others."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Moved, ...] = ()
        self.first = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Which weights moved")
        self.setToolTip(
            "‖after − before‖ / ‖before‖ of each tensor. Directions: the effective rank of the "
            "change, the exponential of the entropy of its singular values' shares."
        )

    def set_rows(self, rows: Sequence[Moved]) -> None:
        """Other tensors, or the same further on."""
        if tuple(rows) != self.rows:
            self.rows, self.first = tuple(rows), 0
            self.setAccessibleDescription(sentence(self.rows))
            self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(200, HEAD + 3 * ROW)

    @property
    def n_in_view(self) -> int:
        return max(1, (self.height() - HEAD) // ROW)

    def scroll_to(self, first: int) -> None:
        """Another tensor on top."""
        self.first = max(0, min(first, len(self.rows) - self.n_in_view))
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.scroll_to(self.first - event.angleDelta().y() // 40)

    def keyPressEvent(self, event: object) -> None:
        key = event.key()  # type: ignore[attr-defined]
        moves = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: self.n_in_view,
            Qt.Key.Key_PageUp: -self.n_in_view,
            Qt.Key.Key_Home: -len(self.rows),
            Qt.Key.Key_End: len(self.rows),
        }
        if key in moves:
            self.scroll_to(self.first + moves[key])
        else:
            super().keyPressEvent(event)  # type: ignore[arg-type]

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.setFont(theme.mono(theme.SMALL_FONT_SIZE))
            metrics = QFontMetrics(painter.font())
            names = min(self.width() * 0.46, 30.0 * metrics.horizontalAdvance("0"))
            moved_x = self.width() - 22.0 * metrics.horizontalAdvance("0")
            rank_x = self.width() - 12.0 * metrics.horizontalAdvance("0")
            painter.setPen(t.color("dim"))
            for x, right, text in (
                (0.0, names, "tensor"),
                (moved_x, rank_x, "moved"),
                (rank_x, float(self.width()), "directions"),
            ):
                aligned = Qt.AlignmentFlag.AlignLeft if not x else Qt.AlignmentFlag.AlignRight
                painter.drawText(
                    QRectF(x, 0, right - x, HEAD), aligned | Qt.AlignmentFlag.AlignVCenter, text
                )
            top = max((r.relative for r in self.rows if math.isfinite(r.relative)), default=0.0)
            shown = self.rows[self.first : self.first + self.n_in_view]
            for at, row in enumerate(shown):
                y = HEAD + at * ROW
                self._paint_row(painter, metrics, row, y, (names, moved_x, rank_x), top)

    def _paint_row(
        self,
        painter: QPainter,
        metrics: QFontMetrics,
        row: Moved,
        y: int,
        xs: tuple[float, float, float],
        top: float,
    ) -> None:
        t = theme.current()
        names, moved_x, rank_x = xs
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(t.color("text" if row.norm else "dim"))
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideLeft, int(names) - 8)
        painter.drawText(QRectF(0, y, names, ROW), Qt.AlignmentFlag.AlignLeft | middle, name)
        track = QRectF(names, y + 6, max(0.0, moved_x - names), ROW - 12)
        painter.fillRect(track, t.color("raised"))
        share = min(1.0, row.relative / top) if top else 0.0
        painter.fillRect(
            QRectF(track.x(), track.y(), track.width() * share, track.height()), t.color("accent")
        )
        right = Qt.AlignmentFlag.AlignRight | middle
        painter.drawText(QRectF(moved_x, y, rank_x - moved_x, ROW), right, percent(row.relative))
        rank = "–" if math.isnan(row.effective_rank) else f"{row.effective_rank:.1f}"
        painter.drawText(QRectF(rank_x, y, self.width() - rank_x, ROW), right, rank)


def percent(relative: float) -> str:
    """How far, as people read it."""
    if not math.isfinite(relative):
        return "from 0"
    return "0" if not relative else f"{relative:.2%}"


def sentence(rows: Sequence[Moved]) -> str:
    """What the bars say here."""
    moved = [row for row in rows if row.norm]
    if not moved:
        return "No weight has moved."
    most = moved[0]
    rank = most.effective_rank
    directions = "" if math.isnan(rank) else f", in about {rank:.1f} directions"
    still = len(rows) - len(moved)
    stayed = f" {still} of {len(rows)} tensors did not move." if still else ""
    return f"{most.name} moved most: by {percent(most.relative)} of its norm{directions}.{stayed}"
