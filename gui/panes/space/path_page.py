"""The selected token's way through the layers, beside the cloud: what it is near after each.

Of one text, or of A and B, so that it is seen where two texts part company. Knows answers and
texts; no store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from gui import theme
from gui.panes.space.cosine_strip import CosineStrip
from gui.panes.space.side import METRICS
from gui.panes.space.token_list import ROW, Row, TokenList
from gui.widgets.point_cloud.overlay import tone_color
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.probe.path_near.asks import PathNear, PathNearFound

TextOf = Callable[[int], str]
LOW = 380
"""A page that is lower does without what can be chosen elsewhere, too."""
PARTED = 0.02
"""By so much a cosine has to fall at a layer to be spoken of."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one text's position is near.

    Attributes:
        name: A or B, before or after; empty where there is only one.
        token: its token, as it is written.
        position: where it stands.
        tone: in which its path is drawn, as of a mark in the cloud.
        dashed: whether that is dashed.
        found: what is near it at every station.
    """

    name: str
    token: str
    position: int
    tone: str
    dashed: bool
    found: PathNearFound


class SideKey(QWidget):
    """A line as a path is drawn, and whose it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone, self._dashed, self._text = "text", False, ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFont(theme.sans(theme.SMALL_FONT_SIZE))

    @property
    def text(self) -> str:
        """What it says."""
        return self._text

    def show_side(self, text: str, tone: str, *, dashed: bool) -> None:
        """Another side."""
        self._text, self._tone, self._dashed = text, tone, dashed
        self.setAccessibleName(text)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.setFont(self.font())
            pen = QPen(tone_color(self._tone), 2)
            if self._dashed:
                pen.setDashPattern([2, 2])
            painter.setPen(pen)
            middle = self.height() / 2
            painter.drawLine(QPointF(2, middle), QPointF(22, middle))
            painter.setPen(t.color("text"))
            box = QRectF(28, 0, self.width() - 28, self.height())
            elided = painter.fontMetrics().elidedText(
                self._text, Qt.TextElideMode.ElideRight, int(box.width())
            )
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, elided)

    def sizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + 2)


class PathPage(QWidget):
    """A line of cosines over the layers, and lists of what is near after one of them.

    Signals:
        station_chosen: a place of the way, counted from 0.
        token_chosen: id of a token that was clicked.
        token_hovered: id of the token under the mouse, or None.
        other_wanted: the text that is to be compared; empty for none.
        metric_chosen: what near is to mean.
    """

    station_chosen = Signal(int)
    token_chosen = Signal(int)
    token_hovered = Signal(object)
    other_wanted = Signal(str)
    metric_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.said = Text(font=small, wrap=True)
        self.said.setAccessibleName("What the way through the layers says here")
        self.strip = CosineStrip()
        self.strip.picked.connect(self.station_chosen)
        self.metrics = Segments(font=small)
        for key, text, tip in METRICS:
            self.metrics.add(key, text, tip)
        self.metrics.chosen.connect(self.metric_chosen)
        self.keys = (SideKey(), SideKey())
        self.lists = (TokenList(), TokenList())
        self.other = QLineEdit()
        self.other.setPlaceholderText("Another prompt to compare with")
        self.other.setClearButtonEnabled(True)
        self.other.setAccessibleName("Another prompt, B")
        self.other.setToolTip(
            "Type another text and press Enter: the selected token's way is drawn in both,\n"
            "this prompt's as A, the other's as B. Empty, Enter ends the comparison."
        )
        self.other.returnPressed.connect(self._entered)
        inner = QVBoxLayout(self)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(theme.TIGHT)
        inner.addWidget(self.other)
        inner.addWidget(self.said)
        inner.addWidget(self.strip)
        inner.addWidget(self.metrics, 0, Qt.AlignmentFlag.AlignLeft)
        for at, (line, listed) in enumerate(zip(self.keys, self.lists)):
            listed.setAccessibleName(f"Near after the layer, in {'AB'[at]}")
            listed.token_chosen.connect(self.token_chosen)
            listed.token_hovered.connect(self.token_hovered)
            inner.addWidget(line)
            inner.addWidget(listed, 1)
        self.show_sentence("")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Where there is little height, the lists get it."""
        low = self.height() < LOW
        self.strip.set_low(low=low)
        self.metrics.setVisible(not low and not self.strip.isHidden())
        for listed in self.lists:
            listed.setMinimumHeight(2 * ROW)

    def _entered(self) -> None:
        self.other_wanted.emit(self.other.text().strip())

    def show_other(self, text: str) -> None:
        """The text that is compared, unless a person is typing another."""
        if not self.other.hasFocus() and self.other.text() != text:
            self.other.setText(text)

    def show_sentence(self, sentence: str, tone: str = "dim") -> None:
        """There is no way to show, and why."""
        self.said.set_tone(tone)
        self.said.setText(sentence)
        self.strip.hide()
        self.metrics.hide()
        for part in (*self.keys, *self.lists):
            part.hide()

    def show_sides(
        self, sides: Sequence[Shown], station: int | None, text_of: TextOf, hint: str = ""
    ) -> None:
        """One text's, or A's and B's.

        Args:
            sides: one or two.
            station: the place of the way that is looked at; the last one for None.
            text_of: how a token is written.
            hint: what else there is to say.
        """
        stations = sides[0].found.stations
        at = len(stations) - 1 if station is None else min(station, len(stations) - 1)
        self.said.set_tone("text")
        self.said.setText(" ".join(filter(None, (said(sides, at), hint))))
        values = sides[0].found.turned_S
        title = "cosine with its own embedding"
        if len(sides) == 2:
            values = sides[0].found.cosines_with(sides[1].found)
            title = f"cosine of {sides[0].name} and {sides[1].name}"
        self.strip.show_values(values, [one.label for one in stations], at, title)
        self.strip.show()
        self._arrange()
        shared = set.intersection(*(set(side.found.ids_Sk[at].tolist()) for side in sides))
        for index, (key, listed) in enumerate(zip(self.keys, self.lists)):
            there = index < len(sides)
            key.setVisible(there)
            listed.setVisible(there)
            if not there:
                continue
            side = sides[index]
            where = f"{side.name} " if side.name else ""
            label = f"{where}{side.token} {side.position} after {stations[at].label}"
            key.show_side(label, side.tone, dashed=side.dashed)
            question = side.found.question
            assert isinstance(question, PathNear)
            listed.set_metric(question.metric)
            self.metrics.set_current(question.metric)
            listed.set_rows(_rows(side.found, at, text_of, shared if len(sides) == 2 else set()))


def _rows(found: PathNearFound, at: int, text_of: TextOf, shared: set[int]) -> list[Row]:
    """What is near; what both texts have stands back."""
    ids, values = found.ids_Sk[at].tolist(), found.values_Sk[at].tolist()
    return [
        Row(token, text_of(token), value, own=token in shared)
        for token, value in zip(ids, values)
        if token >= 0
    ]


def said(sides: Sequence[Shown], at: int) -> str:
    """What the lines and lists say, in a sentence or two."""
    found = sides[0].found
    label = found.stations[at].label
    if len(sides) == 1:
        turned = found.turned_S[at]
        return f"After {label} {sides[0].token} has a cosine of {turned:.2f} with its embedding."
    a, b = sides
    cosines = a.found.cosines_with(b.found)
    shared = len(set(found.ids_Sk[at].tolist()) & set(b.found.ids_Sk[at].tolist()) - {-1})
    k = found.ids_Sk.shape[1]
    told = (
        f"After {label} {a.name} and {b.name} have a cosine of {cosines[at]:.2f} and share "
        f"{shared} of {k} neighbours."
    )
    falls = np.nan_to_num(cosines[:-1] - cosines[1:])
    most = int(falls.argmax()) if len(falls) else 0
    if len(falls) and falls[most] > PARTED:
        told += (
            f" They part most at {found.stations[most + 1].label}: "
            f"{cosines[most]:.2f} to {cosines[most + 1]:.2f}."
        )
    return told
