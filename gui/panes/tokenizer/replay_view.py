"""The steps of a cut as rows of boxes on one grid of symbols: boxes grow, columns stay.

Knows a replay; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.tokenizer import words
from gui.widgets.canvas import Canvas
from gui.widgets.drawing_cache import line
from model import messages as m
from model.tokenizer.replay import PieceCut, Span
from model.tokenizer.tokens import visible

ROW, PAD, BETWEEN, MARGIN = 24.0, 5.0, 14.0, 8.0
LEAST_COLUMN = 20.0
UNKNOWN = "?"
"""In the box of a word of which no piece is known, where its token's name has no room."""
AS_ONE = "taken as one, whatever its letters"


@dataclass(frozen=True, slots=True)
class Box:
    """A box in the content.

    Attributes:
        rect: its place.
        text: in it.
        kind: "plain", "made", "tried" (not in the vocabulary), "unknown" (stands for a word that
            no piece fits) or "symbol".
        tip: about it.
    """

    rect: QRectF
    text: str
    kind: str
    tip: str


class ReplayView(Canvas):
    """The rows.

    Attributes:
        boxes: all that are drawn.
        captions: a text and its place, each.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("How the word was cut, a row a step")
        self.boxes: list[Box] = []
        self.captions: list[tuple[QRectF, str]] = []
        self._found: m.TextReplayed | None = None

    def show_replay(self, found: m.TextReplayed | None) -> None:
        """Draw another."""
        if found is not self._found:
            self._found = found
            self.lay_out()
            self.redraw()

    # ------------------------------------------------------------------------------ places

    def lay_out(self) -> None:
        self.boxes, self.captions = [], []
        y = MARGIN
        widest = 0.0
        if self._found is not None:
            for piece in self._found.replay.pieces:
                y, wide = self._place_piece(piece, y)
                widest = max(widest, wide)
        self.scroll_over(QSizeF(widest, y), QSizeF(self.viewport().size()))

    def _place_piece(self, piece: PieceCut, y: float) -> tuple[float, float]:
        """Place a piece's rows; where the next begins, and how wide they are."""
        metrics = QFontMetricsF(theme.mono())
        edges = [MARGIN]
        for raw in piece.texts:
            wide = metrics.horizontalAdvance(visible(raw)) + 2 * PAD
            edges.append(edges[-1] + max(LEAST_COLUMN, wide))
        right = edges[-1] + 16
        found = self._found
        assert found is not None
        widest = right

        def box(span: Span, kind: str, y: float) -> None:
            rect = QRectF(edges[span.start], y, edges[span.end] - edges[span.start], ROW - 4)
            text = words.of_span(found, span, piece)
            tip = text if span.id < 0 else f"{text}\nid {span.id}"
            if span.score:
                tip += f"\nscore {span.score:.3f}"
            if kind == "unknown" and metrics.horizontalAdvance(text) > rect.width() - 4:
                text = UNKNOWN
            self.boxes.append(Box(rect, text, kind, tip))

        def caption(text: str, y: float) -> None:
            nonlocal widest
            wide = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE)).horizontalAdvance(text)
            self.captions.append((QRectF(right, y, wide, ROW - 4), text))
            widest = max(widest, right + wide + MARGIN)

        if piece.lattice:
            return self._place_lattice(piece, y, box, caption), widest
        for index, step in enumerate(piece.steps):
            for at, span in enumerate(step.spans):
                tried = span.id < 0
                one = span.end - span.start == 1 and found.replay.algorithm == "BPE"
                kind = "made" if at == step.made else "tried" if tried else "plain"
                box(span, "symbol" if one and kind == "plain" else kind, y)
            caption(words.caption(found, piece, index), y)
            y += ROW
        ended = piece.steps[-1].spans if piece.steps else ()
        if ended != piece.cut:  # of a table, or a word that is not known
            unknown = words.is_unknown(found, piece)
            for span in piece.cut:
                box(span, "unknown" if unknown else "made", y)
            said = words.unknown_caption(found, piece) if unknown else AS_ONE
            caption(said, y)
            y += ROW
        return y + BETWEEN, widest

    @staticmethod
    def _place_lattice(piece: PieceCut, y: float, box: object, caption: object) -> float:
        """The best way first, then all other pieces, in as few rows as they fit in."""
        assert callable(box)
        assert callable(caption)
        for span in piece.cut:
            box(span, "made", y)
        caption(words.lattice_caption(piece), y)
        y += ROW
        ends: list[int] = []  # of each row so far
        best = {(span.start, span.end) for span in piece.cut}
        others = [span for span in piece.lattice if (span.start, span.end) not in best]
        for span in sorted(others, key=lambda s: (s.start, -s.end)):
            row = next((i for i, end in enumerate(ends) if end <= span.start), len(ends))
            if row == len(ends):
                ends.append(0)
            ends[row] = span.end
            box(span, "plain", y + row * ROW)
        return y + len(ends) * ROW + BETWEEN

    # ---------------------------------------------------------------------------- painting

    def paint_ground(self, painter: QPainter) -> None:
        t = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        seen = QRectF(self.viewport().rect())
        for box in self.boxes:
            rect = box.rect.translated(-self.scrolled.x(), -self.scrolled.y())
            if not rect.intersects(seen):
                continue
            pens = {"made": "accent", "unknown": "warning"}
            pen = QPen(t.color(pens.get(box.kind, "line")), 1)
            if box.kind == "tried":
                pen = QPen(t.color("faint"), 1, Qt.PenStyle.DashLine)
            painter.setPen(pen)
            fill = {"made": "accent_soft", "plain": "raised"}.get(box.kind)
            painter.setBrush(t.color(fill) if fill else Qt.BrushStyle.NoBrush)
            if box.kind != "symbol":
                painter.drawRoundedRect(rect.adjusted(1.5, 0.5, -1.5, -0.5), 3, 3)
            tone = {"made": "accent", "plain": "text", "unknown": "warning"}.get(box.kind, "dim")
            painter.setPen(t.color(tone))
            text = line(box.text, theme.mono(), max(8.0, rect.width() - 4))
            text.draw(painter, rect.center().x() - text.width / 2, rect.center().y())
        painter.setPen(t.color("dim"))
        for rect, words_ in self.captions:
            at = rect.translated(-self.scrolled.x(), -self.scrolled.y())
            if at.intersects(seen):
                shown = line(words_, theme.sans(theme.SMALL_FONT_SIZE))
                shown.draw(painter, at.left(), at.center().y())

    def tooltip(self, at: QPoint) -> str:
        place = at + self.scrolled
        return next((box.tip for box in self.boxes if box.rect.contains(place)), "")
