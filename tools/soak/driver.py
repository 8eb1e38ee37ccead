"""Does one action after the other within the window's own event loop, and ends it.

Knows actions and the watcher; no pane.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QApplication

from gui.program.program import Program
from gui.window.arrangements import PERSPECTIVES
from model import messages as m
from resources import STORY_WORLD
from tools.soak.actions import Hand, chosen, end_dialog
from tools.soak.watching import Watcher, memory_bytes

if TYPE_CHECKING:
    from model.train import Recipe

QUIET_SHARE = 0.1
"""Of the actions after which the driver waits until all is answered; else it goes on at once."""
QUIET_SECONDS = 20.0
WEIGHED_SECONDS = 120.0
"""Who weighs waits longer: a text of 20 MB that is being cut would be weighed, too."""
FIRST_PROMPT = "The queen gave the boy a red rose and he"
N_WEIGHINGS = 20
LEAST_FOR_MEMORY = 5000
"""Actions from which on the growth of memory is judged: before, caches are still filling."""
END_SECONDS = 30.0
NESTED_SECONDS = 20.0
DROPPED_SECONDS = 0.3


@dataclass(slots=True)
class Progress:
    """How far it is, over all windows.

    Attributes:
        done: how many actions were done.
        weights: bytes held, each time with the bundled model open and all quiet.
    """

    done: int = 0
    weights: list[int] = field(default_factory=list)


class Driver(QObject):
    """Acts at every turn of the event loop until all is done.

    Args:
        hand: who acts.
        watcher: who looks on.
        n_actions: how many, with those that were done in windows before.
        log: gets a line for each action before it is done.
        tell: gets a line of progress.
        progress: of the windows before, and from then on of this one, too.
        tour: what is done before the first action, by name.
        calm: wait after every action until all is answered: then the same seed does the same again.
    """

    def __init__(
        self,
        hand: Hand,
        watcher: Watcher,
        n_actions: int,
        log: TextIO,
        tell: Callable[[str], None],
        progress: Progress,
        tour: Iterable[tuple[str, Callable[[], object]]] = (),
        *,
        calm: bool = False,
    ) -> None:
        super().__init__()
        self._hand, self._watcher, self._n_actions = hand, watcher, n_actions
        self._log, self._tell = log, tell
        self._progress = progress
        self._waits_until = 0.0
        self._acts_since: float | None = None
        self._weighs: list[str] = []  # what is left to do before the process is weighed
        self._over = False
        self._calm = calm
        self._tour = iter(tour)
        self._looks = QTimer(self)  # whether the worker has ended

    @property
    def _program(self) -> Program:
        return self._hand.program

    def start(self) -> None:
        self._turn()

    def stop(self) -> None:
        """Act no more: the window is gone, and nothing of it is held."""
        self._over = True
        self._looks.stop()
        del self._hand, self._tour

    def _turn(self) -> None:
        if self._over:
            return
        # Before acting, and a timer of its own each time: Qt fires none within its own slot, and
        # the menu of a button has a loop in which someone must go on.
        QTimer.singleShot(5 if self._waits_until else 0, self._turn)
        self._watcher.beat()
        if self._acts_since is not None:
            self._turn_within()
            return
        if self._waits_until:
            if time.monotonic() < self._waits_until and not self._quiet():
                return
            self._waits_until = 0.0
        step = None if self._watcher.faults else next(self._tour, None)
        if step is not None:
            self._watcher.doing, do = step
            do()
            self._waits_until = time.monotonic() + QUIET_SECONDS
        elif self._weighs:
            self._weigh()
        elif self._watcher.faults or self._progress.done >= self._n_actions:
            self._end()
        else:
            self._act()

    def _turn_within(self) -> None:
        """A turn within an action: its mouse let the loop go on, or it opened a menu.

        A menu of a button has a loop of its own, in which the action ends when the menu is left; a
        dialog must not.
        """
        assert self._acts_since is not None
        if QApplication.activePopupWidget() is not None:
            since = self._acts_since
            self._act()
            self._acts_since = since
            return
        if time.monotonic() - self._acts_since > DROPPED_SECONDS:
            # What is dragged out of a text waits for a real mouse to let it go.
            QDrag.cancel()
        if time.monotonic() - self._acts_since > NESTED_SECONDS:
            self._acts_since = None
            self._watcher.faults.append("an action keeps the event loop to itself")
            self._end()

    def _act(self) -> None:
        hand = self._hand
        every = max(50, self._n_actions // N_WEIGHINGS)
        action = chosen(hand)
        self._progress.done += 1
        write(self._log, f"{self._progress.done} {action.__name__}")
        self._acts_since = time.monotonic()
        self._watcher.doing = f"{self._progress.done:,}, {action.__name__}"
        try:
            done = action(hand)
        finally:
            self._acts_since = None
        # Its own line: a menu that it opened may have been left by other actions meanwhile.
        self._log.write(f"  {done}\n")
        if hand.random.random() < QUIET_SHARE or self._calm:
            self._waits_until = time.monotonic() + QUIET_SECONDS
        if self._progress.done % every == 0:
            judged = self._n_actions >= LEAST_FOR_MEMORY
            trains = ["train"] if judged else []
            # A pane out of sight keeps what it drew of another model, until it is seen again.
            shows = [*PERSPECTIVES, "Explore"] if judged else []
            self._weighs = ["leave", "stop", *trains, "open", *shows, "give back", "weigh"]

    def _quiet(self) -> bool:
        store = self._program.store
        # Who weighs waits for the run that it has stopped, and for its own.
        trains = bool(self._weighs) and "stop" not in self._weighs and store.run.going
        gives_back = self._weighs == ["weigh"] and self._watcher.gives_back
        going = trains or gives_back or store.asked.is_waiting or store.opening.going
        return not going

    # ------------------------------------------------------------------------- weighing

    def _weigh(self) -> None:
        """Back to where all began, so that weights can be compared; a turn for each part."""
        program, window = self._program, self._program.window
        self._watcher.doing = f"to be weighed: {self._weighs[0]}"
        match self._weighs.pop(0):
            case "leave":
                for _ in range(5):
                    end_dialog(self._hand)
                if window.isMaximized():
                    window.showNormal()
                window.resize(1440, 900)
            case "stop":
                program.store.run.stop()
                if (queue := window.actions_by_id["stop_queue"]).isEnabled():
                    queue.trigger()
                program.store.generating.cancel()
                program.store.comparing.close()  # another model is weighed with it
            case "train":
                # The last run's model stays beside what is opened, and may be ten times as large.
                run_dir = self._hand.folder / f"weighed-{len(self._progress.weights)}"
                program.store.run.start(_small(), str(run_dir), follow=False)
            case "open":
                # Qt keeps how each widget looks in each state that it was seen in, some 15 MB,
                # until the theme is put on anew.
                self._watcher.rest()
                window.set_theme("dark")
                window.layouts.set_perspective("Explore")
                window.layouts.reset()
                program.store.set_prompt(FIRST_PROMPT)
                window.files.open_path(str(STORY_WORLD))
            case "give back":
                gc.collect()  # of what cycles hold, too
                # The worker does so when it rests, which comes of any request.
                self._watcher.give_back()
                program.store.send(m.Painted(turn=0))
            case perspective if perspective in PERSPECTIVES:
                window.layouts.set_perspective(perspective)
                window.layouts.reset()
            case _:
                self._watcher.rest()
                self._progress.weights.append(memory_bytes())
                self._tell(
                    f"{self._progress.done:,} of {self._n_actions:,} actions; "
                    f"{self._progress.weights[-1] / 2**20:.0f} MB; " + self._watcher.longest_turn
                )
        self._waits_until = time.monotonic() + WEIGHED_SECONDS

    # ---------------------------------------------------------------------------- the end

    def _end(self) -> None:
        self._over = True
        for _ in range(5):
            end_dialog(self._hand)
        began = time.monotonic()
        self._program.window.close()

        def over() -> None:
            late = time.monotonic() - began > END_SECONDS
            if late:
                self._watcher.faults.append(f"the worker runs {END_SECONDS:.0f} s after the end")
            if late or not self._program.backend.running:
                self._looks.stop()
                QApplication.quit()

        self._looks.timeout.connect(over)
        self._looks.start(20)


def _small() -> Recipe:
    """Of a run that is over at once."""
    from model.train import PRESETS

    return replace(PRESETS["minute"], steps=2, data_tokens=20_000)


def write(log: TextIO, line: str) -> None:
    """A line of a log, there whatever comes next."""
    log.write(f"{line}\n")
    log.flush()


def growth(weights: list[int]) -> float | None:
    """How much more is held at the end than after the first tenth, as a share; None: too short."""
    first = max(1, len(weights) // 10)
    if len(weights) < 2 * first + 2:
        return None
    begin, end = weights[first : 2 * first + 1], weights[-first - 1 :]
    return min(end) / min(begin) - 1


def last_lines(log: Path, n: int = 25) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(encoding="utf-8").splitlines()[-n:])
