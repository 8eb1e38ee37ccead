"""Have a map made in a process of its own, and get its points while they converge.

Knows arrays and what is asked; no table, no engine. Shapes: N rows, D width.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.space.projections.asks import NeighbourMap
from model.space.registry import SpaceError

POLL_SECONDS = 0.01
PIP = {"tsne": "openTSNE", "umap": "torchdr faiss-cpu matplotlib"}
"""What brings a map's libraries; TorchDR 0.5 imports matplotlib without declaring it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the process is to do; the rows follow as bytes.

    Attributes:
        how: the map.
        shape: of the rows, float32.
        start_N3: where the points begin.
        steps: of the optimisation.
        threads: that it may use.
    """

    how: NeighbourMap
    shape: tuple[int, int]
    start_N3: NDArray[np.float32]
    steps: int
    threads: int


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The map after some steps.

    Attributes:
        step: how many.
        points: ``[N, 2]`` or ``[N, 3]`` float32.
        measure: what it minimises, NaN where that isn't known.
        last: whether this is the map.
    """

    step: int
    points: NDArray[np.float32]
    measure: float
    last: bool


@dataclass(frozen=True, slots=True)
class Searched:
    """Neighbours are being found.

    Attributes:
        share: of the vectors whose neighbours are known.
    """

    share: float


@dataclass(frozen=True, slots=True)
class Refused:
    """It can't be made.

    Attributes:
        message: of the library.
    """

    message: str


def missing(how: type[NeighbourMap] | NeighbourMap) -> str:
    """Which library a map lacks here, as a sentence; empty for none."""
    lacks = [name for name in how.needs if find_spec(name) is None]
    if not lacks:
        return ""
    title = "t-SNE" if how.name == "tsne" else "UMAP"
    return (
        f"{title} needs {' and '.join(lacks)}, not installed here: "
        f"pip install {PIP[how.name]}, then start again."
    )


def mapping(
    order: Order, rows: Iterable[NDArray[np.float32]]
) -> Generator[Frame | Searched | None, None, None]:
    """The map while it converges: what came last, or None where nothing is new.

    Args:
        order: what to do.
        rows: the table's rows in parts.

    Raises:
        SpaceError: a library lacks or refuses, or the process ended early.
    """
    lacking = missing(order.how)
    if lacking:
        raise SpaceError(lacking)
    process = start("model.space.maps.process")
    came = threading.Event()
    frames: deque[Frame | Searched] = deque(maxlen=1)
    refused: list[str] = []

    def feed() -> None:
        assert process.stdin is not None
        with suppress(OSError, ValueError):  # given up: the pipe is closed
            pickle.dump(order, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            for part in rows:
                process.stdin.write(np.ascontiguousarray(part, np.float32).data)
            process.stdin.close()

    def listen() -> None:
        assert process.stdout is not None
        last = False
        with suppress(OSError, EOFError, ValueError, pickle.UnpicklingError):
            while not last:
                found = pickle.load(process.stdout)
                if isinstance(found, Refused):
                    refused.append(found.message)
                    break
                frames.append(found)
                last = isinstance(found, Frame) and found.last
                came.set()
        if not last and not refused:
            refused.append("its process has ended; was memory short?")
        came.set()

    both = [threading.Thread(target=do, name="map", daemon=True) for do in (feed, listen)]
    for thread in both:
        thread.start()
    try:
        while True:
            yield None
            if not came.wait(POLL_SECONDS):
                continue
            came.clear()
            frame = frames.pop() if frames else None
            if frame is not None:
                yield frame
                if isinstance(frame, Frame) and frame.last:
                    return
            if refused and not frames:
                raise SpaceError(f"The map can't be made: {refused[0]}")
    finally:
        process.kill()
        process.wait()
        for thread in both:
            thread.join()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written has nowhere to go
                    pipe.close()


def threads() -> int:
    """How many the process may use: one core is left to the window."""
    return max(1, (os.cpu_count() or 2) - 1)


def start(module: str) -> subprocess.Popen[bytes]:
    """One of our programs, with pipes to and from it.

    Raises:
        SpaceError: no process can be started.
    """
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    env.setdefault("OPENBLAS_NUM_THREADS", str(threads()))
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
            start_new_session=True,  # a Ctrl+C in the terminal is for this process alone
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise SpaceError(f"No process can be started for it: {error.strerror}.") from error
