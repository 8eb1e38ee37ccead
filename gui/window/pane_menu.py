"""What is done with a pane as a whole: its code, its picture, its numbers; the menu of its header.

The code is a script that runs as it is: it opens the model that is in view and asks for what the
pane draws. Knows panes by their base class.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from gui.panes.base import Pane
from gui.reading import code
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.window.dock import PaneDock
from gui.window.files import Files
from gui.window.pane_host import PaneHost

LONGEST_PROMPT = 200
"""Characters of a prompt in the script's comment; its ids are all there."""
NO_CODE = "Nothing is drawn that Python could ask for yet."


class PaneMenu(QObject):
    """The menu of every pane's header, and what its lines do.

    Args:
        store: whose model and prompt the code is about.
        host: the docks; says which pane is meant where none is given: the one in focus.
        files: exports.
        window: parent of the menu.
    """

    def __init__(self, store: Store, host: PaneHost, files: Files, window: QWidget) -> None:
        super().__init__(window)
        self._store = store
        self._host = host
        self._files = files
        self._window = window
        for dock in host.docks.values():
            dock.menu_requested.connect(self.open)

    def open(self, dock: object, on_screen: QPoint) -> None:
        """The menu of a dock."""
        assert isinstance(dock, PaneDock)
        menu = OfferMenu(self.items(dock), self._window)
        menu.setAccessibleName(f"{dock.entry.title}: menu")
        menu.chosen.connect(self._do)
        menu.popup(on_screen)

    def items(self, dock: PaneDock) -> list[MenuItem]:
        """What can be done with a dock's pane now, and with the dock."""
        pane = self._host.pane(dock.entry.key)
        nothing = "" if pane.code() else NO_CODE
        return [
            MenuItem("Copy code", partial(self.copy_code, pane), why_not=nothing),
            MenuItem("Export picture…", partial(self._files.ask_export_picture, pane)),
            MenuItem("Export data…", partial(self._files.ask_export_data, pane)),
            MenuItem(
                "Back into the window" if dock.isFloating() else "Out of the window",
                dock.toggle_floating,
                group=1,
            ),
            MenuItem("Close", dock.close, group=1),
        ]

    def copy_code(self, pane: Pane | None = None) -> None:
        """Put a pane's script on the clipboard; of the one in focus, where none is given."""
        pane = pane or self._host.in_focus
        if pane is None:
            return
        script = script_of(pane, self._store)
        if not script:
            self._store.post(Notice(f"{pane.title}: {NO_CODE[0].lower()}{NO_CODE[1:]}"))
            return
        QGuiApplication.clipboard().setText(script)
        n = len(script.splitlines())
        self._store.post(Notice(f"{n} lines of Python for {pane.title} are on the clipboard."))

    def _do(self, thing: object) -> None:
        if callable(thing):
            thing()


def script_of(pane: Pane, store: Store) -> str:
    """The lines that give what a pane draws, as a script that runs as it is; may be empty."""
    lines, model, read = pane.code(), store.model, store.read
    if not lines:
        return ""
    if "lm." not in lines or model is None:  # a run's curves are read from its folder
        return code.script(lines, "")
    said = []
    if read is not None:
        text = " ".join(read.text.split())
        cut = f"{text[:LONGEST_PROMPT]}…" if len(text) > LONGEST_PROMPT else text
        said.append(f"The prompt: {cut}")
    if read is not None and read.step is not None:
        said.append(
            f"The model was learning, at step {read.step:,}: a run opens with the weights "
            "that it saved last, so the numbers can differ."
        )
    return code.script(lines, model.place or model.run_dir or model.path, said)
