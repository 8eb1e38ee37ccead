"""The line above the surface: Run, directions, batch, fineness, block or map, logarithm.

Knows what can be chosen and what is; asks and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.panes.landscape.field import Scale
from gui.widgets.choice import Choice
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
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
    "map": ("Map", "The same from above, with a line for each level"),
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
        self.views = self._segments("How the surface is seen", VIEWS)
        self.methods.chosen.connect(self._on_asked)
        self.views.chosen.connect(self._on_drawn)
        self.log = ControlButton("option", self)
        self.log.setText("log")
        self.log.setAccessibleName("Logarithmic scale")
        self.log.setToolTip("Heights and colours by the logarithm of the loss: low places show")
        self.log.toggled.connect(self._on_log)
        self.parts = self._choice("Which batch is measured", "")
        for part, (text, tip) in PARTS.items():
            self.parts.addItem(text, part)
            self.parts.setItemData(self.parts.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.parts.setToolTip("Which text the batch is cut from")
        self.parts.setFixedWidth(90)
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
        self.grid.setFixedWidth(84)
        self.radius.setFixedWidth(58)
        for choice in (self.grid, self.radius, self.parts):
            choice.activated.connect(self._on_index)
        self.seed = 0
        self.run_button = QPushButton("Run", self)
        make_primary(self.run_button)
        self.run_button.setAccessibleName("Measure the cost surface")
        self.run_button.setToolTip("Nothing is measured before this is pressed")
        self.run_button.clicked.connect(self.run_wanted)
        flow = FlowLayout(spacing=theme.TIGHT)
        for widget in (
            self.run_button,
            self.methods,
            self.parts,
            self.grid,
            self.radius,
            self.views,
            self.log,
        ):
            flow.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        nest(layout, flow)

    def question(self) -> Landscape:
        """What would be measured."""
        return Landscape(
            method=cast(Method, self.methods.current),
            grid=int(self.grid.currentData()),
            radius=float(self.radius.currentData()),
            seed=self.seed,
            part=cast(Part, self.parts.currentData()),
        )

    @property
    def flat(self) -> bool:
        return self.views.current == "map"

    @property
    def scale(self) -> Scale:
        return "log" if self.log.isChecked() else "linear"

    def remember(self) -> dict[str, Any]:
        """All choices, as JSON has them."""
        return {
            "method": self.methods.current,
            "part": self.parts.currentData(),
            "view": self.views.current,
            "log": self.log.isChecked(),
            "grid": self.grid.currentData(),
            "radius": self.radius.currentData(),
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Take up what `remember` gave, as far as it can be."""
        for name, segments in (
            ("method", self.methods),
            ("view", self.views),
        ):
            if kept.get(name) in segments.buttons:
                segments.set_current(str(kept[name]))
        for name, choice in (
            ("grid", self.grid),
            ("radius", self.radius),
            ("part", self.parts),
        ):
            at = choice.findData(kept.get(name))
            if at >= 0:
                choice.setCurrentIndex(at)

        if isinstance(kept.get("log"), bool):
            self.log.setChecked(kept["log"])

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

    def _on_log(self, _: object) -> None:
        self.drawn_changed.emit()

    def _on_drawn(self, _: str) -> None:
        self.drawn_changed.emit()
