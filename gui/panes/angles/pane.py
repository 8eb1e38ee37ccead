"""The pane Almost orthogonal: three views, each with its sliders and its button.

Knows the store and the views.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QStackedWidget, QWidget

from gui import theme
from gui.panes.angles import ENTRY, words
from gui.panes.angles.angle_view import AngleView, Shown
from gui.panes.angles.fit_view import FitView
from gui.panes.angles.log_slider import LogSlider
from gui.panes.angles.toy_view import ToyView
from gui.panes.angles.toy_view import sentence as of_toy
from gui.panes.base import EmptyState, Pane, column
from gui.session.spreading import Kind
from gui.session.store import Store
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model import messages as m
from model.probe.angles.asks import AnglesFound, TableAngles
from model.probe.question import Named, Question
from model.vectors.bounds import density

VIEWS: Mapping[Kind, tuple[str, str]] = {
    "spread": ("angles", "How the angles between vectors are distributed"),
    "packed": ("how many fit", "How many nearly orthogonal vectors fit, by dimensions"),
    "toy": ("superposition", "Features that share dimensions, trained as you watch"),
}
DIMENSIONS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
MOST_PUSHED = 3000
NARROW = 560
"""Below this width the last slider stands under the others, or their names would be cut."""


class AnglesPane(Pane):
    """Three views.

    Attributes:
        views: which.
        n, d: vectors and dimensions that are made.
        degrees: how far from 90 degrees counts as nearly orthogonal.
        features, room: of the network that stores.
        go: does what the view is about, or stops it.
        push: the same, for vectors that are pushed apart.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.views = Segments(self, font=small)
        self.views.setAccessibleName("What is shown of vectors")
        for key, (text, tip) in VIEWS.items():
            self.views.add(key, text, tip)
        self.views.chosen.connect(self._on_view)
        self.n = LogSlider("vectors", 2, 20_000, 1000, "How many vectors are made", self)
        self.d = LogSlider("dimensions", 2, 4096, 128, "In how many dimensions", self)
        self.degrees = LogSlider(
            "within", 1, 45, 10, "How far from a right angle is nearly orthogonal", self, "°"
        )
        self.features = LogSlider("features", 2, 64, 5, "How many features are stored", self)
        self.room = LogSlider(
            "dimensions", 2, 32, 2, "In how many dimensions they are stored", self
        )
        self.as_table = ControlButton("press", self)
        self.as_table.setText("match the model")
        self.as_table.setAccessibleName("Match the model's table")
        self.as_table.setToolTip("As many vectors and dimensions as the open model's table has")
        self.as_table.clicked.connect(self._take_table)
        self.go = QPushButton(self)
        make_primary(self.go)
        self.go.setAccessibleName("Push apart")
        self.go.setToolTip(VIEWS["spread"][1])
        self.go.clicked.connect(self._on_go)
        self.sentence = Text(parent=self, wrap=True, font=small)
        self.sentence.setAccessibleName("What the picture says here")
        self.angles = AngleView(self)
        self.fits = FitView(self)
        self.toys = ToyView(self)
        self._empty = EmptyState(parent=self)
        self._stack = QStackedWidget(self)
        for view in (self.angles, self.fits, self.toys, self._empty):
            self._stack.addWidget(view)
        top, first, second = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        self._sliders = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        for row in (top, first, second, self._sliders):
            row.setSpacing(theme.SPACE)
        top.addWidget(self.views)
        top.addStretch(1)
        top.addWidget(self.go)
        for slider in (self.n, self.d, self.features, self.room):
            first.addWidget(slider, 1)
        second.addWidget(self.degrees, 1)
        second.addWidget(self.as_table)
        nest(self._sliders, first, 2)
        nest(self._sliders, second, 1)
        layout = column(self, spacing=theme.TIGHT)
        nest(layout, top)
        nest(layout, self._sliders)
        layout.addWidget(self.sentence)
        layout.addWidget(self._stack, 1)
        for slider in (self.n, self.d):
            slider.moved.connect(self._make)
        self.degrees.moved.connect(self.invalidate)
        self._ready = False
        store.spreading.changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)
        store.engine_changed.connect(self._make_first)
        self._on_view()

    def questions(self) -> Mapping[str, Question]:
        return {"table": TableAngles()} if self.kind == "spread" else {}

    def other_questions(self) -> Mapping[str, Question]:
        return self.questions()

    @property
    def kind(self) -> Kind:
        """Of what is shown."""
        return next(key for key in VIEWS if key == self.views.current)

    # ------------------------------------------------------------------------------- drawing

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._sliders.setDirection(beside[self.width() < NARROW])

    def refresh(self) -> None:
        spreading, kind = self.store.spreading, self.kind
        self._make_first()
        going = spreading.going(kind)
        verb = {"spread": "Push apart", "packed": "Count", "toy": "Train"}[kind]
        pushes = (going and kind != "spread") or self._pushes
        self.go.setText("Stop" if pushes else verb)
        self.go.setAccessibleName(self.go.text())
        self.go.setToolTip("Leave it as it is now" if pushes else VIEWS[kind][1])
        self.go.setEnabled(self.store.engine is not None)
        self.as_table.setEnabled(self.store.model is not None)
        problem = spreading.problems.get(kind, "")
        said = {"spread": self._draw_angles, "packed": self._draw_fits, "toy": self._draw_toy}[
            kind
        ]()
        self.sentence.setText(problem or said)
        self.sentence.set_tone("warning" if problem else "text")

    @property
    def _pushes(self) -> bool:
        asked = self.store.spreading.asked("spread")
        going = self.kind == "spread" and self.store.spreading.going("spread")
        return going and isinstance(asked, m.SpreadVectors) and asked.push

    def _draw_angles(self) -> str:
        found, spread = self.answered("table", AnglesFound), self.store.spreading.spread
        degrees, said = self.degrees.value, []
        shown: list[Shown] = []
        if found is not None:
            name = f"{found.n:,} token vectors"
            shown.append(Shown(name, "accent", found.counts_A, found.largest_cosine))
            said.append(words.of_table(found, shown[-1], degrees))
        theirs = self.other("table", AnglesFound) if self.shows_difference else None
        if theirs is not None:
            name = f"{theirs.n:,} of the other side"
            shown.append(Shown(name, "negative", theirs.counts_A, theirs.largest_cosine))
        chance, bound = None, 0.0
        if spread is not None:
            pushed = "pushed apart" if spread.steps else "random"
            name = f"{spread.n:,} {pushed}, {spread.d:,} dimensions"
            shown.append(Shown(name, "lens", spread.counts_A, spread.largest_cosine))
            said.append(words.of_spread(spread, shown[-1], degrees))
            chance, bound = density(np.arange(180) + 0.5, spread.d), spread.bound
        self.angles.show_angles(tuple(shown), chance, bound, degrees)
        self._stack.setCurrentWidget(self.angles)
        return " ".join(said)

    def _draw_fits(self) -> str:
        packed = self.store.spreading.packed
        if packed is None:
            return self._say_empty(words.HOW_FIT)
        self.fits.show_fits(packed.fits, DIMENSIONS)
        self._stack.setCurrentWidget(self.fits)
        return words.of_packed(packed)

    def _draw_toy(self) -> str:
        toy = self.store.spreading.toy
        if toy is None:
            return self._say_empty(words.HOW_TOY)
        self.toys.show_toy(toy)
        self._stack.setCurrentWidget(self.toys)
        return of_toy(toy)

    def _say_empty(self, said: str) -> str:
        self._empty.setText(said)
        self._stack.setCurrentWidget(self._empty)
        return ""

    # ------------------------------------------------------------------------------- actions

    def _on_view(self) -> None:
        kind = self.kind
        self.n.setVisible(kind == "spread")
        self.d.setVisible(kind == "spread")
        self.as_table.setVisible(kind == "spread")
        self.degrees.setVisible(kind != "toy")
        self.features.setVisible(kind == "toy")
        self.room.setVisible(kind == "toy")
        self.ask()
        self.invalidate()

    def _on_go(self) -> None:
        spreading, kind = self.store.spreading, self.kind
        if self._pushes or (kind != "spread" and spreading.going(kind)):
            spreading.stop(kind)
        elif kind == "spread":
            self.n.set_value(min(self.n.value, MOST_PUSHED))
            self._make(push=True)
        elif kind == "packed":
            degrees = float(self.degrees.value)
            spreading.ask(kind, m.PackVectors(degrees=degrees, dimensions=DIMENSIONS))
        else:
            d = min(self.room.value, self.features.value)
            self.room.set_value(d)
            spreading.ask(kind, m.TrainToy(n=self.features.value, d=d))

    def _make_first(self) -> None:
        """Random vectors are there at once: some milliseconds."""
        ready = self.store.engine is not None and self.isVisible()
        if ready and self.kind == "spread" and self.store.spreading.asked("spread") is None:
            self._make()

    def _make(self, _: int = 0, *, push: bool = False) -> None:
        request = m.SpreadVectors(n=self.n.value, d=self.d.value, push=push)
        self.store.spreading.ask("spread", request)

    def _take_table(self) -> None:
        found = self.answered("table", AnglesFound)
        if found is not None:
            self.n.set_value(found.n)
            self.d.set_value(found.d)
            self._make()

    # ------------------------------------------------------------------------------- keeping

    def export_data(self) -> Mapping[str, Named | np.ndarray]:
        spreading, kind = self.store.spreading, self.kind
        if kind == "packed" and spreading.packed is not None:
            fits = spreading.packed.fits
            at = {"dimensions": np.array([fit.d for fit in fits])}
            return {
                "vectors": Named(np.array([fit.n for fit in fits]), ("dimensions",), at),
                "bound": Named(np.array([fit.most for fit in fits]), ("dimensions",), at),
            }
        if kind == "toy" and spreading.toy is not None:
            toy = spreading.toy
            at = {"density": np.array(toy.densities)}
            return {"W": Named(toy.w_SDN, ("density", "dimension", "feature"), at)}
        found = self.answered("table", AnglesFound)
        return {} if found is None or kind != "spread" else dict(found.arrays())

    def remember(self) -> dict[str, Any]:
        return {
            "view": self.views.current,
            "n": self.n.value,
            "d": self.d.value,
            "degrees": self.degrees.value,
            "features": self.features.value,
            "room": self.room.value,
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("view") in VIEWS:
            self.views.set_current(str(kept["view"]))
            self._on_view()
        for name in ("n", "d", "degrees", "features", "room"):
            value = kept.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                getattr(self, name).set_value(value)

    def sizeHint(self) -> QSize:
        return QSize(620, 430)
