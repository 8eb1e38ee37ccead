"""The kept steps of a run, as weights away from the centre. Shape suffixes: P weights, S steps.

Knows the bench, and how a step is read; no direction.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from model.bench import Bench
from model.checkpoint.errors import CheckpointError
from model.checkpoint.memory import free_bytes
from model.checkpoint.opening import reading_step
from model.checkpoint.steps import steps_beside
from model.probe.landscape.point import weights_of
from model.probe.question import ProbeError
from model.subject import Subject
from model.transformer import Transformer

MOST_BYTES = 1 << 30
"""Memory for the steps' weights; of more steps some are left out, evenly."""
MOST_STEPS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """The steps of a path.

    Attributes:
        numbers: of the steps, in order.
        away_SP: their weights less the centre's, ``[P]`` each.
        n_left_out: kept steps that were not read.
    """

    numbers: tuple[int, ...]
    away_SP: tuple[Tensor, ...]
    n_left_out: int


def reading_steps(
    bench: Bench, subject: Subject, like: Transformer, centre_P: Tensor
) -> Generator[float, None, Steps]:
    """Read a run's kept steps; yields the share that is read.

    Args:
        bench: holds the model.
        subject: whose run.
        like: the network in the centre.
        centre_P: its weights.

    Raises:
        ProbeError: a step can't be read.
    """
    paths = dict(places(bench, subject))
    numbers, left_out = _some(tuple(paths), 4 * centre_P.numel())
    away: list[Tensor] = []
    for done, step in enumerate(numbers):
        reading = reading_step(paths[step], like, str(centre_P.device))
        try:
            while True:
                try:
                    next(reading)
                except StopIteration as stop:
                    network = stop.value
                    break
                yield done / len(numbers)
        except CheckpointError as error:
            raise ProbeError(str(error)) from error
        finally:
            reading.close()
        away.append(weights_of(network).sub_(centre_P))
        yield (done + 1) / len(numbers)
    return Steps(numbers, tuple(away), left_out)


def places(bench: Bench, subject: Subject) -> list[tuple[int, Path]]:
    """Where the kept steps of a model's training are, in order; none where there are not two."""
    held = bench.held(subject.model)
    if held.steps.paths:
        found = sorted(held.steps.paths.items())
    elif held.lm_path is not None:
        found = [(at.step, at.path) for at in steps_beside(held.lm_path).places]
    else:
        found = []
    return found if len(found) > 1 else []


def _some(steps: tuple[int, ...], n_bytes: int) -> tuple[tuple[int, ...], int]:
    """As many steps as the memory has room for, both ends among them; and how many it has not."""
    room = min(MOST_BYTES, free_bytes() // 3) // n_bytes
    most = max(3, min(MOST_STEPS, room))
    if len(steps) <= most:
        return steps, 0
    at = np.unique(np.round(np.linspace(0, len(steps) - 1, most)).astype(int))
    return tuple(steps[int(i)] for i in at), len(steps) - len(at)
