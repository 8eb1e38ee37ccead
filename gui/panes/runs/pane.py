"""Runs: the tree of a folder's runs above the settings in which those of one family differ.

Knows the store and widgets, no other pane.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFileDialog, QHBoxLayout, QPushButton, QWidget

from gui import theme
from gui.file_dialog import file_dialog
from gui.panes.base import EmptyState, Pane, column
from gui.panes.runs import ENTRY
from gui.panes.runs.tables import RunTable, SettingsTable
from gui.panes.runs.words import said_of_all, said_of_one
from gui.reading import code
from gui.session.conditions import has_run
from gui.session.store import Store
from gui.widgets.nest import nest
from gui.widgets.run_color import run_color
from gui.widgets.text import Text, as_written
from model.counting import counted
from model.probe.question import Named
from model.train.branching.tree import RunNode, differing
from model.train.run_folder import unique_run_dir

BESIDE = 420
"""Pixels of width from which the sentence on all runs has room beside the buttons."""
LEAST_TABLE = 84
"""Pixels that a table has in any case: its header and some rows."""


class RunsPane(Pane):
    """Tree, a sentence on the run that is chosen, and the table of differences."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._seen: Sequence[RunNode] = ()
        self._exported = "", ""
        self.said = Text(tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE), wrap=True)
        self.open_button = QPushButton("Open")
        self.open_button.setToolTip("Bring the chosen run's newest snapshot into view (Enter)")
        self.again_button = QPushButton("Read again")
        self.again_button.setToolTip("Look what has come to the folder since")
        for button in (self.open_button, self.again_button):
            button.setAccessibleName(button.text())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.tree = RunTable()
        self.about = Text(font=theme.sans(theme.SMALL_FONT_SIZE), wrap=True)
        self.differ = Text(
            tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE), elide=Qt.TextElideMode.ElideRight
        )
        self.settings = SettingsTable()
        self.empty = EmptyState()
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.again_button)
        buttons.addStretch(1)
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.setSpacing(theme.SPACE)
        self._head.addWidget(self.said, 1)
        nest(self._head, buttons)
        outer = column(self, spacing=theme.TIGHT)
        nest(outer, self._head)
        outer.addWidget(self.tree)
        outer.addWidget(self.about)
        outer.addSpacing(theme.TIGHT)
        outer.addWidget(self.differ)
        outer.addWidget(self.settings, 1)
        outer.addWidget(self.empty, 1)
        self.open_button.clicked.connect(self.open_chosen)
        self.again_button.clicked.connect(self.read_again)
        self.tree.run_selected.connect(self._choose)
        self.tree.run_opened.connect(self._open)
        self.tree.ticked.connect(self._tick)
        store.branching.changed.connect(self.invalidate)
        store.run.changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)

    # ------------------------------------------------------------------------ actions

    def read_again(self) -> None:
        """Look what has come to the folder since."""
        self.store.branching.read_again()
        self.invalidate()

    def open_chosen(self) -> None:
        """Bring the chosen run into view."""
        self._open(self.tree.selected)

    def ask_export_events(self) -> None:
        """Ask where the numbers of the run that is shown are to be written for TensorBoard."""
        run = self.store.run.shown
        if run is None:
            return
        self._exported = run.run_dir, run.name
        dialog = file_dialog(
            self,
            f"A folder for the events of {run.name}",
            "events_dialog",
            QFileDialog.FileMode.Directory,
        )
        dialog.fileSelected.connect(self.export_events)
        dialog.open()

    def export_events(self, folder: str) -> None:
        """Write them to a folder of the run's name in this one: TensorBoard names it so."""
        run_dir, name = self._exported
        self.store.saving.export_events(run_dir, str(unique_run_dir(Path(folder), name)))

    def _open(self, run_dir: str) -> None:
        run = self.store.run.shown
        if run_dir and not (run is not None and run.run_dir == run_dir and run.running):
            self.store.opening.open(run_dir)

    def _tick(self, run_dir: str, wanted: bool) -> None:
        self.store.branching.show(run_dir, shown=wanted)

    def _choose(self, _run_dir: str) -> None:
        self._say_of_chosen()

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        branching, run = self.store.branching, self.store.run.shown
        nodes = branching.runs if run is not None else ()
        self._seen = nodes
        there = bool(nodes) and run is not None
        self.empty.setText("" if there else self._why_empty())
        self.empty.setVisible(not there)
        for widget in (self.said, self.tree, self.about, self.settings, self.differ):
            widget.setVisible(there)
        self.open_button.setVisible(there)
        self.again_button.setVisible(has_run(self.store))
        if run is None or not there:
            return
        drawn = branching.drawn_over(run)
        colors = {node.run_dir: run_color(1 + branching.places[node.run_dir]) for node in drawn}
        colors[run.run_dir] = run_color(0)
        self.said.setText(said_of_all(nodes))
        self.said.setToolTip(as_written(branching.folder))
        self.tree.show_runs(nodes, colors, run.run_dir)
        compared = [node for node in nodes if node.run_dir in colors]
        recipes = [node.recipe for node in compared if node.recipe is not None]
        table = differing(recipes)
        names = [node.name for node in compared if node.recipe is not None]
        self.settings.show_settings(names, table)
        if len(recipes) < 2:
            words = (
                "Tick a run: its curve lies over this one's in Training, and here stands in which "
                "settings they differ."
                if len(nodes) > 1
                else f"{run.name} has no branches yet: Branch from here… in Training makes one."
            )
        elif table:
            words = "Settings in which they differ; other than in the first run: coloured"
        else:
            words = "Their settings are the same."
        self.differ.setText(words)
        self.settings.setVisible(bool(table))
        self.empty.setVisible(not table)  # without words: it takes the room below
        self._say_of_chosen()
        self._share_room()

    def _say_of_chosen(self) -> None:
        by_path = {node.run_dir: node for node in self._seen}
        node = by_path.get(self.tree.selected)
        self.about.setText("" if node is None else said_of_one(node, by_path))
        self.open_button.setEnabled(node is not None and node.recipe is not None)

    def _why_empty(self) -> str:
        branching, run = self.store.branching, self.store.run.shown
        if branching.problem:
            return branching.problem
        if run is None:
            return (
                "Start a run, or open one. The runs of its folder appear here as a tree, each "
                "branch under the run it comes of."
            )
        return f"Reading the runs in {branching.folder} …"

    def _share_room(self) -> None:
        """The tree has what its rows take, and leaves the settings a third."""
        needed = self.tree.full_height()
        least = LEAST_TABLE if self.settings.isVisibleTo(self) else 0
        most = max(LEAST_TABLE, int(self.height() * (0.55 if least else 0.8)))
        self.tree.setFixedHeight(min(needed, most))

    def apply_theme(self) -> None:
        self.tree.apply_theme()
        self.settings.apply_theme()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.store.branching.look(self.key, looks=True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.store.branching.look(self.key, looks=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        directions = QBoxLayout.Direction
        beside = self.width() >= BESIDE
        self._head.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
        if self.tree.isVisibleTo(self):
            self._share_room()

    def header_note(self) -> str:
        n = sum(node.branch is not None for node in self._seen)
        if not self._seen:
            return ""
        runs = counted(len(self._seen), "run")
        return f"{runs} · {n:,} branch{'' if n == 1 else 'es'}" if n else runs

    def code(self) -> str:
        folder = self.store.branching.folder
        return code.of_runs(folder) if self._seen else ""

    def export_data(self) -> Mapping[str, Named]:
        """The validation losses of every run over their steps; NaN where one has none."""
        nodes = self._seen
        if not nodes:
            return {}
        steps = np.unique(np.concatenate([node.val_steps for node in nodes]))
        losses = np.full((len(nodes), len(steps)), np.nan)
        for row, node in enumerate(nodes):
            losses[row, np.searchsorted(steps, node.val_steps)] = node.val_loss
        names = np.array([node.name for node in nodes])
        return {"val_loss": Named(losses, ("run", "step"), {"run": names, "step": steps})}
