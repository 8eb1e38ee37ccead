"""The margin of every preference at every validation of a run: margins.csv in its folder.

A row is a step and a pair: how much more probable the preferred text and the other one have become
than under the model before (nats), and the margin of DPO. Knows the table; no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.train.run_folder import RunError
from model.whole_file import write_whole

if TYPE_CHECKING:
    from model.train.dpo import Margins

MARGINS_FILE = "margins.csv"
_HEADER = "step,pair,chosen,rejected,margin"


@dataclass(frozen=True, slots=True)
class MarginsAt:
    """The pairs at a step.

    Attributes:
        step: updates so far.
        chosen, rejected: log π − log π_ref of both texts of each pair, nats.
        margins: β times their difference.
    """

    step: int
    chosen: tuple[float, ...]
    rejected: tuple[float, ...]
    margins: tuple[float, ...]


def add_margins(run_dir: Path, step: int, found: Margins) -> None:
    """Write the margins of a step; what stood there of it or of later ones is replaced.

    Raises:
        RunError: the disk refuses.
    """
    path = run_dir / MARGINS_FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:] if path.exists() else []
        kept = [line for line in lines if int(line.partition(",")[0]) < step]
        rows = zip(found.chosen, found.rejected, found.margins, strict=True)
        new = [f"{step},{n},{c!r},{r!r},{m!r}" for n, (c, r, m) in enumerate(rows, 1)]
        write_whole(path, "\n".join([_HEADER, *kept, *new]) + "\n", ordinary=True)
    except OSError as error:
        raise RunError(f"{path} can't be written: {error.strerror or error}.") from error
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}. Move it away.") from error


def keep_margins(run_dir: Path, copy: Path, step: int) -> None:
    """Give another run the margins up to a step, where there are any.

    Raises:
        OSError: the disk refuses.
    """
    path = run_dir / MARGINS_FILE
    if not path.exists():
        return
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    kept = [row for row in rows if int(row.partition(",")[0]) <= step]
    write_whole(copy / MARGINS_FILE, "\n".join([_HEADER, *kept]) + "\n", ordinary=True)


def read_margins(run_dir: Path) -> tuple[MarginsAt, ...]:
    """Every step that was measured, in order; none where no preferences are learned.

    Raises:
        RunError: the table can't be read.
    """
    path = run_dir / MARGINS_FILE
    rows: dict[int, list[tuple[float, float, float]]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            step, _, chosen, rejected, margin = line.split(",")
            rows.setdefault(int(step), []).append((float(chosen), float(rejected), float(margin)))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise RunError(f"{path} can't be read: {error}.") from error
    return tuple(
        MarginsAt(step, *(tuple(column) for column in zip(*at, strict=True)))
        for step, at in sorted(rows.items())
    )
