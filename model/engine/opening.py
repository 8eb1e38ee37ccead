"""A checkpoint that is being opened, in slices: the engine advances it.

Knows messages and how to open; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from model import messages as m

if TYPE_CHECKING:
    from model.checkpoint.opening import OpeningSlice
    from model.language_model import LanguageModel

AT_ONCE_BYTES = 64 * 2**20
"""A checkpoint of less is read in one go: it takes less than what a person notices."""

AT_ONCE_SECONDS = 0.5
"""Unless it takes longer since it began: from a slow disk, or over a network."""


class OpeningWork:
    """At most one opening; a newer one takes its place."""

    def __init__(self) -> None:
        self.request: m.OpenModel | None = None
        self._slices: Generator[OpeningSlice, None, LanguageModel] | None = None
        self._began = 0.0

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return self.request is not None

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._began

    def begin(self, request: m.OpenModel, device: str, dtype: str | None) -> Iterator[m.Result]:
        """Start; nothing is looked at before the first `advance`."""
        from model.language_model import opening_model

        if self.request is not None:
            old = self.request.id
            self.close()
            yield m.Cancelled(request_id=old)
        self._began = time.perf_counter()
        self._slices = opening_model(request.path, device, dtype, apart=True)
        self.request = request
        yield m.Activity(request_id=request.id, what=f"opening {Path(request.path).name}")

    def advance(self) -> m.OpeningProgressed | LanguageModel:
        """One slice, or all where there is little; the model once it is there.

        Raises:
            Exception: it can't be opened; then it is over.
        """
        request, slices = self.request, self._slices
        assert request is not None
        assert slices is not None
        try:
            step = next(slices)
            while 0 < step.total_bytes <= AT_ONCE_BYTES and self.seconds < AT_ONCE_SECONDS:
                step = next(slices)
        except StopIteration as stop:
            self.close()
            lm: LanguageModel = stop.value
            return lm
        except BaseException:
            self.close()
            raise
        return m.OpeningProgressed(
            request_id=request.id,
            done_bytes=step.done_bytes,
            total_bytes=step.total_bytes,
            what=step.what,
        )

    def cancel(self, target: int) -> bool:
        """Whether it was the one that is going; it is over then, and its memory free."""
        if self.request is None or self.request.id != target:
            return False
        self.close()
        return True

    def close(self) -> None:
        """Give it up."""
        slices, self._slices, self.request = self._slices, None, None
        if slices is not None:
            slices.close()
