"""The sizes of a queue as rows: parameters, compute, rate, time, state and loss.

Knows the record of a queue; no store.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from gui import theme
from gui.panes.scaling import words
from gui.panes.scaling.frame import size_color
from gui.widgets.table_style import table_style
from gui.widgets.text import as_written
from model.train.scaling.folder import QueueRecord, SizeRecord
from model.train.scaling.published import short

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole

COLUMNS = (
    ("width", "d_model of the network, and its layers"),
    ("N", "Parameters without embeddings"),
    ("all", "All parameters, tied ones once; known once the first run has its vocabulary"),
    ("tokens", "Tokens that it sees"),
    ("FLOP", "Counted products and sums of training: matrices and attention, forward and back"),
    ("rate", "Its highest learning rate"),
    ("time", "What it took; with ~ what a probe of real steps expects"),
    ("state", "How far it is"),
    ("loss", "Validation loss at its end, or so far, in nats per token"),
)
_LESS = ("tokens", "all", "rate", "FLOP")
"""Columns that are left out where there is no room, the first one first."""
_FITTED = (0, 7)
"""Columns as wide as their words; the others share the rest."""
_COLORS = {"done": "good", "training": "accent", "diverged": "bad", "damaged": "bad"}


class SizesModel(QAbstractTableModel):
    """The rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.record: QueueRecord | None = None

    def set_record(self, record: QueueRecord) -> None:
        """Another queue, or the same further on."""
        before, self.record = self.record, record
        if before is None or len(before.sizes) != len(record.sizes):
            self.beginResetModel()
            self.endResetModel()
        elif record.sizes:
            last = self.index(len(record.sizes) - 1, len(COLUMNS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def size(self, row: int) -> SizeRecord | None:
        """The size of a row."""
        there = self.record is not None and 0 <= row < len(self.record.sizes)
        return self.record.sizes[row] if there and self.record is not None else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() or self.record is None else len(self.record.sizes)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return "width × layers" if section == 0 else COLUMNS[section][0]
        if role == Role.ToolTipRole:
            return COLUMNS[section][1]
        if role == Role.TextAlignmentRole:
            return _side(section)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        size = self.size(index.row())
        if size is None or self.record is None:
            return None
        name = COLUMNS[index.column()][0]
        if role == Role.DisplayRole:
            return self.words(size, name)
        if role == Role.TextAlignmentRole:
            return _side(index.column())
        if role == Role.ForegroundRole and name == "state":
            return theme.current().color(_COLORS.get(size.state, "dim"))
        if role == Role.DecorationRole and index.column() == 0:
            return _dot(size_color(index.row(), len(self.record.sizes)))
        if role == Role.ToolTipRole:
            return as_written(words.of_size(size))
        if role == Role.AccessibleTextRole:
            return f"{name}: {self.words(size, name)}"
        return None

    def words(self, size: SizeRecord, name: str) -> str:
        """What a cell says."""
        match name:
            case "width":
                return f"{size.width} × {size.config.n_layers}"
            case "N":
                return short(size.parameters("blocks") or 0)
            case "all":
                every = size.parameters("all")
                return "–" if every is None else short(every)
            case "tokens":
                return short(size.tokens)
            case "FLOP":
                return "–" if size.flops is None else short(size.flops)
            case "rate":
                return "–" if size.lr is None else f"{size.lr:.3g}"
            case "time":
                return self._time(size)
            case "state":
                part = size.state in ("training", "stopped")
                share = f" {size.step / size.steps:.0%}" if part else ""
                return words.STATE_WORDS[size.state] + share
        return "–" if math.isnan(size.val_loss) else f"{size.val_loss:.4f}"

    def _time(self, size: SizeRecord) -> str:
        if size.state in ("done", "diverged"):
            return words.time_words(size.seconds)
        if size.step and size.seconds:
            return f"~{words.time_words(size.seconds / size.step * size.steps)}"
        expected = None if self.record is None else self.record.expected
        each = None if expected is None else expected.seconds.get(size.name)
        return "–" if each is None else f"~{words.time_words(each)}"


class SizesTable(QTableView):
    """The widget.

    Signals:
        chosen: with the index of a size that is to be opened, by a click or Enter.
        hovered: with the index of the size under the mouse, -1 for none.
    """

    chosen = Signal(int)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = SizesModel(self)
        self.setModel(self.rows)
        self.setAccessibleName("Sizes")
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme.ROW_HEIGHT)
        fitted = QHeaderView.ResizeMode.ResizeToContents
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for at in _FITTED:
            self.horizontalHeader().setSectionResizeMode(at, fitted)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setMinimumSectionSize(30)
        self.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.activated.connect(self._on_activated)
        self.clicked.connect(self._on_activated)
        self.entered.connect(self._on_entered)
        self.apply_theme()

    def show_record(self, record: QueueRecord) -> None:
        """Draw it."""
        self.rows.set_record(record)
        self._fit_columns()

    def wanted_height(self) -> int:
        """For all rows."""
        return self.rows.rowCount() * theme.ROW_HEIGHT + self.horizontalHeader().height() + 2

    def apply_theme(self) -> None:
        self.setStyleSheet(table_style())

    def _fit_columns(self) -> None:
        """Leave out what has no room; tokens too where all sizes have the same."""
        record = self.rows.record
        tokens = set() if record is None else {size.tokens for size in record.sizes}
        names = [name for name, _ in COLUMNS]
        hidden = {"tokens"} if len(tokens) == 1 else set()
        for name in _LESS:
            if (len(names) - len(hidden)) * 66 > self.viewport().width():
                hidden.add(name)
        for at, name in enumerate(names):
            self.setColumnHidden(at, name in hidden)

    def _on_activated(self, index: QModelIndex) -> None:
        self.chosen.emit(index.row())

    def _on_entered(self, index: QModelIndex) -> None:
        self.hovered.emit(index.row())

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self.hovered.emit(-1)


def _side(column: int) -> int:
    side = Qt.AlignmentFlag.AlignLeft if column in _FITTED else Qt.AlignmentFlag.AlignRight
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _dot(color: QColor) -> QPixmap:
    dot = QPixmap(10, 10)
    dot.fill(Qt.GlobalColor.transparent)
    with QPainter(dot) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(1, 1, 8, 8)
    return dot
