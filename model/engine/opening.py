"""Looking at checkpoints, and opening one in slices.

Knows messages and how to open; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.job import Job, RequestError
from model.engine.model_info import whole_path
from model.engine.workplace import Workplace
from model.preview import Preview

if TYPE_CHECKING:
    from model.checkpoint.opening import OpeningSlice
    from model.language_model import LanguageModel

AT_ONCE_BYTES = 64 * 2**20
"""A checkpoint of less is read in one go: it takes less than what a person notices."""

AT_ONCE_SECONDS = 0.5
"""Unless it takes longer since it began: from a slow disk, or over a network."""


def preview_model(request: m.PreviewModel, place: Workplace) -> Job:
    """Answers `PreviewModel`."""
    from model.checkpoint import preview
    from model.device import choose_device
    from model.hub import is_hub_name
    from model.hub.known import preview_name

    device = place.device if request.device == "auto" else request.device
    if _is_gone(request):
        gone = Preview(path=request.path, problem=_gone(request.path))
        yield m.ModelPreviewed(request_id=request.id, preview=gone)
        return
    look = preview_name if is_hub_name(request.path) else preview
    found = look(request.path, choose_device(device).name)
    yield m.ModelPreviewed(request_id=request.id, preview=found)


def open_model(request: m.OpenModel, place: Workplace) -> Job:
    """Answers `OpenModel`; the model that was open stays until the new one is there."""
    from model.hub import is_hub_name
    from model.language_model import opening_model

    if _is_gone(request):
        raise RequestError(_gone(request.path))
    # Asked once: what is a folder now is none later, and never a name on a hub instead.
    named = is_hub_name(request.path)
    again = request.path if named else str(whole_path(request.path))
    began = time.perf_counter()
    device = place.device if request.device == "auto" else request.device
    slices = opening_model(again, device, request.dtype, in_own_process=True)
    yield m.Activity(request_id=request.id, what=f"opening {Path(request.path).name}")
    try:
        lm = yield from _told(request, slices, began)
    finally:
        slices.close()
    info = place.hold(lm, training=False, place=again)
    if request.beside:
        shown = place.beside_in_view
        place.compare(info)
        place.show_beside(show=False)
    else:
        place.open(info)
        place.openings += 1
        # What a person opens, they want to see, also while something else is training.
        place.show_beside(show=False)
        place.show(run=False)
    seconds = time.perf_counter() - began
    yield m.ModelOpened(request_id=request.id, info=info, seconds=seconds, beside=request.beside)
    if request.beside and shown:  # what was in view is let go of
        yield m.ModelOpened(request_id=request.id, info=place.info, seconds=0.0)


def close_beside(request: m.CloseBeside, place: Workplace) -> Job:
    """Answers `CloseBeside`: its memory is free again."""
    shown = place.beside_in_view
    place.compare(None)
    if shown:
        yield m.ModelOpened(request_id=request.id, info=place.info, seconds=0.0)


def show_beside(request: m.ShowBeside, place: Workplace) -> Job:
    """Answers `ShowBeside`: another model is in view."""
    if request.show and place.beside is None:
        raise RequestError("No other model is open. Choose B first.")
    place.show_beside(show=request.show)
    yield m.ModelOpened(request_id=request.id, info=place.info, seconds=0.0)


def _is_gone(request: m.OpenModel | m.PreviewModel) -> bool:
    """Whether a path that was opened before leads nowhere now; a name on a hub is no path."""
    from model.checkpoint.sources.adapter import is_there

    path = Path(request.path)
    return request.remembered and path.is_absolute() and not is_there(path)


def _gone(path: str) -> str:
    return f"{path} is no longer there. It was moved, renamed or deleted; open it where it is now."


def _told(
    request: m.OpenModel, slices: Generator[OpeningSlice, None, LanguageModel], began: float
) -> Generator[m.Result | None, None, LanguageModel]:
    """The slices as they are told; all in one where there is little."""
    while True:
        try:
            step = next(slices)
            while (
                0 < step.total_bytes <= AT_ONCE_BYTES
                and time.perf_counter() - began < AT_ONCE_SECONDS
            ):
                step = next(slices)
        except StopIteration as stop:
            lm: LanguageModel = stop.value
            return lm
        yield m.OpeningProgressed(
            request_id=request.id,
            done_bytes=step.done_bytes,
            total_bytes=step.total_bytes,
            what=step.what,
        )
        yield None
