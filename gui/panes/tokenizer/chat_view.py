"""A talk as a model reads it: whose words are whose, token by token, and what the template adds.

Two fields and the picture of the tokens. Knows tokens and the template's text; no store.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSizeF, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.canvas import Canvas
from gui.widgets.control_button import ControlButton
from gui.widgets.drawing_cache import line
from gui.widgets.legend_rows import TO_TEXT, placed
from gui.widgets.nest import nest
from gui.widgets.text import Text
from model import messages as m
from model.tokenizer.chat import Turn
from model.tokenizer.tokens import Token

MARGIN, ROW, GAP, PAD = 8.0, 24.0, 4.0, 6.0
LEGEND = (
    ("own", "said by you"),
    ("added", "added by the template"),
    ("special", "a special token, added"),
)
FIRST = "Who lives in the palace?"


@dataclass(frozen=True, slots=True)
class Chip:
    """A token's place.

    Attributes:
        rect: in the content.
        index: of the token.
        kind: a key of `LEGEND`.
    """

    rect: QRectF
    index: int
    kind: str


class ChatCanvas(Canvas):
    """The tokens; where the text has a new line, a new row.

    Attributes:
        chips: all that are drawn.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The talk in tokens")
        self.chips: list[Chip] = []
        self._legend: list[tuple[QRectF, str, str]] = []
        self._found: m.TemplateApplied | None = None

    def show_chat(self, found: m.TemplateApplied | None) -> None:
        """Draw another talk."""
        if found is not self._found:
            self._found = found
            self.lay_out()
            self.redraw()

    def lay_out(self) -> None:
        self.chips, self._legend = [], []
        found, window = self._found, QSizeF(self.viewport().size())
        if found is None:
            self.scroll_over(QSizeF(), window)
            return
        width = QFontMetricsF(theme.mono()).horizontalAdvance
        occurring = {kind_of(found, token) for token in found.tokens}
        entries = [(kind, said) for kind, said in LEGEND if kind in occurring]
        room = QRectF(MARGIN, MARGIN, window.width() - 2 * MARGIN, 0)
        self._legend, y = placed(entries, room, ROW)
        x, y = MARGIN, y + GAP
        for index, token in enumerate(found.tokens):
            wide = min(width(token.text) + 2 * PAD, window.width() - 2 * MARGIN)
            if x > MARGIN and x + wide > window.width() - MARGIN:
                x, y = MARGIN, y + ROW + GAP
            rect = QRectF(x, y, wide, ROW)
            self.chips.append(Chip(rect, index, kind_of(found, token)))
            x += wide + GAP
            if token.bytes.endswith(b"\n"):  # the template's own lines
                x, y = MARGIN, y + ROW + GAP
        self.scroll_over(QSizeF(window.width(), y + ROW + MARGIN), window)

    def paint_ground(self, painter: QPainter) -> None:
        found = self._found
        if found is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        up, seen = -self.scrolled.y(), QRectF(self.viewport().rect())
        small = theme.sans(theme.SMALL_FONT_SIZE)
        for swatch, kind, said in self._legend:
            at = swatch.translated(0, up)
            self._paint_chip(painter, at, kind, "")
            painter.setPen(theme.current().color("dim"))
            line(said, small).draw(painter, at.left() + TO_TEXT, at.center().y())
        for chip in self.chips:
            at = chip.rect.translated(0, up)
            if at.intersects(seen):
                self._paint_chip(painter, at, chip.kind, found.tokens[chip.index].text)

    @staticmethod
    def _paint_chip(painter: QPainter, at: QRectF, kind: str, text: str) -> None:
        t = theme.current()
        pen = {"own": "accent", "added": "line", "special": "lens"}[kind]
        painter.setPen(QPen(t.color(pen), 1))
        painter.setBrush(t.color("accent_soft" if kind == "own" else "raised"))
        painter.drawRoundedRect(at.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        if text:
            ink = {"own": "text", "added": "dim", "special": "lens"}[kind]
            painter.setPen(t.color(ink))
            shown = line(text, theme.mono(), at.width() - PAD)
            shown.draw(painter, at.center().x() - shown.width / 2, at.center().y())

    def chip_at(self, at: QPoint) -> Chip | None:
        """The chip under a place of the viewport."""
        place = at + self.scrolled
        return next((chip for chip in self.chips if chip.rect.contains(place)), None)

    def tooltip(self, at: QPoint) -> str:
        chip, found = self.chip_at(at), self._found
        if chip is None or found is None:
            return ""
        token = found.tokens[chip.index]
        place = f"token {chip.index} of {len(found.tokens)}"
        return f"{token.text}  id {token.id}, {place}\n{dict(LEGEND)[chip.kind]}"


class ChatView(QWidget):
    """The fields and the picture.

    Signals:
        asked: other turns are to be put into the template.
        prompt_requested: the text is to become the prompt, str.
    """

    asked = Signal()
    prompt_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.system = self._field(
            "System message",
            "leave empty for the template's own",
            "How the model is to behave; left empty, what the template says of its own",
        )
        self.user = self._field("Message", "what you say to the model", "What you say to the model")
        self.user.setText(FIRST)
        self.begins = ControlButton("option", self)
        self.begins.setText("answer begins")
        self.begins.setAccessibleName("End where the answer begins")
        self.begins.setCheckable(True)
        self.begins.setChecked(True)
        self.begins.setToolTip("End where the model's answer begins (add_generation_prompt)")
        self.begins.toggled.connect(self.asked)
        self.use = ControlButton("press", self)
        self.use.setText("Use as prompt")
        self.use.setAccessibleName("Use as prompt")
        self.use.setToolTip("Let the model read this: then Generate writes its answer")
        self.use.clicked.connect(self._use)
        self.canvas = ChatCanvas(self)
        self._found: m.TemplateApplied | None = None
        fields = QHBoxLayout()
        fields.setSpacing(theme.SPACE)
        for said, field in (("system", self.system), ("you", self.user)):
            fields.addWidget(Text(said, self, tone="dim", font=small))
            fields.addWidget(field, 2 if field is self.user else 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        buttons.addWidget(self.begins)
        buttons.addStretch(1)
        buttons.addWidget(self.use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        nest(layout, fields)
        nest(layout, buttons)
        layout.addWidget(self.canvas, 1)

    def _field(self, name: str, hint: str, tip: str) -> QLineEdit:
        field = QLineEdit(self)
        field.setToolTip(tip)
        field.setFont(theme.mono())
        field.setAccessibleName(name)
        field.setPlaceholderText(hint)
        field.setClearButtonEnabled(True)
        field.textChanged.connect(self.asked)
        return field

    def turns(self) -> tuple[Turn, ...]:
        """What is said."""
        system = (Turn("system", self.system.text()),) if self.system.text().strip() else ()
        return (*system, Turn("user", self.user.text()))

    def show_chat(self, found: m.TemplateApplied | None) -> None:
        """Draw another talk."""
        self._found = found
        self.use.setEnabled(found is not None)
        self.canvas.show_chat(found)

    def _use(self) -> None:
        if self._found is not None:
            self.prompt_requested.emit(self._found.chat.text)


def kind_of(found: m.TemplateApplied, token: Token) -> str:
    """Whose words a token is: a key of `LEGEND`."""
    if found.chat.is_own(token.char_start, token.char_end):
        return "own"
    return "special" if token.special else "added"


def sentence(found: m.TemplateApplied) -> str:
    """What the picture says here."""
    kinds = [kind_of(found, token) for token in found.tokens]
    n, own = len(kinds), kinds.count("own")
    said = (
        f"The model reads {n:,} tokens: {own:,} are your words, {n - own:,} are the template's, "
        f"{kinds.count('special'):,} of those special."
    )
    if any(end == 0 for _, end in found.chat.spans):
        said += " The template has changed or left out some of what you said."
    return said
