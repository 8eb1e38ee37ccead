"""What concerns the worker itself: torch, the device, the threads.

Imports torch, when it is called.
"""

from __future__ import annotations

import time

from model import messages as m
from model.engine.job import Job
from model.engine.workplace import Workplace


def ready(place: Workplace, request_id: int = 0) -> m.EngineReady:
    """Import torch, find the device and set the threads.

    A device that can't be used keeps nobody from working: another one is taken, and it is said.
    """
    began = time.perf_counter()
    import torch

    from model import language_model  # noqa: F401 - all that the first request would import
    from model.device import DeviceError, choose_device, default_threads, set_threads

    threads = place.threads or default_threads()
    set_threads(threads)
    problem = ""
    try:
        choice = choose_device(place.device)
    except DeviceError as error:
        problem, place.device = str(error), "auto"
        choice = choose_device()
    return m.EngineReady(
        request_id=request_id,
        torch_version=torch.__version__,
        device=choice.name,
        device_why=choice.why,
        device_problem=problem,
        threads=threads,
        seconds=time.perf_counter() - began,
    )


def set_budget(request: m.SetBudget, place: Workplace) -> Job:
    """Answers `SetBudget`, by what the next prompt that is run says it took."""
    place.bench.set_budget(request.n_bytes)
    yield from ()


def set_threads(request: m.SetThreads, place: Workplace) -> Job:
    """Answers `SetThreads`."""
    place.threads = max(1, request.n)
    yield ready(place, request.id)
