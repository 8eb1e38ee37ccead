"""The plots of a run, made when there is a run to draw.

pyqtgraph takes 0.2 s to import, a good part of a first window: it is imported with the first run,
or earlier by `gui.program.preloading`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QBoxLayout, QWidget

from gui import theme

if TYPE_CHECKING:
    from gui.panes.training.analogy_plot import AnalogyPlot
    from gui.panes.training.loss_plot import LossPlot


class RunPlots(QWidget):
    """Loss and analogies, beside or below one another."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loss: LossPlot | None = None
        self._analogies: AnalogyPlot | None = None
        self.box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(theme.TIGHT)

    @property
    def made(self) -> bool:
        """Whether there has been a run to draw."""
        return self._loss is not None

    @property
    def loss(self) -> LossPlot:
        """Loss over steps; made now, if it was not."""
        if self._loss is None:
            self._make()
        assert self._loss is not None
        return self._loss

    @property
    def analogies(self) -> AnalogyPlot:
        """Analogies over steps; made now, if it was not."""
        if self._analogies is None:
            self._make()
        assert self._analogies is not None
        return self._analogies

    def apply_theme(self) -> None:
        """Take new colours."""
        if self.made:
            self.loss.apply_theme()
            self.analogies.apply_theme()

    def _make(self) -> None:
        from gui.panes.training.analogy_plot import AnalogyPlot
        from gui.panes.training.loss_plot import LossPlot

        self._loss = LossPlot()
        self._analogies = AnalogyPlot()
        self._analogies.setMinimumHeight(80)
        self._analogies.plot.setXLink(self._loss.plot)
        self.box.addWidget(self._loss, 3)
        self.box.addWidget(self._analogies, 2)

    def arrange(self, *, across: bool, analogies: bool) -> None:
        """Place them.

        Args:
            across: beside each other; else one below the other, where a step lies at the same
                place of both.
            analogies: whether there are any.
        """
        way = QBoxLayout.Direction.LeftToRight if across else QBoxLayout.Direction.TopToBottom
        self.box.setDirection(way)
        self.analogies.setVisible(analogies)
        below = analogies and not across
        for plot in (self.loss, self.analogies):
            plot.set_sides(below=below)
