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


def look_at_run(request: m.LookAtRun, place: Workplace) -> Job:
    """Answers `LookAtRun`."""
    from model.train.growing import news_of

    news = news_of(Path(request.path), request.mark)
    yield m.RunLookedAt(request_id=request.id, path=request.path, news=news)
