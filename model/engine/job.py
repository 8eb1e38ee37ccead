"""What a job is: a request that is being answered, slice by slice.

A job is a generator. It yields results, and ``None`` where a slice is over: between two slices
other requests are answered and other jobs go on. What it does before its first ``None`` is done
at once, within the call that hands the request over. Where it returns, it is over.

A job that is cancelled gets `JobCancelled` at its ``yield``. What it opened it closes in a
``finally``. Who has more to say (a generation its text, a run its last snapshot) catches the
exception and goes on; everything else lets it pass and is answered by `Cancelled`. A job may
raise it itself, where what it is about is gone.

Knows messages; no queue, no thread, no Qt.
"""

from __future__ import annotations

import traceback
from collections.abc import Generator
from typing import TypeAlias

from model import messages as m

Job: TypeAlias = Generator[m.Result | None, None, None]


class JobCancelled(GeneratorExit):
    """Nobody wants the answer any more.

    A `GeneratorExit`, so that a generator that the job delegates to is closed as by ``close``,
    and that no ``except Exception`` takes it for a failure.
    """


class RequestError(Exception):
    """A request that can't be done; the message is for the person."""


def failed(request: m.Request, error: Exception) -> m.Failed:
    """An exception as a sentence.

    What this program raises itself is written for people; what others raise keeps its type in
    front.
    """
    message = str(error)
    if type(error).__module__.partition(".")[0] != "model" and not isinstance(error, OSError):
        message = f"{type(error).__name__}: {message}"
    if isinstance(error, KeyError):
        message = str(error.args[0])
    return m.Failed(
        request_id=request.id,
        message=message,
        details="".join(traceback.format_exception(error)),
        request=request,
    )
