"""The window: docks, menus, perspectives, files in and out. No model logic.

Knows the panes as widgets to place and a few public methods that commands call.
"""

from __future__ import annotations

import base64
from operator import attrgetter
from pathlib import Path

from PySide6.QtCore import QByteArray, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QInputDialog,
    QMainWindow,
    QMenu,
    QToolBar,
    QWidget,
)

from gui import settings as settings_file
from gui import theme
from gui.pace import Later
from gui.panes.base import Pane
from gui.session.backend import Backend
from gui.session.state import Inspected, Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES, keys
from gui.window.commands import COMMANDS, Command
from gui.window.dialogs import AboutDialog, PaletteDialog, ShortcutsDialog
from gui.window.dock import PaneDock
from gui.window.files import Files
from gui.window.notice_bar import NoticeBar
from gui.window.pane_host import Furniture
from gui.window.perspectives import arrange, resize
from gui.window.status_bar import StatusBar
from gui.window.top_bar import TopBar
from resources import STORY_WORLD

CLOSE_MS = 20_000
"""How long closing waits for the worker to save a run before it goes without."""
NOTES_MS = 250
"""Headers change at once after a rest, then this often: faster, their digits can't be read."""


class MainWindow(QMainWindow):
    """The one window.

    Args:
        store: the state that all panes read.
        backend: the worker, stopped on closing.
        settings: remembered choices, written on closing.
    """

    def __init__(self, store: Store, backend: Backend, settings: Settings) -> None:
        super().__init__()
        self.store = store
        self.backend = backend
        self.settings = settings
        self._closing = False
        self._began = False
        self._close_timer = QTimer(self)
        self._close_timer.setSingleShot(True)
        self._close_timer.timeout.connect(self.close)
        self._perspective = settings.perspective
        self._notes = Later(self._update_notes, NOTES_MS, self)
        self.setObjectName("main_window")
        self.setWindowTitle("Glassformer")
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks
        )
        self.resize(1440, 900)

        self.furniture = Furniture(store, self)
        self.furniture.pane_made.connect(self._pane_made)

        self._build_bars()
        self.files = Files(self, store, settings)
        self.actions_by_id: dict[str, QAction] = {}
        self._build_menus()
        self._connect()
        self._restore()
        self._update_actions()
        # Or Qt gives it to the first button, whose ring then looks like a choice.
        self.setFocus()

    # --------------------------------------------------------------------------- panes

    @property
    def docks(self) -> dict[str, PaneDock]:
        """The place of every pane, by its key."""
        return self.furniture.docks

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes that are made."""
        return self.furniture.panes

    def _pane_made(self, made: object) -> None:
        """Give a new pane what was remembered for it."""
        match made:
            case Pane(key="prompt"):
                self.furniture.prompt.history = tuple(self.settings.history)
                if self.focusWidget() is None:
                    # Who starts the program can type at once.
                    self.furniture.prompt.editor.setFocus()
            case Pane(key="training"):
                self.furniture.training.runs_dir = Path(self.settings.runs_dir or "runs")
            case Pane(key="attention") if self.files.pane is None:
                self.files.pane = self.furniture.attention
        self._notes.ask()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.furniture.begin()

    # ------------------------------------------------------------------------ building

    def _build_bars(self) -> None:
        self.top_bar = TopBar(self.store, tuple(PERSPECTIVES), self)
        self.notice_bar = NoticeBar(self)
        for name, widget in (("top", self.top_bar), ("notice", self.notice_bar)):
            bar = QToolBar(name, self)
            bar.setObjectName(f"{name}_toolbar")
            bar.setMovable(False)
            bar.setFloatable(False)
            bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
            bar.setContentsMargins(0, 0, 0, 0)
            action = bar.addWidget(widget)
            bar.toggleViewAction().setVisible(False)
            self.addToolBar(Qt.ToolBarArea.TopToolBarArea, bar)
            self.addToolBarBreak(Qt.ToolBarArea.TopToolBarArea)
            if widget is self.notice_bar:
                action.setVisible(False)
                self._notice_action = action
                self._notice_toolbar = bar
                bar.hide()
        self.status_bar = StatusBar(self.store, self)
        self.setStatusBar(self.status_bar)

    def _build_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        for command in COMMANDS:
            menu = menus.get(command.menu)
            if menu is None:
                menu = menus[command.menu] = self.menuBar().addMenu(f"&{command.menu}")
                menu.setToolTipsVisible(True)
            if command.separator:
                menu.addSeparator()
            menu.addAction(self._action(command))
            if command.id == "open_bundled":
                menu.addMenu(self.files.recent_menu)
        view = menus["View"]
        panes = view.addMenu("&Panes")
        for key in sorted(self.docks):
            panes.addAction(self.docks[key].toggleViewAction())

    def _action(self, command: Command) -> QAction:
        action = QAction(command.text, self)
        action.setObjectName(command.id)
        action.setToolTip(command.tip)
        action.setStatusTip("")
        if command.keys:
            action.setShortcut(QKeySequence(command.keys))
        if command.id == "quit":
            action.setMenuRole(QAction.MenuRole.QuitRole)
        action.triggered.connect(attrgetter(command.method)(self))
        self.actions_by_id[command.id] = action
        return action

    def _connect(self) -> None:
        store = self.store
        for signal in (
            store.engine_changed,
            store.model_changed,
            store.trace_changed,
            store.generating.changed,
            store.run.changed,
        ):
            signal.connect(self._update_actions)
        for signal in (
            store.trace_changed,
            store.selection_changed,
            store.vocabulary_changed,
            store.model_changed,
            store.run.changed,
            store.sampling_changed,
            store.generating.changed,
            store.weights.changed,
        ):
            signal.connect(self._notes.ask)
        store.model_changed.connect(self._model_changed)
        store.notice_posted.connect(self._show_notice)
        self.notice_bar.dismissed.connect(self._hide_empty_notice)
        self.backend.stopped.connect(self._worker_stopped)
        self.top_bar.perspective_chosen.connect(self.set_perspective)
        self.top_bar.model_clicked.connect(self._drop_recent)
        self.top_bar.palette_clicked.connect(self.show_palette)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_changed)

    # ----------------------------------------------------------- perspectives and layout

    def _restore(self) -> None:
        if self.settings.geometry:
            self.restoreGeometry(_from_text(self.settings.geometry))
        name = self._perspective if self._perspective in PERSPECTIVES else "Explore"
        self._perspective = name
        self._apply_perspective(name)

    def _apply_perspective(self, name: str) -> None:
        saved = self.settings.layouts.get(name)
        # A saved state says nothing of docks that were not placed then: they would stay in sight.
        for dock in self.docks.values():
            dock.hide()
        if saved is None or not self.restoreState(_from_text(saved), settings_file.LAYOUT_VERSION):
            arrange(self, self.docks, PERSPECTIVES[name])
            # Sizes hold only once the layout has run at the window's real size.
            QTimer.singleShot(0, self._settle)
        self._hide_empty_notice()
        self.top_bar.set_perspective(name)
        self._notes.ask()

    def _settle(self) -> None:
        if self._perspective not in self.settings.layouts:
            resize(self, self.docks, PERSPECTIVES[self._perspective])

    def set_perspective(self, name: object) -> None:
        """Change to another arrangement; the one in force is kept as the person left it."""
        wanted = str(name)
        if wanted == self._perspective or wanted not in PERSPECTIVES:
            self.top_bar.set_perspective(self._perspective)
            return
        self._keep_layout()
        self._perspective = wanted
        self._apply_perspective(wanted)

    @property
    def perspective(self) -> str:
        """The arrangement in force."""
        return self._perspective

    def _keep_layout(self) -> None:
        state = self.saveState(settings_file.LAYOUT_VERSION)
        self.settings.layouts[self._perspective] = _to_text(state)

    def perspective_explore(self) -> None:
        self.set_perspective("Explore")

    def perspective_space(self) -> None:
        self.set_perspective("Space")

    def perspective_train(self) -> None:
        self.set_perspective("Train")

    def perspective_model(self) -> None:
        self.set_perspective("Model")

    def reset_layout(self) -> None:
        """This perspective as it was made."""
        self.settings.layouts.pop(self._perspective, None)
        self._apply_perspective(self._perspective)

    def show_pane(self, key: str) -> None:
        """Bring a pane to the front, wherever it is."""
        dock = self.docks[key]
        if dock.isHidden() and key not in keys(PERSPECTIVES[self._perspective]):
            self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        dock.show()
        dock.raise_()

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
        self.store.theme_changed.emit()
        for dock in self.docks.values():
            dock.header.update()

    def toggle_motion(self) -> None:
        """Let values move along their paths, or not."""
        self.settings.motion = not self.settings.motion
        theme.set_motion(self.settings.motion)
        self.store.post(Notice(f"Motion is {'on' if self.settings.motion else 'off'}."))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for url in event.mimeData().urls():
            if url.isLocalFile():
                event.acceptProposedAction()
                self.files.open_path(url.toLocalFile())
                return

    def _focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        widget = new
        while widget is not None:
            if isinstance(widget, Pane):
                self.files.pane = widget
                return
            widget = widget.parentWidget()

    # ------------------------------------------------------------------------ commands

    def _drop_recent(self) -> None:
        button = self.top_bar.model_button
        self.files.recent_menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def focus_prompt(self) -> None:
        self.show_pane("prompt")
        self.furniture.prompt.focus_prompt()

    def show_history(self) -> None:
        self.show_pane("prompt")
        self.furniture.prompt.show_history()

    def focus_search(self) -> None:
        self.show_pane("space")
        self.furniture.space.focus_search()

    def focus_weights(self) -> None:
        self.show_pane("model")
        self.furniture.model.focus_search()

    def show_palette(self) -> None:
        PaletteDialog(list(self.actions_by_id.values()), self).open()

    def show_shortcuts(self) -> None:
        rows = [
            (c.menu, c.text.replace("&", ""), QKeySequence(c.keys).toString())
            for c in COMMANDS
            if c.keys
        ]
        ShortcutsDialog(rows, self).open()

    def show_about(self) -> None:
        AboutDialog(self.store, self).open()

    def next_operation(self) -> None:
        self.store.select(operation=self.store.selection.operation + 1)

    def previous_operation(self) -> None:
        self.store.select(operation=self.store.selection.operation - 1)

    def toggle_play(self) -> None:
        self.show_pane("layers")
        self.furniture.layers.toggle_play()

    def next_layer(self) -> None:
        self.furniture.attention.select_next_layer(1)

    def previous_layer(self) -> None:
        self.furniture.attention.select_next_layer(-1)

    def next_head(self) -> None:
        self.furniture.attention.select_next_head(1)

    def previous_head(self) -> None:
        self.furniture.attention.select_next_head(-1)

    def toggle_transpose(self) -> None:
        self.furniture.attention.toggle_transpose()

    def ask_threads(self) -> None:
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setInputMode(QInputDialog.InputMode.IntInput)
        dialog.setWindowTitle("Threads")
        dialog.setLabelText(
            "Processor threads for the model. All cores are fastest on a quiet machine\n"
            "and far slower on a busy one; one less than the cores is the default."
        )
        dialog.setIntRange(1, 256)
        engine = self.store.engine
        dialog.setIntValue(engine.threads if engine is not None else 1)
        dialog.intValueSelected.connect(self._set_threads)
        dialog.open()

    def _set_threads(self, n: int) -> None:
        self.settings.threads = n
        self.store.set_threads(n)

    def sample_one(self) -> None:
        self.furniture.prediction.sample_one()

    def mask_token(self) -> None:
        self.furniture.prediction.mask_token()

    def generate(self) -> None:
        self.show_pane("prediction")
        self.furniture.prediction.generate()

    def stop_generating(self) -> None:
        self.furniture.prediction.stop()

    def start_training(self) -> None:
        self.show_pane("training")
        self.furniture.training.start()

    def toggle_pause(self) -> None:
        self.furniture.training.toggle_pause()

    def step_training(self) -> None:
        self.furniture.training.step()

    def stop_training(self) -> None:
        self.furniture.training.stop()

    # ------------------------------------------------------------------- what has changed

    def _model_changed(self) -> None:
        model = self.store.model
        if model is None:
            return
        self.setWindowTitle(f"{model.name} — Glassformer")
        self.notice_bar.dismiss_about("opening")
        if model.notes and not model.training:
            self.store.post(Notice(" ".join(model.notes), about="opening"))
        if not model.training and Path(model.path).resolve() != STORY_WORLD.resolve():
            # By its name, where it came from a hub: a folder of the cache says nothing.
            place = model.name if "/" in model.name else model.path
            self.settings.remember(place)
            self.files.describe_recent(place)

    def begin_with_a_head(self) -> None:
        """On the first trace, put the focus on something worth seeing.

        The head that reads one token most at the selected position (not the first, where heads
        park what they do not need, and not itself), and that weight in the inspector.
        """
        trace, model = self.store.trace, self.store.model
        if self._began or trace is None or model is None:
            return
        self._began = True
        n, at = trace.n_tokens, self.store.selection.position
        best: tuple[float, int, int, int] | None = None
        for layer in range(model.config.n_layers):
            pattern_HQS = trace.pattern(layer)
            if pattern_HQS is None or n < 3:
                return
            row_HS = pattern_HQS[:, at].copy()
            row_HS[:, [0, at]] = -1.0
            head, key = divmod(int(row_HS.argmax()), row_HS.shape[1])
            found = (float(row_HS[head, key]), layer, head, key)
            best = found if best is None else max(best, found)
        if best is None:
            return
        weight, layer, head, key = best
        name = f"blocks.{layer}.attn.hook_pattern"
        names = [op.output for op in self.store.operations]
        self.store.select(operation=names.index(name), layer=layer, head=head, position=at, key=key)
        words = [model.token_text(trace.tokens[i].id) for i in (at, key)]
        self.store.inspect(
            Inspected(
                name=name,
                index=(0, head, at, key),
                value=weight,
                dtype=model.dtype,
                code=f'trace["{name}"][0, {head}, {at}, {key}]',
                note=f"{weight:.0%} of what “{words[0]}” reads in this head is “{words[1]}”.",
            )
        )

    def _update_actions(self) -> None:
        for command in COMMANDS:
            self.actions_by_id[command.id].setEnabled(command.when(self.store))

    def _update_notes(self) -> None:
        for dock in self.docks.values():
            if dock.pane is not None and dock.pane.isVisible():
                dock.header.set_note(dock.pane.header_note())

    def _show_notice(self, notice: object) -> None:
        self.notice_bar.show_notice(notice)
        self._notice_action.setVisible(True)
        self._notice_toolbar.show()

    def _hide_empty_notice(self) -> None:
        if not self.notice_bar.message:
            self._notice_action.setVisible(False)
            self._notice_toolbar.hide()

    def sizeHint(self) -> QSize:
        return QSize(1440, 900)

    # ------------------------------------------------------------------------- closing

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop the worker within one step, a run saved; then go. A second close goes at once."""
        if not self._closing:
            self._closing = True
            self._remember()
            self.backend.stop()
            if self.backend.running:
                if self.store.run.running:
                    self.status_bar.showMessage("Saving the run…")
                self._close_timer.start(CLOSE_MS)
                event.ignore()
                return
        self._close_timer.stop()
        event.accept()

    def _worker_stopped(self) -> None:
        if self._closing:
            self.close()

    def _remember(self) -> None:
        self._keep_layout()
        self.settings.perspective = self._perspective
        self.settings.geometry = _to_text(self.saveGeometry())
        if self.furniture.has("prompt"):
            self.settings.history = list(self.furniture.prompt.history)[-settings_file.N_HISTORY :]
        try:
            settings_file.save(self.settings)
        except OSError as error:
            print(f"The settings can't be written: {error}")


def _to_text(blob: QByteArray) -> str:
    return base64.b64encode(blob.data()).decode("ascii")


def _from_text(text: str) -> QByteArray:
    try:
        return QByteArray(base64.b64decode(text, validate=True))
    except ValueError:
        return QByteArray()
