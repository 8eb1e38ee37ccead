"""A worker that reads prompts and has not answered yet what is asked about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from model import messages as m
from tests.gui.desk import Desk


@contextmanager
def answers_kept_back(desk: Desk) -> Iterator[list[m.Request]]:
    """Until the end, questions are kept in the list that is given; then they are answered."""
    submit = desk.store._submit
    kept: list[m.Request] = []

    def keep(request: m.Request) -> None:
        if isinstance(request, m.Ask | m.Cancel):
            kept.append(request)
        else:
            submit(request)

    desk.store._submit = keep
    yield kept
    desk.store._submit = submit
    for request in kept:
        submit(request)
