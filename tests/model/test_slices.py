"""Work in slices is driven to its value, and given up cleanly."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from model.slices import finish, retold


class Work:
    """Three slices and a value; knows whether it was ended."""

    def __init__(self) -> None:
        self.ended = False

    def steps(self) -> Generator[int, None, str]:
        try:
            yield from (1, 2, 3)
            return "done"
        finally:
            self.ended = True


def test_every_slice_is_seen_and_the_value_comes_last() -> None:
    seen: list[int] = []
    assert finish(Work().steps(), seen.append) == "done"
    assert seen == [1, 2, 3]
    assert finish(Work().steps()) == "done"


def test_who_raises_between_two_slices_ends_the_work() -> None:
    work, held = Work(), []

    def give_up(step: int) -> None:
        if step == 2:
            raise KeyboardInterrupt

    steps = work.steps()
    held.append(steps)  # so that it is not ended by being thrown away
    with pytest.raises(KeyboardInterrupt):
        finish(steps, give_up)
    assert work.ended


def test_retold_slices_are_others_and_the_value_is_the_same() -> None:
    told: list[str] = []
    assert finish(retold(Work().steps(), lambda step: f"slice {step}"), told.append) == "done"
    assert told == ["slice 1", "slice 2", "slice 3"]


def test_giving_up_what_is_retold_ends_the_work() -> None:
    work = Work()
    steps = work.steps()
    told = retold(steps, str)
    assert next(told) == "1"
    told.close()
    assert work.ended
