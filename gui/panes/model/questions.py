"""What is asked about the weights, and when: what is seen first, nothing twice.

While a model learns, questions come again, so seldom that answering takes at most a fiftieth of
the time. Knows the store; no widget.
"""

from __future__ import annotations

import time

from gui.panes.model.matrix_picture import Span
from gui.session.store import Store
from model import messages as m
from model.probe.weights.matrix_layout import MatrixLayout

AT_ONCE = 2e8
"""Rows × columns × the smaller of both up to which singular values come unasked (0.1 s)."""

FOLLOW_SECONDS = 1.0
FOLLOW_SHARE = 0.02
"""A model that learns is asked at most so often, and for at most this share of the time."""


class WeightQuestions:
    """Sends questions through the store, and remembers which.

    Args:
        store: asked; its answers arrive there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._figures: tuple[object, ...] = ()
        self._detail: tuple[object, ...] = ()
        self._follow_from = 0.0
        self._step: int | None = None

    def forget(self) -> None:
        """Another model: nothing was asked about it."""
        self._figures = self._detail = ()
        self._follow_from = 0.0
        self._step = None

    def ask_figures(self, first: tuple[str, ...], *, all_matter: bool) -> None:
        """Figures of these tensors, then of all others.

        Args:
            first: the tensors that are seen.
            all_matter: whether the order of the rows depends on the figures of all. Of a model
                that learns, the others are asked for only then.
        """
        model, state = self._store.model, self._store.weights
        if model is None or not state.tensors:
            return
        if self._step is None and not model.training:
            self._step = self._store.timeline.step  # what is asked for is of this step
        names = first
        if all_matter or not model.training:
            names = tuple(dict.fromkeys((*first, *(tensor.name for tensor in state.tensors))))
        names = tuple(name for name in names if name not in state.figures)
        asked = (state.model_id, names)
        # A question that is being answered shrinks with every answer: it is not asked again.
        going = self._figures and self._figures[0] == state.model_id
        if names and not (going and set(names) <= set(self._figures[1])):  # type: ignore[call-overload]
            self._figures = asked
            state.describe(names)

    def ask_detail(
        self, name: str, part: int | None, rows: Span, columns: Span, most: tuple[int, int]
    ) -> None:
        """Histogram and picture of a tensor, unless this very picture was asked for last."""
        state = self._store.weights
        # So that a picture is not asked for anew at each pixel of a resize.
        most = (max(1, most[0] - most[0] % 16), max(1, most[1] - most[1] % 16))
        wanted = (state.model_id, name, part, rows, columns, most)
        if wanted != self._detail:
            self._detail = wanted
            state.examine(
                m.ExamineWeight(name=name, part=part, rows=rows, columns=columns, most_cells=most)
            )

    def follow(self, seen: tuple[str, ...]) -> bool:
        """Ask again about a model that learns, if it is time, or at another step; whether it was.

        Args:
            seen: the tensors whose figures are seen.
        """
        model, read = self._store.model, self._store.read
        if model is None or read is None or read.step == self._step:
            return False
        if self._store.timeline.live and time.monotonic() < self._follow_from:
            return False
        self._step = read.step
        self._follow_from = time.monotonic() + FOLLOW_SECONDS
        self._detail = ()
        names = seen
        if not self._store.timeline.live:  # nothing that is drawn may stay of another step
            every = (tensor.name for tensor in self._store.weights.tensors)
            names = tuple(dict.fromkeys((*seen, *every)))
        if names:
            self._store.weights.describe(names)
        return True

    def answered(self, seconds: float) -> None:
        """An answer took that long: the next look is so far away that the share holds."""
        self._follow_from = max(self._follow_from, time.monotonic() + seconds / FOLLOW_SHARE)


def is_cheap(layout: MatrixLayout) -> bool:
    """Whether the singular values of such a matrix may be found unasked."""
    n = min(layout.n_rows, layout.n_columns)
    return n >= 2 and layout.n_rows * layout.n_columns * n <= AT_ONCE
