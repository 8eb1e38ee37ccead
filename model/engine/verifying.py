"""A comparison of the open model with its original that is going on, slice by slice.

Knows messages and the comparison; no queue, no thread, no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.opened_model import ModelView

if TYPE_CHECKING:
    from model.checkpoint.verify import Verification

POLL_SECONDS = 0.02
"""How often the other process is looked after while a training goes on."""

IDLE_SECONDS = 0.005
"""How long one slice waits for it where nothing else is to be done."""


@dataclass(slots=True)
class _Going:
    request: m.VerifyModel
    model_id: int
    steps: Generator[str, None, Verification]
    began: float
    said: str = ""
    looked: float = 0.0


class VerificationWork:
    """At most one comparison at a time."""

    def __init__(self) -> None:
        self._going: _Going | None = None

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return self._going is not None

    def begin(self, request: m.VerifyModel, viewed: ModelView) -> Iterator[m.Result]:
        """Start; one that is going is cancelled."""
        from model.checkpoint.verify import verify
        from model.device import default_threads

        yield from self._end()
        if viewed.info.training:
            yield _unverified(
                request, viewed, "the model is still learning; verify it when the run is over."
            )
            return
        steps = verify(viewed.lm, request.n_tokens, request.seed, default_threads())
        self._going = _Going(request, viewed.info.model_id, steps, time.perf_counter())

    def cancel(self, request_id: int) -> bool:
        """Drop the comparison of that id; whether it was going."""
        if self._going is None or self._going.request.id != request_id:
            return False
        self.close()
        return True

    def close(self) -> None:
        """End the other process, if there is one."""
        going, self._going = self._going, None
        if going is not None:
            going.steps.close()

    def advance(self, viewed: ModelView, *, idle: bool) -> Iterator[m.Result]:
        """One slice.

        Args:
            viewed: the model in view; where it is another one, the comparison is dropped.
            idle: whether nothing else is to be done, so that a slice may wait a little.
        """
        from model.checkpoint.verify import VerifyError

        going = self._going
        if going is None:
            return
        if viewed.info.model_id != going.model_id:
            yield from self._end()
            return
        now = time.perf_counter()
        if idle:
            time.sleep(IDLE_SECONDS)
        elif now - going.looked < POLL_SECONDS:
            return
        going.looked = now
        try:
            doing = next(going.steps)
        except StopIteration as stop:
            self._going = None
            yield _verified(going, stop.value)
        except VerifyError as error:
            self._going = None
            yield _unverified(going.request, viewed, str(error), now - going.began)
        except Exception:
            self._going = None
            raise
        else:
            if doing != going.said:
                going.said = doing
                yield m.Progress(request_id=going.request.id, what=doing)

    @property
    def request(self) -> m.VerifyModel | None:
        """What is being answered."""
        return None if self._going is None else self._going.request

    def _end(self) -> Iterator[m.Result]:
        if self._going is not None:
            target = self._going.request.id
            self.close()
            yield m.Cancelled(request_id=target)


def _verified(going: _Going, found: Verification) -> m.ModelVerified:
    return m.ModelVerified(
        request_id=going.request.id,
        model_id=going.model_id,
        max_abs_logit_difference=found.max_abs_logit_difference,
        tolerance=found.tolerance,
        n_tokens=found.n_tokens,
        compared=found.compared,
        dtype=found.dtype,
        against=found.against,
        notes=found.notes,
        seconds=found.seconds,
    )


def _unverified(
    request: m.VerifyModel, viewed: ModelView, problem: str, seconds: float = 0.0
) -> m.ModelVerified:
    return m.ModelVerified(
        request_id=request.id,
        model_id=viewed.info.model_id,
        max_abs_logit_difference=None,
        problem=problem,
        seconds=seconds,
    )
