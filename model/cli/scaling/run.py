"""`python -m model scaling run`: train what is left of a queue; Ctrl+C and `kill` save."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from model.cli.common import AsJson, Device, Threads, one_sentence, print_json
from model.quoting import quoted

if TYPE_CHECKING:
    from model.train.scaling.queue import Queue, QueueEvent


def command(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="of a queue; a new one gets the plan that is usual"),
    ],
    device: Device = "auto",
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Train every size of a queue that isn't done, each from where it was saved last."""
    with one_sentence():
        from model.cli.scaling.telling import queue_json, queue_table
        from model.device import choose_device, default_threads
        from model.slices import finish
        from model.train.scaling.folder import PLAN_FILE, begin, reading_queue
        from model.train.scaling.plan import ScalingPlan
        from model.train.scaling.queue import Queue

        if not (folder / PLAN_FILE).is_file():
            begin(folder, ScalingPlan())
        queue = Queue(
            folder, device=choose_device(device).name, threads=threads or default_threads()
        )
        with _signals_stop(queue):
            for event in queue.events():
                _tell(event)
        record = finish(reading_queue(folder))
    if as_json:
        print_json(queue_json(record))
        return
    print(queue_table(record))
    if queue.stopped:
        print(f"Stopped; it goes on with: python -m model scaling run {quoted(folder)}")
    else:
        print(f"All sizes are done. Fit them: python -m model scaling fit {quoted(folder)}")


def _tell(event: QueueEvent) -> None:
    """A line where a run begins and where it ends."""
    from model.train.events import Finished
    from model.train.scaling.queue import SizeBegins, SizeEvent

    match event:
        case SizeBegins():
            verb = "goes on" if event.resumed else "begins"
            print(f"{event.run.name} {verb} …", file=sys.stderr)
        case SizeEvent(event=Finished() as finished):
            print(f"{event.run.name}: {finished.message}", file=sys.stderr)


@contextmanager
def _signals_stop(queue: Queue) -> Iterator[None]:
    """A signal to end stops the queue after the step that goes on; a second works as usual."""
    from model.end_signals import heeded

    before = heeded()

    def stop(number: int, _frame: FrameType | None) -> None:
        queue.stop()
        signal.signal(number, before[signal.Signals(number)])

    try:
        for number in before:
            signal.signal(number, stop)
    except ValueError:  # not the main thread, where signals can't be had
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
