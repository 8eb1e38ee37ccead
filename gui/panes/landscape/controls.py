"""The line above the surface: directions, batch, fineness, block or map, linear or log, Run.

Knows what can be chosen and what is; asks and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.panes.landscape.field import Scale
from gui.widgets.choice import Choice
from gui.widgets.control_button import make_primary
from gui.widgets.flow import FlowLayout
from gui.widgets.segments import Segments
from model.probe.landscape.asks import Landscape

Method = Literal["random", "pca"]
Part = Literal["training", "validation"]

METHODS: Mapping[str, tuple[str, str]] = {
    "random": (
        "random",
        "Two random directions, each filter as long as the weights' own (Li et al. 2018)",
    ),
    "pca": ("path", "The first two principal directions of the steps that the run kept"),
}
PARTS: Mapping[str, tuple[str, str]] = {
    "validation": ("validation", "A batch that is never trained on, always the same"),
    "training": ("training", "The batch that is learned next at these weights"),
}
VIEWS: Mapping[str, tuple[str, str]] = {
    "block": ("3D", "A surface that is turned with the mouse or the arrow keys"),
    "map": ("contour", "The same from above, with a line for each level"),
}
SCALES: Mapping[str, tuple[str, str]] = {
    "linear": ("linear", "Heights and colours by the loss"),
    "log": ("log", "Heights and colours by the logarithm of the loss: the low places show"),
}
GRIDS = (11, 25, 51)
RADII = (0.25, 0.5, 1.0, 2.0)


class Controls(QWidget):
    """Choices.

    Signals:
        asked_changed: what would be measured is another.
        drawn_changed: how it is drawn is another.
        run_wanted: Run or Stop was pressed.
    """

    asked_changed = Signal()
    drawn_changed = Signal()
    run_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.methods = self._segments("Directions of the plane", METHODS)
        self.parts = self._segments("Which batch is measured", PARTS)
        self.views = self._segments("How the surface is seen", VIEWS)
        self.scales = self._segments("Scale of the loss", SCALES)
        for segments in (self.methods, self.parts):
            segments.chosen.connect(self._on_asked)
        for segments in (self.views, self.scales):
            segments.chosen.connect(self._on_drawn)
        self.grid = self._choice(
            "Fineness", "How many losses are measured; coarse pictures come first"
        )
        for n in GRIDS:
            self.grid.addItem(f"{n} × {n}", n)
        self.grid.setCurrentIndex(GRIDS.index(25))
        self.radius = self._choice(
            "How far the plane reaches",
            "Of random directions: multiples of the weights' own lengths; of the path: its extent",
        )
        for radius in RADII:
            self.radius.addItem(f"± {radius:g}", radius)
        self.radius.setCurrentIndex(RADII.index(1.0))
        for choice in (self.grid, self.radius):
            choice.activated.connect(self._on_index)
        self.seed = 0
        self.run_button = QPushButton("Run", self)
        make_primary(self.run_button)
        self.run_button.setAccessibleName("Measure the cost surface")
        self.run_button.setToolTip("Nothing is measured before this is pressed")
        self.run_button.clicked.connect(self.run_wanted)
        flow = FlowLayout(spacing=theme.SPACE)
        for widget in (
            self.run_button,
            self.methods,
            self.parts,
            self.grid,
            self.radius,
            self.views,
            self.scales,
        ):
            flow.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(flow)

    def question(self) -> Landscape:
        """What would be measured."""
        return Landscape(
            method=cast(Method, self.methods.current),
            grid=int(self.grid.currentData()),
            radius=float(self.radius.currentData()),
            seed=self.seed,
            part=cast(Part, self.parts.current),
        )

    @property
    def flat(self) -> bool:
        return self.views.current == "map"

    @property
    def scale(self) -> Scale:
        return cast(Scale, self.scales.current)

    def remember(self) -> dict[str, Any]:
        """All choices, as JSON has them."""
        return {
            "method": self.methods.current,
            "part": self.parts.current,
            "view": self.views.current,
            "scale": self.scales.current,
            "grid": self.grid.currentData(),
            "radius": self.radius.currentData(),
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Take up what `remember` gave, as far as it can be."""
        for name, segments in (
            ("method", self.methods),
            ("part", self.parts),
            ("view", self.views),
            ("scale", self.scales),
        ):
            if kept.get(name) in segments.buttons:
                segments.set_current(str(kept[name]))
        for name, choice in (("grid", self.grid), ("radius", self.radius)):
            at = choice.findData(kept.get(name))
            if at >= 0:
                choice.setCurrentIndex(at)

    def _segments(self, name: str, options: Mapping[str, tuple[str, str]]) -> Segments:
        segments = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        segments.setAccessibleName(name)
        for key, (text, tip) in options.items():
            segments.add(key, text, tip)
        return segments

    def _choice(self, name: str, tip: str) -> Choice:
        choice = Choice(self)
        choice.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        choice.setAccessibleName(name)
        choice.setToolTip(tip)
        return choice

    def _on_asked(self, _: str) -> None:
        self.asked_changed.emit()

    def _on_index(self, _: int) -> None:
        self.asked_changed.emit()

    def _on_drawn(self, _: str) -> None:
        self.drawn_changed.emit()
