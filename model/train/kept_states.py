"""States of a run that are kept beside its last one: where a branch goes on from exactly.

The state of a step is written once, as the run's last; here it gets a name of its own, which stays
when the next one takes that place. Knows the names in a run folder; no torch.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

from model.train.run_folder import STATE

LAST = "training.pt"
"""The state that a run is resumed from."""
_KEPT = re.compile(r"kept-(\d+)\.pt")


def kept_states(run_dir: Path) -> dict[int, Path]:
    """The states that are kept, by step in order; not the last one."""
    try:
        found = [(_KEPT.fullmatch(path.name), path) for path in (run_dir / STATE).iterdir()]
    except OSError:
        return {}
    by_step = {int(match[1]): path for match, path in found if match}
    return dict(sorted(by_step.items()))


def keep_last_state(run_dir: Path, step: int) -> None:
    """Keep the state that was saved last, which is of that step.

    Raises:
        OSError: the disk refuses.
    """
    last, kept = run_dir / STATE / LAST, _path_of(run_dir, step)
    beside = kept.with_name(f".{kept.name}.part")
    beside.unlink(missing_ok=True)
    try:
        # The same file under a second name costs no time and, until the next save, no room.
        os.link(last, beside)
    except OSError:  # no file system for it
        shutil.copyfile(last, beside)
    beside.replace(kept)


def drop_states_after(run_dir: Path, step: int) -> None:
    """Remove those of steps that a run which goes on from ``step`` does anew."""
    for at, path in kept_states(run_dir).items():
        if at > step:
            with contextlib.suppress(OSError):
                path.unlink()


def _path_of(run_dir: Path, step: int) -> Path:
    return run_dir / STATE / f"kept-{step:06d}.pt"
