"""Standard output and error as every verb finds them, whatever they lead to.

A character that an output has no code for (cp1252 of a redirected output on Windows, a file name
that is no text) is written as an escape, and a sentence says so at the end. An output that is full
is one sentence and exit code 2; a full standard error loses lines, and no work. Knows streams; no
verb.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

EXIT_CODE = 2
_ESCAPED = "glassformer.escaped"


class OutputError(Exception):
    """Standard output takes no more; the message is for the person."""


class _Output(io.FileIO):
    """Standard output, whose refusals are told from those of every other file."""

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:  # who reads has enough
            raise
        except OSError as error:
            raise OutputError(f"The output can't be written: {error.strerror}.") from error


class _Errors(io.FileIO):
    """Standard error: where it takes no more, there is nobody to be told."""

    def write(self, data: object, /) -> int:
        with suppress(OSError):
            return super().write(data)  # type: ignore[arg-type]
        return memoryview(data).nbytes  # type: ignore[arg-type]


class _Escapes:
    """Escapes what an output has no code for, and knows that it did."""

    def __init__(self) -> None:
        self.used = False

    def __call__(self, error: UnicodeError) -> tuple[str | bytes, int]:
        self.used = True
        return codecs.backslashreplace_errors(error)


def run(command: Callable[[], None]) -> None:
    """Run a program's command on outputs that can't break it.

    Raises:
        SystemExit: as the command raises it, or with exit code 2 if its output was full.
    """
    escapes = _Escapes()
    codecs.register_error(_ESCAPED, escapes)
    with _prepared():
        try:
            try:
                command()
            finally:  # the command ends by SystemExit
                _flush(sys.stdout)
                if escapes.used:
                    _say_that_it_was_escaped()
        except OutputError as error:
            print(error, file=sys.stderr)
            _let_go()
            raise SystemExit(EXIT_CODE) from None
        except BrokenPipeError:  # `| head` has enough: no fault
            _let_go()
            raise SystemExit(1) from None


@contextmanager
def _prepared() -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout = _over(sys.stdout, _Output)
    sys.stderr = _over(sys.stderr, _Errors)
    try:
        yield
    finally:
        with suppress(OutputError, OSError):
            _flush(sys.stdout)
        sys.stdout, sys.stderr = before


def _over(stream: TextIO, kind: type[io.FileIO]) -> TextIO:
    """The same output through another way to write; a console of Windows keeps its own."""
    if not isinstance(stream, io.TextIOWrapper):  # none at all, or a test's
        return stream
    stream.flush()
    stream.reconfigure(errors=_ESCAPED)
    raw = getattr(stream.buffer, "raw", stream.buffer)  # under PYTHONUNBUFFERED itself
    if type(raw) is not io.FileIO:
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(kind(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        errors=_ESCAPED,
        newline=None,
        line_buffering=stream.line_buffering or stream.write_through,
    )


def _flush(stream: TextIO | None) -> None:
    if stream is not None:
        stream.flush()


def _say_that_it_was_escaped() -> None:
    encoding = getattr(sys.stdout, "encoding", None) or "This output"
    print(
        f"{encoding} has no code for some characters: they are written as escapes (\\u65e5). "
        "PYTHONIOENCODING=utf-8 writes them as they are.",
        file=sys.stderr,
    )


def _let_go() -> None:
    """Drop what is still to be written: Python would complain of it once more at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
