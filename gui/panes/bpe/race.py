"""The most frequent pairs as bars that fall and overtake each other while merges are done.

One axis for the whole film: from the first merge to the last it never rescales. Knows the history;
no store.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, QRectF, Qt, QVariantAnimation
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.bpe import words
from gui.panes.bpe.view import TITLE_HEIGHT, FilmView, mono_metrics
from gui.widgets.drawing_cache import line
from model.tokenizer.bpe_history import LEADERS, BpeHistory
from model.tokenizer.tokens import visible

AXIS_HEIGHT = 18
LEAST_ROW, MOST_ROW = 17, 40
FEW = 20
"""Counts up to here stand on a linear axis that begins at 0; larger ones on a logarithmic one."""

Row = tuple[tuple[int, int], int]
"""A pair and how often it occurs."""


class RaceView(FilmView):
    """The bars: the first is merged next.

    Attributes:
        moves: whether bars slide to their new places, where motion is wanted at all.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("The most frequent pairs", "Most frequent pairs", parent)
        self.moves = True
        self._largest, self._floor = 1, 1  # counts of the whole film: the largest; a power of ten
        self._before: dict[tuple[int, int], tuple[float, float]] = {}
        self._hovered: int | None = None
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.valueChanged.connect(self.redraw)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    # -------------------------------------------------------------------------- what is drawn

    def rows(self, k: int | None = None) -> list[Row]:
        """The pairs of a state, best first."""
        history = self.history
        if history is None:
            return []
        k = self.k if k is None else k
        return [
            ((left, right), count)
            for (left, right), count in zip(
                history.leaders[k].tolist(), history.leader_counts[k].tolist(), strict=True
            )
            if count > 0
        ]

    def state_changed(self, before: int | None) -> None:
        history = self.history
        if before is None:
            self._largest, self._floor = _ends(history)
        self.title = "Most frequent pairs"
        if history is not None and self._largest > FEW:
            self.title += ", logarithmic"
        self._animation.stop()
        self._before = {}
        quick = before is not None and abs(self.k - before) == 1
        if quick and self.moves and theme.MOTION_MS > 0 and self.isVisible():
            for rank, (pair, count) in enumerate(self.rows(before)):
                self._before[pair] = float(rank), float(count)
            self._animation.setDuration(theme.MOTION_MS)
            self._animation.start()
        self.redraw()

    @property
    def _share(self) -> float:
        running = self._animation.state() == QVariantAnimation.State.Running
        t = float(self._animation.currentValue()) if running else 1.0
        return 1 - (1 - t) ** 3

    def length_of(self, count: float) -> float:
        """How long a bar is, as a share of the axis."""
        largest = self._largest
        if largest <= FEW:
            return count / largest
        if count <= self._floor:
            return 0.0
        return math.log(count / self._floor) / math.log(largest / self._floor)

    # ------------------------------------------------------------------------------ places

    @property
    def row_height(self) -> float:
        room = self.viewport().height() - TITLE_HEIGHT - AXIS_HEIGHT
        return min(max(room / LEADERS, LEAST_ROW), MOST_ROW)

    @property
    def n_shown(self) -> int:
        """Rows for which there is room."""
        room = self.viewport().height() - TITLE_HEIGHT - AXIS_HEIGHT
        return min(LEADERS, max(1, int(room / self.row_height)))

    @property
    def _label_width(self) -> float:
        return min(max(72.0, self.viewport().width() * 0.34), 190.0)

    @property
    def _figure_width(self) -> float:
        return mono_metrics().horizontalAdvance("0") * max(5, len(f"{self._largest:,}")) + 8

    def bar_rect(self, rank: float, count: float) -> QRectF:
        """Where a bar is, in the viewport."""
        left = self._label_width + 6
        room = max(10.0, self.viewport().width() - left - self._figure_width - 6)
        high = self.row_height
        top = TITLE_HEIGHT + rank * high
        return QRectF(left, top + 3, max(1.5, room * self.length_of(count)), high - 6)

    # ---------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        self.paint_title(painter)
        if self.history is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_axis(painter)
        share, shown = self._share, self.n_shown
        painter.save()
        painter.setClipRect(
            QRectF(0, TITLE_HEIGHT, self.viewport().width(), shown * self.row_height)
        )
        for rank, (pair, count) in reversed(list(enumerate(self.rows()))):
            old_rank, old_count = self._before.get(pair, (float(LEADERS), float(count)))
            if not self._before:
                old_rank, old_count = float(rank), float(count)
            at = old_rank + (rank - old_rank) * share
            seen = old_count + (count - old_count) * share
            if at < shown:
                self._paint_row(painter, pair, count, at, seen, first=rank == 0)
        painter.restore()

    def _paint_row(
        self,
        painter: QPainter,
        pair: tuple[int, int],
        count: int,
        at: float,
        seen: float,
        *,
        first: bool,
    ) -> None:
        history, t = self.history, theme.current()
        assert history is not None
        bar = self.bar_rect(at, seen)
        middle = bar.center().y()
        least = history.settings.min_frequency
        merges = first and self.k < history.n_merges
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.color("panel"))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(t.color("accent", 1.0 if merges else 0.4 if count >= least else 0.15))
        painter.drawRoundedRect(bar, 2, 2)
        font = theme.mono(theme.SMALL_FONT_SIZE)
        tone = "text" if count >= least else "dim"
        half = (self._label_width - 12) / 2
        left = line(visible(history.tokens[pair[0]]), font, half, Qt.TextElideMode.ElideLeft)
        right = line(visible(history.tokens[pair[1]]), font, half)
        plus = line("+", font)
        painter.setPen(t.color("dim"))
        plus.draw(painter, self._label_width - right.width - 4 - plus.width, middle)
        painter.setPen(t.color(tone))
        right.draw(painter, self._label_width - right.width, middle)
        left.draw(painter, self._label_width - right.width - 8 - plus.width - left.width, middle)
        figure = line(f"{count:,}", font)
        painter.setPen(t.color(tone))
        figure.draw(painter, bar.right() + 6, middle)

    def _paint_axis(self, painter: QPainter) -> None:
        t, font = theme.current(), theme.mono(theme.SMALL_FONT_SIZE)
        foot = TITLE_HEIGHT + self.n_shown * self.row_height
        left = self.bar_rect(0, 1).left()
        wide = self.bar_rect(0, self._largest).width()
        for value in self._ticks():
            x = left + wide * self.length_of(value)
            painter.setPen(QPen(t.color("line"), 1))
            painter.drawLine(round(x), TITLE_HEIGHT, round(x), round(foot))
            words_ = line(f"{value:,}", font)
            painter.setPen(t.color("dim"))
            words_.draw(painter, x - words_.width / 2, foot + AXIS_HEIGHT / 2)

    def _ticks(self) -> list[int]:
        """Counts at which a line stands, each with its number: as many as have room for theirs."""
        largest = self._largest
        if largest <= FEW:
            return self._with_room([list(range(0, largest + 1, step)) for step in (1, 2, 5, 10)])
        lowest, highest = round(math.log10(self._floor)), int(math.log10(largest))
        found = [
            [n * 10**power for power in range(lowest, highest + 1, each) for n in steps]
            for each, steps in ((1, (1, 2, 5)), (1, (1, 3)), (1, (1,)), (2, (1,)), (3, (1,)))
        ]
        return self._with_room([[tick for tick in ticks if tick <= largest] for ticks in found])

    def _with_room(self, choices: list[list[int]]) -> list[int]:
        """The first of them whose numbers do not touch each other; else the first of the last."""
        digit = mono_metrics().horizontalAdvance("0")
        wide = self.bar_rect(0, self._largest).width()
        for ticks in choices:
            places = [wide * self.length_of(tick) for tick in ticks]
            widths = [digit * len(f"{tick:,}") for tick in ticks]
            gaps = [
                places[i + 1] - places[i] - (widths[i] + widths[i + 1]) / 2
                for i in range(len(ticks) - 1)
            ]
            if min(gaps, default=math.inf) >= digit:
                return ticks
        return choices[-1][:1]

    # ------------------------------------------------------------------------------- mouse

    def rank_at(self, at: QPoint) -> int | None:
        """The row under a place."""
        rank = int((at.y() - TITLE_HEIGHT) // self.row_height)
        inside = at.y() >= TITLE_HEIGHT and rank < min(self.n_shown, len(self.rows()))
        return rank if inside else None

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        rank = self.rank_at(at)
        if rank is not None:
            (left, right), _ = self.rows()[rank]
            self.pair_chosen.emit(left, right)

    def hover(self, at: QPoint | None) -> None:
        rank = None if at is None else self.rank_at(at)
        if rank != self._hovered:
            self._hovered = rank
            self.viewport().update()

    def paint_overlay(self, painter: QPainter) -> None:
        if self._hovered is not None and self._hovered < len(self.rows()):
            row = QRectF(0, TITLE_HEIGHT + self._hovered * self.row_height, 0, self.row_height)
            row.setWidth(self.viewport().width())
            painter.fillRect(row, theme.current().color("text", 0.06))

    def tooltip(self, at: QPoint) -> str:
        rank, history = self.rank_at(at), self.history
        if rank is None or history is None:
            return ""
        (left, right), count = self.rows()[rank]
        first = rank == 0 and self.k < history.n_merges
        return words.pair_tip(history, left, right, count, first=first)


def _ends(history: BpeHistory | None) -> tuple[int, int]:
    """The largest count of a film, and the power of ten at which a logarithmic axis begins."""
    if history is None or not history.leader_counts.any():
        return 1, 1
    counts = history.leader_counts
    smallest = int(counts[counts > 0].min())
    return int(counts.max()), int(10 ** math.floor(math.log10(smallest)))
