"""One text under several tokenizers, on a grid of its characters: boundaries are aligned.

A line of the text, then a row of boxes for each tokenizer. Knows cuts; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSizeF, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.tokenizer import words
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from gui.widgets.legend_rows import TO_TEXT, placed
from model import messages as m
from model.counting import counted
from model.tokenizer.side_by_side import CutBy
from model.tokenizer.tokens import Token, visible

HEAD, ROW, GAP, MARGIN = 20.0, 22.0, 12.0, 8.0
NAME = 120.0
LEGEND = (
    ("token", "a", "a token"),
    ("together", "3", "so many tokens are one character together"),
    ("unknown", "?", "no token for it"),
)
"""Kind of a box, what stands in it, what it means."""
SIGNS = {kind: sign for kind, sign, _ in LEGEND}


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a token on one line of the text.

    Attributes:
        rect: in the content.
        tokenizer: index of the cut.
        places: tokens that it stands for: several where they are one character together.
        kind: "token", "together" or "unknown".
        text: in it; empty where another box of the token has it.
    """

    rect: QRectF
    tokenizer: int
    places: tuple[int, ...]
    kind: str
    text: str


class AlignedView(Canvas):
    """The comparison.

    Signals:
        position_chosen: a token of the open model, by its place in the text.

    Attributes:
        boxes: all that are drawn.
    """

    position_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The prompt in the tokens of several tokenizers")
        self.boxes: list[Box] = []
        self._found: m.TokenizersCompared | None = None
        self._letters: list[tuple[QRectF, str]] = []
        self._names: list[tuple[QRectF, str]] = []
        self._heads: list[tuple[QRectF, str, str]] = []
        self._legend: list[tuple[QRectF, str, str]] = []

    def show_compared(self, found: m.TokenizersCompared | None) -> None:
        """Draw another comparison."""
        if found is not self._found:
            self._found = found
            self.lay_out()
            self.redraw()

    # ------------------------------------------------------------------------------ places

    def lay_out(self) -> None:
        self.boxes, self._letters, self._names, self._heads = [], [], [], []
        self._legend = []
        found = self._found
        window = QSizeF(self.viewport().size())
        if found is None:
            self.scroll_over(QSizeF(), window)
            return
        width = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE)).horizontalAdvance
        y = MARGIN
        for cut in found.cuts:
            said = words.heading(cut) if isinstance(cut, CutBy) else cut.problem
            if isinstance(cut, CutBy) and width(said) > window.width() - NAME - 2 * MARGIN:
                said = words.heading(cut, short=True)
            tone = "text" if isinstance(cut, CutBy) else "warning"
            self._heads.append((QRectF(MARGIN, y, window.width() - 2 * MARGIN, HEAD), said, tone))
            y += HEAD
        occurring = {kind for cut in found.cuts if isinstance(cut, CutBy) for kind in _kinds(cut)}
        entries = [(kind, said) for kind, _, said in LEGEND if kind in occurring]
        room = QRectF(MARGIN + NAME, y, window.width() - NAME - 2 * MARGIN, 0)
        self._legend, y = placed(entries, room, HEAD)
        y += GAP
        cell = max(QFontMetricsF(theme.mono()).horizontalAdvance("0") + 5, 12.0)
        per_line = max(8, int((window.width() - NAME - 2 * MARGIN) / cell))
        for first, last in _lines(found.text, per_line):
            y = self._place_line(found, first, last, y, cell) + GAP
        self.scroll_over(QSizeF(window.width(), y), window)

    def _place_line(
        self, found: m.TokenizersCompared, first: int, last: int, y: float, cell: float
    ) -> float:
        left = MARGIN + NAME
        for at in range(first, last):
            rect = QRectF(left + (at - first) * cell, y, cell, ROW)
            self._letters.append((rect, visible(found.text[at].encode("utf-8", "replace"))))
        y += ROW
        for index, cut in enumerate(found.cuts):
            if not isinstance(cut, CutBy):
                continue
            name = words.short_name(cut.name)
            self._names.append((QRectF(MARGIN, y, NAME - 8, ROW), name))
            for places in _groups(cut):
                tokens = [cut.tokens[place] for place in places]
                start = min(token.char_start for token in tokens)
                end = max(token.char_end for token in tokens)
                if end <= first or start >= last or end == start:
                    continue
                a, b = max(start, first), min(end, last)
                rect = QRectF(left + (a - first) * cell, y, (b - a) * cell, ROW - 3)
                kind = _kind(cut, places)
                text = ""
                if start >= first:
                    text = str(len(places)) if len(places) > 1 else tokens[0].text
                self.boxes.append(Box(rect, index, places, kind, text))
            y += ROW
        return y

    # ---------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        t, found = theme.current(), self._found
        if found is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        up = -self.scrolled.y()
        small, mono = theme.sans(theme.SMALL_FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
        for (rect, said, tone), cut in zip(self._heads, found.cuts, strict=True):
            middle = rect.center().y() + up
            name = line(words.short_name(cut.name), small, NAME - 8)
            painter.setPen(t.color("text"))
            name.draw(painter, rect.left(), middle)
            painter.setPen(t.color("dim" if tone == "text" else tone))
            font = mono if tone == "text" else small
            line(said, font, rect.width() - NAME).draw(painter, rect.left() + NAME, middle)
        for swatch, kind, said in self._legend:
            at = swatch.translated(0, up)
            self._paint_box(painter, at, Box(at, 0, (), kind, SIGNS[kind]))
            painter.setPen(t.color("dim"))
            line(said, small).draw(painter, at.left() + TO_TEXT, at.center().y())
        seen = QRectF(self.viewport().rect())
        for rect, letter in self._letters:
            at = rect.translated(0, up)
            if at.intersects(seen):
                painter.setPen(t.color("text"))
                shown = line(letter, theme.mono(), rect.width() + 2)
                shown.draw(painter, at.center().x() - shown.width / 2, at.center().y())
        for rect, name_ in self._names:
            at = rect.translated(0, up)
            if at.intersects(seen):
                painter.setPen(t.color("dim"))
                line(name_, small, rect.width()).draw(painter, at.left(), at.center().y())
        for box in self.boxes:
            at = box.rect.translated(0, up)
            if at.intersects(seen):
                self._paint_box(painter, at, box)

    @staticmethod
    def _paint_box(painter: QPainter, at: QRectF, box: Box) -> None:
        t = theme.current()
        pens = {"token": "line", "together": "lens", "unknown": "warning"}
        painter.setPen(QPen(t.color(pens[box.kind]), 1))
        painter.setBrush(t.color("raised"))
        painter.drawRoundedRect(at.adjusted(0.5, 0.5, -1.0, -0.5), 3, 3)
        if box.text:
            painter.setPen(t.color("text" if box.kind == "token" else pens[box.kind]))
            font, room = theme.mono(theme.SMALL_FONT_SIZE), max(6.0, at.width() - 3)
            shown = line(box.text, font)
            if shown.width > room:
                # What has no token would be three dots under a single character.
                unknown = box.kind == "unknown"
                shown = line(SIGNS["unknown"], font) if unknown else line(box.text, font, room)
            shown.draw(painter, at.center().x() - shown.width / 2, at.center().y())

    # ------------------------------------------------------------------------------- mouse

    def box_at(self, at: QPoint) -> Box | None:
        """The box under a place of the viewport."""
        place = at + self.scrolled
        return next((box for box in self.boxes if box.rect.contains(place)), None)

    def press(self, at: QPoint, modifiers: object) -> None:
        box, found = self.box_at(at), self._found
        if box is not None and found is not None:
            cut = found.cuts[box.tokenizer]
            if cut.name == m.OPEN_MODEL and isinstance(cut, CutBy):
                self.position_chosen.emit(cut.tokens[box.places[0]].char_start)

    def tooltip(self, at: QPoint) -> str:
        box, found = self.box_at(at), self._found
        if found is None:
            return ""
        if box is None:
            heads = zip(self._heads, found.cuts, strict=True)
            place = at + self.scrolled
            over = [(said, cut) for (rect, said, _), cut in heads if rect.contains(place)]
            return "\n".join(words.of_head(cut, said) for said, cut in over)
        cut = found.cuts[box.tokenizer]
        assert isinstance(cut, CutBy)
        lines = [f"{words.short_name(cut.name)}: {cut.kind}, {cut.vocab_size:,} tokens"]
        if len(box.places) > 1:
            lines.append(f"{counted(len(box.places), 'token')} are one character together")
        lines += [_told(cut.tokens[place]) for place in box.places]
        return "\n".join(lines)


def _kind(cut: CutBy, places: tuple[int, ...]) -> str:
    """Of the box of some tokens, a kind of `LEGEND`."""
    if set(places) & set(cut.unknown):
        return "unknown"
    return "together" if len(places) > 1 else "token"


def _kinds(cut: CutBy) -> set[str]:
    return {_kind(cut, places) for places in _groups(cut)}


def _told(token: Token) -> str:
    return f"{token.text}  id {token.id}  bytes {token.bytes.hex(' ')}"


def _groups(cut: CutBy) -> list[tuple[int, ...]]:
    """Places of tokens, those of one character in one group."""
    groups: list[tuple[int, ...]] = []
    runs = dict(cut.together)
    at = 0
    while at < cut.n_tokens:
        last = runs.get(at, at)
        groups.append(tuple(range(at, last + 1)))
        at = last + 1
    return groups


def _lines(text: str, per_line: int) -> list[tuple[int, int]]:
    """A text in lines of so many characters, broken at spaces where there are any."""
    lines: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        end = min(len(text), at + per_line)
        newline = text.find("\n", at, end)
        if newline >= 0:
            end = newline + 1
        elif end < len(text):
            space = text.rfind(" ", at + per_line // 2, end)
            end = space if space > 0 else end
        lines.append((at, end))
        at = end
    return lines
