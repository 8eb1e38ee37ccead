"""transformers' own process as a fork of the tests', where transformers is imported already.

A process that is started anew takes seconds for its imports and a tenth of one for its work. That
it starts, what it is given and how it ends are tested with the real thing in test_verify.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from model.checkpoint import transformers_process, verify


class Fork:
    """What `verify` uses of a `subprocess.Popen` whose program is `transformers_process`."""

    def __init__(self, command: list[str], *, stderr: IO[bytes], **_: Any) -> None:
        self.returncode: int | None = None
        assert command[2] == transformers_process.__file__
        self.pid = os.fork()
        if self.pid:
            return
        status = 1
        try:
            os.dup2(stderr.fileno(), 2)
            sys.argv = command[2:]
            transformers_process.main()
            status = 0
        except BaseException:  # noqa: BLE001 - nothing of a child may go on as the tests
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status)

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def kill(self) -> None:
        os.kill(self.pid, 9)

    def wait(self) -> None:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Processes:
    """Stands for the module `subprocess`."""

    DEVNULL = -3
    Popen = Fork


@contextmanager
def forked() -> Iterator[None]:
    """Inside, models are verified by a fork, where there are forks."""
    with pytest.MonkeyPatch.context() as patch:
        if sys.platform == "linux":
            patch.setattr(verify, "subprocess", Processes)
        yield
