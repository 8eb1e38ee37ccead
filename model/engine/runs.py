"""Reading the record of a run folder, in slices, and what comes to it later.

Knows messages and how a record is read; no queue, no thread, no Qt.
"""

from __future__ import annotations

from pathlib import Path

from model import messages as m
from model.engine.job import Job
from model.engine.workplace import Workplace


def read_run(request: m.ReadRun, place: Workplace) -> Job:
    """Answers `ReadRun`."""
    from model.train.other_logs import reading_log
    from model.train.record import reading_record
    from model.train.run_folder import RunError, is_run

    path = Path(request.path)
    steps = reading_log(path) if path.is_file() and not is_run(path) else reading_record(path)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            yield m.RunRead(request_id=request.id, path=request.path, record=stop.value)
            return
        except RunError as error:
            yield m.RunRead(
                request_id=request.id, path=request.path, record=None, problem=str(error)
            )
            return
        yield None


def read_runs(request: m.ReadRuns, place: Workplace) -> Job:
    """Answers `ReadRuns`."""
    from model.train.branching.tree import reading_tree

    runs = yield from reading_tree(Path(request.folder), request.known)
    yield m.RunsRead(request_id=request.id, folder=request.folder, runs=runs)


def export_events(request: m.ExportEvents, place: Workplace) -> Job:
    """Answers `ExportEvents`; cancelled, it leaves nothing behind."""
    from model.train.exporting import writing_events

    yield m.Activity(request_id=request.id, what="writing TensorBoard events")
    writing = writing_events(Path(request.run_dir), Path(request.out))
    try:
        while True:
            try:
                said = next(writing)
            except StopIteration as stop:
                yield m.EventsExported(request_id=request.id, out=str(stop.value))
                return
            yield m.Progress(
                request_id=request.id, what=said.what, done=round(1000 * said.fraction), total=1000
            )
            yield None
    finally:
        writing.close()


def look_at_run(request: m.LookAtRun, place: Workplace) -> Job:
    """Answers `LookAtRun`."""
    from model.train.growing import news_of

    news = news_of(Path(request.path), request.mark)
    yield m.RunLookedAt(request_id=request.id, path=request.path, news=news)
