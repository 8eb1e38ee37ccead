"""All tokens of the open model in a table: searched, of one kind, sorted by a column.

What kind a token is is found out slice by slice. Knows the model's facts, norms and counts; no
store.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from gui import theme
from gui.widgets.table_style import table_style
from gui.widgets.text import as_written
from model import messages as m
from model.tokenizer.token_kinds import EMPTY, PARTIAL, SPECIAL, kind_of

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
SLICE_SECONDS = 0.005
COLUMNS = (
    ("Id", "Index into the vocabulary"),
    ("Token", "Its bytes made visible"),
    ("Bytes", "In hexadecimal"),
    ("Length", "How many bytes"),
    ("Kind", "The script of its letters, or what it is instead"),
    ("Norm", "Length of its vector in the input embedding"),
    ("Count", "How often it occurs in the text that was counted"),
)
ID, TOKEN, BYTES, LENGTH, KIND, NORM, COUNT = range(7)
ANY, GLITCHES = "", "glitch candidates"
TINY = 0.5
"""Of the median length of the vectors of tokens that occur."""


class VocabularyModel(QAbstractTableModel):
    """The rows that are shown, in their order.

    Signals:
        arranged: other rows are shown.
    """

    arranged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._info: m.ModelInfo | None = None
        self._norms: NDArray[Any] | None = None
        self._counts: NDArray[np.int64] | None = None
        self._kinds: list[str] = []
        self._lengths: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._query = b""
        self._kind = ANY
        self._column, self._descending = ID, False
        self.shown: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    # ------------------------------------------------------------------------ contents

    @property
    def info(self) -> m.ModelInfo | None:
        return self._info

    def set_model(self, info: m.ModelInfo | None) -> None:
        """The tokens of another model."""
        self._info, self._norms, self._counts, self._kinds = info, None, None, []
        vocabulary = () if info is None else info.vocabulary
        self._lengths = np.fromiter(map(len, vocabulary), np.int64, len(vocabulary))
        self._arrange()

    def set_norms(self, norms: NDArray[Any] | None) -> None:
        """Lengths of the vectors, once they are known."""
        if norms is not self._norms:
            self._norms = norms
            self._changed(NORM)

    def set_counts(self, counts: NDArray[np.int64] | None) -> None:
        """How often each occurs, ``[V]``, once that was counted."""
        if counts is not self._counts:
            self._counts = counts
            self._changed(COUNT)

    def _changed(self, column: int) -> None:
        if self._column == column or self._kind == GLITCHES:
            self._arrange()
        elif len(self.shown):
            bottom = len(self.shown) - 1
            self.dataChanged.emit(self.index(0, column), self.index(bottom, column))

    @property
    def norms(self) -> NDArray[Any] | None:
        """Of all ids; shorter than the vocabulary where it has more tokens than vectors."""
        return self._norms

    @property
    def counts(self) -> NDArray[np.int64] | None:
        """How often each occurs, by id; None before that was counted."""
        return self._counts

    @property
    def glitches(self) -> NDArray[np.int64] | None:
        """Ids of tokens that never occur and whose vectors are tiny; None before both are known.

        Tiny is shorter than half the median of those that do occur: a vector that training hardly
        ever moved stays small, or decays (Land and Bartolo 2024, arXiv:2405.05417). What is
        special, a part of a character or no token is none.
        """
        counts, norms, info = self._counts, self._norms, self._info
        if counts is None or norms is None or info is None:
            return None
        n = min(len(counts), len(norms), len(self._kinds))
        seen = norms[:n][counts[:n] > 0]
        if n < len(info.vocabulary) or not len(seen):
            return None
        tiny = np.flatnonzero((counts[:n] == 0) & (norms[:n] < TINY * np.median(seen)))
        none = (SPECIAL, EMPTY, PARTIAL)
        return np.array([id for id in tiny if self._kinds[id] not in none], dtype=np.int64)

    def find_kinds(self) -> bool:
        """Go on finding out kinds for some milliseconds; whether all are known."""
        info = self._info
        if info is None:
            return True
        began = perf_counter()
        while len(self._kinds) < len(info.vocabulary):
            first = len(self._kinds)
            for id in range(first, min(first + 200, len(info.vocabulary))):
                special = id in info.special_ids
                self._kinds.append(kind_of(info.vocabulary[id], special=special))
            if perf_counter() - began > SLICE_SECONDS:
                break
        done = len(self._kinds) == len(info.vocabulary)
        if done and (self._column == KIND or self._kind):
            self._arrange()
        return done

    @property
    def kinds(self) -> dict[str, int]:
        """How many there are of each kind, the most frequent first; empty until all are known."""
        if self._info is None or len(self._kinds) < len(self._info.vocabulary):
            return {}
        names, counts = np.unique(np.array(self._kinds), return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {str(names[i]): int(counts[i]) for i in order}

    def set_filter(self, query: str, kind: str) -> None:
        """Show tokens with this text in them (``·`` is a space), or this id, of this kind."""
        raw = query.replace("·", " ").encode("utf-8", "replace").lower()
        if (raw, kind) != (self._query, self._kind):
            self._query, self._kind = raw, kind
            self._arrange()

    def row_of(self, id: int) -> int | None:
        """The row of a token; None if it is not shown."""
        rows = np.flatnonzero(self.shown == id)
        return int(rows[0]) if len(rows) else None

    def _arrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        vocabulary = () if self._info is None else self._info.vocabulary
        ids = np.arange(len(vocabulary))
        query = self._query
        if query:
            by_id = int(query) if query.isdigit() else -1
            ids = np.array(
                [id for id, raw in enumerate(vocabulary) if query in raw.lower() or id == by_id],
                dtype=np.int64,
            )
        if self._kind == GLITCHES:
            found = self.glitches
            ids = ids[np.isin(ids, found)] if found is not None else ids[:0]
        elif self._kind and len(self._kinds) == len(vocabulary):
            ids = ids[[self._kinds[id] == self._kind for id in ids.tolist()]] if len(ids) else ids
        self.shown = self._sorted(ids)
        self.changePersistentIndexList(
            self.persistentIndexList(), [QModelIndex()] * len(self.persistentIndexList())
        )
        self.layoutChanged.emit()
        self.arranged.emit()

    def _sorted(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        assert self._info is not None or not len(ids)
        match self._column:
            case c if c == LENGTH:
                order = np.argsort(self._lengths[ids], kind="stable")
            case c if c == NORM and self._norms is not None:
                norms = np.array([self._norm(id) for id in ids.tolist()])
                order = np.argsort(norms, kind="stable")
            case c if c == COUNT and self._counts is not None:
                order = np.argsort([self._count(id) for id in ids.tolist()], kind="stable")
            case c if c in (TOKEN, BYTES) and self._info is not None:
                raws = [self._info.vocabulary[id] for id in ids.tolist()]
                order = np.array(sorted(range(len(raws)), key=raws.__getitem__), dtype=np.int64)
            case c if c == KIND and len(self._kinds) == len(self._lengths):
                kinds = [self._kinds[id] for id in ids.tolist()]
                order = np.array(sorted(range(len(kinds)), key=kinds.__getitem__), dtype=np.int64)
            case _:
                order = np.arange(len(ids))
        return ids[order[::-1]] if self._descending else ids[order]

    def _norm(self, id: int) -> float:
        """Of a token's vector; infinite where it has none, so that it stands at the end."""
        known = self._norms is not None and id < len(self._norms)
        return float(self._norms[id]) if known else np.inf  # type: ignore[index]

    def _count(self, id: int) -> int:
        """How often a token occurs; 0 of an id that the tokenizer does not know."""
        known = self._counts is not None and id < len(self._counts)
        return int(self._counts[id]) if known else 0  # type: ignore[index]

    # ----------------------------------------------------------------------- Qt's side

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return COLUMNS[section][0]
        if role == Role.ToolTipRole:
            return f"{COLUMNS[section][1]}. Click to sort."
        if role == Role.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        info = self._info
        if info is None:
            return None
        id = int(self.shown[index.row()])
        match role:
            case Role.DisplayRole:
                return self.text(id, index.column())
            case Role.TextAlignmentRole:
                return _alignment(index.column())
            case Role.ForegroundRole:
                return self._ink(id, index.column())
            case Role.ToolTipRole:
                words = f"{info.token_text(id)}\nid {id} · {info.vocabulary[id].hex(' ')}"
                return as_written(words)
        return None

    def text(self, id: int, column: int) -> str:
        """What stands in a cell."""
        info = self._info
        assert info is not None
        raw = info.vocabulary[id]
        if column == KIND:
            return self._kinds[id] if id < len(self._kinds) else "…"
        if column == NORM:
            if self._norms is None:
                return "…"
            return _digits(self._norm(id)) if id < len(self._norms) else "—"
        if column == COUNT:
            return "" if self._counts is None else f"{self._count(id):,}"
        cells = {
            ID: str(id),
            TOKEN: info.token_text(id),
            BYTES: raw[:16].hex(" ") + (" …" if len(raw) > 16 else ""),
            LENGTH: str(len(raw)),
        }
        return cells[column]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column = max(0, column)
        self._descending = order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def _ink(self, id: int, column: int) -> QColor:
        assert self._info is not None
        if id in self._info.special_ids:
            return theme.current().color("lens")
        return theme.current().color("text" if column in (TOKEN, NORM, COUNT) else "dim")


def _digits(norm: float) -> str:
    """Four digits, also where the last are zeros: points stand below each other."""
    return f"{norm:,.0f}" if 1000 <= norm < 1e6 else f"{norm:#.4g}"


def _alignment(column: int) -> Qt.AlignmentFlag:
    left = column in (TOKEN, BYTES, KIND)
    side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


class VocabularyTable(QTableView):
    """The table.

    Signals:
        token_chosen: id of a row that was selected by a person.
    """

    token_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = VocabularyModel(self)
        self.setModel(self.rows)
        self.setAccessibleName("All tokens of the open model")
        self.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.setSortingEnabled(True)
        self.sortByColumn(ID, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme.ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        digit = QFontMetricsF(self.font()).horizontalAdvance("0")
        for column, n in enumerate((7, 16, 17, 8, 18, 8, 8)):
            self.setColumnWidth(column, round(digit * n + 18))
        self.selectionModel().currentRowChanged.connect(self._on_row)
        self._quiet = False
        self.apply_theme()

    def apply_theme(self) -> None:
        """Take new colours."""
        self.setStyleSheet(table_style())

    def show_token(self, id: int | None) -> None:
        """Select a token's row without reporting it."""
        row = None if id is None else self.rows.row_of(id)
        if row is not None and row != self.currentIndex().row():
            self._quiet = True
            self.selectRow(row)
            self.scrollTo(self.rows.index(row, 0))
            self._quiet = False

    def _on_row(self, now: QModelIndex, before: QModelIndex) -> None:
        if now.isValid() and not self._quiet:
            self.token_chosen.emit(int(self.rows.shown[now.row()]))
