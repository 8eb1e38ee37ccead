"""What stands beneath the scene, at one of three depths: idea, mathematics, code.

Knows words, formulas and lines of Python as they are given; no store.
"""

from __future__ import annotations

from typing import Literal, get_args

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPlainTextEdit,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.panes.stage.term_text import TermText
from gui.panes.stage.terms_line import TermsLine
from gui.widgets import formula
from gui.widgets.control_button import ControlButton
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import as_written

Depth = Literal["idea", "mathematics", "code"]
DEPTHS: tuple[Depth, ...] = get_args(Depth)
TIPS = {
    "idea": "What the operation means, and what it did with this text",
    "mathematics": "The formula, with this token's numbers in it, and the shapes",
    "code": "The lines of Python that compute it, to copy",
}
LINE, FORMULA_LINE = 19, 23
"""Of a sentence; of a formula, whose parts are lowered and raised."""
CODE_LINES = 5
"""Lines of Python that are in view without scrolling."""


def _shorter(shapes: str) -> tuple[str, ...]:
    """What is read and written; where there is no room for both, what is written."""
    return shapes, shapes.rpartition("; ")[2]


class FormulaView(QWidget):
    """Some lines of formulas."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[tuple[tuple[str, ...], str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def lines(self) -> tuple[str, ...]:
        """As they are drawn, marks of what is lowered and raised included."""
        return tuple(self._fitting(texts) for texts, _ in self._lines)

    def set_lines(self, lines: tuple[tuple[tuple[str, ...], str], ...]) -> None:
        """Other lines: versions of each, longest first, and the theme's name of its colour."""
        if lines != self._lines:
            self._lines = lines
            said = [formula.plain(texts[0]) for texts, _ in lines if texts]
            self.setAccessibleName("Formula")
            self.setAccessibleDescription(". ".join(said))
            self.setToolTip(as_written("\n".join(said)))
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, 3 * FORMULA_LINE)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 3 * FORMULA_LINE)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            for i, (texts, tone) in enumerate(self._lines):
                box = QRectF(0, i * FORMULA_LINE, self.width(), FORMULA_LINE)
                formula.draw(painter, self._fitting(texts), box, theme.mono(), tone)

    def _fitting(self, texts: tuple[str, ...]) -> str:
        """The first that has room; the last, if none has."""
        font = theme.mono()
        fit = (text for text in texts if formula.width(text, font) <= self.width())
        return next(fit, texts[-1] if texts else "")


class Explaining(QWidget):
    """The line of terms and the sentence, the formula, or the code; and which of them is shown.

    Signals:
        depth_changed: another depth was chosen.

    Attributes:
        terms: what a number is made of; of the idea.
        sentence: what the operation did here.
        formula: the formula and its numbers.
        code: the lines of Python.
        depths: the control that chooses; it may be lent to another row.
        copy: puts the code on the clipboard.
    """

    depth_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.terms = TermsLine(self)
        self.sentence = TermText(self, wrap=True)
        self.formula = FormulaView(self)
        self.code = _CodeView(self)
        self.depths = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.depths.setAccessibleName("How deep it is explained")
        for depth in DEPTHS:
            self.depths.add(depth, depth, TIPS[depth])
        self.copy = ControlButton("press", self)
        self.copy.setText("Copy")
        self.copy.setAccessibleName("Copy the code")
        self.copy.setToolTip("Copy these lines, and those that open the model and run the text")
        self._whole_code = ""
        self._is_low = self._is_short = False

        self._pages = QStackedWidget(self)
        self._pages.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        coded = QWidget(self)
        beside = QHBoxLayout(coded)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(self.code, 1)
        beside.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignTop)
        for page in (self.sentence, self.formula, coded):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.terms)
        row = QHBoxLayout()
        row.setContentsMargins(12, 0, 12, 4)
        row.addWidget(self._pages)
        nest(layout, row)
        self._own_row = QHBoxLayout()
        self._own_row.setContentsMargins(12, 0, 12, 2)
        self._own_row.addStretch(1)
        self._own_row.addWidget(self.depths)
        nest(layout, self._own_row)
        self.depths.chosen.connect(self.set_depth)
        self.copy.clicked.connect(self.copy_code)
        self._show()

    def take_depths(self) -> None:
        """Let the control that chooses stand here again, beneath all."""
        self._own_row.addWidget(self.depths)
        self.depths.show()  # another parent hid it

    @property
    def shown(self) -> Depth:
        """Which is shown."""
        return next(depth for depth in DEPTHS if depth == self.depths.current)

    def set_depth(self, depth: str) -> None:
        """Show another; one that is not known is passed over."""
        if depth in DEPTHS:
            self.depths.set_current(depth)
            self._show()
            self.depth_changed.emit()

    def make_room(self, low: bool) -> None:
        """Leave the terms out where there is no room for them."""
        self._is_low = low
        self._show()

    def set_short(self, short: bool) -> None:
        """Give the sentence one line, not two: the picture comes first.

        A longer one is elided, and its tooltip says the whole.
        """
        if short != self._is_short:
            self._is_short = short
            self._fit()

    def set_formula(self, symbols: str, numbers: tuple[str, ...], shapes: str) -> None:
        """What the mathematics is; of the numbers the first line that has room."""
        self.formula.set_lines(
            (((symbols,), "text"), (numbers, "accent"), (_shorter(shapes), "dim"))
        )

    def set_code(self, lines: str, before: str) -> None:
        """What the code is.

        Args:
            lines: that compute the operation.
            before: what has to be run first: copied with them, not shown.
        """
        if lines != self.code.toPlainText():
            self.code.setPlainText(lines)
        self._whole_code = f"{before}\n{lines}\n" if lines else ""
        self.copy.setEnabled(bool(lines))

    def copy_code(self) -> None:
        """Put all of it on the clipboard."""
        if self._whole_code:
            QGuiApplication.clipboard().setText(self._whole_code)

    def _show(self) -> None:
        at = DEPTHS.index(self.shown)
        self._pages.setCurrentIndex(at)
        self.terms.setVisible(at == 0 and not self._is_low)
        self.copy.setVisible(at == 2)
        self._fit()

    def _fit(self) -> None:
        """As high as the depth that is shown needs it."""
        page = (self.sentence, self.formula, self.code)[DEPTHS.index(self.shown)]
        # The same for every operation: a scene is not laid out twice for a longer sentence.
        lines = 1 if self._is_short else 2
        height = lines * LINE if page is self.sentence else page.sizeHint().height()
        self._pages.setFixedHeight(height)
        layout = self.layout()
        assert layout is not None
        layout.activate()  # or the height beneath the scene would be the one before
        self.updateGeometry()

    def say(self, sentence: str) -> None:
        """What the operation did here."""
        self.sentence.setText(sentence)


class _CodeView(QPlainTextEdit):
    """Lines of Python, to be read and selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setAccessibleName("Lines of Python")
        self.setTabChangesFocus(True)

    def sizeHint(self) -> QSize:
        line = QFontMetricsF(self.font()).lineSpacing()
        return QSize(300, int(CODE_LINES * line) + 20)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 3 * LINE)
