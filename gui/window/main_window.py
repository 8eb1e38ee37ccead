"""The window: its parts put together, and what it does that no part of it does.

Docks and panes are the pane host's, their places the layouts', files in and out `Files`'. Knows
panes by their base class, and no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QToolBar, QWidget

from gui import theme
from gui.on_screen import keep_on_screen
from gui.pace import Later
from gui.panes import PANES
from gui.panes.entry import PaneEntry
from gui.session.backend import Backend
from gui.session.runs_folder import proposed
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES
from gui.window.closing import Closing
from gui.window.commands import OwnedCommand, joined
from gui.window.dialogs import AboutDialog, ShortcutsDialog
from gui.window.dock import PaneDock
from gui.window.files import Files
from gui.window.glossary import GlossaryDialog
from gui.window.header_notes import HeaderNotes
from gui.window.layouts import Layouts
from gui.window.menus import Menus
from gui.window.met import Met
from gui.window.notice_bar import NoticeBar
from gui.window.palette.offers import Offers
from gui.window.palette.overlay import Palette
from gui.window.pane_host import PaneHost
from gui.window.pane_menu import PaneMenu
from gui.window.settings_page import SettingsPage
from gui.window.status_bar import StatusBar
from gui.window.tab_guard import TabGuard
from gui.window.timeline.bar import TimelineBar
from gui.window.top_bar import TopBar

TRAINING = "training"
"""Key of the pane that shows a run; while it is out of sight the top bar tells of the run."""
FIRST_SIZE = QSize(1440, 900)
"""Of the window, where the screen is large enough for it."""
AFTER_MS = 60
"""Headers and what the status bar says come after the pictures of an edit."""
ACTIONS_MS = 250
"""A run tells of itself several times a second, and to find which of the hundred commands can be
used takes half a millisecond."""


class MainWindow(QMainWindow):
    """The one window.

    Args:
        store: the state that all panes read.
        backend: the worker, stopped on closing.
        settings: remembered choices, written on closing.
        panes: what there is to see.

    Attributes:
        host: docks and panes.
        layouts: where the docks are.
        on_screen: keeps it on its screen.
        files: what the File menu does.
        pane_menu: what is done with one pane as a whole.
        commands: all of them, in the order of the menus.
        actions_by_id: the same as Qt has them.
    """

    remembering = Signal()  # the settings are about to be written for the next start

    def __init__(
        self,
        store: Store,
        backend: Backend,
        settings: Settings,
        panes: Sequence[PaneEntry] = PANES,
    ) -> None:
        super().__init__()
        self.store = store
        self.backend = backend
        self.settings = settings
        self.settings_at_start = replace(settings)
        self._palette: Palette | None = None
        self._actions = Later(self._update_actions, ACTIONS_MS, self, AFTER_MS)
        self.setObjectName("main_window")
        self.setWindowTitle("Glassformer")
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks
        )
        self.resize(FIRST_SIZE)
        self.on_screen = keep_on_screen(self)

        self.host = PaneHost(panes, store, settings, self)
        TabGuard(self)
        self.layouts = Layouts(self, self.host.docks, settings)
        self._closing = Closing(self, backend, settings, self._remember)
        self._build_bars()
        self.files = Files(self, store, settings, self.host)
        self._notes = HeaderNotes(self.host, store, AFTER_MS, self)
        self.pane_menu = PaneMenu(store, self.host, self.files, self)
        self.commands = joined(panes)
        self._menus = Menus(
            self,
            self.commands,
            self.perform,
            self.is_on,
            below={"open_bundled": self.files.recent_menu},
        )
        self.actions_by_id: dict[str, QAction] = self._menus.actions
        self.layouts.fill_menu(self._menus.menu("View").addMenu("&Panes"))
        self._connect()
        self.layouts.restore()
        self._update_actions()
        # Or Qt gives it to the first button, whose ring then looks like a choice.
        self.setFocus()

    @property
    def docks(self) -> dict[str, PaneDock]:
        """The place of every pane, by its key."""
        return self.host.docks

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.host.begin()

    # ------------------------------------------------------------------------ building

    def _build_bars(self) -> None:
        self.top_bar = TopBar(self.store, tuple(PERSPECTIVES), self)
        self.notice_bar = NoticeBar(self)
        for name, widget in (("top", self.top_bar), ("notice", self.notice_bar)):
            bar = _fixed_bar(name, self)
            action = bar.addWidget(widget)
            self.addToolBar(Qt.ToolBarArea.TopToolBarArea, bar)
            self.addToolBarBreak(Qt.ToolBarArea.TopToolBarArea)
            if widget is self.notice_bar:
                action.setVisible(False)
                self._notice_action = action
                self._notice_toolbar = bar
                bar.hide()
        self.timeline_bar = TimelineBar(self.store, self)
        self._timeline_toolbar = bar = _fixed_bar("timeline", self)
        bar.addWidget(self.timeline_bar)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, bar)
        bar.hide()
        self.status_bar = StatusBar(self.store, self)
        self.setStatusBar(self.status_bar)

    def _connect(self) -> None:
        store = self.store
        for signal in (
            store.comparing.changed,
            store.engine_changed,
            store.model_changed,
            store.subject_changed,
            store.generating.changed,
            self.status_bar.can_cancel_changed,
            store.walking.places_changed,
        ):
            signal.connect(self._update_actions)
        Met(store, self.files, self.notice_bar, self)
        store.model_changed.connect(self._update_title)
        store.notice_posted.connect(self._show_notice)
        self.notice_bar.dismissed.connect(self._hide_empty_notice)
        self.timeline_bar.branch_requested.connect(self.actions_by_id["branch_here"].trigger)
        self.timeline_bar.wanted_changed.connect(self._show_timeline)
        store.run.changed.connect(self._actions.ask)
        store.timeline.changed.connect(self._actions.ask)
        store.timeline.changed.connect(self._update_title)
        self.layouts.applied.connect(self._layout_applied)
        self.top_bar.perspective_chosen.connect(self.layouts.set_perspective)
        self.top_bar.model_clicked.connect(self._drop_recent)
        self.top_bar.palette_clicked.connect(self.show_palette)
        self.top_bar.comparison.model_requested.connect(self.files.ask_open_beside)
        self.top_bar.run_line.show_requested.connect(self.show_run)
        if TRAINING in self.docks:
            dock = self.docks[TRAINING]
            dock.visibilityChanged.connect(self.top_bar.run_line.set_seen_elsewhere)
            store.run.proposed.connect(self._show_recipe)

    # ------------------------------------------------------------------------ commands

    def perform(self, owned: OwnedCommand) -> None:
        """Do a command, its own or a pane's."""
        if owned.pane is not None and owned.command.in_front:
            self.layouts.show_pane(owned.pane)
        self.method_of(owned)(*owned.command.args)
        self._menus.tick()

    def is_on(self, owned: OwnedCommand) -> bool:
        """Whether what a command turns on and off is on; a pane that isn't made has nothing on."""
        if owned.pane is not None and not self.host.has(owned.pane):
            return False
        target: QWidget = self if owned.pane is None else self.host.pane(owned.pane)
        state = attrgetter(owned.command.checked)(target)
        return bool(state() if callable(state) else state)

    def method_of(self, owned: OwnedCommand) -> Callable[..., object]:
        """The method that does a command; its pane is made now, if it was not.

        Raises:
            AttributeError: there is none of that name.
        """
        target: QWidget = self if owned.pane is None else self.host.pane(owned.pane)
        method: Callable[..., object] = attrgetter(owned.command.does)(target)
        return method

    def show_palette(self) -> None:
        """One search over everything that can be done or looked at."""
        if self._palette is None:
            self._palette = Palette(self, Offers(self).find)
        if not self.store.weights.tensors:
            self.store.weights.list_tensors()
        self._palette.open()

    def show_run(self) -> None:
        """The run with its curves, where they are."""
        run = self.store.run
        if run.shown is not run.current and run.model is not None:
            run.follow(True)  # the pane tells of the run of the model in view
        self.layouts.set_perspective("Train")
        self.layouts.show_pane(TRAINING)

    def _show_recipe(self, _: object) -> None:
        """What somebody would have trained stands in Training: there a person decides."""
        if self.isVisible() and not self.docks[TRAINING].isVisible():
            self.layouts.set_perspective("Train")
            self.layouts.show_pane(TRAINING)

    def show_shortcuts(self) -> None:
        ShortcutsDialog(self._menus.keys(), self).open()

    def show_glossary(self, typed: str = "") -> None:
        """The field's terms, perhaps only those with some words."""
        GlossaryDialog(self, typed).open()

    def show_settings(self, focus: str = "") -> None:
        """The page of settings, with the keyboard on one of them."""
        SettingsPage(self, self, focus).open()

    def show_about(self) -> None:
        AboutDialog(self.store, self).open()

    def toggle_theme(self) -> None:
        """Dark to light and back."""
        self.set_theme("light" if theme.current().name == "dark" else "dark")

    def set_theme(self, name: str) -> None:
        """Dress everything in a theme."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, name)
        self.settings.theme = name
        self.top_bar.apply_theme()
        self.notice_bar.apply_theme()
        if self._palette is not None:
            self._palette.apply_theme()
        self.store.theme_changed.emit()
        for dock in self.docks.values():
            dock.header.update()

    def toggle_motion(self) -> None:
        """Let values move along their paths, or not."""
        self.set_motion(not self.settings.motion)
        self.store.post(Notice(f"Motion is {'on' if self.settings.motion else 'off'}."))

    def set_motion(self, on: bool) -> None:
        """Let values move along their paths, or not."""
        self.settings.motion = on
        theme.set_motion(on)

    @property
    def runs_folder(self) -> Path:
        """Where training writes its runs."""
        kept = self.host.pane(TRAINING).remember() if self.host.has(TRAINING) else {}
        chosen = (kept or self.settings.panes.get(TRAINING, {})).get("runs_dir")
        return Path(str(chosen)) if chosen else proposed()

    def set_runs_folder(self, path: Path) -> None:
        """Let training write its runs there."""
        self.settings.panes.setdefault(TRAINING, {})["runs_dir"] = str(path)
        if self.host.has(TRAINING):
            self.host.pane(TRAINING).recall({"runs_dir": str(path)})

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.files.drag_entered(event)

    def dropEvent(self, event: QDropEvent) -> None:
        path = self.files.dropped_table(event)
        if path:
            self.show_thing("vectors", path)
        else:
            self.files.dropped(event)

    def show_thing(self, kind: str, what: object) -> None:
        """Let the first pane that can show such a thing do so, in front."""
        for key, dock in self.docks.items():
            for shown, method in dock.entry.shows:
                if shown == kind:
                    self.layouts.show_pane(key)
                    attrgetter(method)(self.host.pane(key))(what)
                    return

    def _drop_recent(self) -> None:
        button = self.top_bar.model_button
        self.files.recent_menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    # ------------------------------------------------------------------- what has changed

    def _update_title(self) -> None:
        name = self.store.timeline.model_name
        if name:
            self.setWindowTitle(f"{name.replace('[*]', '[*][*]')} — Glassformer")

    def _layout_applied(self, perspective: str) -> None:
        self._hide_empty_notice()
        self._show_timeline()
        self.top_bar.set_perspective(perspective)
        self._notes.ask()

    def _update_actions(self) -> None:
        self._menus.update(self.store)

    def _show_notice(self, notice: object) -> None:
        self.notice_bar.show_notice(notice)
        self._notice_action.setVisible(True)
        self._notice_toolbar.show()

    def _hide_empty_notice(self) -> None:
        if not self.notice_bar.message:
            self._notice_action.setVisible(False)
            self._notice_toolbar.hide()

    def _show_timeline(self) -> None:
        """Only where there are steps: also a layout that was kept may show its bar."""
        self._timeline_toolbar.setVisible(self.timeline_bar.wanted)

    def sizeHint(self) -> QSize:
        return FIRST_SIZE

    # ------------------------------------------------------------------------- closing

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop the worker within one step, a run saved; then go. A second close goes at once."""
        if self._closing.may_close():
            self.store.exporting.finish()
            event.accept()
            return
        if self.store.run.running or self.store.scaling.going:
            self.status_bar.showMessage("Saving the run…")
        event.ignore()

    def _remember(self) -> None:
        self.layouts.remember()
        self.host.remember()
        self.remembering.emit()


def _fixed_bar(name: str, window: MainWindow) -> QToolBar:
    """A bar that stays where it is, over the whole width."""
    bar = QToolBar(name, window)
    bar.setObjectName(f"{name}_toolbar")
    bar.setMovable(False)
    bar.setFloatable(False)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    bar.setContentsMargins(0, 0, 0, 0)
    bar.toggleViewAction().setVisible(False)
    return bar
