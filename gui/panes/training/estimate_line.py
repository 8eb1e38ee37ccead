"""What the recipe would take: a button that has it measured, and what came of it.

Knows estimates and widgets, no store.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gui.panes.training.figures import duration
from gui.panes.training.wrapped import WrappedText
from gui.widgets.control_button import ControlButton
from model.counting import counted
from model.preview import file_size
from model.train.estimate import Estimate

_TIP = (
    "Do a few updates of this recipe with random tokens, and tell how long the run would take here "
    "and how much memory. A second or two"
)


class EstimateLine(WrappedText):
    """A sentence; the button stands where its owner puts it.

    Attributes:
        button: has a recipe measured, or stops that.

    Signals:
        measure_requested, cancel_requested: the button was pressed.
    """

    measure_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._going = False
        self.button = ControlButton("press")
        self.button.clicked.connect(self._press)
        self.show_estimate(None, going=False)

    def show_estimate(
        self,
        found: Estimate | None,
        *,
        going: bool,
        first_step: int = 0,
        why_not: str = "",
        problem: str = "",
    ) -> None:
        """Say what was measured.

        Args:
            found: of the recipe as it stands; None where it was not measured.
            going: whether it is being measured.
            first_step: at which the run would begin.
            why_not: why it can't be measured now; empty if it can.
            problem: why the last time failed; empty if it didn't.
        """
        self._going = going
        text = "Stop" if going else "Measure time"
        if self.button.text() != text:
            self.button.setText(text)
            self.button.setAccessibleName(f"{text}: expected time and memory")
        self.button.setEnabled(going or not why_not)
        self.button.setToolTip(why_not or _TIP)
        words = problem
        if going:
            words = "Measuring on a few updates …"
        elif found is not None:
            words = said_of(found, first_step)
        if words != self.text():
            self.setText(words)
            self.updateGeometry()
        self.setVisible(bool(words))

    def _press(self) -> None:
        if self._going:
            self.cancel_requested.emit()
        else:
            self.measure_requested.emit()


def said_of(found: Estimate, first_step: int) -> str:
    """The time that a run takes and what it is reckoned from, and its memory."""
    step = found.step_seconds
    each = f"{1000 * step:.3g} ms" if step < 1 else f"{step:.3g} s"
    parts = ", ".join(
        f"{words} {file_size(n)}"
        for words, n in (
            ("weights and gradients", found.weights_bytes),
            ("optimiser", found.optimiser_bytes),
            ("activations", found.activation_bytes),
        )
    )
    return (
        f"about {duration(found.seconds(first_step))}: {each} a step "
        f"(median of {counted(found.n_steps_measured, 'measured step')}), validations included; "
        f"{file_size(found.n_bytes)} of memory: {parts}"
    )
