"""Scaling: the plan as a table, the queue's buttons, all curves, and the law with its exponents.

Knows the store and widgets, no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.on_screen import keep_on_screen
from gui.panes.base import LAST, EmptyState, Pane, column
from gui.panes.scaling import ENTRY, words
from gui.panes.scaling.curves_view import CurvesView
from gui.panes.scaling.exponents_view import ExponentsView
from gui.panes.scaling.export import arrays_of, code_of
from gui.panes.scaling.law_view import LawView
from gui.panes.scaling.plan_form import PlanForm
from gui.panes.scaling.sizes_table import SizesTable
from gui.session import runs_folder
from gui.session.scaling import expected_left
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.probe.question import Named
from model.train.run_folder import unique_run_dir
from model.train.scaling.plan import PlanError, ScalingPlan
from model.train.scaling.published import remark, verdict

WIDE, HIGH = 900, 560
"""From this width on table and pictures stand beside each other; from this height on above."""
ROOMY, VERY_HIGH = 600, 760
"""From these heights on the exponents, and how the law was fitted, have room under it."""
VIEWS = {
    "sizes": ("Sizes", "The plan, a row a size"),
    "curves": ("Curves", "The losses of all sizes over each other"),
    "law": ("Law", "Loss over parameters, the fitted power law, and its residuals"),
}


class ScalingPane(Pane):
    """The widget.

    Attributes:
        form: the plan that is to be trained.
        table, curves, law, exponents: the pictures.
    """

    entry = ENTRY
    frame_ms: ClassVar[int] = 100

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._refusal = ""
        self._dialog: QFileDialog | None = None
        self._make_controls()
        self._make_views()
        self._lay_out()
        self._connect()
        self.form.set_plan(store.scaling.record.plan)

    # ---------------------------------------------------------------------- structure

    def _make_controls(self) -> None:
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.views = Segments(self)
        for key, (title, tip) in VIEWS.items():
            self.views.add(key, title, tip)
        self.along = Segments(self)
        self.along.add("tokens", "tokens", "Curves over the tokens that were seen")
        self.along.add("compute", "compute", "Curves over the counted FLOP of training")
        self.count = Segments(self)
        self.count.add("blocks", "N blocks", "Parameters without embeddings, as Kaplan et al.")
        self.count.add("all", "N all", "All parameters, as Hoffmann et al. (Chinchilla)")
        self.measure_button = QPushButton("Measure", self)
        self.start_button = QPushButton("Start", self)
        make_primary(self.start_button)
        self.pause_button = QPushButton("Pause", self)
        self.stop_button = QPushButton("Stop", self)
        self.more_button = ControlButton("press", self, sign="more")
        self.more_button.setToolTip("A new plan, open a queue's folder")
        self.more_button.setAccessibleName("More: Scaling")
        self.form = PlanForm(self)
        self.status = Text(parent=self, wrap=True, tone="dim", font=small)
        self.status.setAccessibleName("State of the queue")
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(3)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the queue")

    def _make_views(self) -> None:
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.table = SizesTable(self)
        self.curves = CurvesView(self)
        self.law = LawView(self)
        self.no_curves = EmptyState(words.EMPTY_CURVES, self)
        self.no_law = EmptyState("", self)
        self.exponents = ExponentsView(self)
        self.rules = Text(parent=self, wrap=True, tone="dim", font=small)
        self.rules.setAccessibleName("Terms of the sizes")
        self.sentence = Text(parent=self, wrap=True, font=small)
        self.sentence.setAccessibleName("What the law says")
        self.note = Text(parent=self, wrap=True, tone="dim", font=small)
        self.note.setAccessibleName("How it was fitted")

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(theme.TIGHT)
        for widget in (self.views, self.along, self.count):
            top.addWidget(widget)
        top.addStretch(1)
        for button in (
            self.measure_button,
            self.start_button,
            self.pause_button,
            self.stop_button,
            self.more_button,
        ):
            top.addWidget(button)
        self._left = QWidget(self)
        left = QVBoxLayout(self._left)
        self._right = QWidget(self)
        right = QVBoxLayout(self._right)
        for box in (left, right):
            box.setContentsMargins(0, 0, 0, 0)
            box.setSpacing(theme.TIGHT)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        left.addWidget(self.table)
        left.addWidget(self.rules)
        left.addStretch(1)
        for widget, share in ((self.curves, 1), (self.no_curves, 1)):
            right.addWidget(widget, share)
        for widget, share in ((self.law, 1), (self.no_law, 1)):
            right.addWidget(widget, share)
        self._law_words = QWidget(self)
        said = QVBoxLayout(self._law_words)
        said.setContentsMargins(0, 0, 0, 0)
        said.setSpacing(theme.TIGHT)
        for part in (self.sentence, self.exponents, self.note):
            said.addWidget(part)
        self._body = QHBoxLayout()
        self._body.setSpacing(theme.SPACE)
        self._body.addWidget(self._left, 4)
        self._body.addWidget(self._right, 5)
        layout = column(self, spacing=theme.TIGHT)
        layout.addLayout(top)
        layout.addWidget(self.form)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addLayout(self._body, 1)
        self._columns = (left, right)
        self._arranged = ""

    def _connect(self) -> None:
        scaling = self.store.scaling
        self.views.chosen.connect(self._on_view)
        self.along.chosen.connect(self.invalidate)
        self.count.chosen.connect(self._on_count)
        self.measure_button.clicked.connect(self.measure)
        self.start_button.clicked.connect(self.start)
        self.pause_button.clicked.connect(self.toggle_pause)
        self.stop_button.clicked.connect(self.stop)
        self.more_button.clicked.connect(self.offer_more)
        self.form.changed.connect(self._on_form)
        self.form.file_requested.connect(self.choose_file)
        self.table.chosen.connect(self.open_run)
        for view in (self.table, self.curves, self.law):
            view.hovered.connect(self._light)
        for picture in (self.curves, self.law):
            picture.chosen.connect(self.open_run)
        scaling.changed.connect(self.invalidate)
        self.store.run.changed.connect(self.invalidate)
        self.store.engine_changed.connect(self.invalidate)
        self.store.activity.changed.connect(self._on_activity)

    # ------------------------------------------------------------------------- doing

    def measure(self) -> None:
        """Time a few steps of every size, or give that up."""
        scaling = self.store.scaling
        if scaling.timing is not None:
            scaling.stop_timing()
        elif self._take_form():
            scaling.time()

    def start(self) -> None:
        """Train what is left of the queue; a plan gets a folder of its own."""
        scaling = self.store.scaling
        if scaling.going or scaling.refusal or not self._take_form():
            return
        folder = ""
        if not scaling.record.folder:
            try:
                folder = str(unique_run_dir(runs_folder.proposed(), "scaling"))
            except OSError as error:
                self._refusal = f"No folder can be made: {error.strerror or error}."
                self.invalidate()
                return
        scaling.start(folder)

    def toggle_pause(self) -> None:
        """Hold the queue between two steps, or let it go on."""
        scaling = self.store.scaling
        if scaling.paused:
            scaling.resume()
        else:
            scaling.pause()

    def stop(self) -> None:
        """End the queue; what was trained is saved."""
        self.store.scaling.stop()

    def new_plan(self) -> None:
        """Show a plan of the same kind that has no folder yet."""
        self.store.scaling.plan(self.store.scaling.record.plan)
        self.form.set_plan(self.store.scaling.record.plan)

    def open_run(self, at: int) -> None:
        """Bring the network of a size into view: its last snapshot."""
        size = self.store.scaling.record.sizes[at]
        if not size.run_dir or size.state in ("waiting", "damaged"):
            self.store.post(Notice("This size has not begun: there is no network to open."))
        elif not self.store.opening.going:
            self.store.opening.open(size.run_dir)

    def offer_more(self) -> None:
        """A menu of what else can be done."""
        going = self.store.scaling.going
        why = "A queue is trained: stop it first" if going else ""
        items = [
            MenuItem("New plan", self.new_plan, why_not=why),
            MenuItem("Open a queue's folder…", self.choose_folder, why_not=why),
        ]
        menu = OfferMenu(items, self)
        menu.chosen.connect(self._do)
        menu.popup(self.more_button.mapToGlobal(QPoint(0, self.more_button.height())))

    def choose_folder(self) -> None:
        """Ask for the folder of a queue."""
        dialog = self._file_dialog("The folder of a queue of sizes")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self.store.scaling.open)
        dialog.open()

    def choose_file(self) -> None:
        """Ask for a text to train on."""
        dialog = self._file_dialog("A text to train all sizes on")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Text (*.txt *.md *.csv *.py)", "All files (*)"])
        dialog.fileSelected.connect(self.form.choose_file)
        dialog.open()

    def _file_dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self, title)
        keep_on_screen(dialog)
        dialog.setObjectName("scaling_file_dialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog = dialog
        return dialog

    def _do(self, thing: object) -> None:
        if callable(thing):
            thing()

    def _take_form(self) -> bool:
        """Make what is typed the plan, where there is no folder yet; whether it can be trained."""
        scaling = self.store.scaling
        if scaling.record.folder:
            return True
        try:
            plan = self.form.plan()
        except PlanError as error:
            self._refusal = str(error)
            self.invalidate()
            return False
        self._refusal = ""
        if plan != scaling.record.plan:
            scaling.plan(plan)
        return True

    def _on_form(self) -> None:
        self._take_form()
        self.invalidate()

    def _on_count(self, key: str) -> None:
        self.store.scaling.set_count("all" if key == "all" else "blocks")

    def _on_view(self) -> None:
        self._arrange()
        self.invalidate()

    def _on_activity(self) -> None:
        if self.store.scaling.timing is not None:
            self.invalidate()

    def _light(self, at: int) -> None:
        """What the mouse is over in one picture is brought out in all."""
        self.curves.light(at)
        self.law.light(at)
        if at < 0:
            self.table.clearSelection()
        else:
            self.table.selectRow(at)

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        scaling = self.store.scaling
        record, fit = scaling.record, scaling.fit
        self.table.show_record(record)
        self.rules.setText(" ".join(record.plan.rules()))
        along = "compute" if self.along.current == "compute" else "tokens"
        self.curves.show_record(record, along)
        self.law.show_law(record, fit, scaling.count)
        self.exponents.show_fit(fit)
        self.no_law.setText(scaling.fit_problem or words.empty_law(record))
        if fit is None:
            self.sentence.setText(self.no_law.text())
        else:
            self.sentence.setText(f"{verdict(fit)} {words.of_law(fit, scaling.count)}.")
            self.note.setText(f"{words.how(fit)} {remark(fit)}")
            self.law.setAccessibleDescription(self.sentence.text())
        self._show_controls()
        self._show_status()
        self._arrange()

    def _show_controls(self) -> None:
        scaling = self.store.scaling
        going, begun = scaling.going, bool(scaling.record.folder)
        timing = scaling.timing is not None
        refusal = scaling.refusal
        self.form.setVisible(not begun and not going)
        self.measure_button.setVisible(not begun and not going)
        self.measure_button.setText("Stop measuring" if timing else "Measure")
        tip = "Give it up" if timing else "Time a few real steps of every size: some seconds"
        self.measure_button.setToolTip(tip)
        busy = self.store.engine is None or self.store.run.going
        self.measure_button.setEnabled(timing or not busy)
        self.start_button.setVisible(not going)
        self.start_button.setText("Go on" if begun else "Start")
        self.start_button.setEnabled(not refusal and not timing)
        where = "Train all sizes, one after the other, in the background"
        self.start_button.setToolTip(refusal or where)
        self.pause_button.setVisible(going)
        self.pause_button.setText("Resume" if scaling.paused else "Pause")
        self.pause_button.setToolTip("Hold the queue between two steps, or let it go on")
        self.stop_button.setVisible(going)
        self.stop_button.setToolTip("End it; what was trained is saved, and it goes on later")

    def _show_status(self) -> None:
        scaling = self.store.scaling
        record, tone = scaling.record, "dim"
        left = expected_left(record)
        share = -1.0
        problem = self._refusal or scaling.problem
        if scaling.going:
            said = words.of_going(scaling.doing, record, left, paused=scaling.paused)
            share = words.share_of(record)
        elif scaling.timing is not None:
            at = scaling.progress
            said = "Measuring…" if at is None else f"{at.what}…"
            share = 0.0 if at is None or not at.total else at.done / at.total
        elif problem:
            said, tone = problem, "warning"
        elif scaling.refusal and record.folder and record.is_done:
            said = words.of_done(record)
        elif scaling.refusal:
            said = scaling.refusal
        elif record.folder:
            said = words.of_stopped(record, left)
        else:
            said = words.of_plan(record, left)
        self.status.setText(said)
        self.status.set_tone(tone)
        self.progress.setVisible(share >= 0)
        self.progress.setValue(round(1000 * share))

    def _mode(self) -> str:
        if self.width() >= WIDE:
            return "wide"
        return "tall" if self.height() >= HIGH else "low"

    def _arrange(self) -> None:
        """Show what has room: all, the table above one picture, or one of the three."""
        mode, view = self._mode(), self.views.current
        wide = mode == "wide"
        if mode == "tall" and view == "sizes":
            view = "curves"
        self.views.setVisible(not wide)
        self.views.buttons["sizes"].setVisible(mode == "low")
        self.views.buttons["curves"].first = mode != "low"
        curves, law = wide or view == "curves", wide or view == "law"
        fit, empty = self.store.scaling.fit is not None, self.curves.is_empty
        points = bool(self.law.points())
        self._left.setVisible(mode != "low" or view == "sizes")
        self._right.setVisible(mode != "low" or view != "sizes")
        self.curves.setVisible(curves and not empty)
        self.no_curves.setVisible(curves and empty)
        self.law.setVisible(law and points)
        self.no_law.setVisible(law and not points)
        self._law_words.setVisible(law and points)
        self.exponents.setVisible(fit and (wide or self.height() >= ROOMY))
        self.note.setVisible(fit and (wide or self.height() >= VERY_HIGH))
        self.rules.setVisible(mode != "tall")
        self.along.setVisible(curves)
        self.count.setVisible(law)
        direction = QHBoxLayout.Direction.LeftToRight if wide else QHBoxLayout.Direction.TopToBottom
        self._body.setDirection(direction)
        self._body.setStretch(0, 9 if wide else 0)
        self._body.setStretch(1, 16)
        if mode != self._arranged:
            self._arranged = mode
            # Beside the pictures its words stand under the table, which has room there.
            if wide:
                self._columns[0].insertWidget(2, self._law_words)
            else:
                self._columns[1].addWidget(self._law_words)
        # Not all rows where the pictures would lose their half of the height.
        most = self.height() // 3 if mode == "tall" else self.height()
        whole = self.table.wanted_height()
        self.table.setFixedHeight(max(90, min(whole, most)))

    def apply_theme(self) -> None:
        self.table.apply_theme()
        for view in (self.curves, self.law, self.exponents):
            view.redraw()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def header_note(self) -> str:
        scaling = self.store.scaling
        if scaling.going:
            return "paused" if scaling.paused else scaling.doing
        return "" if scaling.fit is None else f"α = {scaling.fit.alpha.value:.3f}"

    # ---------------------------------------------------------------------------- ways out

    def code(self) -> str:
        scaling = self.store.scaling
        return code_of(scaling.record, scaling.count, with_law=scaling.fit is not None)

    def export_data(self) -> Mapping[str, Named | np.ndarray]:
        scaling = self.store.scaling
        return arrays_of(scaling.record, scaling.fit, scaling.count)

    def remember(self) -> dict[str, Any]:
        record = self.store.scaling.record
        kept: dict[str, Any] = {
            "view": self.views.current,
            "along": self.along.current,
            "count": self.count.current,
            LAST: {"plan": record.plan.to_toml()},
        }
        if record.folder:
            kept[LAST]["folder"] = record.folder
        return kept

    def recall(self, kept: Mapping[str, Any]) -> None:
        for key, segments in (("view", self.views), ("along", self.along), ("count", self.count)):
            if kept.get(key) in segments.buttons:
                segments.set_current(str(kept[key]))
        self._on_count(self.count.current)
        last = kept.get(LAST)
        if not isinstance(last, dict):
            return
        if isinstance(last.get("folder"), str) and Path(last["folder"]).is_absolute():
            self.store.scaling.open(last["folder"])
        elif isinstance(last.get("plan"), str):
            try:
                plan = ScalingPlan.from_toml(last["plan"]).validate()
            except PlanError:
                return
            self.store.scaling.plan(plan)
            self.form.set_plan(plan)

    def sizeHint(self) -> QSize:
        return QSize(620, 430)
