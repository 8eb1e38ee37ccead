"""What tests of the window share: a store on a real engine; no window outlives its test."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from pytestqt.wait_signal import SignalBlocker

import model
from gui import theme
from gui.session.store import Store
from model import messages as m
from model.checkpoint import save_checkpoint
from model.language_model import LanguageModel
from resources import STORY_WORLD
from tests.gui.desk import PROMPT, Desk


@pytest.fixture(autouse=True)
def halves_are_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on how fast this machine's processor computes in half precision."""
    monkeypatch.setattr("model.precision.slowdown", lambda dtype: 1.0)


@pytest.fixture(autouse=True)
def a_run_is_told_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bundles of a tenth of a second a quick machine tells a short run whole, after its end."""
    monkeypatch.setattr("model.engine.training.FLUSH_SECONDS", 0.0)


PATIENCE = 60_000
"""Milliseconds in which what a test waits for comes, also where ten others share the processor."""


class PatientBot(QtBot):
    """Waits longer than a test says: what it waits for ends a wait, the time only a broken test."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = PATIENCE) -> None:
        super().waitUntil(callback, timeout=max(timeout, PATIENCE))

    def waitSignal(self, signal: Any, *, timeout: int = PATIENCE, **more: Any) -> SignalBlocker:
        if more.get("raising") is False:  # that nothing comes is waited for no longer than asked
            return super().waitSignal(signal, timeout=timeout, **more)
        return super().waitSignal(signal, timeout=max(timeout, PATIENCE), **more)

    def waitExposed(self, widget: QWidget, *, timeout: int = PATIENCE) -> Any:
        return super().waitExposed(widget, timeout=max(timeout, PATIENCE))

    def waitActive(self, widget: QWidget, *, timeout: int = PATIENCE) -> Any:
        return super().waitActive(widget, timeout=max(timeout, PATIENCE))


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture(scope="session", autouse=True)
def cycles_are_collected_in_the_gui_thread() -> Iterator[None]:
    """As in the program: see gui/program/garbage.py."""
    gc.disable()
    yield
    gc.enable()


SLOW_COLLECTION = 0.1
"""Seconds: what survives a collection that takes longer is looked at no more."""


@pytest.fixture(autouse=True)
def collect_after_each_test() -> Iterator[None]:
    """Modules and what they keep are a million objects: gone through after every test, they would
    take longer than the tests."""
    yield
    began = time.perf_counter()
    gc.collect()
    if time.perf_counter() - began > SLOW_COLLECTION:
        gc.freeze()


@pytest.fixture(autouse=True)
def dressed_as_in_the_program(qapp: QApplication) -> None:
    """Every test sees the program's style, fonts and sizes, whichever ran before it."""
    if theme.current().name != "dark" or not qapp.styleSheet():
        theme.apply(qapp, "dark")


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A store on a real engine; no model is open yet."""
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture
def live_store(desk: Desk, qapp: QApplication) -> Store:
    """The same with the bundled model open and a prompt traced."""
    desk.store.set_prompt(PROMPT)
    desk.store.opening.open(str(STORY_WORLD))
    while desk.store.opening.going:  # in more than one slice on a busy machine
        desk.advance()
    assert desk.store.model is not None, [r for r in desk.results if isinstance(r, m.Failed)]
    assert desk.store.read is not None
    return desk.store


@pytest.fixture(scope="session")
def small_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of small models that were made already, by name; `opened` fills it."""
    return {"root": tmp_path_factory.mktemp("small")}


@pytest.fixture
def opened(desk: Desk, small_checkpoints: dict[str, Path]) -> Callable[..., Store]:
    """Opens one of the small models (`tests.small_models.MAKERS`); gives the store."""
    from tests.small_models import MAKERS, TEXT

    def open_model(name: str, prompt: str = TEXT) -> Store:
        if name not in small_checkpoints:
            small_checkpoints[name] = MAKERS[name](small_checkpoints["root"] / name)
        desk.store.set_prompt(prompt)
        desk.store.opening.open(str(small_checkpoints[name]))
        desk.finish()
        failed = [result for result in desk.results if isinstance(result, m.Failed)]
        assert not failed, failed
        return desk.store

    return open_model


@pytest.fixture(scope="session")
def rounded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model with the matrices of its blocks rounded to few bits."""
    lm = model.open(STORY_WORLD, device="cpu")
    with torch.no_grad():
        for weight in lm.transformer.blocks.parameters():
            if weight.ndim == 2:
                step = weight.abs().max() / 15
                weight.copy_((weight / step).round() * step)
    folder = tmp_path_factory.mktemp("rounded") / "story-world-rounded"
    save_checkpoint(folder, lm.transformer, lm.tokenizer)
    return folder


@pytest.fixture
def beside(live_store: Store, desk: Desk, rounded: Path) -> LanguageModel:
    """The rounded model as B beside the bundled one; what computes it."""
    live_store.opening.open(str(rounded), beside=True)
    while live_store.opening.going:
        desk.advance()
    info = live_store.comparing.model
    assert info is not None, [r for r in desk.results if isinstance(r, m.Failed)]
    return desk.engine.place.models[info.model_id]


@pytest.fixture(autouse=True)
def no_window_left_behind() -> Iterator[None]:
    """Fails a test that leaves a window on the screen."""
    before = visible_windows()
    yield
    left = visible_windows() - before
    assert not left, f"windows left behind: {left}"


def visible_windows() -> set[QWidget]:
    """The windows on the screen."""
    if QApplication.instance() is None:
        return set()
    return {widget for widget in QApplication.topLevelWidgets() if widget.isVisible()}
