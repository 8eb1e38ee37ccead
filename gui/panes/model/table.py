"""Every parameter tensor as a row: name, shape, figures; filtered by words, sorted by a column.

Knows tensors and figures as messages; no store.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from gui import theme
from gui.panes.model.columns import COLUMNS
from gui.panes.model.two_models import TensorApart
from gui.widgets.parts import part_color
from model import messages as m
from model.counting import counted

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


CELL_MARGINS = 18
"""What the style leaves free at both sides of a cell's text."""
N_TEXT = 1
"""The first columns are words, and stand at the left."""


class WeightModel(QAbstractTableModel):
    """The rows that are shown, in their order."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tensors: tuple[m.WeightTensor, ...] = ()
        self._figures: Mapping[str, m.WeightFigures] = {}
        self._apart: Mapping[str, TensorApart] = {}
        self._shown: list[m.WeightTensor] = []
        self._words: tuple[str, ...] = ()
        self._column = -1
        self._descending = False
        self._swatches: dict[str, QPixmap] = {}

    # ------------------------------------------------------------------------ contents

    def set_tensors(self, tensors: tuple[m.WeightTensor, ...]) -> None:
        """Other tensors."""
        self._tensors = tensors
        self._arrange()

    def set_figures(self, figures: Mapping[str, m.WeightFigures]) -> None:
        """Figures by name; the order follows if it depends on them."""
        self._figures = figures
        if self.by_figures:
            self._arrange()
        elif self._shown:
            self.dataChanged.emit(
                self.index(0, 0), self.index(len(self._shown) - 1, len(COLUMNS) - 1)
            )

    def set_apart(self, apart: Mapping[str, TensorApart]) -> None:
        """Differences to another model by name; empty for none."""
        if apart is self._apart:
            return
        self._apart = apart
        if self._column >= 0 and COLUMNS[self._column].apart:
            self._arrange()
        elif self._shown:
            self.dataChanged.emit(
                self.index(0, 0), self.index(len(self._shown) - 1, len(COLUMNS) - 1)
            )

    def _facts(self, tensor: m.WeightTensor, column: int) -> m.WeightFigures | TensorApart | None:
        """What a cell of a column is made of."""
        if COLUMNS[column].apart:
            return self._apart.get(tensor.name)
        return self._figures.get(tensor.name)

    def set_filter(self, text: str) -> None:
        """Show the tensors whose name, file name, part or layer has each of these words."""
        self._words = tuple(text.lower().split())
        self._arrange()

    @property
    def shown(self) -> list[m.WeightTensor]:
        """The rows, from top to bottom."""
        return self._shown

    @property
    def by_figures(self) -> bool:
        """Whether the order depends on figures."""
        return self._column >= 0 and COLUMNS[self._column].title in (
            "Mean",
            "Std",
            "Min",
            "Max",
            "Zeros",
            "Norm",
        )

    def row_of(self, name: str) -> int | None:
        """The row of a tensor, None if it is not shown."""
        return next((i for i, tensor in enumerate(self._shown) if tensor.name == name), None)

    def forget_colors(self) -> None:
        """The theme has changed."""
        self._swatches.clear()
        self._arrange()

    def _arrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        names = [self._shown[index.row()].name for index in before]
        self._shown = [tensor for tensor in self._tensors if self._passes(tensor)]
        if self._column >= 0:
            self._shown.sort(key=self._key, reverse=self._descending)
        rows = {tensor.name: row for row, tensor in enumerate(self._shown)}
        after = [
            self.index(rows[name], index.column()) if name in rows else QModelIndex()
            for name, index in zip(names, before)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _passes(self, tensor: m.WeightTensor) -> bool:
        if not self._words:
            return True
        layer = "" if tensor.layer is None else "layer"
        text = f"{tensor.name} {tensor.in_file} {tensor.part} {layer} {tensor.dtype}".lower()
        # A number is a layer's or an expert's, never a digit of something else.
        numbers = re.findall(r"\d+", tensor.name)
        return all(word in (numbers if word.isdigit() else text) for word in self._words)

    def _key(self, tensor: m.WeightTensor) -> Any:
        key = COLUMNS[self._column].key(tensor, self._facts(tensor, self._column))
        if isinstance(key, float) and math.isnan(key):
            return -math.inf if self._descending else math.inf
        return key

    # ----------------------------------------------------------------------- Qt's side

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return COLUMNS[section].title
        if role == Role.ToolTipRole:
            return f"{COLUMNS[section].tip}. Click to sort."
        if role == Role.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        tensor = self._shown[index.row()]
        column = index.column()
        match role:
            case Role.DisplayRole:
                return COLUMNS[column].text(tensor, self._facts(tensor, column))
            case Role.TextAlignmentRole:
                return _alignment(column)
            case Role.ForegroundRole:
                return self._ink(tensor, column)
            case Role.DecorationRole if column == 0:
                return self._swatch(tensor.part)
            case Role.ToolTipRole:
                return self._tip(tensor)
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column = column
        self._descending = order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def _ink(self, tensor: m.WeightTensor, column: int) -> QColor:
        figures = self._figures.get(tensor.name)
        if figures is not None and figures.n_not_finite:
            return theme.current().color("bad")
        faint = column in (len(COLUMNS) - 1, len(COLUMNS) - 2) or tensor.tied_to
        return theme.current().color("dim" if faint else "text")

    def _swatch(self, part: str) -> QPixmap:
        if part not in self._swatches:
            swatch = QPixmap(8, 12)
            swatch.fill(part_color(part))
            self._swatches[part] = swatch
        return self._swatches[part]

    def _tip(self, tensor: m.WeightTensor) -> str:
        lines = [tensor.name, f"{tensor.part}, {counted(tensor.n, 'number')} of {tensor.dtype}"]
        if tensor.in_file:
            lines.append(f"in the file: {tensor.in_file}")
        if tensor.tied_to:
            lines.append(f"the same numbers as {tensor.tied_to}, transposed: counted there")
        if (apart := self._apart.get(tensor.name)) is not None:
            lines.append(apart.words)
        figures = self._figures.get(tensor.name)
        if figures is not None and figures.n_not_finite:
            are = "is" if figures.n_not_finite == 1 else "are"
            lines.append(f"{counted(figures.n_not_finite, 'number')} {are} NaN or infinite")
        return "\n".join(lines)


def _alignment(column: int) -> Qt.AlignmentFlag:
    words = column < N_TEXT or column >= len(COLUMNS) - 2
    side = Qt.AlignmentFlag.AlignLeft if words else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class WeightTable(QTableView):
    """The widget.

    Signals:
        tensor_chosen: name of the tensor whose row was clicked or reached by a key.
        tensor_opened: name of the tensor whose row was double-clicked, or Enter pressed on.
        view_changed: other rows are in view.
    """

    tensor_chosen = Signal(str)
    tensor_opened = Signal(str)
    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Parameter tensors")
        self.rows = WeightModel(self)
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # long names differ at both ends
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(theme.ROW_HEIGHT - 2)
        header = self.horizontalHeader()
        header.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        width = QFontMetricsF(self.font()).horizontalAdvance("0")
        for index, column in enumerate(COLUMNS):
            self.setColumnWidth(index, math.ceil(column.least * width) + CELL_MARGINS)
            self.setColumnHidden(index, column.apart)
        self._compares = False
        self.selectionModel().currentRowChanged.connect(self._row_changed)
        self.activated.connect(self._activated)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.rows.layoutChanged.connect(self._scrolled)
        self.apply_theme()

    def set_chosen(self, name: str) -> None:
        """Select the row of a tensor, and bring it into sight."""
        row = self.rows.row_of(name)
        if row is None:
            self.clearSelection()
        elif self.currentIndex().row() != row:
            self.selectionModel().blockSignals(True)
            self.setCurrentIndex(self.rows.index(row, 0))
            self.selectionModel().blockSignals(False)
            self.scrollTo(self.rows.index(row, 0))
            self.viewport().update()

    def set_apart(self, apart: Mapping[str, TensorApart] | None) -> None:
        """Show the columns of a difference, what differs most first; None for no difference."""
        if (apart is not None) != self._compares:
            self._compares = apart is not None
            first = next(index for index, column in enumerate(COLUMNS) if column.apart)
            for index, column in enumerate(COLUMNS):
                if column.apart:
                    self.setColumnHidden(index, not self._compares)
            order = Qt.SortOrder.DescendingOrder
            if self._compares:
                self.sortByColumn(first, order)
            elif COLUMNS[self.horizontalHeader().sortIndicatorSection()].apart:
                self.sortByColumn(-1, order)
        self.rows.set_apart({} if apart is None else apart)

    def in_view(self) -> tuple[str, ...]:
        """Names of the tensors whose rows can be seen."""
        first = self.rowAt(0)
        last = self.rowAt(self.viewport().height() - 1)
        if first < 0:
            return ()
        last = len(self.rows.shown) - 1 if last < 0 else last
        return tuple(tensor.name for tensor in self.rows.shown[first : last + 1])

    def apply_theme(self) -> None:
        """Take new colours."""
        t = theme.current()
        self.setStyleSheet(
            f"QTableView {{ background: {t.panel}; border: none; outline: none;"
            f" selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}"
            f"QTableView::item {{ padding: 0 4px; border: none; }}"
            f"QTableView::item:selected {{ background: {t.accent_soft}; }}"
            f"QHeaderView {{ background: {t.panel}; }}"
            f"QHeaderView::section {{ background: {t.panel}; color: {t.dim}; border: none;"
            f" border-bottom: 1px solid {t.line}; padding: 2px 4px;"
            f" font-size: {theme.SMALL_FONT_SIZE:.0f}px; }}"
        )
        self.rows.forget_colors()

    def _row_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self.tensor_chosen.emit(self.rows.shown[current.row()].name)

    def _activated(self, index: QModelIndex) -> None:
        self.tensor_opened.emit(self.rows.shown[index.row()].name)

    def _scrolled(self) -> None:
        self.view_changed.emit()
