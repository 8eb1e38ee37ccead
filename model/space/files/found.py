"""What was read of a file of vectors, and what holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.counting import ordinal as ordinal
from model.space.registry import SpaceError, TooManyRows

MOST_ROWS = 1_000_000
"""What is opened at once; of more a sample is offered."""
SAMPLE_ROWS = 100_000
"""About how many that has."""
MOST_BYTES = 8 << 30


@dataclass(frozen=True, slots=True)
class FileOfVectors:
    """A table as a file has it.

    Attributes:
        rows_ND: float32.
        labels: of each row; empty where the file has none.
        note: what a person should know, a sentence; empty for nothing.
    """

    rows_ND: NDArray[np.float32]
    labels: tuple[str, ...] = ()
    note: str = ""

    def checked(self, name: str) -> FileOfVectors:
        """The same with a label for every row, if it can be drawn.

        Raises:
            SpaceError: it has no rows or no columns, or no row is finite.
        """
        n, width = self.rows_ND.shape
        if n == 0 or width == 0:
            raise SpaceError(f"{name} holds no vectors.")
        bad = ~_finite_rows(self.rows_ND)
        if bad.all():
            raise SpaceError(f"Every vector of {name} holds NaN or infinity.")
        found = self
        if bad.any():
            # A row that isn't finite can't be placed: it is left out, and that is said.
            labels = tuple(text for text, out in zip(self.labels, bad.tolist()) if not out)
            said = f"{int(bad.sum()):,} of {n:,} vectors hold NaN or infinity and are left out."
            note = " ".join(filter(None, (self.note, said)))
            found = replace(self, rows_ND=self.rows_ND[~bad], labels=labels, note=note)
        if not found.labels:
            labels = tuple(f"row {row}" for row in np.flatnonzero(~bad).tolist())
            found = replace(found, labels=labels)
        return found


def refuse_too_many(name: str, n: int, sample: int, width: int = 1) -> None:
    """Raise where more rows are wanted than are opened at once.

    Raises:
        TooManyRows: with the sample that is offered.
    """
    wanted = -(-n // sample)
    if wanted > MOST_ROWS or wanted * width * 4 > MOST_BYTES:
        every = max(2, -(-n // SAMPLE_ROWS))
        raise TooManyRows(
            f"{name} has about {n:,} vectors; up to {MOST_ROWS:,} are opened at once. "
            f"Open a sample: every {ordinal(every)} of them.",
            n,
            every,
        )


def sampled(n_all: int, sample: int) -> str:
    """The sentence that says that only a part was read."""
    return "" if sample <= 1 else f"A sample: every {ordinal(sample)} of about {n_all:,} vectors."


def _finite_rows(rows_ND: NDArray[Any]) -> NDArray[np.bool_]:
    n = 65_536
    parts = [np.isfinite(rows_ND[at : at + n]).all(1) for at in range(0, len(rows_ND), n)]
    return np.concatenate(parts)
