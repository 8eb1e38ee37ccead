"""What the soak does once before its random actions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from pytestqt.qtbot import QtBot

from gui.program.program import Program
from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.arrangements import PERSPECTIVES
from gui.window.main_window import MainWindow
from tools.soak.tour import tour


def test_the_tour_makes_every_pane_and_opens_every_file(live_store: Store, qtbot: QtBot) -> None:
    window = MainWindow(live_store, Backend(), Settings(perspective="Explore"))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    program = cast("Program", SimpleNamespace(window=window, store=live_store))
    left: list[str] = []
    good = ["/models/some", "/models/other"]
    steps = dict(tour(program, good, lambda: left.append("")))
    assert {"open /models/some", "open /models/other", "train", "stop"} <= {*steps}
    for name in (*PERSPECTIVES, *window.docks):
        steps[name]()
        qtbot.wait(1)
    commands = {*window.actions_by_id} - {"quit", "save_run"}
    assert commands <= {*steps}
    for name in commands:
        steps[f"leave {name}"]()
    assert len(left) == len(commands)
    assert all(dock.pane is not None for dock in window.docks.values())
