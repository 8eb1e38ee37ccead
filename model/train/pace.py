"""How long a run has taken and how fast it is.

Knows seconds and tokens, nothing else.
"""

from __future__ import annotations

import time
from collections import deque


class Stopwatch:
    """Seconds between start and stop, summed up: the caller's own time, a pause, does not count."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._started: float | None = None

    @property
    def seconds(self) -> float:
        running = 0.0 if self._started is None else time.perf_counter() - self._started
        return self._sum + running

    def set(self, seconds: float) -> None:
        """Count on from here."""
        self._sum = seconds
        if self._started is not None:
            self._started = time.perf_counter()

    def start(self) -> None:
        self._started = time.perf_counter()

    def stop(self) -> None:
        self._sum = self.seconds
        self._started = None


class Speed:
    """Tokens per second: of the last second of steps, and of them all."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, float]] = deque()
        self._recent_tokens = self._tokens = 0
        self._recent_seconds = self._seconds = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """Count a step."""
        self._recent.append((tokens, seconds))
        self._recent_tokens += tokens
        self._recent_seconds += seconds
        self._tokens += tokens
        self._seconds += seconds
        while self._recent_seconds - self._recent[0][1] >= 1.0:
            old_tokens, old_seconds = self._recent.popleft()
            self._recent_tokens -= old_tokens
            self._recent_seconds -= old_seconds

    @property
    def recent(self) -> float:
        return self._recent_tokens / self._recent_seconds if self._recent_seconds else 0.0

    @property
    def mean(self) -> float:
        return self._tokens / self._seconds if self._seconds else 0.0
