"""The steps of a training that lie beside an opened checkpoint: what can be travelled through.

Snapshots of our runs, a Trainer's ``checkpoint-N``, nanoGPT's checkpoints in a folder, revisions
named by steps in the hub's cache. Found by names; no weight and no config is read here, so that
whether a step is a network of the same sizes is known when it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model.checkpoint.sources import could_be_opened
from model.checkpoint.sources.places import is_cached
from model.checkpoint.sources.step_names import StepName, step_name

_MOST = 5_000
_WEIGHTS = frozenset({".pt", ".pth", ".ckpt", ".bin"})


@dataclass(frozen=True, slots=True)
class StepPlace:
    """A step of a training, and where its weights are.

    Attributes:
        step: its number.
        name: its full name: of the folder, the file, or the revision.
        path: what is opened.
    """

    step: int
    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one training.

    Attributes:
        places: by step, at least two; or none.
        own: the step of the checkpoint that they lie beside; None if its name tells none.
    """

    places: tuple[StepPlace, ...] = ()
    own: int | None = None


def steps_beside(path: Path) -> Steps:
    """The steps of the training that an opened checkpoint comes of.

    Args:
        path: the folder or file that it is known by.
    """
    with suppress(OSError):
        cache = path.parent.parent
        places = _in_cache(cache) if is_cached(cache) else _siblings(path)
        return _one_series(list(places), path)
    return Steps()


def _one_series(places: list[tuple[StepName, StepPlace]], path: Path) -> Steps:
    """Those of the training that a path belongs to; of several for it alone, the last."""
    mine = [(name, place) for name, place in places if place.path == path]
    if not mine:
        # Known by no step, as nanoGPT's ckpt.pt: the others are its steps if they are one training.
        series = {name.series for name, _ in places}
        if len(series) != 1:
            return Steps()
    else:
        series = {mine[-1][0].series}
    by_step = {name.step: place for name, place in places if name.series in series}
    if len(by_step) < 2:
        return Steps()
    own = mine[-1][0].step if mine else None
    if own is not None:
        by_step[own] = mine[-1][1]
    return Steps(tuple(by_step[step] for step in sorted(by_step)), own)


def _siblings(path: Path) -> Iterator[tuple[StepName, StepPlace]]:
    files = path.is_file()
    if not files and step_name(path.name) is None:
        return
    for n, place in enumerate(sorted(path.parent.iterdir())):
        found = step_name(place.name)
        if found is None or place.name.startswith("."):
            continue
        if n >= _MOST:
            return
        there = place.is_file() and place.suffix in _WEIGHTS if files else _is_whole(place)
        if there:
            yield found, StepPlace(found.step, place.name, place)


def _is_whole(folder: Path) -> bool:
    return folder.is_dir() and could_be_opened(folder)


def _in_cache(cache: Path) -> Iterator[tuple[StepName, StepPlace]]:
    """Revisions whose names are known: ``refs`` says at which commit each stands."""
    refs = cache / "refs"
    for ref in sorted(refs.rglob("*"))[:_MOST]:
        name = ref.relative_to(refs).as_posix()
        found = step_name(name)
        if found is None or not ref.is_file():
            continue
        folder = cache / "snapshots" / ref.read_text(encoding="ascii", errors="replace").strip()
        if _is_whole(folder):
            yield found, StepPlace(found.step, name, folder)
