"""Folders around a model: the hub's cache, a run, what a trainer wrote, an unpacked archive.

Finds the folder that is meant, or says which there are. Reads no config and no weight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.step_names import step_name
from model.checkpoint.stored import SINGLE
from model.hub.names import cached_name

_SNAPSHOT = re.compile(r"step-(\d+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MOST_FOLDERS, _MOST_OUTER, _MOST_INNER = 2_000, 20, 200


@dataclass(frozen=True, slots=True)
class Inside:
    """The folder that another one means.

    Attributes:
        folder: of the model.
        notes: why this one, where that is no matter of course; one sentence each.
    """

    folder: Path
    notes: tuple[str, ...] = ()


def inside(folder: Path, is_model: Callable[[Path], bool]) -> Inside | None:
    """The model's folder within one that is none itself; None where there is none.

    Args:
        folder: without a config.json.
        is_model: whether a folder could be opened by itself.

    Raises:
        CheckpointError: there are several and none is meant more than another, or the one that is
            meant is not there.
    """
    found = _of_run(folder) or _of_cache(folder)
    if found is not None:
        return found
    within = [place for place in _folders(folder) if is_model(place)]
    return _chosen(folder, within or _two_down(folder, is_model))


def is_run(folder: Path) -> bool:
    """Whether our own training wrote it."""
    return (folder / "run.toml").is_file()


def is_cached(folder: Path) -> bool:
    """Whether it is one of a model in the hub's cache, also where it was given another name."""
    if not (folder / "snapshots").is_dir() or is_run(folder):
        return False
    if folder.name.startswith("models--") or (folder / "refs").is_dir():
        return True
    within = _folders(folder / "snapshots")
    return bool(within) and all(_COMMIT.fullmatch(place.name) for place in within)


def _of_run(folder: Path) -> Inside | None:
    """The last whole snapshot of a run; its own folder or the one of its snapshots is given."""
    run = folder.parent if folder.name == "snapshots" else folder
    if not is_run(run):
        return None
    found = [
        (int(m[1]), p) for p in _folders(run / "snapshots") if (m := _SNAPSHOT.fullmatch(p.name))
    ]
    whole = [place for _, place in sorted(found) if (place / SINGLE).is_file()]
    if not whole:
        raise CheckpointError(
            f"The run in {run} has no snapshot yet; train it further, then open it."
        )
    return Inside(whole[-1])


def last_step(folder: Path) -> Path | None:
    """The last of the folders that a trainer named by steps, whatever lies in it."""
    steps = [(at.step, one) for one in _folders(folder) if (at := step_name(one.name))]
    return max(steps)[1] if steps else None


# The hub's cache: models--OWNER--NAME with blobs, refs (which commit a branch stood at), snapshots


def _of_cache(folder: Path) -> Inside | None:
    """The revision that ``main`` names in a model's folder of the hub's cache."""
    if folder.name in ("snapshots", "refs", "blobs") and is_cached(folder.parent):
        folder = folder.parent
    elif is_cached(folder.parent.parent) and folder.parent.name == "blobs":
        folder = folder.parent.parent
    if not is_cached(folder):
        return None
    name = cached_name(folder / "snapshots" / "any") or folder.name
    there = [place for place in _folders(folder / "snapshots") if any(place.iterdir())]
    main = _read_ref(folder / "refs" / "main")
    for place in there:
        if place.name == main:
            return Inside(place)
    if not there:
        raise CheckpointError(
            f"{folder} is the hub's cache of {name}, and no revision of it is there; open it by "
            f"its name, {name}, to fetch it."
        )
    if main is None and len(there) == 1:
        return Inside(there[0])
    which = "does not say which is meant (refs/main)"
    if main is not None:
        which = f"means {main[:40]!r} (refs/main), which is not there"
    raise CheckpointError(
        f"{folder} is the hub's cache of {name} and {which}. There {_are(there)}: open its folder "
        f"in snapshots, or {name} by its name."
    )


def _read_ref(ref: Path) -> str | None:
    try:
        with ref.open("rb") as file:
            return file.read(200).decode("ascii", "replace").strip() or None
    except OSError:
        return None


def _are(places: list[Path]) -> str:
    names = _named(place.name for place in places)
    return f"is {names}" if len(places) == 1 else f"are {names}"


# Anything else


def _two_down(folder: Path, is_model: Callable[[Path], bool]) -> list[Path]:
    """Models in a folder's folders, as where an archive was unpacked into one of its own name."""
    outer = _folders(folder)[:_MOST_OUTER]
    return [place for one in outer for place in _folders(one)[:_MOST_INNER] if is_model(place)]


def _chosen(folder: Path, within: list[Path]) -> Inside | None:
    """The only one, or the last of a training's; otherwise a person is to choose."""
    steps = [(at.step, place) for place in within if (at := step_name(place.name))]
    names = [str(place.relative_to(folder)) for place in within]
    if not within:
        return None
    if len(within) == 1:
        return Inside(within[0], (f"Opened is the model in the folder {names[0]} of {folder}.",))
    if len(steps) == len(within) and len({place.parent for place in within}) == 1:
        last = max(steps)[1]
        said = _named(place.name for _, place in sorted(steps))
        return Inside(last, (f"Opened is {last.name}, the last of {said} in {last.parent}.",))
    raise CheckpointError(
        f"{folder} is no model itself; there are {len(within)} in it: {_named(names)}. Choose one "
        "of these folders."
    )


def _folders(folder: Path) -> list[Path]:
    """The folders in one, by name; none where it can't be read."""
    try:
        found = sorted(place for place in folder.iterdir() if place.is_dir())
    except OSError:
        return []
    return [place for place in found if not place.name.startswith(".")][:_MOST_FOLDERS]


def _named(names: Iterable[str]) -> str:
    """Up to five names."""
    some = list(names)
    if len(some) > 5:
        return f"{', '.join(some[:2])} … {', '.join(some[-2:])} ({len(some)})"
    return " and ".join(filter(None, (", ".join(some[:-1]), some[-1]))) if some else "none"
