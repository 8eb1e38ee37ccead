"""By what the points are coloured, which are drawn, what is selected together, views that are kept.

Knows colours and names as values; no store, no table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)

from gui import theme
from gui.panes.base import column
from gui.panes.space.colouring import BY, Coloured
from gui.panes.space.texts_row import TextsRow
from gui.widgets.choice import Choice
from gui.widgets.nest import nest
from gui.widgets.number_boxes import WholeBox
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written
from gui.widgets.tick_box import show_boxes
from model.space.questions.asks import Clusters

NAME = Qt.ItemDataRole.UserRole
DRAWING = (
    ("turn", "Turn", "A drag turns or moves the cloud"),
    ("box", "Box", "Drag a box: what lies in it is selected; with Shift it is added"),
    ("lasso", "Lasso", "Draw a loop: what lies in it is selected; with Shift it is added"),
)


METHODS = (
    ("kmeans", "k-means", "So many groups; each vector is in the one whose middle is nearest"),
    ("hdbscan", "HDBSCAN", "As many groups as there are dense places; what is in none is noise"),
)


class GroupsPage(QWidget):
    """Colours, their legend, a selection, views.

    Signals:
        by_chosen: a key of `BY`.
        hidden_changed: groups were switched on or off.
        clusters_wanted: find them, or stop.
        drawing_chosen: turn, box or lasso.
        alone_changed: only what is lit is to be drawn, or all.
        cleared: nothing is to be selected any more.
        view_kept, view_chosen, view_forgotten: the views that are kept.
    """

    by_chosen = Signal(str)
    hidden_changed = Signal()
    clusters_wanted = Signal()
    drawing_chosen = Signal(str)
    alone_changed = Signal(bool)
    cleared = Signal()
    view_kept = Signal()
    view_chosen = Signal(int)
    view_forgotten = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.by = Choice()
        self.by.setAccessibleName("Colour by")
        self.by.setToolTip("By what the points are coloured")
        self.offer(BY)
        self.by.activated.connect(lambda: self.by_chosen.emit(self.key))
        self.k = WholeBox(2, 100, "number of clusters")
        self.k.setValue(7)
        self.k.setAccessibleName("How many clusters")
        self.k.setToolTip("How many clusters; those after the seventh are grey together")
        self.method = Segments(font=small)
        for key, text, tip in METHODS:
            self.method.add(key, text, tip)
        self.method.chosen.connect(lambda _: self._show_method())
        self.smallest = WholeBox(2, 5_000, "vectors of a group")
        self.smallest.setValue(15)
        self.smallest.setAccessibleName("Vectors of a group, at least")
        self.smallest.setToolTip("The smallest group: of fewer vectors there is none")
        self.samples = WholeBox(1, 500, "near vectors")
        self.samples.setValue(5)
        self.samples.setAccessibleName("Near vectors that make a place dense")
        self.samples.setToolTip(
            "How many near vectors make a place dense: the more, the more is left out as noise"
        )
        self.dense = QWidget()
        least, near = (Text(word, tone="dim", font=small) for word in ("at least", "near"))
        of_dense = _row(least, self.smallest, near, self.samples, stretch=True)
        of_dense.setContentsMargins(0, 0, 0, 0)
        self.dense.setLayout(of_dense)
        self.finding = self._button("Find", "Find the clusters, or stop", self.clusters_wanted)
        self.legend = QListWidget()
        self.legend.setAccessibleName("Groups; a tick draws them")
        self.legend.setToolTip("A tick draws a group; Space switches it")
        self.legend.setFont(small)
        show_boxes(self.legend)
        self.legend.itemChanged.connect(lambda _: self.hidden_changed.emit())
        self.said = Text(tone="dim", font=small, wrap=True)
        self.drawing = Segments(font=small)
        for key, text, tip in DRAWING:
            self.drawing.add(key, text, tip)
        self.drawing.chosen.connect(self.drawing_chosen)
        self.alone = self._button("Isolate", "Draw only what is selected or found", None)
        self.alone.setCheckable(True)
        self.alone.toggled.connect(self.alone_changed)
        self.clear = self._button("Clear", "Select nothing any more", self.cleared)
        self.views = Choice()
        self.views.setAccessibleName("Views that are kept")
        self.views.setToolTip("Views that you kept: where from, on which axes, in which colours")
        self.views.setMinimumContentsLength(8)
        self.views.activated.connect(self.view_chosen)
        self.keep = self._button("Keep view", "Keep this view, to come back to it", self.view_kept)
        self.forget = self._button("Forget", "Forget the view that is chosen", None)
        self.forget.clicked.connect(lambda: self.view_forgotten.emit(self.views.currentIndex()))
        inner = column(self, margin=0, spacing=theme.TIGHT)
        nest(inner, _row(self.by, self.finding))
        nest(inner, _row(self.method, self.k, stretch=True))
        inner.addWidget(self.dense)
        self.texts = TextsRow()
        inner.addWidget(self.texts)
        inner.addWidget(self.legend, 1)
        inner.addWidget(self.said)
        nest(inner, _row(self.drawing, stretch=True))
        nest(inner, _row(self.alone, self.clear, stretch=True))
        nest(inner, _row(self.views, self.keep, self.forget))
        self._coloured: Coloured | None = None
        self.show_views(())
        self.show_clusters(running=False)

    def _button(self, text: str, tip: str, signal: SignalInstance | None) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        if signal is not None:
            button.clicked.connect(signal)
        return button

    def offer(self, listed: Sequence[tuple[str, str, str]]) -> None:
        """By what the rows in view can be coloured: key, text and tip of each."""
        keys = [self.by.itemData(at) for at in range(self.by.count())]
        if keys == [key for key, _, _ in listed]:
            return
        current = self.by.currentData()
        self.by.clear()
        for at, (key, text, tip) in enumerate(listed):
            self.by.addItem(text, key)
            self.by.setItemData(at, tip, Qt.ItemDataRole.ToolTipRole)
        self.by.setCurrentIndex(max(0, self.by.findData(current)))

    @property
    def key(self) -> str:
        """By what they are coloured."""
        return str(self.by.currentData())

    @property
    def hidden(self) -> set[str]:
        """Groups that are switched off."""
        items = [self.legend.item(at) for at in range(self.legend.count())]
        off = Qt.CheckState.Unchecked
        return {item.data(NAME) for item in items if item.checkState() == off}

    def show_by(self, key: str) -> None:
        """Colours by another thing; nothing is asked for."""
        self.by.setCurrentIndex(max(0, self.by.findData(key)))
        self.show_clusters(running=self.finding.text() == "Stop")

    def show_clusters(self, *, running: bool) -> None:
        """Whether clusters can be asked for, and whether they are being found."""
        self._show_method()
        self.finding.setVisible(self.key == "cluster")
        self.finding.setText("Stop" if running else "Find")

    def _show_method(self) -> None:
        """What can be set of the way that is chosen."""
        shown, dense = self.key == "cluster", self.method.current == "hdbscan"
        self.method.setVisible(shown)
        self.k.setVisible(shown and not dense)
        self.dense.setVisible(shown and dense)

    @property
    def clusters(self) -> Clusters:
        """What is set."""
        method: Literal["kmeans", "hdbscan"] = "kmeans"
        if self.method.current == "hdbscan":
            method = "hdbscan"
        smallest, samples = self.smallest.value(), self.samples.value()
        return Clusters(self.k.value(), 0, method, smallest, samples)

    def show_coloured(self, coloured: Coloured, hidden: set[str]) -> None:
        """The legend."""
        if coloured is self._coloured:
            return
        self._coloured = coloured
        self.legend.blockSignals(True)
        self.legend.clear()
        for group in coloured.groups:
            item = QListWidgetItem(_swatch(group.rgb), f"{group.name}   {group.n:,}")
            item.setData(NAME, group.name)
            item.setToolTip(as_written(f"{group.name}: {group.n:,} of {len(coloured.rgb_V3):,}"))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            on = group.name not in hidden
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self.legend.addItem(item)
        self.legend.blockSignals(False)

    def show_views(self, names: Sequence[str]) -> None:
        """The views that are kept."""
        self.views.clear()
        self.views.addItems(list(names) or ["no view kept"])
        self.views.setEnabled(bool(names))
        self.forget.setEnabled(bool(names))


def _row(*widgets: QWidget, stretch: bool = False) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.TIGHT)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, Choice) else 0)
    if stretch:
        row.addStretch(1)
    return row


def _swatch(rgb: tuple[int, int, int]) -> QIcon:
    dot = QPixmap(10, 10)
    dot.fill(QColor(*rgb))
    return QIcon(dot)
