"""Saving the model in view, in slices.

One at a time: the next waits until the one before is done. Knows messages and how to save; no
queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.job import Job, RequestError
from model.engine.workplace import Workplace

if TYPE_CHECKING:
    from model.checkpoint.saving import SavingSlice

SLICE_SECONDS = 0.02
SAY_SECONDS = 0.1


def save_model(request: m.SaveModel, place: Workplace) -> Job:
    """Answers `SaveModel`; cancelled, it leaves nothing behind."""
    from model.checkpoint.saving import saving
    from model.train.run_files import copy_run
    from model.train.run_folder import is_run

    lm, info = place.lm, place.info
    target, source = Path(request.path), Path(info.path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RequestError(f"{target} exists and is not empty. Choose a new folder.")
    yield m.Activity(request_id=request.id, what=f"saving to {target.name}")
    whole_run = place.shown.get(info.model_id) in (None, info.step)
    if whole_run and not info.training and info.model_id not in place.unsaved and is_run(source):
        copy_run(source, target)
        yield m.Saved(request_id=request.id, path=str(target))
        return
    while place.saving:
        yield None
    place.saving = True
    slices = saving(
        request.path,
        lm.transformer,
        lm.tokenizer,
        family=lm.family,
        dtype=lm.dtype_to_save,
        ends=lm.ends,
    )
    try:
        if not info.training:  # else its weights would change between two slices
            yield None
        for result in _told(request, slices):
            if result is not None or not info.training:
                yield result
    finally:
        slices.close()
        place.saving = False


def _told(request: m.SaveModel, slices: Generator[SavingSlice, None, Path]) -> Job:
    """The slices as they are told, a few in one."""
    said = began = time.perf_counter()
    while True:
        try:
            at = next(slices)
        except StopIteration as stop:
            yield m.Saved(request_id=request.id, path=str(stop.value))
            return
        now = time.perf_counter()
        if now - began <= SLICE_SECONDS:
            continue
        if now - said > SAY_SECONDS:
            said = now
            yield m.Progress(
                request_id=request.id,
                what=f"saving to {Path(request.path).name}",
                done=at.done_bytes,
                total=at.total_bytes,
            )
        yield None
        began = time.perf_counter()
