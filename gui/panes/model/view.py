"""Every parameter of the model: a table of tensors, one of them in detail, shares as areas.

Arranges its four views by the room there is. Figures come from the worker. Knows the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from gui import theme
from gui.panes.model.by_hand import ByHand
from gui.panes.model.detail import WeightDetail
from gui.panes.model.export import arrays_of
from gui.panes.model.parameter_tree import tree_of
from gui.panes.model.published_scale import PublishedScale
from gui.panes.model.questions import WeightQuestions
from gui.panes.model.singular_side import SingularSide
from gui.panes.model.split import Split
from gui.panes.model.table import WeightTable
from gui.panes.model.treemap import Treemap
from gui.panes.model.two_models import TwoModels
from gui.panes.model.words import (
    axes_words,
    inspected_number,
    inspected_tensor,
    matrix_titles,
    number_words,
)
from gui.reading import code
from gui.session.state import Inspected
from gui.session.store import Store
from gui.widgets.action_row import HEIGHT, ActionRow
from model import messages as m
from model.probe.question import Named
from model.probe.weights.matrix_layout import MatrixLayout, layout_of

ViewName = Literal["tensors", "detail", "share", "scale", "all"]
VIEWS: dict[ViewName, tuple[str, str]] = {
    "tensors": ("Tensors", "Every parameter tensor with its figures"),
    "detail": ("Detail", "The selected tensor: histogram, image, singular values"),
    "share": ("Share", "Parameters as areas: parts, layers, tensors"),
    "scale": ("To scale", "Beside published models: the same area a parameter"),
    "all": ("All", "Everything side by side"),
}
ROOM_FOR_ALL = (760, 420)
"""Below this size only one view is shown at a time."""
NO_ROOM = "no room for all: the tensors alone · "


class WeightsView(QWidget):
    """The weights, by table, by picture and by area.

    Attributes:
        name: of the tensor that is looked at in detail; empty before there is one.
        part: the head of it that is looked at, or None for all.
        table, detail, treemap, scale: the views.
        two: another model's tensors beside these; None while no difference is shown.

    Signals:
        outdated: what is shown must be drawn anew: its owner calls `refresh` when it is seen.
    """

    outdated = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.name = ""
        self.part: int | None = None
        self._listed: tuple[m.WeightTensor, ...] | None = None
        self._questions = WeightQuestions(store)
        self.two: TwoModels | None = None
        self._seen_model = 0
        self._arranged_for: ViewName | Literal["nothing"] | None = "nothing"

        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Filter: W_Q, layer 2, mlp …")
        self.search.setAccessibleName("Filter tensors")
        self.search.setToolTip("Words that name, part or layer must have")
        self.search.setClearButtonEnabled(True)
        self.search.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.search.setFixedHeight(HEIGHT)
        self._views = QActionGroup(self)
        for key, (text, tip) in VIEWS.items():
            action = QAction(text, self)
            action.setToolTip(tip)
            action.setCheckable(True)
            action.setData(key)
            action.setChecked(key == "all")
            self._views.addAction(action)
        self.view_row = ActionRow(self._views.actions(), "Views of the weights", self)
        self.table = WeightTable(self)
        self.detail = WeightDetail(self)
        self.treemap = Treemap(self)
        self.scale = PublishedScale(self)
        self._top = Split(Qt.Orientation.Horizontal, self.table, self.detail)
        self._bottom = Split(Qt.Orientation.Horizontal, self.treemap, self.scale)
        self._both = Split(Qt.Orientation.Vertical, self._top, self._bottom)
        self._both.setParent(self)
        self._resized = QTimer(self)
        self._resized.setSingleShot(True)
        self._resized.setInterval(120)
        self._wire()
        self.apply_theme()
        self._arrange()

    def _wire(self) -> None:
        self._views.triggered.connect(self._view_chosen)
        self.search.textChanged.connect(self.table.rows.set_filter)
        self.table.tensor_chosen.connect(self.choose)
        self.table.tensor_opened.connect(self._opened)
        self.table.view_changed.connect(self._ask_figures)
        self.treemap.tensor_chosen.connect(self.choose)
        detail = self.detail
        detail.part_chosen.connect(self.choose_part)
        detail.image.describe = self._describe
        detail.image.cell_chosen.connect(self._inspect)
        detail.image.window_changed.connect(self._resized.start)
        self.by_hand = ByHand(self.store, detail.image, detail.number, self)
        self.by_hand.told.connect(self._tell_anew)
        self._resized.timeout.connect(self._ask_detail)
        store = self.store
        store.subject_changed.connect(self._follow)
        store.weights.examined_changed.connect(self._draw_examined)
        self.singular = SingularSide(store, detail, self._questions, self._looked_at, self)

    # ------------------------------------------------------------------------- choices

    @property
    def view(self) -> ViewName:
        """The view that was asked for; where there is no room for all, the table stands in."""
        found: ViewName = self._views.checkedAction().data()
        return found

    def set_view(self, view: ViewName) -> None:
        """Ask for a view, as a click would."""
        next(a for a in self._views.actions() if a.data() == view).trigger()

    def focus_search(self) -> None:
        """Put the cursor into the filter."""
        self.search.setFocus()
        self.search.selectAll()

    def choose(self, name: str) -> None:
        """Look at a tensor in detail, and say in the inspector what it is."""
        tensor = self.store.weights.tensor(name)
        if tensor is None or name == self.name:
            return
        self.name, self.part = name, None
        self._show_chosen(tensor)
        self.store.inspect(inspected_tensor(self.store, tensor))

    def choose_part(self, part: object) -> None:
        """Look at one head of the tensor, or at all of it (None)."""
        self.part = part if isinstance(part, int) else None
        tensor = self._tensor()
        if tensor is not None:
            self._show_chosen(tensor)

    def _show_chosen(self, tensor: m.WeightTensor) -> None:
        layout = self._layout_of(tensor)
        self.table.set_chosen(tensor.name)
        self.treemap.set_chosen(tensor.tied_to or tensor.name)
        self.detail.show_tensor(tensor, axes_words(self.store, tensor), self.part)
        self.detail.image.set_shape(layout.n_rows, layout.n_columns)
        self.by_hand.show_tensor(tensor.name, layout)
        self.detail.show_figures(self.store.weights.figures.get(tensor.name))
        self._ask_detail()
        self.singular.ask()

    def _opened(self, name: str) -> None:
        """Enter, or a double click: where one view is seen at a time, go to the detail."""
        self.choose(name)
        if self._one_view() is not None:
            self.set_view("detail")

    def _view_chosen(self) -> None:
        self._arrange()
        self.outdated.emit()

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        model, state = self.store.model, self.store.weights
        self._arrange()
        if model is None:
            return
        if self._seen_model != model.model_id:
            self._seen_model = model.model_id
            self._questions.forget()
        if not state.tensors:
            state.list_tensors()
            return
        if state.tensors is not self._listed:
            self._listed = state.tensors
            self.table.rows.set_tensors(state.tensors)
            self.treemap.set_roots(tree_of(state.tensors))
            self.scale.show_own(model.name, model.config)
            self._choose_first(state.tensors)
        self.table.rows.set_figures(state.figures)
        self.detail.show_figures(state.figures.get(self.name))
        self._ask_figures()
        self._ask_detail()

    def show_apart(self, two: TwoModels | None) -> None:
        """Show how far another model's tensors are from these; None for no comparison."""
        self.two = two
        self.table.set_apart(None if two is None else two.by_name)
        self.treemap.set_apart(two)

    def _choose_first(self, tensors: tuple[m.WeightTensor, ...]) -> None:
        """The tensor that was looked at, if this model has one of that name too."""
        names = [tensor.name for tensor in tensors]
        keep = self.name in names
        tensor = tensors[names.index(self.name)] if keep else tensors[0]
        if not keep:
            self.part = None
        self.name = tensor.name
        if len(tensor.shape) < 3 or (self.part is not None and self.part >= tensor.shape[0]):
            self.part = None
        self._show_chosen(tensor)

    def _draw_examined(self) -> None:
        found = self.store.weights.examined
        if found is None or found.name != self.name or found.layout.part != self.part:
            return
        tensor = self._tensor()
        if tensor is not None:
            self.detail.show_examined(found, matrix_titles(self.store, tensor, found.layout))
            self._questions.answered(found.seconds)

    def apply_theme(self) -> None:
        self.table.apply_theme()
        self.detail.apply_theme()
        for split in (self._top, self._bottom, self._both):
            split.apply_theme()

    def header_note(self) -> str:
        """How many tensors there are, and of which training step; ends where more may follow."""
        state = self.store.weights
        if not state.tensors:
            return ""
        drawn = state.tensors is self._listed
        n = len(self.table.rows.shown) if drawn else len(state.tensors)
        step = state.steps.get(self.name)
        of = f"{n} of {len(state.tensors)}" if n != len(state.tensors) else f"{n}"
        learned = f"step {step:,} · " if step is not None else ""
        alone = NO_ROOM if self.view == "all" and self._one_view() is not None else ""
        return f"{alone}{learned}{of} tensors · "

    def code(self) -> str:
        """The tensor in detail: figures, histogram, picture, singular values as they are drawn."""
        state = self.store.weights
        if not self.name:
            return ""
        found, singular = state.examined, state.singular_values
        if found is not None and (found.name, found.layout.part) != (self.name, self.part):
            found = None
        if singular is not None and (singular.name, singular.part) != (self.name, self.part):
            singular = None
        return code.of_tensor(self.name, found, singular)

    def export_data(self) -> Mapping[str, Named]:
        """The table, and what is drawn of the tensor in detail."""
        shown = self.table.rows.shown
        data = arrays_of(shown, self.store.weights, self.name)
        if self.two is not None:
            data |= self.two.arrays([tensor.name for tensor in shown])
        return data

    # ------------------------------------------------------------------------- numbers

    def _layout_of(self, tensor: m.WeightTensor) -> MatrixLayout:
        return layout_of(tensor.name, tensor.shape, self.part)

    def _number(self, row: int, column: int, value: float) -> Inspected | None:
        tensor = self._tensor()
        if tensor is None:
            return None
        layout = self._layout_of(tensor)
        return inspected_number(self.store, tensor, layout, (row, column, value))

    def _describe(self, row: int, column: int, value: float) -> str:
        number = self._number(row, column, value)
        return "" if number is None else number_words(self.store, number)

    def _inspect(self, number: object) -> None:
        assert isinstance(number, tuple)
        row, column, value = number
        self.detail.image.set_chosen((row, column))
        self.store.inspect(self._number(row, column, value))
        self.by_hand.choose(row, column, value)

    def _tell_anew(self) -> None:
        """The inspector's sentence says what the number is set to."""
        chosen, inspected = self.by_hand.chosen, self.store.inspected
        if chosen is not None and inspected is not None:
            name, index, number = chosen
            if (inspected.name, inspected.index) == (name, index):
                self.store.inspect(self._number(*number))

    def _tensor(self) -> m.WeightTensor | None:
        """The tensor that is looked at; None while another model's are listed than are drawn.

        One of the same name may have fewer heads there, and fewer rows.
        """
        weights = self.store.weights
        return weights.tensor(self.name) if weights.tensors is self._listed else None

    def _looked_at(self) -> tuple[str, int | None, MatrixLayout | None]:
        tensor = self._tensor()
        return self.name, self.part, None if tensor is None else self._layout_of(tensor)

    # ------------------------------------------------------------------------- asking

    def _ask_figures(self) -> None:
        """Figures of the tensor in detail and of the rows that are seen; then of the others."""
        if self.table.isVisible() or self.detail.isVisible():
            self._questions.ask_figures(self._figures_seen(), all_matter=self._sorted_by_figures())

    def _figures_seen(self) -> tuple[str, ...]:
        rows = self.table.in_view() if self.table.isVisible() else ()
        names = (self.name, *rows) if self.name else rows
        return tuple(dict.fromkeys(names))

    def _sorted_by_figures(self) -> bool:
        return self.table.isVisible() and self.table.rows.by_figures

    def _ask_detail(self) -> None:
        """Histogram and picture of the tensor, as fine as there is room for."""
        tensor, image = self._tensor(), self.detail.image
        if tensor is None or not self.detail.isVisible():
            return
        layout = self._layout_of(tensor)
        rows, columns = image.in_view
        if 0 < rows[1] <= layout.n_rows and 0 < columns[1] <= layout.n_columns:
            self._questions.ask_detail(self.name, self.part, rows, columns, image.most_cells)

    def _follow(self) -> None:
        """A model that learns has been looked at: look at what is seen of its weights too."""
        state = self.store.weights
        if not state.tensors or not self.isVisible():
            return
        seen = self._figures_seen()
        if self._sorted_by_figures():
            seen = tuple(tensor.name for tensor in state.tensors)
        if not self._questions.follow(seen) or not self.detail.isVisible():
            return
        self._ask_detail()
        if self.singular.is_known:
            self.singular.find()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.outdated.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.store.weights.cancel_singular_values()

    # ------------------------------------------------------------------------- places

    def _one_view(self) -> ViewName | None:
        """The view that has the pane for itself, None if all are shown."""
        if self.view != "all":
            return self.view
        wide, high = ROOM_FOR_ALL
        return None if self.width() >= wide and self.height() >= high else "tensors"

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        width, height, space = self.width(), self.height(), theme.SPACE
        one = self._one_view()
        searching = one in (None, "tensors") and width > 260
        field = min(240, width // 3) if searching else 0
        self.view_row.setGeometry(space, theme.TIGHT, max(40, width - 3 * space - field), HEIGHT)
        self.search.setGeometry(width - space - field, theme.TIGHT, field, HEIGHT)
        self.search.setVisible(searching)
        shown: dict[ViewName, QWidget] = {
            "tensors": self.table,
            "detail": self.detail,
            "share": self.treemap,
            "scale": self.scale,
        }
        for key, widget in shown.items():
            widget.setVisible(one is None or key == one)
        self._top.setVisible(one in (None, "tensors", "detail"))
        self._bottom.setVisible(one in (None, "share", "scale"))
        top = HEIGHT + 2 * theme.TIGHT
        self._both.setGeometry(QRect(0, top, width, max(0, height - top)))
        before = self._arranged_for
        if one is None and before is not None:
            # As a person leaves the splitters, so they stay; at first they stand here.
            self._both.setSizes([int(height * 0.62), int(height * 0.38)])
            self._top.setSizes([int(width * 0.46), int(width * 0.54)])
            self._bottom.setSizes([width // 2, width // 2])
        self._arranged_for = one
        if self.view == "all" and (one is None) != (before is None):
            self.outdated.emit()  # the header says whether there is room for all
