"""The controls of the attention views: which view, which tensor, how it is coloured, which edges.

Holds choices and says when they change; knows neither store nor views.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSlider, QToolButton, QWidget

from gui import theme
from gui.panes.attention.arrangement import Needed
from gui.panes.attention.head_order import ORDERS
from gui.panes.attention.heads_row import HeadsRow
from gui.panes.attention.matrix import Looks
from gui.panes.attention.words import at_least, no_room_for
from gui.widgets.action_row import HEIGHT, ActionRow
from gui.widgets.control_button import SIGN
from gui.widgets.text import Text

VIEWS = {
    "heads": ("Heads", "All layers and heads as one mosaic"),
    "matrix": ("Matrix", "The selected head: every query against every key"),
    "graph": ("Graph", "Attention weights as edges between layers"),
    "all": ("All", "Everything that finds room side by side"),
}
TENSORS = {
    "pattern": ("Pattern", "Weights after the softmax: each query's sum to 1"),
    "attn_scores": ("Scores", "What the softmax reads, of every query and key: signed"),
}
GRAPH_MODES = {
    "max": ("All heads: largest", "For each pair of positions, the largest weight of all heads"),
    "mean": ("All heads: mean", "For each pair of positions, the mean weight over all heads"),
    "head": ("This head", "Edges of the selected head"),
    "chosen": ("Chosen heads", "Edges of the heads that were added with Ctrl+click in the mosaic"),
}
LEAST = {False: 0.3, True: 0.05}
"""The least weight of an edge at first, and the least difference: that is smaller."""
LEAST_TIPS = {
    False: "Draw edges of at least this weight",
    True: "Draw edges whose weight differs by at least this",
}
DECADES = 3
"""The slider goes from 0.001 to 1, by equal factors."""


class AttentionControls(QObject):
    """Four rows of controls, to be placed by the pane.

    Signals:
        view_changed: another view was asked for.
        choice_changed: something that a view is drawn from.
        fit_changed: whether the whole matrix is to be shown.

    Attributes:
        view_row, heads_row, matrix_row, graph_row: the widgets.
        beside, transpose, to_largest, fit: checkable actions of the matrix.
        hide_first, valued, words, why: checkable actions of all views.
        all_positions: a checkable action of the graph.
    """

    view_changed = Signal()
    choice_changed = Signal()
    fit_changed = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._views = self._group(VIEWS, "all")
        self._views.triggered.connect(self.view_changed)
        self.valued = self._action(
            "Value-weighted",
            "Weights times what they carry: ‖A · v · W_O‖, how much the head writes from each key",
            sign="norm",
        )
        self.words = self._action(
            "Words",
            "Subwords merged: attention to a word is the sum over its tokens, from a word the mean",
            sign="words",
        )
        self.why = self._action(
            "Why",
            "Why the selected query attends to the selected key: their score by what wrote it (W)",
            sign="why",
        )
        options = (self.valued, self.words, self.why)
        self.view_row = ActionRow((*self._views.actions(), *options), "Views of attention", parent)

        self._tensors = self._group(TENSORS, "pattern")
        self._tensors.triggered.connect(self.choice_changed)
        self.transpose = self._action(
            "Transpose", "Columns as queries instead of rows, as in some talks", sign="transpose"
        )
        self.to_largest = self._action(
            "To largest",
            "Let the colours end at the largest weight drawn instead of at 1",
            sign="to_largest",
        )
        self.hide_first = self._action(
            "Hide first",
            "Without the first token, where heads park what they don't need; colours are rescaled",
            sign="hide_first",
        )
        self.fit = self._action("Fit", "The whole matrix, however small its cells", sign="fit")
        self.beside = self._action(
            "Side by side",
            "A second matrix on the same scale: the other side while B − A is shown, else the "
            "pinned head (B)",
            sign="beside",
        )
        self.all_positions = self._action(
            "All positions",
            "Edges of all positions, not only the routes to the selected one",
            sign="all_positions",
        )
        for action in (self.transpose, self.to_largest, self.hide_first, self.all_positions):
            action.toggled.connect(self.choice_changed)
        for action in (self.valued, self.words):
            action.toggled.connect(self.choice_changed)
        self.words.toggled.connect(self._scores_by_token)
        self.why.toggled.connect(self.view_changed)
        self.fit.toggled.connect(self.fit_changed)
        self.beside.toggled.connect(self.view_changed)
        toggles = (self.beside, self.transpose, self.to_largest, self.hide_first, self.fit)
        self.matrix_row = ActionRow((*self._tensors.actions(), *toggles), "Matrix", parent)

        self._orders = self._group(ORDERS, "layer")
        self._orders.triggered.connect(self.choice_changed)
        self.heads_row = HeadsRow(self._orders, [self.hide_first], parent)
        self.heads_row.filter_changed.connect(self.choice_changed)

        self._modes = self._group(GRAPH_MODES, "max")
        self._modes.triggered.connect(self._mode_chosen)
        self.graph_row = QWidget(parent)
        self._mode_button = QToolButton()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._least = Text("", tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self._make_graph_row()
        self._leasts = dict(LEAST)
        self._apart = False
        self.set_threshold(LEAST[False])

    def _make_graph_row(self) -> None:
        self._mode_button.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self._mode_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._mode_button.setToolTip("Which heads the graph draws")
        self._mode_button.setAccessibleName("Heads in the graph")
        menu = QMenu(self._mode_button)
        menu.setToolTipsVisible(True)
        menu.addActions(self._modes.actions())
        menu.addSeparator()
        menu.addActions([self.all_positions, self.hide_first])
        self._mode_button.setMenu(menu)
        self._mode_button.setText(f"{GRAPH_MODES[self.graph_mode][0]} ▾")
        self._slider.setRange(0, 100 * DECADES)
        self._slider.setAccessibleName("Least weight in the graph")
        self._slider.setToolTip(LEAST_TIPS[False])
        self._slider.setMinimumWidth(50)
        self._slider.valueChanged.connect(self._slider_moved)
        self._least.setFixedWidth(self._least.fontMetrics().horizontalAdvance("≥ 0.0000"))
        row = QHBoxLayout(self.graph_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._mode_button)
        row.addWidget(self._slider, 1)
        row.addWidget(self._least)
        self.graph_row.setFixedHeight(HEIGHT)

    @property
    def needed(self) -> Needed:
        """The least widths in which the rows can be read and used."""
        graph = self._mode_button.sizeHint().width() + self._least.width() + 80
        return Needed(self.view_row.sizeHint().width(), self.heads_row.sizeHint().width(), graph)

    def _group(self, choices: dict[str, tuple[str, str]], checked: str) -> QActionGroup:
        group = QActionGroup(self)
        for data, (text, tip) in choices.items():
            action = self._action(text, tip)
            action.setData(data)
            action.setChecked(data == checked)
            group.addAction(action)
        return group

    def _action(self, text: str, tip: str, *, sign: str = "") -> QAction:
        action = QAction(text, self)
        action.setToolTip(tip)
        action.setProperty(SIGN, sign)
        action.setCheckable(True)
        return action

    # ------------------------------------------------------------------------- choices

    @property
    def view(self) -> str:
        """One of `VIEWS`."""
        return str(self._views.checkedAction().data())

    def set_view(self, name: str) -> None:
        """Ask for a view, as a click would."""
        _named(self._views, name).trigger()

    def tell_missing(self, missing: Sequence[str]) -> None:
        """Say of which views "All" finds no room; empty where all are there."""
        text, tip = VIEWS["all"]
        if missing:
            text = f"{len(VIEWS) - 1 - len(missing)} of {len(VIEWS) - 1}"
            tip = f"{no_room_for(missing)}: make the pane larger, or choose one view alone"
        action = _named(self._views, "all")
        action.setText(text)
        action.setToolTip(tip)

    @property
    def looks(self) -> Looks:
        """How the matrix is drawn."""
        return Looks(
            transposed=self.transpose.isChecked(),
            to_largest=self.to_largest.isChecked(),
            hide_first=self.hide_first.isChecked(),
        )

    @property
    def tensor(self) -> str:
        """One of `TENSORS`."""
        return str(self._tensors.checkedAction().data())

    def toggle_valued(self) -> None:
        """Weights, or weights times what they carry."""
        self.valued.toggle()

    def toggle_words(self) -> None:
        """By tokens, or by words."""
        self.words.toggle()

    def _scores_by_token(self, merged: bool) -> None:
        """Scores of tokens have no sum that means anything: by words there are weights only."""
        scores = _named(self._tensors, "attn_scores")
        if merged and scores.isChecked():
            self.set_tensor("pattern")
        scores.setEnabled(not merged)

    def explain_scores(self, formula: str) -> None:
        """Say in the tip of the scores what they are in the model that is drawn."""
        tip = f"{formula}, before the softmax: signed"
        _named(self._tensors, "attn_scores").setToolTip(tip)

    def set_tensor(self, name: str) -> None:
        """Choose what the matrix draws, as a click would."""
        _named(self._tensors, name).trigger()

    @property
    def order(self) -> str:
        """One of `ORDERS`."""
        return str(self._orders.checkedAction().data())

    @property
    def by_kind(self) -> bool:
        """Whether heads' kinds matter to what the mosaic shows."""
        return self.order == "kind" or bool(self.heads_row.filter.kinds)

    def set_order(self, name: str) -> None:
        """Order the mosaic, as a click would: one of `ORDERS`."""
        _named(self._orders, name).trigger()

    @property
    def graph_mode(self) -> str:
        """One of `GRAPH_MODES`."""
        return str(self._modes.checkedAction().data())

    def remember(self) -> dict[str, Any]:
        """The choices as JSON has them; a filter is of the moment."""
        return {
            "order": self.order,
            "graph": self.graph_mode,
            "threshold": self.threshold_of(apart=False),
            "threshold_apart": self.threshold_of(apart=True),
            **{name: getattr(self, name).isChecked() for name in _OPTIONS},
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Take up what `remember` gave; what is no choice is passed over."""
        if kept.get("order") in ORDERS:
            self.set_order(str(kept["order"]))
        if kept.get("graph") in GRAPH_MODES and kept["graph"] != "chosen":
            self.set_graph_mode(str(kept["graph"]))
        for apart, name in ((False, "threshold"), (True, "threshold_apart")):
            least = kept.get(name)
            if type(least) is float and 0 < least <= 1:
                self._leasts[apart] = least
        self.set_threshold(self._leasts[self._apart])
        for name in _OPTIONS:
            if type(kept.get(name)) is bool:
                getattr(self, name).setChecked(kept[name])

    def set_graph_mode(self, name: str) -> None:
        """Choose what the graph draws, as a click would."""
        _named(self._modes, name).trigger()

    def _mode_chosen(self) -> None:
        self._mode_button.setText(f"{GRAPH_MODES[self.graph_mode][0]} ▾")
        self.choice_changed.emit()

    @property
    def threshold(self) -> float:
        """The least weight of an edge, or the least difference: 0.001 to 1."""
        return round(10 ** (self._slider.value() / 100 - DECADES), 4)

    def threshold_of(self, *, apart: bool) -> float:
        """The least weight, or of a comparison the least difference, whichever is in force."""
        return self.threshold if apart == self._apart else self._leasts[apart]

    def show_apart(self, apart: bool) -> None:
        """The slider is of weights, or of differences; it tells of no change: nothing changes."""
        if apart != self._apart:
            self._leasts[self._apart] = self.threshold
            self._apart = apart
            self._slider.blockSignals(True)
            self.set_threshold(self._leasts[apart])
            self._slider.blockSignals(False)
            self._least.setText(at_least(self.threshold))
            self._slider.setToolTip(LEAST_TIPS[apart])

    def set_threshold(self, weight: float) -> None:
        """Move the slider to the step nearest to a weight."""
        self._slider.setValue(round(100 * (math.log10(max(weight, 10**-DECADES)) + DECADES)))

    def _slider_moved(self) -> None:
        self._least.setText(at_least(self.threshold))
        self.choice_changed.emit()


_OPTIONS = ("transpose", "to_largest", "hide_first", "valued", "words", "all_positions", "beside")
"""Attributes that are remembered."""


def _named(group: QActionGroup, data: str) -> QAction:
    return next(action for action in group.actions() if action.data() == data)
