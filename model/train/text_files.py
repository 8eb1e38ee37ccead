"""The text of a file, or of all files of a folder, piece by piece: a gigabyte is never held whole.

Lines end in LF where the files end them in CR LF, as they do in what a person types. The texts of a
folder follow each other by their path, an empty line between.

Knows files and encodings; no tokenizer.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from model.counting import counted
from model.train.encodings import decoding, with_plain_line_ends

PIECE = 1 << 20
"""Bytes that are read at once."""
_SNIFFED = 4096
_BETWEEN = "\n\n"


class DataError(ValueError):
    """A text that can't be trained on; the message says why and what is needed."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is known of a text once it was read through.

    Attributes:
        files: in the order in which they are read.
        n_characters: of all, with what stands between two files.
        n_bytes: the same in UTF-8.
        sha256: of it in UTF-8.
        characters: every character that occurs.
        notes: what a person should know of it, sentences.
        text: all of it, where it is short enough to be held.
    """

    files: tuple[Path, ...]
    n_characters: int
    n_bytes: int
    sha256: str
    characters: frozenset[str]
    notes: tuple[str, ...]
    text: str | None


def surveying(path: Path, most_held: int) -> Generator[float, None, Survey]:
    """Read a text through.

    Args:
        path: a file or a folder.
        most_held: characters of a text that is kept.

    Yields:
        The share that is read.

    Raises:
        DataError: it can't be read, is empty, or is no text.
    """
    files, n_other = text_files(path)
    total = max(1, sum(_size(file) for file in files))
    digest = hashlib.sha256()
    held: list[str] | None = []
    characters: set[str] = set()
    n_characters = n_bytes = n_windows = n_lines = 0
    blank, last = True, ""
    for piece, n_crlf in pieces(files):
        raw = piece.encode("utf-8")
        digest.update(raw)
        characters.update(piece)
        n_characters += len(piece)
        n_bytes += len(raw)
        n_windows += n_crlf
        n_lines += piece.count("\n")
        blank = blank and (not piece or piece.isspace())
        last = piece[-1:] or last
        if held is not None:
            held.append(piece)
            if n_characters > most_held:
                held = None
        yield min(1.0, n_bytes / total)
    if blank:
        raise DataError(f"{path} is empty; there is nothing to learn from.")
    notes = []
    if path.is_dir():
        left_out = f", {n_other} that are no text left out" if n_other else ""
        notes.append(f"{path.name} has {counted(len(files), 'text file')}{left_out}.")
    if n_windows:
        notes.append(
            f"{counted(n_windows, 'line')} ended as on Windows (CR LF); read as ending in LF."
        )
    if n_lines <= (last == "\n"):
        notes.append(f"The text is one line of {counted(n_characters, 'character')}.")
    return Survey(
        files=files,
        n_characters=n_characters,
        n_bytes=n_bytes,
        sha256=digest.hexdigest(),
        characters=frozenset(characters),
        notes=tuple(notes),
        text=None if held is None else "".join(held),
    )


def pieces_of(survey: Survey, begin: int, end: int) -> Iterator[str]:
    """The characters of a text between two places, piece by piece; empty for what lies before.

    Raises:
        DataError: the files have changed since they were read through.
    """
    at = 0
    for piece, _ in pieces(survey.files):
        if at >= end:
            return
        yield piece[max(0, begin - at) : end - at]
        at += len(piece)
    if at < end:
        raise DataError(
            f"{survey.files[0].parent if len(survey.files) > 1 else survey.files[0]} has become "
            "shorter while it was read; start again once nothing writes to it."
        )


class FileText:
    """A stretch of a text that is read forward, as it is asked for.

    Args:
        survey: of the text.
        begin, end: characters of it; places in this text count from ``begin``.

    Attributes:
        n_bytes: of what is read until now, in UTF-8.
    """

    def __init__(self, survey: Survey, begin: int, end: int) -> None:
        self._n = end - begin
        self._pieces = pieces_of(survey, begin, end)
        self._held = ""
        self._first = 0
        self.n_bytes = 0

    def opening(self) -> Iterator[None]:
        """Read what lies before, in slices; else the first character asked for waits for it."""
        while not self._held and self._n:
            self._held = self._next()
            yield

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, at: int | slice) -> str:
        if isinstance(at, slice):
            begin, end = at.start or 0, min(self._n if at.stop is None else at.stop, self._n)
            self._read_to(end)
            return self._held[begin - self._first : end - self._first]
        self._read_to(at + 1)
        return self._held[at - self._first]

    def let_go(self, before: int) -> None:
        """No character before this one is asked for again."""
        n = min(before - self._first, len(self._held))
        if n > PIECE:  # each time a copy of what is left
            self._held = self._held[n:]
            self._first += n

    def _read_to(self, end: int) -> None:
        missing = end - self._first - len(self._held)
        if missing <= 0:
            return
        found = [self._held]
        while missing > 0:
            piece = self._next()
            found.append(piece)
            missing -= len(piece)
        self._held = "".join(found)

    def _next(self) -> str:
        piece = next(self._pieces)
        self.n_bytes += len(piece.encode("utf-8"))
        return piece


def text_files(path: Path) -> tuple[tuple[Path, ...], int]:
    """The text files of a place, by their paths, and how many others a folder has.

    Hidden files and folders don't count; what has a zero byte at its start is no text.

    Raises:
        DataError: there is none.
    """
    if not path.is_dir():
        if not os.path.exists(path):  # noqa: PTH110 - Path's raises for a name too long
            raise DataError(
                f"There is no file {path}. Give a text file, a folder of them, 'world' or a task."
            )
        return (path,), 0
    found: list[Path] = []
    for folder, inside, names in os.walk(path):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        found += [Path(folder) / name for name in names if not name.startswith(".")]
    found.sort(key=lambda file: file.relative_to(path).as_posix())
    files = tuple(file for file in found if _is_text(file))
    if not files:
        raise DataError(
            f"{path} is a folder without a text file. Give one that has some, or a text file."
        )
    return files, len(found) - len(files)


def _is_text(file: Path) -> bool:
    """By its start: a mark, or no zero byte."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(_SNIFFED)
    except OSError:
        return file.is_file()  # said when it is read
    return raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or b"\0" not in raw


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def pieces(files: tuple[Path, ...]) -> Iterator[tuple[str, int]]:
    """The text of some files, piece by piece, each with how many lines ended in CR LF.

    Raises:
        DataError: one can't be read.
    """
    for n, file in enumerate(files):
        if n:
            yield _BETWEEN, 0
        try:
            yield from with_plain_line_ends(decoding(_raw(file)))
        except DataError:
            raise
        except ValueError as error:
            raise DataError(f"{file} {error}") from error


def _raw(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as opened:
            while raw := opened.read(PIECE):
                yield raw
    except FileNotFoundError:
        raise DataError(
            f"There is no file {file}. Give a text file, a folder of them, 'world' or a task."
        ) from None
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror or error}.") from error
