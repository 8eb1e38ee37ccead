"""`python -m tools.soak`: random actions in the real window, until they are done or one fails.

Exit status 0: nothing happened that must not; 1: something did, and the seed is printed.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import os
import random
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TextIO

MOST_GROWTH = 0.05


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--actions", type=int, default=20_000, help="how many (20,000)")
    parser.add_argument("--seed", type=int, help="replays what it printed; random if left out")
    parser.add_argument("--log", type=Path, help="where each action is written to")
    parser.add_argument("--without", nargs="*", default=(), help="actions that are left out")
    parser.add_argument("--calm", action="store_true", help="wait for the answers each time")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    log = options.log or Path("build", "soak", f"{seed}.log").resolve()
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Nothing of the person's is read or written, and no hub is asked.
        os.environ["GLASSFORMER_SETTINGS_DIR"] = str(folder / "settings")
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.chdir(folder)
        return _soak(seed, options, folder, log)


def _note(log: TextIO, words: str) -> None:
    from tools.soak.driver import write

    write(log, f"  at {words}")


def _tell(line: str) -> None:
    print(line, flush=True)


def _soak(seed: int, options: argparse.Namespace, folder: Path, log: Path) -> int:
    from gui.program.imports import read_no_sources

    read_no_sources()
    from PySide6.QtCore import qInstallMessageHandler

    from gui import settings as settings_file
    from gui.app import make_application
    from gui.program.program import Program
    from gui.settings import Settings
    from tools.soak.actions import Hand, end_dialog
    from tools.soak.driver import (
        END_SECONDS,
        LEAST_FOR_MEMORY,
        Driver,
        Progress,
        growth,
        last_lines,
        write,
    )
    from tools.soak.files import make_files
    from tools.soak.tour import tour
    from tools.soak.watching import Watcher, catch_warnings

    n_actions, without = options.actions, frozenset(options.without)
    judged = n_actions >= LEAST_FOR_MEMORY
    faulthandler.enable()
    print(f"soak: {n_actions:,} actions, seed {seed}, log {log}", flush=True)
    (folder / "files").mkdir()
    good, bad = make_files(folder / "files")
    watcher = Watcher()
    qInstallMessageHandler(watcher.heard_qt)
    app = make_application("dark")
    catch_warnings(watcher)
    sys.excepthook = watcher.heard_exception
    threading.excepthook = watcher.heard_thread_exception
    progress = Progress()
    chance = random.Random(seed)

    def until_closed(lines: TextIO, *, again: bool) -> None:
        program = Program(settings_file.load() if again else Settings(threads=1))
        program.backend.result_ready.connect(watcher.heard_result)
        program.window.show()
        program.start()
        hand = Hand(chance, program, folder, good, bad, without, partial(_note, lines))
        first = tour(program, good, partial(end_dialog, hand)) if judged else ()
        driver = Driver(hand, watcher, n_actions, lines, _tell, progress, first, calm=options.calm)
        driver.start()
        app.exec()
        driver.stop()
        watcher.rest()
        if not program.backend.wait(END_SECONDS):
            watcher.faults.append(f"the worker runs {END_SECONDS:.0f} s after the end")
        program.let_go()
        app.processEvents()

    with log.open("w", encoding="utf-8") as lines:
        until_closed(lines, again=False)
        # A click on Quit is an action like any other: then the program is started again.
        while progress.done < n_actions and not watcher.faults:
            # What the collector was told to leave alone are by now the objects of a closed window.
            gc.unfreeze()
            gc.collect()
            write(lines, "  the window was closed: another one")
            until_closed(lines, again=True)
    if left := watcher.threads_left():
        watcher.faults.append(f"threads left behind: {', '.join(left)}")
    grown = growth(progress.weights)
    if grown is not None:
        print(f"memory grew by {100 * grown:.1f} % from the first tenth on")
        if grown > MOST_GROWTH and judged:
            watcher.faults.append(f"memory grew by {100 * grown:.1f} %")
    if not watcher.faults:
        print(f"nothing went wrong in {progress.done:,} actions; {watcher.longest_turn}")
        return 0
    print(f"after these actions (seed {seed} replays them):\n{last_lines(log)}\n")
    print("\n".join(watcher.faults))
    return 1


if __name__ == "__main__":
    sys.exit(main())
