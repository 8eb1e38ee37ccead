"""All settings of a recipe in one table by section: what it is, its value, what the preset has.

A value is typed or chosen in its cell. Knows recipes and the theme; what becomes of a value is its
owner's affair.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from gui import theme
from gui.widgets.choice import Choice
from gui.widgets.table_style import table_style
from model.train.recipe import Recipe
from model.train.recipe_words import options, sections, sentence, values

Index = QModelIndex | QPersistentModelIndex
ROW = 22
NAME = Qt.ItemDataRole.UserRole
_EDIT = (
    QAbstractItemView.EditTrigger.DoubleClicked
    | QAbstractItemView.EditTrigger.SelectedClicked
    | QAbstractItemView.EditTrigger.EditKeyPressed
    | QAbstractItemView.EditTrigger.AnyKeyPressed
)


class _Editors(QStyledItemDelegate):
    """A list where there are few values, else a line."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        name = index.data(NAME)
        if not options(name):
            line = QLineEdit(parent)
            line.setFrame(False)
            line.setFont(theme.mono())
            line.setAccessibleName(name)
            return line
        choice = Choice(parent)
        choice.addItems(options(name))
        choice.setAccessibleName(name)
        return choice

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, Choice):
            editor.setCurrentText(index.data())
        elif isinstance(editor, QLineEdit):
            editor.setText(index.data())


class SettingsTable(QTableWidget):
    """A setting a row, under the titles of their sections.

    Signals:
        setting_typed: name and value of a setting, as they were typed.
    """

    setting_typed = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("All settings of the recipe")
        self.setColumnCount(3)
        self.setEditTriggers(_EDIT)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableWidget.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Editors(self))
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(ROW)
        self.verticalHeader().setDefaultSectionSize(ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.rows: dict[str, int] = {}
        self._shown: dict[str, str] = {}
        self._fill()
        self.itemChanged.connect(self._hear)
        self.apply_theme()

    def _fill(self) -> None:
        self.setRowCount(sum(1 + len(names) for names in sections().values()))
        row = 0
        for title, names in sections().items():
            self.setSpan(row, 0, 1, 3)
            self.setItem(row, 0, _fixed(title))
            row += 1
            for name in names:
                self.rows[name] = row
                tip = f"<b>{name}</b>: {sentence(name)}"
                first, value, other = _fixed(name), QTableWidgetItem(), _fixed("")
                first.setFont(theme.sans(theme.SMALL_FONT_SIZE))
                for item in (first, value, other):
                    item.setToolTip(tip)
                    item.setData(NAME, name)
                value.setFont(theme.mono(theme.SMALL_FONT_SIZE))
                other.setFont(theme.mono(theme.SMALL_FONT_SIZE))
                self.setItem(row, 0, first)
                self.setItem(row, 1, value)
                self.setItem(row, 2, other)
                row += 1
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        height = self.horizontalHeader().sizeHint().height() + ROW * self.rowCount() + 2
        return QSize(240, height)

    def show_recipe(self, recipe: Recipe, other: Recipe, other_is: str) -> None:
        """Show its settings; those of another one only where they differ.

        Args:
            recipe: whose.
            other: what it is held against.
            other_is: what that is: a preset's name, or the run that a branch comes of.
        """
        t = theme.current()
        blocked = QSignalBlocker(self)
        self.setHorizontalHeaderLabels(["Setting", "Value", other_is])
        mine, its = values(recipe), values(other)
        self._shown = mine
        for name, row in self.rows.items():
            value, beside = self._cell(row, 1), self._cell(row, 2)
            differs = mine[name] != its[name]
            value.setText(mine[name])
            value.setForeground(t.color("accent" if differs else "text"))
            beside.setText((its[name] or "none") if differs else "")
            beside.setForeground(t.color("dim"))
        del blocked
        self.viewport().update()

    def _cell(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        assert item is not None
        return item

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        t = theme.current()
        self.setStyleSheet(table_style().replace("QTableView", "QTableWidget"))
        blocked = QSignalBlocker(self)
        named = set(self.rows.values())
        for row in range(self.rowCount()):
            first = self._cell(row, 0)
            first.setForeground(t.color("dim" if row in named else "text"))
            if row not in named:
                first.setFont(theme.sans(theme.SMALL_FONT_SIZE, bold=True))
        del blocked

    def _hear(self, item: QTableWidgetItem) -> None:
        # What stands there in six digits and is left as it was is no change.
        if item.column() == 1 and item.text() != self._shown.get(item.data(NAME)):
            self.setting_typed.emit(item.data(NAME), item.text())


def _fixed(text: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
    return item
