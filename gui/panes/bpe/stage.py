"""The four pictures of the film, placed as the room allows.

Wide: pairs above the curve, text, and vocabulary, side by side. Narrow: pairs beside the text, and
below it either the curve or the vocabulary. Knows the pictures; no store.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.bpe.curve import CurveView
from gui.panes.bpe.merges import MergesView
from gui.panes.bpe.race import RaceView
from gui.panes.bpe.recut import RecutView
from gui.panes.bpe.view import FilmView
from gui.widgets.segments import Segments
from model.tokenizer.bpe_history import BpeHistory

WIDE = 900
"""From this width on all four are seen."""
BELOW = {
    "curve": ("curve", "Length of the text by size of the vocabulary"),
    "merges": ("vocabulary", "The tokens that the merges make, in order"),
}


class BpeStage(QWidget):
    """The pictures.

    Signals:
        state_chosen: a state that was pointed at.
        pair_chosen: ids of two neighbours that a person wants merged now.
    """

    state_chosen = Signal(int)
    pair_chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.race = RaceView(self)
        self.recut = RecutView(self)
        self.merges = MergesView(self)
        self.curve = CurveView(self)
        self.below = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.below.setAccessibleName("What is below the text")
        for key, (text, tip) in BELOW.items():
            self.below.add(key, text, tip)
        self.below.chosen.connect(self._arrange)
        for view in self.views:
            view.state_chosen.connect(self.state_chosen)
            view.pair_chosen.connect(self.pair_chosen)

    @property
    def views(self) -> tuple[FilmView, ...]:
        return self.race, self.recut, self.merges, self.curve

    def show_state(
        self, history: BpeHistory | None, k: int, words: tuple[bytes, ...], *, moves: bool
    ) -> None:
        """Draw a state in all of them.

        Args:
            history: of which.
            k: merges that are done.
            words: how the text begins.
            moves: whether bars may slide to their new places.
        """
        if history is not self.recut.history:
            self.recut.show_words(history, words)
        self.race.moves = moves
        for view in self.views:
            view.show_state(history, k)

    def show_below(self, key: str) -> None:
        """What a narrow pane has below the text."""
        self.below.set_current(key)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        wide, high = self.width(), self.height()
        gap = theme.SPACE
        is_wide = wide >= WIDE
        self.below.setVisible(not is_wide)
        self.merges.setVisible(is_wide or self.below.current == "merges")
        self.curve.setVisible(is_wide or self.below.current == "curve")
        if is_wide:
            first, last = round(wide * 0.3), round(wide * 0.32)
            middle = wide - first - last - 2 * gap
            low = max(120, round(high * 0.38))
            self.race.setGeometry(0, 0, first, high - low - gap)
            self.curve.setGeometry(0, high - low, first, low)
            self.recut.setGeometry(first + gap, 0, middle, high)
            self.merges.setGeometry(first + middle + 2 * gap, 0, last, high)
            return
        first = round(wide * 0.45)
        right = wide - first - gap
        tabs = self.below.sizeHint()
        top = max(90, round((high - tabs.height()) * 0.46))
        self.race.setGeometry(0, 0, first, high)
        self.recut.setGeometry(first + gap, 0, right, top)
        self.below.setGeometry(first + gap, top + 2, min(tabs.width(), right), tabs.height())
        foot = top + tabs.height() + 4
        for view in (self.merges, self.curve):
            view.setGeometry(first + gap, foot, right, max(40, high - foot))
