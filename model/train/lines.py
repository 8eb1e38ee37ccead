"""A file of lines that grows, and whose last line may still change.

Lines wait where the disk refuses, so a disk that is full for a while costs none. What is written
is written in whole lines at once: a reader never meets half a line, unless the disk is full.

Knows bytes and one file; not what stands in the lines.
"""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

from model.whole_file import write_whole


class Lines:
    """A file that exists, or is made, to which lines are added.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting = bytearray()
        self._whole: bytes | None = None
        self._file = self._open()

    def add(self, line: str) -> None:
        """A line more, which waits for `write`."""
        if self._whole is None:
            self._waiting += _raw(line)
        else:
            self._whole += _raw(line)

    def change_last(self, line: str) -> None:
        """Another line in the last one's place; the file is written anew, and replaced whole."""
        content = self.content().removesuffix(b"\n")
        self._whole = content[: content.rfind(b"\n") + 1] + _raw(line)
        self._waiting.clear()

    def write(self) -> None:
        """Write what waits.

        Raises:
            OSError: the disk refuses; all of it still waits.
        """
        if self._whole is not None:
            write_whole(self._path, self._whole, ordinary=True)
            before, self._file, self._whole = self._file, self._open(), None
            before.close()
        while self._waiting:
            written = self._file.write(self._waiting)
            del self._waiting[:written]

    def content(self) -> bytes:
        """Everything that is written and waits, also where somebody has removed the file."""
        if self._whole is not None:
            return self._whole
        self._file.seek(0)
        return self._file.readall() + bytes(self._waiting)

    @property
    def is_in_place(self) -> bool:
        """Whether what is written can be found: nobody has removed or replaced the file."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except OSError:
            return False

    def make_again(self) -> None:
        """Write all of it anew where the file was.

        Raises:
            OSError: the disk refuses.
        """
        self._whole = self.content()
        self._waiting.clear()
        self.write()

    def close(self) -> None:
        self._file.close()

    @property
    def closed(self) -> bool:
        return self._file.closed

    def _open(self) -> FileIO:
        # For reading too: a file that somebody removed can still be read by who has it open.
        return FileIO(self._path, "a+")


def _raw(line: str) -> bytes:
    return f"{line}\n".encode("utf-8", "replace")
