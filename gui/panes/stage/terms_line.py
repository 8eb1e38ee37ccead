"""A number, the terms that make most of it, and what reads it: one line, whose words are links.

Each term leads to the operation that wrote it, down to the token; what reads the number leads on.
Knows an answer and words; no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from gui import theme
from gui.panes.stage.marks import figure
from gui.panes.stage.scenes.kit import symbol
from gui.reading.axes import letters_of, place_words
from gui.widgets.focus_ring import draw_focus
from gui.widgets.tips import Tips
from model import messages as m
from model.operations import INPUT_IDS, LOGITS, Operation
from model.probe.terms.asks import Factor, Term, Terms, TermsFound

HEIGHT = 36
GAP = 18.0
FEEDS = "feeds"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads.

    Attributes:
        name: of the activation that stands there.
        index: of the number; empty for the operation at the selected place.
    """

    name: str
    index: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A figure with a word beneath it, and where each leads."""

    figure: str
    word: str
    tone: str
    to: Target | None = None
    word_to: Target | None = None


def feeds(op: Operation, operations: Sequence[Operation]) -> list[Piece]:
    """What reads an operation's output, in the order in which it does."""
    said = []
    for reader in operations:
        if op.output in reader.inputs:
            block = "" if reader.layer in (None, op.layer) else f"block {reader.layer}"
            target = Target(reader.output)
            said.append(Piece(f"{reader.label} →", block, "text", target, target))
    return said


def pieces(found: TermsFound, model: m.ModelInfo, read: m.PromptRead) -> list[Piece]:
    """What the line says, piece by piece; empty where nothing is known."""
    if found.value is None:
        return []
    asked = found.question
    assert isinstance(asked, Terms)
    value = figure(found.value, 3).replace("-", "−")
    where = _where(asked, model, read)
    said = [Piece(f"{symbol(asked.of)} = {value}", where, "text")]
    if found.how == "softmax" and found.chosen is not None:
        score = found.chosen.factors[0].value
        others = [t for t in found.terms if t.at != found.chosen.at][:2]
        said.append(_piece(found, found.chosen, f"e^{figure(score)}", "accent", model, read))
        said.append(Piece(f"÷ Σ of {found.n_terms:,}", "all of them", "dim"))
        said += [
            _piece(found, t, f"e^{figure(t.factors[0].value)}", "dim", model, read) for t in others
        ]
        return said
    if found.how == "norm":
        x, sigma, *gains = found.terms[0].factors  # a norm may be without a weight
        mean = f" − {figure(found.mean, 3)}" if found.mean else ""
        before, scale = _target(x), _target(sigma)
        said.append(
            Piece(f"({figure(x.value)}{mean})", "the number before", "text", before, before)
        )
        said.append(Piece(f"÷ {figure(sigma.value, 3)}", "σ", "text", scale, scale))
        said += [Piece(f"× {figure(gain.value)}", symbol(gain.name), "text") for gain in gains]
    elif found.how == "function":
        said += [
            Piece(
                figure(factor.value, 3),
                symbol(factor.name) or "constant",
                "text",
                _target(factor),
                _target(factor),
            )
            for factor in found.terms[0].factors
        ]
        said.append(Piece(found.outer, "", "dim"))
        return said
    elif found.how == "mean square":
        said.append(Piece(found.outer, f"of {found.n_terms:,} squares", "dim"))
    for term in () if found.how == "norm" else found.terms:
        tone = "negative" if term.value < 0 else "accent"
        said.append(_piece(found, term, _signed(term.value), tone, model, read))
    left = found.n_terms - len(found.terms)
    if left > 0:
        said.append(Piece(f"… {_signed(found.rest)}", f"and {left:,} more", "dim"))
    if found.bias is not None:
        said.append(Piece(_signed(found.bias.value), symbol(found.bias.name), "dim"))
    if found.outer and found.how == "sum":
        said.append(Piece(found.outer, "", "dim"))
    size = abs(found.value) + 1e-6
    if abs(found.remainder) > 0.01 * size:
        said.append(Piece(_signed(found.remainder), "changed by an intervention", "warning"))
    return said


def _where(asked: Terms, model: m.ModelInfo, read: m.PromptRead) -> str:
    """Where the number stands, without what is selected anyway."""
    letters = letters_of(model.config, asked.of) or ""
    named = dict(zip(letters, asked.index))
    if "S" in named:
        ids = read.subject.ids
        return " → ".join(model.token_text(ids[named[x]]) for x in "QS" if named[x] < len(ids))
    last = letters[-1:] if letters[-1:] != "1" else ""
    return place_words(model, read.subject.ids, last, asked.index[-1]) if last else ""


def _piece(
    found: TermsFound, term: Term, said: str, tone: str, model: m.ModelInfo, read: m.PromptRead
) -> Piece:
    """A term, whose figure leads to its first factor and whose word to its last."""
    if found.how == "lookup" and term.factors[0].name:
        asked = found.question
        assert isinstance(asked, Terms)
        row = term.factors[0].index[0]
        word = f"{symbol(term.factors[0].name)} row {row:,}"
        if term.factors[0].name == "W_E":
            word = f"token {row:,} {model.token_text(row)}"
        target = Target(INPUT_IDS, asked.index[:2])
        return Piece(said, word, tone, target, target)
    targets = [t for t in (_target(factor) for factor in term.factors) if t is not None]
    first, last = (targets[0], targets[-1]) if targets else (None, None)
    return Piece(said, _place(found, term, model, read), tone, first, last)


def _target(factor: Factor) -> Target | None:
    """Where a factor was written; None for a weight or a constant."""
    is_activation = "hook_" in factor.name or factor.name in (INPUT_IDS, LOGITS)
    return Target(factor.name, factor.index) if is_activation else None


def _signed(value: float) -> str:
    value += 0.0  # a zero has no sign
    return ("+" if value >= 0 else "") + figure(value).replace("-", "−")


def _place(found: TermsFound, term: Term, model: m.ModelInfo, read: m.PromptRead) -> str:
    """Which term it is, in a word."""
    factors = term.factors
    match found.axis:
        case "key":
            ids = read.subject.ids
            return model.token_text(ids[term.at]) if term.at < len(ids) else str(term.at)
        case "dimension of a head":
            return f"head {factors[0].index[2]} dim {factors[0].index[3]}"
        case "neuron of an expert":
            return f"neuron {factors[1].index[-1]}" if len(factors) > 2 else "bias"
        case "summand" | "":
            return symbol(factors[0].name) or "bias"
        case "of the pair":
            return f"dim {factors[0].index[-1]}"
        case "dimension":
            return f"dim {term.at}"
        case axis:
            return f"{axis} {term.at}"


class TermsLine(QWidget):
    """Paints the pieces; those that have no room are left out.

    What reads the number stands at the right end. Left and Right go from link to link, Return
    follows one.

    Signals:
        followed: a `Target` that was clicked.
    """

    followed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self, self.show_tip)
        self._pieces: list[Piece] = []
        self._feeds: list[Piece] = []
        self._links: list[tuple[QRectF, Target]] = []
        self._lit: int | None = None
        self._laid: list[tuple[Piece, float, float]] = []
        self.setAccessibleName("What the number is made of, and what reads it")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)

    def set_pieces(self, pieces: list[Piece], feeds: list[Piece] | None = None) -> None:
        """Say something else."""
        feeds = feeds or []
        if (pieces, feeds) != (self._pieces, self._feeds):
            self._pieces, self._feeds = pieces, feeds
            words = ", ".join(f"{p.figure} {p.word}".strip() for p in pieces)
            if feeds:
                words += "; feeds " + ", ".join(f"{p.figure} {p.word}".strip() for p in feeds)
            self.setAccessibleDescription(words)
            self._lit = None
            self._place()
            self.update()

    @property
    def text(self) -> str:
        """All of it as words."""
        return self.accessibleDescription()

    @property
    def links(self) -> list[tuple[QRectF, Target]]:
        """What can be followed, and where it stands."""
        return self._links

    def sizeHint(self) -> QSize:
        return QSize(300, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, HEIGHT)

    def _place(self) -> None:
        """Find the room of every piece."""
        self._laid = []
        self._links = []
        large = QFontMetricsF(theme.mono(theme.FONT_SIZE))
        small = QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE))

        def wide(piece: Piece) -> float:
            return max(large.horizontalAdvance(piece.figure), small.horizontalAdvance(piece.word))

        right = self.width() - 12.0
        shown: list[Piece] = []
        taken = small.horizontalAdvance(FEEDS) + GAP
        for piece in self._feeds:
            if taken + wide(piece) > 0.5 * self.width() and shown:
                break
            shown.append(piece)
            taken += wide(piece) + GAP
        end = right - taken + GAP if shown else right
        x = 12.0
        for i, piece in enumerate(self._pieces):
            if x + wide(piece) > (end - GAP if shown else end) and i:
                break
            self._add(piece, x, wide(piece))
            x += wide(piece) + GAP
        x = end
        if shown:
            self._add(Piece(FEEDS, "", "dim"), x, small.horizontalAdvance(FEEDS))
            x += small.horizontalAdvance(FEEDS) + GAP
        for piece in shown:
            self._add(piece, x, wide(piece))
            x += wide(piece) + GAP

    def _add(self, piece: Piece, x: float, wide: float) -> None:
        self._laid.append((piece, x, wide))
        upper, lower = QRectF(x, 0, wide + 2, 19), QRectF(x, 19, wide + 2, 16)
        if piece.to is not None and piece.to == piece.word_to:
            self._links.append((upper.united(lower), piece.to))
            return
        for box, target in ((upper, piece.to), (lower, piece.word_to)):
            if target is not None:
                self._links.append((box, target))

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            large, small = theme.mono(theme.FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
            t = theme.current()
            lit = None if self._lit is None else self._links[self._lit][0]
            align = Qt.AlignmentFlag.AlignVCenter
            for piece, x, wide in self._laid:
                for box, text, font, tone in (
                    (QRectF(x, 0, wide + 2, 20), piece.figure, large, piece.tone),
                    (QRectF(x, 19, wide + 2, 15), piece.word, small, "dim"),
                ):
                    if piece.figure == FEEDS:
                        font = small
                    underlined = lit is not None and text and lit.contains(box.center())
                    if underlined:
                        font = QFont(font)
                        font.setUnderline(True)
                    painter.setFont(font)
                    painter.setPen(t.color("accent" if underlined else tone))
                    painter.drawText(box, align, text)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    # --------------------------------------------------------------------------- events

    def _link_at(self, point: QPointF) -> int | None:
        return next((i for i, (box, _) in enumerate(self._links) if box.contains(point)), None)

    def _light(self, link: int | None) -> None:
        if link != self._lit:
            self._lit = link
            shape = Qt.CursorShape.ArrowCursor if link is None else _HAND
            self.setCursor(shape)
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lit = None
        self._place()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._light(self._link_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._light(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        link = self._link_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and link is not None:
            self.followed.emit(self._links[link][1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        n, lit = len(self._links), self._lit
        key = event.key()
        if n and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = 1 if key == Qt.Key.Key_Right else -1
            first = 0 if step > 0 else n - 1
            self._light(first if lit is None else (lit + step) % n)
        elif lit is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.followed.emit(self._links[lit][1])
        else:
            super().keyPressEvent(event)

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        link = self._link_at(QPointF(event.pos()))
        words = ""
        if link is not None:
            target = self._links[link][1]
            index = f"[{', '.join(map(str, target.index))}]" if target.index else ""
            words = f"Go to {target.name}{index}"
        QToolTip.showText(event.globalPos(), words, self)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._light(None)
        self.update()


_HAND = Qt.CursorShape.PointingHandCursor
