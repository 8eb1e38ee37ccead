"""Timing a pass in slices: other work is done between them, and never counted.

A pass is a generator that stops between two blocks. Its seconds are those in which it ran. Where
something else was done meanwhile, what the pass needs lies no more in the processor's caches: then
it is not counted, and done again. So it is where another program had the core for a part of it.

Knows generators and clocks; no network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch

SLICE_SECONDS = 0.03
"""After so long a pass stops at the next block: with it a slice stays below 50 ms."""
GAP_SECONDS = 0.005
"""A pause that takes longer was used by others. An idle worker is back in a tenth of this."""
ENOUGH_SECONDS = 0.1
"""Short passes are repeated until they took so long together, at most `MOST` times as asked."""
MOST = 4
OF_A_CORE = 0.9
"""A pass on the CPU that had less of a core was held up by another program."""
SPOILT, SPOILT_SECONDS = 8, 1.0
"""Times as many passes as asked may be spoilt, or as many as asked and so many seconds of them."""
LONG_SECONDS = 3.0
"""Passes that took so long together are repeated no more, once there are three."""

Pass = Callable[[], Iterator[object]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One pass.

    Attributes:
        seconds: in which it ran.
        cpu_seconds: of these, those in which this thread had a core.
        disturbed: whether something else was done in between or right before.
    """

    seconds: float
    cpu_seconds: float
    disturbed: bool

    @property
    def core(self) -> float:
        """Share of a core that it had."""
        return self.cpu_seconds / self.seconds if self.seconds > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Repeats of one pass.

    Attributes:
        median, low, high: seconds; the lower and upper quartile.
        n: how many were counted.
    """

    median: float
    low: float
    high: float
    n: int


class _Series:
    """Repeats of one pass, as far as they are.

    Args:
        on_cpu: whether the share of a core that a pass had says something.
        repeats: how many are wanted.
    """

    def __init__(self, on_cpu: bool, repeats: int) -> None:
        self._on_cpu, self._repeats = on_cpu, repeats
        self._clean: list[Sample] = []
        self._spoilt: list[Sample] = []

    def add(self, sample: Sample) -> None:
        """One more."""
        held_up = self._on_cpu and sample.core < OF_A_CORE
        (self._spoilt if sample.disturbed or held_up else self._clean).append(sample)

    @property
    def every(self) -> list[Sample]:
        """All, the least disturbed first."""
        every = [*self._clean, *self._spoilt]
        return sorted(every, key=lambda sample: (sample.disturbed, -sample.core))

    @property
    def counted(self) -> list[Sample]:
        """Those that nothing held up; where these are too few, those that it held up least."""
        return self._clean if len(self._clean) >= 3 else self.every[: max(self._repeats, 3)]

    @property
    def is_over(self) -> bool:
        """Whether there are enough, or it is given up to find such as nothing holds up."""
        n, seconds = len(self._clean), sum(sample.seconds for sample in self._clean)
        if n >= 3 and seconds >= LONG_SECONDS:
            return True
        if n >= MOST * self._repeats or (n >= self._repeats and seconds >= ENOUGH_SECONDS):
            return True
        n, seconds = len(self._spoilt), sum(sample.seconds for sample in self._spoilt)
        enough = n >= self._repeats and seconds >= SPOILT_SECONDS
        return n >= SPOILT * self._repeats or enough


class Stopwatch:
    """Runs passes and tells how long they took.

    Args:
        device: where they compute; a GPU is waited for.

    Attributes:
        n_repeated: passes that were not counted.
        seconds, cpu_seconds: of all passes that were timed.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._since = time.perf_counter()
        self._stale = True  # what was done before is not known
        self.n_repeated = 0
        self.seconds = self.cpu_seconds = 0.0

    @property
    def busy_elsewhere(self) -> float:
        """Share of the time in which other programs had the core; 0 on a quiet machine."""
        if not self._on_cpu or self.seconds <= 0:
            return 0.0
        return max(0.0, 1 - self.cpu_seconds / self.seconds)

    @property
    def _on_cpu(self) -> bool:
        return self._device.type == "cpu"

    def run(
        self, steps: Iterator[object], watch: AbstractContextManager[object] | None = None
    ) -> Generator[None, None, Sample]:
        """One pass, in slices.

        Args:
            steps: the pass; it ends with this generator.
            watch: entered around every step.
        """
        seconds = cpu_seconds = 0.0
        disturbed, self._stale = self._stale, False
        going = True
        while going:
            # Entered for each step anew: neither may leak out of a generator that waits.
            with torch.inference_mode(), watch or nullcontext():
                began, cpu_began = time.perf_counter(), time.thread_time()
                going = next(steps, _END) is not _END
                self._settle()
                seconds += time.perf_counter() - began
                cpu_seconds += time.thread_time() - cpu_began
            if going and (yield from self._paused()):
                disturbed = True
        return Sample(seconds, cpu_seconds, disturbed)

    def measure(self, one: Pass, repeats: int) -> Generator[None, None, Measured]:
        """A pass again and again: the median of what it took.

        Args:
            one: gives a fresh pass; what it prepares before it gives it isn't timed.
            repeats: how many are counted at least, three of long ones.
        """
        (measured,) = yield from self.in_turn((one,), repeats)
        return measured

    def in_turn(
        self, passes: Sequence[Pass], repeats: int
    ) -> Generator[None, None, tuple[Measured, ...]]:
        """Several passes, one after the other, again and again: what comes and goes hits all.

        Args:
            passes, repeats: as of `measure`.
        """
        series = [_Series(self._on_cpu, repeats) for _ in passes]
        while not all(each.is_over for each in series):
            for one, each in zip(passes, series, strict=True):
                if not each.is_over:
                    each.add((yield from self.run(one())))
                    if (yield from self._paused()):
                        self._stale = True
        return tuple(self._measured(each) for each in series)

    def _measured(self, series: _Series) -> Measured:
        every, counted = series.every, series.counted
        self.seconds += sum(sample.seconds for sample in every)
        self.cpu_seconds += sum(sample.cpu_seconds for sample in every)
        self.n_repeated += len(every) - len(counted)
        low, median, high = np.quantile([s.seconds for s in counted], (0.25, 0.5, 0.75)).tolist()
        return Measured(median, low, high, len(counted))

    def _paused(self) -> Generator[None, None, bool]:
        """Give way if a slice is over; whether others took it."""
        before = time.perf_counter()
        if before - self._since < SLICE_SECONDS:
            return False
        yield
        self._since = time.perf_counter()
        return self._since - before > GAP_SECONDS

    def _settle(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        elif self._device.type == "mps":
            torch.mps.synchronize()


_END = object()
