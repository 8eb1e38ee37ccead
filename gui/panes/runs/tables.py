"""The tables of the Runs pane: the tree of runs, and the settings in which they differ.

Know what is read of run folders and the theme; no store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from gui import theme
from gui.panes.runs.words import against_parent, arrows
from gui.widgets.table_style import table_style
from gui.widgets.text import as_written
from gui.widgets.tick_box import show_boxes
from model.train.branching.record import shown
from model.train.branching.tree import RunNode, words_of_changes

COLUMNS = ("Run", "From step", "Step", "Loss", "− parent's", "Changed")
_TIPS = (
    "Its folder's name; a tick draws its curve over the others in Training",
    "The step at which it leaves the run above it",
    "Steps that it has done",
    "Its last validation loss, nats per token",
    "Its validation loss minus its parent's, at the last step that both have validated",
    "The settings that are not its parent's",
)
ROW = 24
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FlatTable(QTableWidget):
    """A table that can be read and walked through, not written to."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.verticalHeader().setMinimumSectionSize(ROW)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(_LEFT)
        self.setFrameShape(QTableWidget.Shape.NoFrame)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.apply_theme()

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        self.setStyleSheet(table_style().replace("QTableView", "QTableWidget"))
        show_boxes(self)

    def full_height(self) -> int:
        """What all rows take."""
        bar = self.horizontalScrollBar()
        below = bar.sizeHint().height() if bar.maximum() > bar.minimum() else 0
        return self.horizontalHeader().sizeHint().height() + ROW * self.rowCount() + below + 2


class RunTable(FlatTable):
    """The tree: a run a row, branches indented under their parents.

    Signals:
        run_selected: a run's folder, str.
        run_opened: the same, by Enter or a double click.
        ticked: a run's folder and whether its curve is wanted.
    """

    run_selected = Signal(str)
    run_opened = Signal(str)
    ticked = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Runs, branches under their parents", parent)
        self.setColumnCount(len(COLUMNS))
        for column, tip in enumerate(_TIPS):
            header = QTableWidgetItem(COLUMNS[column])
            header.setToolTip(tip)
            header.setTextAlignment(_RIGHT if 0 < column < len(COLUMNS) - 1 else _LEFT)
            self.setHorizontalHeaderItem(column, header)
        self._paths: list[str] = []
        self._state: object = None
        self.itemChanged.connect(self._hear_of_tick)
        self.itemSelectionChanged.connect(self._hear_of_selection)
        self.itemActivated.connect(self._open)

    @property
    def selected(self) -> str:
        """The folder of the run on whose row the selection is; empty for none."""
        row = self.currentRow()
        return self._paths[row] if 0 <= row < len(self._paths) else ""

    def show_runs(
        self,
        nodes: Sequence[RunNode],
        colors: Mapping[str, QColor],
        shown: str,
    ) -> None:
        """Show these.

        Args:
            nodes: each before its branches.
            colors: of the curves of those that are drawn, by folder.
            shown: the folder of the run whose curve is the pane's own.
        """
        names = {path: color.name() for path, color in colors.items()}
        state = tuple(map(id, nodes)), names, shown, theme.current()
        if state == self._state:
            return
        self._state = state
        selected = self.selected or shown
        by_path = {node.run_dir: node for node in nodes}
        blocked = QSignalBlocker(self)
        self._paths = [node.run_dir for node in nodes]
        self.setRowCount(len(nodes))
        for row, node in enumerate(nodes):
            first = self._show(row, node, by_path.get(node.parent), colors.get(node.run_dir))
            if node.run_dir == shown:
                first.setFont(theme.sans(bold=True))
                # Its curve is drawn in any case; without a box its name would stand as a branch's.
                first.setFlags(first.flags() & ~Qt.ItemFlag.ItemIsUserCheckable)
                first.setCheckState(Qt.CheckState.Checked)
            else:
                drawn = node.run_dir in colors
                first.setCheckState(Qt.CheckState.Checked if drawn else Qt.CheckState.Unchecked)
        if selected in self._paths:
            self.setCurrentCell(self._paths.index(selected), 0)
        del blocked
        self._fit()

    def _show(
        self, row: int, node: RunNode, parent: RunNode | None, color: QColor | None
    ) -> QTableWidgetItem:
        """A row's cells; gives back the first."""
        indent = "    " * (node.depth - 1) + "└ " if node.depth else ""
        found = against_parent(node, parent)
        cells = (
            indent + node.name,
            "" if node.branch is None else f"{node.branch.step:,}",
            f"{node.step:,}",
            "diverged" if node.diverged else _loss(node.last_loss),
            "" if found is None else f"{found[1]:+.4f}",
            arrows(words_of_changes(node, parent)),
        )
        items = []
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            words = column in (0, len(cells) - 1)
            item.setTextAlignment(_LEFT if words else _RIGHT)
            item.setFont(theme.sans() if words else theme.mono())
            if column == 0:
                item.setToolTip(as_written(node.run_dir))
                item.setData(Qt.ItemDataRole.DecorationRole, _swatch(color))
            elif column == len(cells) - 1:
                item.setToolTip(as_written(text))
            elif found is not None and column == 4:
                item.setToolTip(f"At step {found[0]:,}, which both have validated")
            elif node.diverged and column == 3:
                item.setForeground(theme.current().color("bad"))
                item.setToolTip(
                    f"Its loss or gradient was no finite number at step {node.step:,}. "
                    f"Its last validation loss: {_loss(node.last_loss)}"
                )
            self.setItem(row, column, item)
            items.append(item)
        return items[0]

    def _fit(self) -> None:
        header = self.horizontalHeader()
        last = len(COLUMNS) - 1
        for column in range(last):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(last, QHeaderView.ResizeMode.Stretch)

    def _hear_of_tick(self, item: QTableWidgetItem) -> None:
        if item.column() == 0 and item.row() < len(self._paths):
            wanted = item.checkState() == Qt.CheckState.Checked
            self.ticked.emit(self._paths[item.row()], wanted)

    def _hear_of_selection(self) -> None:
        if self.selected:
            self.run_selected.emit(self.selected)

    def _open(self, _item: QTableWidgetItem) -> None:
        if self.selected:
            self.run_opened.emit(self.selected)


class SettingsTable(FlatTable):
    """Settings that are not the same in all runs: a setting a row, a run a column."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Settings that differ", parent)
        self._state: object = None

    def show_settings(self, names: Sequence[str], table: Mapping[str, Sequence[Any]]) -> None:
        """Show these.

        Args:
            names: of the runs.
            table: a value a run, by setting.
        """
        texts = {key: tuple(values) for key, values in table.items()}
        state = tuple(names), texts, theme.current()
        if state == self._state:
            return
        self._state = state
        self.setColumnCount(1 + len(names))
        self.setRowCount(len(table))
        for column, name in enumerate(("Setting", *names)):
            text = column == 0 or any(isinstance(v[column - 1], str) for v in table.values())
            title = QTableWidgetItem(name)
            title.setTextAlignment(_LEFT if text else _RIGHT)
            self.setHorizontalHeaderItem(column, title)
        strong = theme.current().color("accent")
        for row, (name, values) in enumerate(table.items()):
            self.setItem(row, 0, _cell(name, theme.sans()))
            for column, value in enumerate(values, start=1):
                item = _cell(shown(value), theme.mono(), right=not isinstance(value, str))
                if value != values[0]:  # other than in the first run, which the others come of
                    item.setForeground(strong)
                self.setItem(row, column, item)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)


def _cell(text: str, font: Any, *, right: bool = False) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setFont(font)
    item.setToolTip(as_written(text))
    item.setTextAlignment(_RIGHT if right else _LEFT)
    return item


def _loss(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.4f}"


def _swatch(color: QColor | None) -> QPixmap:
    """The colour of a run's curve; nothing, where none is drawn."""
    pixmap = QPixmap(14, 14)
    pixmap.fill(Qt.GlobalColor.transparent)
    if color is not None:
        with QPainter(pixmap) as painter:
            painter.fillRect(1, 6, 12, 3, color)
    return pixmap
