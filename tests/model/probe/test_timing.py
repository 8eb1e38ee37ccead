"""A clock that is fair: what others do meanwhile is not counted, and a pass gives way."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from model.probe.cost.passes import fused
from model.probe.cost.peak import Peak
from model.probe.cost.timing import Stopwatch
from model.slices import finish
from model.transformer import Transformer
from tests.model.networks import BASE, some_ids


class Clock:
    """Time that passes only where somebody says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.cpu = 0.0
        monkeypatch.setattr("time.perf_counter", lambda: self.now)
        monkeypatch.setattr("time.thread_time", lambda: self.cpu)

    def work(self, seconds: float, held_up: float = 0.0) -> None:
        self.cpu += seconds
        self.now += seconds + held_up


def test_what_others_do_between_two_blocks_is_not_counted(monkeypatch: pytest.MonkeyPatch):
    clock = Clock(monkeypatch)

    def one() -> Iterator[None]:
        for _ in range(4):
            clock.work(0.04)
            yield

    watch = Stopwatch(torch.device("cpu"))
    steps = watch.measure(one, 3)
    others = 0
    try:
        while True:
            next(steps)
            others += 1
            if others in (6, 14):
                clock.now += 0.5  # a pane's question is answered
    except StopIteration as stop:
        found = stop.value
    assert found.median == found.low == found.high == pytest.approx(0.16)
    assert watch.n_repeated == 3  # the first, of which nothing is known, and two disturbed ones
    assert others >= 12  # it gives way after each block


def test_a_pass_that_another_program_held_up_is_done_again(monkeypatch: pytest.MonkeyPatch):
    clock = Clock(monkeypatch)
    held_up = iter((0.0, 0.3, 0.0, 0.0, 0.3, 0.0, *([0.0] * 40)))

    def one() -> Iterator[None]:
        clock.work(0.02, next(held_up))
        yield

    watch = Stopwatch(torch.device("cpu"))
    found = finish(watch.measure(one, 3))
    assert found.high == pytest.approx(0.02)
    assert watch.n_repeated >= 2
    assert 0 < watch.busy_elsewhere < 1


def test_where_all_passes_are_held_up_the_least_are_taken(monkeypatch: pytest.MonkeyPatch):
    clock = Clock(monkeypatch)
    delays = iter(np.tile((0.2, 0.01, 0.4), 100).tolist())

    def one() -> Iterator[None]:
        clock.work(0.02, next(delays))
        yield

    found = finish(Stopwatch(torch.device("cpu")).measure(one, 3))
    assert found.median == pytest.approx(0.03)


def test_a_long_pass_is_timed_three_times(monkeypatch: pytest.MonkeyPatch):
    clock = Clock(monkeypatch)

    def one() -> Iterator[None]:
        clock.work(2.0)
        yield

    assert finish(Stopwatch(torch.device("cpu")).measure(one, 9)).n == 3


def test_what_comes_and_goes_hits_both_that_are_compared(monkeypatch: pytest.MonkeyPatch):
    """The processor becomes slower: each pass takes a tenth longer than the one before."""
    clock = Clock(monkeypatch)
    n = 0

    def one(seconds: float) -> Iterator[None]:
        nonlocal n
        n += 1
        clock.work(seconds * 1.1**n)
        yield

    watch = Stopwatch(torch.device("cpu"))
    passes = (lambda: one(0.02), lambda: one(0.01))
    slow, fast = finish(watch.in_turn(passes, 3))
    assert slow.median / fast.median == pytest.approx(2, rel=0.11)


def test_no_mode_leaks_out_of_a_pass_that_waits():
    made = Transformer(BASE).eval()
    ids_BT = some_ids(BASE, batch=1)

    def one() -> Iterator[object]:
        for step in fused(made, ids_BT):
            time.sleep(0.05)  # so that it stops behind each block
            yield step

    watch = Stopwatch(torch.device("cpu"))
    stops = 0
    for _ in watch.run(one(), Peak(made.parameters())):
        stops += 1
        assert not torch.is_inference_mode_enabled()
        assert torch.ones(1).add(1).requires_grad is False
        assert torch.utils._python_dispatch._get_current_dispatch_mode() is None
    assert stops >= BASE.n_layers
