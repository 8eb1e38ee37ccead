"""A number and the terms that make most of it, in one line.

Knows an answer and words; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.stage.marks import figure
from gui.panes.stage.scenes.kit import symbol
from gui.reading.axes import letters_of, place_words
from model import messages as m
from model.probe.terms.asks import Term, Terms, TermsFound

HEIGHT = 36
GAP = 18.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A figure with a word beneath it."""

    figure: str
    word: str
    tone: str


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
        said.append(Piece(f"e^{figure(score)}", _place(found, found.chosen, model, read), "accent"))
        said.append(Piece(f"÷ Σ of {found.n_terms:,}", "all of them", "dim"))
        said += [
            Piece(f"e^{figure(t.factors[0].value)}", _place(found, t, model, read), "dim")
            for t in others
        ]
        return said
    if found.how == "norm":
        x, sigma, gain = found.terms[0].factors
        mean = f" − {figure(found.mean, 3)}" if found.mean else ""
        said.append(Piece(f"({figure(x.value)}{mean})", "the number before", "text"))
        said.append(Piece(f"÷ {figure(sigma.value, 3)}", "σ", "text"))
        said.append(Piece(f"× {figure(gain.value)}", symbol(gain.name), "text"))
    elif found.how == "function":
        said += [
            Piece(figure(factor.value, 3), symbol(factor.name) or "constant", "text")
            for factor in found.terms[0].factors
        ]
        said.append(Piece(found.outer, "", "dim"))
        return said
    elif found.how == "mean square":
        said.append(Piece(found.outer, f"of {found.n_terms:,} squares", "dim"))
    for term in () if found.how == "norm" else found.terms:
        tone = "negative" if term.value < 0 else "accent"
        said.append(Piece(_signed(term.value), _place(found, term, model, read), tone))
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
    """Paints the pieces; those that have no room are left out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pieces: list[Piece] = []
        self.setAccessibleName("What the number is made of")

    def set_pieces(self, pieces: list[Piece]) -> None:
        """Say something else."""
        if pieces != self._pieces:
            self._pieces = pieces
            words = ", ".join(f"{p.figure} {p.word}".strip() for p in pieces)
            self.setAccessibleDescription(words)
            self.update()

    @property
    def text(self) -> str:
        """All of it as words."""
        return self.accessibleDescription()

    def sizeHint(self) -> QSize:
        return QSize(300, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        large, small = theme.mono(theme.FONT_SIZE), theme.mono(theme.SMALL_FONT_SIZE)
        t = theme.current()
        x = 12.0
        for i, piece in enumerate(self._pieces):
            wide = max(
                QFontMetricsF(large).horizontalAdvance(piece.figure),
                QFontMetricsF(small).horizontalAdvance(piece.word),
            )
            if x + wide > self.width() - 12 and i:
                break
            painter.setFont(large)
            painter.setPen(t.color(piece.tone))
            painter.drawText(
                QRectF(x, 0, wide + 2, 20), Qt.AlignmentFlag.AlignVCenter, piece.figure
            )
            painter.setFont(small)
            painter.setPen(t.color("dim"))
            align = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(x, 19, wide + 2, 15), align, piece.word)
            x += wide + GAP
        painter.end()
