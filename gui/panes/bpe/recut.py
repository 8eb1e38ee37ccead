"""The beginning of the text in tokens, as the merges so far cut it.

A byte alone is bare, what was merged has a box, what the last merge made is filled, and what the
next one will join is underlined. Knows the history and words; no store.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.bpe import words
from gui.panes.bpe.view import TITLE_HEIGHT, FilmView, mono_metrics
from gui.widgets.drawing_cache import line
from model.tokenizer.bpe_history import BpeHistory, Recut
from model.tokenizer.tokens import NEWLINE, visible

PAD, GAP, LINE_GAP = 3.0, 1.0, 4.0
LEGEND = (("byte", "a byte"), ("token", "merged"), ("made", "by this merge"), ("next", "next"))


@dataclass(frozen=True, slots=True)
class Cut:
    """The text as it is cut in one state, token by token; wherever it breaks into lines.

    Attributes:
        ids: of the tokens.
        texts: what stands in them.
        widths: of their boxes, in pixels.
        nexts, afters: as of `Chip`.
        wholes: of a word's first token the width of the word, of the others 0.
    """

    ids: list[int]
    texts: list[str]
    widths: list[float]
    nexts: list[int]
    afters: list[int]
    wholes: list[float]


@dataclass(frozen=True, slots=True)
class Chip:
    """A token of the text, placed in the content.

    Attributes:
        id: of the token.
        rect: its box.
        text: what stands in it.
        next: whether the next merge joins it: 1 is the left of a pair, 2 the right.
        after: id of the token that follows in the same word; -1 at its end.
    """

    id: int
    rect: QRectF
    text: str
    next: int
    after: int


class RecutView(FilmView):
    """The text.

    Attributes:
        words: how it begins, as bytes, in the pieces within which pairs are merged.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("The text in tokens", "The text in tokens", parent)
        self.words: tuple[bytes, ...] = ()
        self._recut: Recut | None = None
        self._cut: Cut | None = None  # None after the state has changed
        # Where each token stands in the content, and how wide and high: a film and a dock's edge
        # lay six thousand out many times a second, of which some hundred are in sight.
        self._lefts: list[float] = []
        self._tops: list[float] = []
        self._room = self._high = 0.0
        self._hovered: int | None = None
        self._widths: dict[str, float] = {}

    def show_words(self, history: BpeHistory | None, words: tuple[bytes, ...]) -> None:
        """Another text; its history follows by `show_state`."""
        self.words, self._cut = words, None
        self._recut = None if history is None else Recut(history)
        self.verticalScrollBar().setValue(0)

    @property
    def chips(self) -> list[Chip]:
        """What is drawn, in order, also what is out of sight."""
        return [self._chip(at) for at in range(len(self._lefts))]

    @property
    def all_ids(self) -> list[int]:
        """Of the whole text as it is cut now; empty where its beginning alone is known."""
        history = self.history
        if history is None or sum(map(len, self.words)) != history.n_tokens[0]:
            return []
        return [] if self._cut is None else list(self._cut.ids)

    # ------------------------------------------------------------------------------ places

    def state_changed(self, before: int | None) -> None:
        self._cut = None
        self.lay_out()
        self.redraw()

    def lay_out(self) -> None:
        self._lefts, self._tops, self._hovered = [], [], None
        history, recut = self.history, self._recut
        self._room = room = self.viewport().width() - 12.0
        window = QSizeF(self.viewport().width(), self.viewport().height() - TITLE_HEIGHT)
        if history is None or recut is None or room < 40:
            self.scroll_over(QSizeF(), window)
            return
        self._high = high = mono_metrics(theme.FONT_SIZE).height() + 2 * PAD
        if self._cut is None:
            self._cut = self._cut_words(history, recut)
        cut, down = self._cut, high + LINE_GAP
        lefts, tops = self._lefts, self._tops
        x, y = 0.0, 0.0
        tokens = zip(cut.texts, cut.widths, cut.wholes, cut.afters, strict=True)
        for text, wide, whole, after in tokens:
            # A word without room begins in the next line; a line break may hang over.
            if x > 0 and x + (whole or wide) > room and text != NEWLINE:
                x, y = 0.0, y + down
            lefts.append(x)
            tops.append(y)
            x += wide + GAP
            if after < 0 and text.endswith(NEWLINE):
                x, y = 0.0, y + down
        self.scroll_over(QSizeF(room, y + high + 8), window)

    def _cut_words(self, history: BpeHistory, recut: Recut) -> Cut:
        """The words as they are cut now."""
        cut = Cut([], [], [], [], [], [])
        metrics = mono_metrics(theme.FONT_SIZE)
        coming = None
        if self.k < history.n_merges:
            coming = tuple(history.pairs[self.k].tolist())
        known = self._widths
        for word in self.words:
            ids = recut.cut(word, self.k)
            texts = [visible(history.tokens[id]) for id in ids]
            for text in texts:
                if text not in known:
                    known[text] = metrics.horizontalAdvance(text) + 2 * PAD
            widths = [known[text] for text in texts]
            cut.ids.extend(ids)
            cut.texts.extend(texts)
            cut.widths.extend(widths)
            cut.nexts.extend(_coming(ids, coming))
            cut.afters.extend((*ids[1:], -1))
            cut.wholes.append(sum(widths) + GAP * len(widths))
            cut.wholes.extend([0.0] * (len(ids) - 1))
        return cut

    def _chip(self, at: int) -> Chip:
        """A token in its place, by its number in the text."""
        cut = self._cut
        assert cut is not None
        wide = min(cut.widths[at], self._room)
        rect = QRectF(self._lefts[at], self._tops[at], wide, self._high)
        return Chip(cut.ids[at], rect, cut.texts[at], cut.nexts[at], cut.afters[at])

    def _seen(self, top: float, bottom: float) -> range:
        """The tokens whose boxes lie between two heights of the viewport, in part at least."""
        shift = TITLE_HEIGHT + 2 - self.scrolled.y()
        first = bisect_left(self._tops, top - shift - self._high)
        return range(first, bisect_right(self._tops, bottom - shift))

    def _in_view(self, chip: Chip) -> QRectF:
        return chip.rect.translated(6, TITLE_HEIGHT + 2 - self.scrolled.y())

    # ---------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        room = self.paint_title(painter)
        self._paint_legend(painter)
        history = self.history
        if history is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(room)
        made = int(history.made[self.k - 1]) if self.k else -1
        for at in self._seen(room.top(), room.bottom()):
            chip = self._chip(at)
            rect = self._in_view(chip)
            single = len(history.tokens[chip.id]) == 1
            kind = "made" if chip.id == made else "byte" if single else "token"
            self._paint_chip(painter, rect, chip.text, kind)
            if chip.next:
                self._underline(painter, rect, chip.next)
        painter.setClipping(False)

    @staticmethod
    def _paint_chip(painter: QPainter, rect: QRectF, text: str, kind: str) -> None:
        t = theme.current()
        if kind != "byte":
            painter.setPen(QPen(t.color("accent" if kind == "made" else "line"), 1))
            painter.setBrush(t.color("accent_soft" if kind == "made" else "raised"))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setPen(t.color({"byte": "dim", "token": "text", "made": "accent"}[kind]))
        shown = line(text, theme.mono(theme.FONT_SIZE), rect.width() - 2)
        shown.draw(painter, rect.left() + PAD, rect.center().y())

    @staticmethod
    def _underline(painter: QPainter, rect: QRectF, side: int) -> None:
        pen = QPen(theme.current().color("negative"), 2)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        y = rect.bottom() + 1.5
        left = rect.left() + (1 if side == 1 else -GAP)
        painter.drawLine(
            QRectF(left, y, 0, 0).topLeft(), QRectF(rect.right() - 1, y, 0, 0).topLeft()
        )

    def _paint_legend(self, painter: QPainter) -> None:
        """What boxes mean, at the right of the title, as far as there is room."""
        font = theme.sans(theme.SMALL_FONT_SIZE)
        x = float(self.viewport().width()) - 6
        least = line(self.title, font).width + 16
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for kind, text in reversed(LEGEND):
            label = line(text, font)
            start = x - label.width - 20
            if start < least:
                return
            box = QRectF(start, TITLE_HEIGHT / 2 - 6, 15, 12)
            if kind == "next":
                self._underline(painter, box.adjusted(0, 0, 0, -4), 1)
            else:
                self._paint_chip(painter, box, "a", kind)
            painter.setPen(theme.current().color("dim"))
            label.draw(painter, start + 19, TITLE_HEIGHT / 2)
            x = start - 10

    # ------------------------------------------------------------------------------- mouse

    def chip_at(self, at: QPoint) -> Chip | None:
        """The token under a place."""
        found = self._at(at)
        return None if found is None else self._chip(found)

    def _at(self, at: QPoint) -> int | None:
        """The number of the token under a place."""
        if at.y() < TITLE_HEIGHT:
            return None
        seen = self._seen(at.y(), at.y())
        return next((one for one in seen if self._in_view(self._chip(one)).contains(at)), None)

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        chip = self.chip_at(at)
        if chip is not None and chip.after >= 0:
            self.pair_chosen.emit(chip.id, chip.after)

    def hover(self, at: QPoint | None) -> None:
        found = None if at is None else self._at(at)
        if found != self._hovered:
            self._hovered = found
            self.viewport().update()

    def paint_overlay(self, painter: QPainter) -> None:
        """The same token, wherever it stands."""
        if self._hovered is None or self._cut is None:
            return
        painter.setPen(QPen(theme.current().color("text", 0.7), 1))
        room = QRectF(self.viewport().rect()).adjusted(0, TITLE_HEIGHT, 0, 0)
        painter.setClipRect(room)
        ids = self._cut.ids
        for at in self._seen(room.top(), room.bottom()):
            if ids[at] == ids[self._hovered]:
                rect = self._in_view(self._chip(at))
                painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setClipping(False)

    def tooltip(self, at: QPoint) -> str:
        chip = self.chip_at(at)
        if chip is None or self.history is None:
            return ""
        return words.token_tip(self.history, chip.id, chip.after)


def _coming(ids: tuple[int, ...], pair: tuple[int, ...] | None) -> list[int]:
    """Which tokens of a word a pair takes, from the left: 1 its left one, 2 its right one."""
    marks = [0] * len(ids)
    at = 0
    while pair is not None and at + 1 < len(ids):
        if ids[at : at + 2] == pair:
            marks[at], marks[at + 1] = 1, 2
            at += 1
        at += 1
    return marks
