"""Scaling: the plan as a table, the queue's buttons, all curves, and the law with its exponents.

Knows the store and widgets, no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QProgressBar, QWidget

from gui import theme
from gui.file_dialog import file_dialog
from gui.panes.base import LAST, Pane, column
from gui.panes.scaling import ENTRY, words
from gui.panes.scaling.content import ScalingContent
from gui.panes.scaling.controls import ScalingControls
from gui.panes.scaling.curves_view import ALONG_WORDS
from gui.panes.scaling.export import arrays_of, code_of
from gui.panes.scaling.plan_form import PlanForm
from gui.session import runs_folder
from gui.session.scaling import expected_left
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.text import Text
from model.probe.question import Named
from model.train.run_folder import unique_run_dir
from model.train.scaling.plan import PlanError, ScalingPlan


class ScalingPane(Pane):
    """The widget.

    Attributes:
        controls: the buttons.
        form: the plan that is to be trained.
        status, progress: what goes on, and how far it is.
        content: the pictures and their words.
    """

    entry = ENTRY
    frame_ms: ClassVar[int] = 100

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._refusal = ""
        self.controls = ScalingControls(self)
        self.form = PlanForm(self)
        self.content = ScalingContent(self)
        self.status = Text(parent=self, wrap=True, tone="dim")
        self.status.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.status.setAccessibleName("State of the queue")
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(3)
        self.progress.setRange(0, 1000)
        self.progress.setAccessibleName("Progress of the queue")
        layout = column(self, spacing=theme.TIGHT)
        for widget in (self.controls, self.form, self.progress, self.status):
            layout.addWidget(widget)
        layout.addWidget(self.content, 1)
        self._connect()
        self.form.set_plan(store.scaling.record.plan)

    def _connect(self) -> None:
        scaling, controls, content = self.store.scaling, self.controls, self.content
        controls.views.chosen.connect(self._on_view)
        controls.along.chosen.connect(self.invalidate)
        controls.count.chosen.connect(self._on_count)
        controls.measure.clicked.connect(self.measure)
        controls.start.clicked.connect(self.start)
        controls.pause.clicked.connect(self.toggle_pause)
        controls.stop.clicked.connect(self.stop)
        controls.anew.clicked.connect(self.new_plan)
        controls.more.clicked.connect(self.offer_more)
        self.form.changed.connect(self._on_form)
        self.form.file_requested.connect(self.choose_file)
        for view in (content.table, content.curves, content.law):
            view.hovered.connect(content.light)
            view.chosen.connect(self.open_run)
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
        menu.popup(self.controls.more.mapToGlobal(QPoint(0, self.controls.more.height())))

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
        return file_dialog(self, title, "scaling_file_dialog")

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

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        scaling, controls = self.store.scaling, self.controls
        record = scaling.record
        along = next(key for key in ALONG_WORDS if key == controls.along.current)
        self.content.show_queue(record, scaling.fit, scaling.fit_problem, scaling.count, along)
        self.form.setVisible(not record.folder and not scaling.going)
        busy = self.store.engine is None or self.store.run.going
        controls.show_state(scaling, busy=busy)
        self._show_status()
        self._arrange()

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

    def _arrange(self) -> None:
        self.content.arrange(self.width(), self.height(), self.controls)

    def apply_theme(self) -> None:
        self.content.apply_theme()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def header_note(self) -> str:
        scaling = self.store.scaling
        if scaling.going:
            return "paused" if scaling.paused else scaling.doing
        fit = scaling.fit
        return f"α = {fit.alpha.value:.3f}" if fit is not None and fit.is_settled else ""

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
            "view": self.controls.views.current,
            "along": self.controls.along.current,
            "count": self.controls.count.current,
            LAST: {"plan": record.plan.to_toml()},
        }
        if record.folder:
            kept[LAST]["folder"] = record.folder
        return kept

    def recall(self, kept: Mapping[str, Any]) -> None:
        row = self.controls
        for key, segments in (("view", row.views), ("along", row.along), ("count", row.count)):
            if kept.get(key) in segments.buttons:
                segments.set_current(str(kept[key]))
        self._on_count(row.count.current)
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
