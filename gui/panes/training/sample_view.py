"""What a network wrote while it learned: the text of the step in view, the others one by one.

Knows the samples of a run, no store.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from PySide6.QtGui import QFontMetrics, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.nest import nest
from gui.widgets.transport_bar import TransportButton
from model.train.events import Sampled


class SampleView(QWidget):
    """One sample at a time: the newest, or the last before the step in view, or a chosen one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.samples: Sequence[Sampled] = ()
        self.at = -1
        self._shown = 0
        self._step: int | None = None
        self._follows = True
        self.title = QLabel(self)
        self.title.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.title.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.earlier = TransportButton("back", "Sample before", "", self)
        self.later = TransportButton("forward", "Next sample", "", self)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.text.setAccessibleName("Sample")
        self.text.setToolTip("Text that the network wrote at that step, the prompt included")
        # Two whole lines, with the margins around them.
        self.text.setMinimumHeight(2 * QFontMetrics(self.text.font()).lineSpacing() + 10)
        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(self.title, 1)
        head.addWidget(self.earlier)
        head.addWidget(self.later)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        nest(layout, head)
        layout.addWidget(self.text, 1)
        self.earlier.clicked.connect(self.go_back)
        self.later.clicked.connect(self.go_on)
        self._show()

    def show_samples(self, samples: Sequence[Sampled], step: int | None = None) -> None:
        """Take the samples of a run; a person who looks at an earlier one keeps it.

        Args:
            samples: in the order of their steps.
            step: that is in view; None for the newest.
        """
        another = samples is not self.samples or step != self._step
        if not another and len(samples) == self._shown:
            return
        self.samples, self._step = samples, step
        if another or (self._follows and step is None):
            self.at = self._of_step()
        self._show()

    def _of_step(self) -> int:
        """The last sample that was written up to the step in view; the first, if none was."""
        if self._step is None:
            return len(self.samples) - 1
        return max(0, bisect_right(self.samples, self._step, key=_step_of) - 1)

    def go_back(self) -> None:
        """To the sample before."""
        self.at = max(0, self.at - 1)
        self._show()

    def go_on(self) -> None:
        """To the next sample; at the newest it follows again."""
        self.at = min(len(self.samples) - 1, self.at + 1)
        self._show()

    def _show(self) -> None:
        n = len(self.samples)
        self._shown = n
        self._follows = self.at >= n - 1
        self.earlier.setEnabled(self.at > 0)
        self.later.setEnabled(self.at < n - 1)
        if not 0 <= self.at < n:
            self.title.setText("No sample yet")
            self.text.setPlainText("")
            return
        sample = self.samples[self.at]
        self.title.setText(f"Sample {self.at + 1}/{n} · step {sample.step:,}")
        self.text.setPlainText(sample.text)


def _step_of(sample: Sampled) -> int:
    return sample.step
