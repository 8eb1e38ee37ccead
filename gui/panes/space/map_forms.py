"""What can be set of t-SNE and of UMAP.

Knows widgets and names of rows; no store.
"""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui import theme
from gui.panes.space.form import Form, Looked
from gui.widgets.number_boxes import DecimalBox, WholeBox
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.space.maps.client import missing
from model.space.projections.asks import TSNE, UMAP, Likeness, NeighbourMap
from model.space.registry import Projection

SLOW = 20_000
"""Rows from which a map takes minutes rather than seconds."""
LIKENESS: tuple[tuple[Likeness, str, str], ...] = (
    ("cosine", "direction", "Near is what points the same way, however long it is"),
    ("euclidean", "distance", "Near is what lies close by: Euclidean distance"),
)


class MapForm(Form):
    """What both have: what near means, the steps, the chance.

    Attributes:
        likeness: what near means.
        steps: 0 for as many as the method takes by default.
        seed: of the chance.
    """

    kind: type[NeighbourMap] = TSNE

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.likeness = Segments(font=theme.sans(theme.SMALL_FONT_SIZE))
        for key, text, tip in LIKENESS:
            self.likeness.add(key, text, tip)
        self.likeness.chosen.connect(self.changed)
        self.line.addWidget(self.likeness)
        self._build()
        self.steps = self._whole("steps", 0, 5_000, 0, "Steps of the optimisation", "auto")
        self.seed = self._whole("seed", 0, 9_999, 0, "Another seed gives another map")
        self.line.addStretch(1)

    def _build(self) -> None:
        """The boxes of the one method."""

    def _whole(
        self, what: str, low: int, high: int, value: int, tip: str, special: str = ""
    ) -> WholeBox:
        box = WholeBox(low, high, what, special=special)
        box.setValue(value)
        self._add(box, what, tip)
        return box

    def _add(self, box: WholeBox | DecimalBox, what: str, tip: str) -> None:
        box.setKeyboardTracking(False)
        box.setFixedWidth(62)
        box.setAccessibleName(f"{what[:1].upper()}{what[1:]} of the map")
        box.setToolTip(tip)
        box.valueChanged.connect(self.changed)
        self.line.addWidget(Text(what, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE)))
        self.line.addWidget(box)

    def projection(self, looked: Looked) -> Projection | None:
        self.problem = missing(self.kind)
        n = looked.rows.n
        self.hint = "" if n < SLOW else f"{n:,} vectors take minutes; it can be stopped at any time"
        return None if self.problem else self.set_map()

    def set_map(self) -> NeighbourMap:
        """What is set, whether or not it can be drawn here."""
        raise NotImplementedError

    def _near(self) -> Likeness:
        return "euclidean" if self.likeness.current == "euclidean" else "cosine"


class TsneForm(MapForm):
    """Of t-SNE.

    Attributes:
        perplexity: about how many neighbours count.
    """

    kind = TSNE
    flat = True

    def _build(self) -> None:
        tip = (
            "About how many neighbours each vector takes notice of: small values break groups\n"
            "apart, large ones run them together. Try several before you believe one."
        )
        self.perplexity = self._whole("perplexity", 2, 500, 30, tip)

    def set_map(self) -> TSNE:
        return TSNE(
            likeness=self._near(),
            steps=self.steps.value(),
            seed=self.seed.value(),
            perplexity=float(self.perplexity.value()),
        )

    def kept(self) -> object:
        return [self._near(), self.perplexity.value(), self.steps.value(), self.seed.value()]

    def recall(self, kept: object) -> None:
        if isinstance(kept, list) and len(kept) == 4 and all(_is_whole(n) for n in kept[1:]):
            _set(self, kept[0], (self.perplexity, self.steps, self.seed), kept[1:])


class UmapForm(MapForm):
    """Of UMAP.

    Attributes:
        neighbours: how many count.
        apart: how near two points may come.
        dimensions: two or three.
    """

    kind = UMAP

    def _build(self) -> None:
        tip = "How many neighbours each vector takes notice of: few show detail, many the whole"
        self.neighbours = self._whole("neighbours", 2, 200, 15, tip)
        self.apart = DecimalBox(0.0, 1.0, "least distance", "from 0 to 1")
        self.apart.setValue(0.1)
        self._add(self.apart, "spread", "How near two points may come: 0 packs groups tightly")
        self.dimensions = Segments(font=theme.sans(theme.SMALL_FONT_SIZE))
        self.dimensions.add("2", "2D", "A map in a plane")
        self.dimensions.add("3", "3D", "A map in space")
        self.dimensions.chosen.connect(self.changed)
        self.line.addWidget(self.dimensions)

    @property
    def flat(self) -> bool:  # type: ignore[override]  # here it is a choice
        return self.dimensions.current == "2"

    def set_map(self) -> UMAP:
        return UMAP(
            likeness=self._near(),
            steps=self.steps.value(),
            seed=self.seed.value(),
            n_neighbors=self.neighbours.value(),
            min_dist=self.apart.value(),
            dimensions=int(self.dimensions.current),
        )

    def kept(self) -> object:
        values = [self.neighbours.value(), self.steps.value(), self.seed.value()]
        return [self._near(), *values, int(self.dimensions.current), self.apart.value()]

    def recall(self, kept: object) -> None:
        if isinstance(kept, list) and len(kept) == 6 and all(_is_whole(n) for n in kept[1:5]):
            _set(self, kept[0], (self.neighbours, self.steps, self.seed), kept[1:4])
            if kept[4] in (2, 3):
                self.dimensions.set_current(str(kept[4]))
            if isinstance(kept[5], float) and 0 <= kept[5] <= 1:
                self.apart.setValue(kept[5])


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _set(form: MapForm, near: object, boxes: tuple[WholeBox, ...], values: list[int]) -> None:
    if near in ("cosine", "euclidean"):
        form.likeness.set_current(str(near))
    for box, value in zip(boxes, values, strict=True):
        box.setValue(value)
