"""A model that is being saved, in slices: the engine advances it.

Knows messages and how to save; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from model import messages as m

if TYPE_CHECKING:
    from model.checkpoint.saving import SavingSlice
    from model.language_model import LanguageModel

SLICE_SECONDS = 0.02
SAY_SECONDS = 0.1


class SavingWork:
    """At most one saving; the next waits until it is done."""

    def __init__(self) -> None:
        self.request: m.SaveModel | None = None
        self._slices: Generator[SavingSlice, None, Path] | None = None
        self._said = 0.0

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return self.request is not None

    def begin(self, request: m.SaveModel, lm: LanguageModel) -> Iterator[m.Result]:
        """Start; one that is going is finished first."""
        from model.checkpoint.saving import saving

        yield from self.finish()
        self._slices = saving(request.path, lm.transformer, lm.tokenizer, family=lm.family)
        self.request = request
        self._said = time.perf_counter()

    def advance(self) -> Iterator[m.Result]:
        """A few slices.

        Raises:
            CheckpointError: it can't be saved; then it is over, and nothing is left behind.
        """
        request, slices = self.request, self._slices
        if request is None or slices is None:
            return
        end = time.perf_counter() + SLICE_SECONDS
        try:
            while True:
                at = next(slices)
                now = time.perf_counter()
                if now > end:
                    break
        except StopIteration as stop:
            self._drop()
            yield m.Saved(request_id=request.id, path=str(stop.value))
            return
        except BaseException:
            self._drop()
            raise
        if now - self._said > SAY_SECONDS:
            self._said = now
            yield m.Progress(
                request_id=request.id,
                what=f"saving to {Path(request.path).name}",
                done=at.done_bytes,
                total=at.total_bytes,
            )

    def finish(self) -> Iterator[m.Result]:
        """All that is left of it, without a pause."""
        while self.busy:
            yield from self.advance()

    def cancel(self, target: int) -> bool:
        """Whether it was the one that is going; nothing of it is left behind."""
        if self.request is None or self.request.id != target:
            return False
        if self._slices is not None:
            self._slices.close()
        self._drop()
        return True

    def _drop(self) -> None:
        self.request = self._slices = None
