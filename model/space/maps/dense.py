"""Dense groups are found over two pipes, by HDBSCAN in a process of its own, and waited for here.

The library does it in one go that can't be given up; the process can. Run as a program it reads a
pickled `DenseOrder` and the rows as bytes from stdin and writes their groups, or why there are
none, to stdout. Knows arrays; no table, no engine.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from model.space.maps.client import POLL_SECONDS, Refused, start
from model.space.registry import SpaceError

NEEDS = "HDBSCAN needs scikit-learn 1.3 or newer: pip install -U scikit-learn, then start again."


@dataclass(frozen=True, slots=True)
class DenseOrder:
    """What the process is to do; the rows follow as bytes.

    Attributes:
        shape: of the rows, float32.
        smallest: rows of a group, at least.
        samples: so many neighbours must be near for a row to be in the midst of a group.
    """

    shape: tuple[int, int]
    smallest: int
    samples: int


def finding(
    rows_ND: NDArray[np.float32], smallest: int, samples: int
) -> Generator[None, None, NDArray[np.int64]]:
    """The group of each row, from 0 on; -1 for what is in none.

    Raises:
        SpaceError: the library lacks or refuses, or the process ended early.
    """
    if find_spec("sklearn") is None:
        raise SpaceError(NEEDS)
    order = DenseOrder((rows_ND.shape[0], rows_ND.shape[1]), smallest, samples)
    given = pickle.dumps(order, protocol=pickle.HIGHEST_PROTOCOL)
    process = start("model.space.maps.dense")
    came = threading.Event()
    answers: list[bytes] = []

    def talk() -> None:
        with suppress(OSError, ValueError):  # given up: the pipes are closed
            answers.append(process.communicate(given + rows_ND.tobytes())[0])
        came.set()

    thread = threading.Thread(target=talk, name="dense groups", daemon=True)
    thread.start()
    try:
        while not came.wait(POLL_SECONDS):
            yield None
    finally:
        process.kill()
        thread.join()
        process.wait()
    try:
        found = pickle.loads(answers[0]) if answers else None
    except (EOFError, pickle.UnpicklingError):
        found = None
    if isinstance(found, Refused):
        raise SpaceError(found.message)
    if not isinstance(found, np.ndarray):
        raise SpaceError("The groups can't be found: the process has ended; was memory short?")
    return found.astype(np.int64)


def main() -> None:
    """Find the groups of one table."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if hasattr(os, "nice"):
        os.nice(5)  # the window comes first
    warnings.simplefilter("ignore")
    order: DenseOrder = pickle.load(sys.stdin.buffer)
    rows = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(order.shape)
    found: NDArray[np.int64] | Refused
    try:
        from sklearn.cluster import HDBSCAN

        # By a tree of the rows: without it the library holds a table of all pairs.
        groups = HDBSCAN(
            min_cluster_size=order.smallest,
            min_samples=order.samples,
            algorithm="kd_tree",
            copy=True,
        ).fit_predict(rows.astype(np.float64))
        found = np.asarray(groups, np.int64)
    except ImportError:
        found = Refused(NEEDS)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is told by who waits
        found = Refused(f"HDBSCAN refuses: {type(error).__name__}: {error}")
    pickle.dump(found, answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()


if __name__ == "__main__":
    main()
