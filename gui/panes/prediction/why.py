"""Why this token: its logit as bars of what each part wrote, and as a sentence.

Draws one answer, `AttributionFound`. Holds the choice of how finely the logit is split; knows the
answer and words, no store.
"""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.prediction.part_bars import PartBars, Summand, written
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.counting import counted
from model.probe.attribution.asks import AttributionFound, By

WAYS: dict[By, tuple[str, str]] = {
    "layer": ("layers", "Each attention layer and each MLP"),
    "head": ("heads", "Each attention head and each MLP"),
    "neuron": ("neurons", "Each attention head and the strongest MLP neurons"),
}
ROWS = {480: 5, 420: 3, 370: 2}
"""From such heights of the pane on so many parts stand alone; in a lower one there is one line."""


class WhyView(QWidget):
    """A line that asks, bars that answer, and a sentence.

    Signals:
        by_changed: the logit is to be split otherwise.

    Attributes:
        bars: the summands.
        ways: the choice between `WAYS`.
        heading, sentence: the words above and below.
    """

    by_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = Text(parent=self)
        self.heading.setAccessibleName("Why this token")
        self.ways = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.ways.setAccessibleName("How finely the logit is split")
        for key, (text, tip) in WAYS.items():
            self.ways.add(key, text, f"{tip}: what each adds to the logit")
        self.ways.chosen.connect(self._on_way)
        self.bars = PartBars(self)
        self.bars.tip = self._tip
        self.sentence = Text(parent=self, tone="dim", wrap=True)
        self.sentence.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE)
        top.addWidget(self.heading, 1)
        top.addWidget(self.ways)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        nest(layout, top)
        layout.addWidget(self.bars)
        layout.addWidget(self.sentence)
        self._found: AttributionFound | None = None
        self._text = ""

    @property
    def by(self) -> By:
        """How finely the logit is split."""
        return next(way for way in WAYS if way == self.ways.current)

    def set_by(self, way: str) -> None:
        """Split it otherwise, without reporting it; what is none of `WAYS` is passed over."""
        if way in WAYS:
            self.ways.set_current(way)

    def _on_way(self, _: str) -> None:
        self.by_changed.emit()

    def show_found(self, found: AttributionFound, token: str, room: int) -> None:
        """Draw an answer.

        Args:
            found: the parts.
            token: text of the token that it is about.
            room: height of the pane.
        """
        self._found, self._text = found, token
        known = math.isfinite(found.logit)
        n = next((n for height, n in ROWS.items() if room >= height), 0)
        self.heading.setText(f"Why “{token}”?" if n or not known else line(found, token))
        self.heading.setToolTip(f"{sentence(found, token)}\n{explained(found)}")
        self.ways.setVisible(n > 0)
        self.bars.setVisible(known and n > 0)
        self.bars.set_rows(rows(found, n) if known else ())
        self.sentence.setText(sentence(found, token))
        self.sentence.setVisible(n == max(ROWS.values()) or not known)

    def _tip(self, row: Summand) -> str:
        found = self._found
        if found is None:
            return ""
        if row.part is None:
            return f"{row.name}, taken together: {row.value:+.6g} of the logit {found.logit:.6g}"
        lines = [f"{row.part.name}: {row.value:+.6g} of the logit {found.logit:.6g}"]
        if row.part.activation:
            lines.append(row.part.activation)
        lines.append("Click to go there")
        return "\n".join(lines)


def rows(found: AttributionFound, most: int) -> tuple[Summand, ...]:
    """The strongest parts, and all that is left of the logit as one row.

    Args:
        found: the parts, strongest first.
        most: how many stand alone.
    """
    alone = found.parts[:most]
    shown = [Summand(part.name, part.value, part) for part in alone]
    n = len(found.parts) - len(alone)
    if n:
        rest = found.logit - sum(part.value for part in alone)
        shown.append(Summand(counted(n, "other"), rest))
    return tuple(shown)


def line(found: AttributionFound, token: str) -> str:
    """The strongest parts in one line."""
    parts = (f"{part.name} {written(part.value)}" for part in found.parts[:4])
    return f"Why “{token}”? {', '.join(parts)}"


def sentence(found: AttributionFound, token: str) -> str:
    """What makes the logit most, and what speaks against it."""
    if not math.isfinite(found.logit):
        return f"The logit of “{token}” is no number (NaN), so there is nothing to split."
    first = next((part for part in found.parts if part.value > 0), None)
    against = next((part for part in found.parts if part.value < 0), None)
    said = f"The logit {found.logit:.2f} of “{token}” "
    if first is None:
        said += "has nothing that speaks for it"
    else:
        said += f"comes most from {named(first.name)} ({written(first.value)})"
    if against is not None:
        said += f"; {named(against.name)} speaks against it ({written(against.value)})"
    return f"{said}. {found.note}".strip()


def named(name: str) -> str:
    """A part in a sentence."""
    return f"the {name}" if name in ("embedding", "position", "token type") else name


def explained(found: AttributionFound) -> str:
    """What the bars are, and how exactly they add up."""
    lines = [
        "Direct logit attribution: what each part wrote to the residual stream, times the way from",
        "there to this token's logit, with the norms' scales as they were in this pass.",
        f"{counted(len(found.parts), 'part')}, which add up to {found.logit:.6g}; "
        f"rounding leaves {found.remainder:.1g}.",
    ]
    return "\n".join((*lines, found.note)).strip()
