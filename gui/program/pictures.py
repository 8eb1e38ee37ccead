"""The window and each pane as PNG files, without a person and, if need be, without a display.

Drives the real window with the real worker; how figures are made from a script.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from gui.panes.base import Pane
from gui.program.program import Program
from gui.session.state import Notice
from gui.settings import Settings
from gui.window import export
from gui.window.arrangements import PERSPECTIVES, keys

WAIT_SECONDS = 120


class PictureError(Exception):
    """Something did not come; the message says what."""


def write_pictures(settings: Settings, options: argparse.Namespace, folder: Path) -> int:
    """Write every perspective and every pane, in the theme asked for or in both.

    Returns:
        Exit status: 0, or 1 with the reason on stderr.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"{folder} can't be made: {error.strerror}.", file=sys.stderr)
        return 1
    themes = (options.theme,) if options.theme else ("dark", "light")
    program = Program(settings, options.checkpoint, options.prompt)
    session = _Session(program)
    program.window.on_screen.stop()  # a picture may be larger than the screen
    program.window.resize(*(options.size or (1440, 900)))
    program.window.show()
    program.window.host.make_all()
    program.start()
    try:
        session.until(session.model_ready, "the model")
        if options.train:
            _train(session, options.train)
        for name in themes:
            program.window.set_theme(name)
            _write_all(session, folder, name)
    except (PictureError, export.ExportError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        program.backend.stop()
        program.backend.wait(30)
        program.window.close()
    return 0


def _write_all(session: _Session, folder: Path, theme_name: str) -> None:
    window = session.program.window
    seen: set[str] = set()
    for perspective in PERSPECTIVES:
        window.layouts.set_perspective(perspective)
        window.layouts.reset()
        session.settle()
        _write(session, window, folder / f"window-{perspective.lower()}-{theme_name}.png")
        for key in keys(PERSPECTIVES[perspective]):
            if key not in seen:
                seen.add(key)
                window.layouts.show_pane(key)  # it may stand behind another
                session.settle()
                _write(session, window.host.pane(key), folder / f"{key}-{theme_name}.png")


def _write(session: _Session, widget, path: Path) -> None:  # type: ignore[no-untyped-def]
    store = session.program.store
    model = store.model.name if store.model is not None else "none"
    title = widget.title if isinstance(widget, Pane) else path.stem
    facts = export.provenance_of(title, model, store.prompt)
    export.write_picture(widget, path, facts)
    print(path)


def _train(session: _Session, preset: str) -> None:
    from model.train import ALIASES, PRESETS, unique_run_dir

    preset = ALIASES.get(preset, preset)
    if preset not in PRESETS:
        raise PictureError(f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.")
    recipe = PRESETS[preset]
    store = session.program.store
    store.run.start(recipe, str(unique_run_dir(Path("build", "runs"), recipe.name)))
    limit = (recipe.max_seconds or 3600) + WAIT_SECONDS
    session.until(session.training_ended, "the training", limit)
    session.until(session.model_ready, "the trained model")


class _Session:
    """Waits, with the event loop running, for what a person would wait for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._failure = ""
        program.store.notice_posted.connect(self._noticed)

    def _noticed(self, notice: object) -> None:
        if isinstance(notice, Notice) and notice.level == "error":
            self._failure = notice.message

    def model_ready(self) -> bool:
        store = self.program.store
        shown = store.read is not None or bool(store.prompt_problem)
        return (
            store.model is not None
            and shown
            and store.vocabulary is not None
            and store.activity.what == "idle"
        )

    def training_ended(self) -> bool:
        run = self.program.store.run.current
        return run is not None and not run.running

    def until(self, done: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Run the event loop until something holds.

        Raises:
            PictureError: it did not come, or the worker reported an error.
        """
        end = time.monotonic() + seconds
        while not done():
            if self._failure:
                raise PictureError(self._failure)
            if time.monotonic() > end:
                raise PictureError(f"{what} did not come within {seconds:.0f} s")
            self._spin(10)

    def settle(self) -> None:
        """Until layouts have run and every visible pane has drawn what it asked for.

        A pane that comes into sight asks the worker for what it shows.
        """
        for _ in range(4):
            self._spin(60)
            for pane in self.program.window.host.panes:
                if pane.isVisible():
                    pane.refresh_now()
            self.until(self._answered, "what a pane asked for")
        QApplication.sendPostedEvents()
        self._spin(60)

    def _answered(self) -> bool:
        program = self.program
        return program.backend.caught_up and not program.store.asked.is_waiting

    def _spin(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()
