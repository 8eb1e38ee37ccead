"""What is left of a program that has ended, in a process that goes on."""

from __future__ import annotations

import gc
import weakref

from pytestqt.qtbot import QtBot

from gui.program.program import Program
from gui.settings import Settings


def test_nothing_of_a_program_is_held_that_was_let_go(qtbot: QtBot) -> None:
    program = Program(Settings())
    program.window.host.make_all()
    held = [
        weakref.ref(one)
        for one in (program.store, program.window, program.window.host.pane("attention"))
    ]
    program.backend.stopped.emit()
    program.let_go()
    del program
    gc.unfreeze()
    gc.collect()
    assert [one() for one in held] == [None, None, None]
