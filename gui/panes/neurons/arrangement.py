"""Where the parts of the pane stand: all at once where it is wide, one beside the map where not.

Knows widgets and sizes; no store.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import theme
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written

WIDE = 980
"""From this width on there is room for three columns."""
VIEWS = {
    "token": ("at token", "The strongest neurons of the selected token"),
    "tokens": ("tokens", "Tokens that the neuron raises, lowers and listens to"),
    "curve": ("curve", "What goes into the neuron and what comes out, at every token"),
    "texts": ("texts", "Texts that excite the neuron most"),
}
GAP = 12


class Section(QWidget):
    """A part with a caption.

    Attributes:
        caption: what it shows, in a few words.
    """

    def __init__(self, part: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.caption = Text(parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.caption)
        layout.addWidget(part, 1)


class Body(QWidget):
    """The map, and what is beside it.

    Args:
        grid: the map.
        heading: the line about the selected neuron.
        parts: by the keys of `VIEWS`.

    Attributes:
        views: the switch; hidden where all are seen.
        sections: the parts with their captions.

    Signals:
        seen_changed: other parts are seen.
    """

    seen_changed = Signal()

    def __init__(
        self, grid: QWidget, heading: QWidget, parts: Mapping[str, QWidget], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.grid, self.heading = grid, heading
        grid.setParent(self)
        heading.setParent(self)
        self.sections = {key: Section(part, self) for key, part in parts.items()}
        self.views = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.views.setAccessibleName("What is shown of the neuron")
        for key, (text, tip) in VIEWS.items():
            self.views.add(key, text, tip)
        self.views.chosen.connect(self._on_chosen)

    @property
    def is_wide(self) -> bool:
        """Whether all parts are seen."""
        return self.width() >= WIDE

    @property
    def seen(self) -> frozenset[str]:
        """The parts that are seen."""
        return frozenset(VIEWS) if self.is_wide else frozenset((self.views.current,))

    def show_view(self, key: str) -> None:
        """Bring a part to the front."""
        self.views.set_current(key)
        self._place()

    def caption(self, key: str, words: str) -> None:
        """Say what a part shows."""
        self.sections[key].caption.setText(words)
        self.sections[key].caption.setToolTip(as_written(words))

    def _on_chosen(self) -> None:
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        width, height = self.width(), self.height()
        left = int(width * (0.38 if self.is_wide else 0.46))
        self.grid.setGeometry(0, 0, left, height)
        x, room = left + GAP, width - left - GAP
        line = self.heading.sizeHint().height()
        self.heading.setGeometry(x, 0, room, line)
        top = line + theme.TIGHT
        self.views.setVisible(not self.is_wide)
        if self.is_wide:
            middle = int(room * 0.44)
            rest = room - middle - GAP
            upper = int((height - top - GAP) * 0.5)
            lists = int((height - top - GAP) * 0.4)
            self._put("token", QRect(x, top, middle, upper))
            self._put("curve", QRect(x, top + upper + GAP, middle, height - top - upper - GAP))
            x += middle + GAP
            self._put("tokens", QRect(x, top, rest, lists))
            self._put("texts", QRect(x, top + lists + GAP, rest, height - top - lists - GAP))
        else:
            switch = self.views.sizeHint()
            self.views.setGeometry(x, top, min(room, switch.width()), switch.height())
            top += switch.height() + theme.TIGHT
            for key in VIEWS:
                self._put(key, QRect(x, top, room, height - top))
        seen = self.seen
        for key, section in self.sections.items():
            section.setVisible(key in seen)
        self.seen_changed.emit()

    def _put(self, key: str, box: QRect) -> None:
        self.sections[key].setGeometry(box)

    def minimumSizeHint(self) -> QSize:
        return QSize(300, 160)
