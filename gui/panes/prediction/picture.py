"""What the pane shows of the distribution: bars, figures, why this token, and how one is drawn.

Widgets and their places. Knows no store and no answer.
"""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState
from gui.panes.prediction.bars import ProbabilityBars
from gui.panes.prediction.sampling_controls import SamplingControls
from gui.panes.prediction.why import WhyView
from gui.widgets.nest import nest
from gui.widgets.text import Text


class Picture(QWidget):
    """From above: bars or why there are none, figures, the token that really comes, why, sampling.

    Attributes:
        bars: the tokens.
        empty: why there are none.
        figures: what is said of the distribution in a line.
        log_button: a logarithmic axis.
        goes_on: what really comes next.
        why: the parts of a token's logit.
        sampling: how one is drawn.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.bars = ProbabilityBars(self)
        self.bars.setAccessibleName("Probabilities of the next token")
        self.empty = EmptyState(parent=self)
        font = theme.mono(theme.SMALL_FONT_SIZE - 0.5)
        self.figures = Text(parent=self, tone="dim", font=font)
        self.figures.setToolTip(
            "Entropy of the distribution that is drawn from, and how much of the probability "
            "temperature 0, top-k, top-p and min-p leave, in how many tokens"
        )
        self.log_button = QToolButton(self)
        self.log_button.setText("log")
        self.log_button.setCheckable(True)
        self.log_button.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.log_button.setAccessibleName("Logarithmic axis of probabilities")
        self.log_button.setToolTip("A logarithmic axis, on which unlikely tokens differ")
        self.log_button.toggled.connect(self.bars.set_log)
        self.goes_on = Text(parent=self, tone="dim", font=font, dot="good")
        self.why = WhyView(self)
        self.why.hide()
        self.sampling = SamplingControls(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self.bars, 3)
        layout.addWidget(self.empty, 3)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.figures, 1)
        row.addWidget(self.log_button)
        nest(layout, row)
        layout.addWidget(self.goes_on)
        layout.addWidget(self.why)
        layout.addWidget(self.sampling)
