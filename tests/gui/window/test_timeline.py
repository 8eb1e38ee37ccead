"""The bar of a training's steps under the window: there where there are steps, hit and heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gui.session.backend import Backend
from gui.session.store import Store
from gui.settings import Settings
from gui.window.main_window import MainWindow
from gui.window.timeline.bar import TimelineBar
from gui.window.timeline.places import Places, labelled
from gui.window.timeline.track import Curve, value_at
from model.train import PRESETS, train
from tests.gui.desk import PROMPT, Desk
from tests.gui.pixels import color_named, pixels

TINY = replace(
    PRESETS["tiny"], steps=20, eval_every=0, sample_every=0, snapshot_every=5, data_tokens=4_000
)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    list(train(TINY, folder))
    return folder


@pytest.fixture
def window(live_store: Store, desk: Desk, qtbot: QtBot) -> Iterator[MainWindow]:
    """A window whose worker does not run: what is asked is answered by the desk."""
    window = MainWindow(live_store, Backend(), Settings())
    window.resize(1366, 768)
    window.show()
    qtbot.waitExposed(window)
    yield window
    while desk.engine.busy:
        if live_store.run.going:
            live_store.run.stop()
        desk.advance()
    window.close()
    window.deleteLater()
    qtbot.wait(1)


def open_run(window: MainWindow, desk: Desk, run_dir: Path) -> TimelineBar:
    window.store.opening.open(str(run_dir))
    desk.finish()
    window.store.set_prompt(PROMPT)
    desk.finish()
    bar = window.timeline_bar
    bar.refresh()
    return bar


def at_step(window: MainWindow, desk: Desk, qtbot: QtBot, step: int) -> None:
    """Wait until that step is in view."""

    def there() -> bool:
        desk.advance(5)
        subject = window.store.subject
        return subject is not None and subject.step == step

    qtbot.waitUntil(there)
    window.timeline_bar.refresh()


# ---------------------------------------------------------------------------- where steps lie


def test_every_kept_step_has_the_same_room() -> None:
    places = Places((0, 1, 2, 100, 1000), 10.0, 410.0)
    assert [places.x_of(step) for step in places.steps] == [10, 110, 210, 310, 410]
    assert places.x_of(51) == pytest.approx(260)
    assert places.step_at(260) == pytest.approx(51)
    assert [places.stop_at(x) for x in (-50, 159, 161, 900)] == [0, 1, 2, 1000]


def test_what_learns_now_lies_behind_the_last_kept_step() -> None:
    places = Places((0, 10), 0.0, 200.0, newest=17)
    assert (places.x_of(10), places.x_of(17)) == (100, 200)
    assert places.stop_at(190) is None
    assert places.stop_at(120) == 10


def test_a_curve_has_the_mean_of_what_a_pixel_covers_and_nothing_of_what_is_no_number() -> None:
    places = Places((0, 100), 0.0, 10.0)
    steps = np.arange(100)
    x_n, y_n = places.curve(steps, np.arange(100.0))
    assert len(x_n) == 10
    np.testing.assert_allclose(y_n, np.arange(10) * 10 + 4.5)
    values = np.full(100, np.nan)
    values[55] = 3.0
    x_n, y_n = places.curve(steps, values)
    assert (x_n.tolist(), y_n.tolist()) == ([5.5], [3.0])


def test_a_curve_says_the_last_value_up_to_a_step() -> None:
    curve = Curve("loss", np.array([1, 2, 5]), np.array([4.0, 3.0, 1.0]))
    assert [value_at(curve, step) for step in (0, 1, 4, 9)] == [4.0, 4.0, 3.0, 1.0]
    assert value_at(None, 3) is None


def test_ranks_stand_upside_down_on_a_logarithmic_axis() -> None:
    rank = Curve("rank", np.arange(3), np.array([1.0, 10.0, 100.0]), log=True, upside_down=True)
    np.testing.assert_allclose(rank.share(rank.values), [1.0, 0.5, 0.0])


@pytest.mark.parametrize(("n", "room"), [(10, 1), (10, 2), (10, 3), (10, 7), (61, 41), (3, 9)])
def test_labels_are_the_ends_and_some_between_none_over_another(n: int, room: int) -> None:
    found = labelled(range(n), room)
    assert (found[0], found[-1]) == (0, n - 1)
    share = (n - 1) / (max(2, room) - 1)
    assert min(np.diff(found)) >= share, "each has its width"
    assert max(np.diff(found)) < 2 * (share + 1), "none is left out that has room"


# ------------------------------------------------------------------------------ the bar


def test_without_steps_there_is_no_bar(window: MainWindow) -> None:
    assert not window.timeline_bar.isVisible()


def test_a_run_that_is_opened_brings_the_bar_and_another_model_takes_it_away(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    bar = open_run(window, desk, run_dir)
    assert bar.isVisible()
    assert bar.step.text == "step 20 / 20"
    window.layouts.set_perspective("Space")
    assert bar.isVisible()
    window.files.open_bundled()
    desk.finish()
    qtbot.waitUntil(lambda: not bar.isVisible())
    window.layouts.set_perspective("Explore")
    assert not bar.isVisible()


def test_a_click_on_a_step_brings_it_into_view_and_the_knob_goes_there(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    bar = open_run(window, desk, run_dir)
    track = bar.track
    x = round(track.places.x_of(5))
    qtbot.mouseClick(track, Qt.MouseButton.LeftButton, pos=QPoint(x + 2, 20))
    at_step(window, desk, qtbot, 5)
    assert bar.step.text == "step 5 / 20"
    assert track.accessibleDescription().startswith("step 5 · step-000005")
    assert abs(track.here - x) < 1
    image = pixels(track)
    accent = color_named("accent")
    column = image[3:8, x - 1 : x + 2]
    assert (np.abs(column.astype(int) - accent).sum(-1) < 60).any()


def test_keys_go_from_step_to_step_and_to_the_ends(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    bar = open_run(window, desk, run_dir)
    track = bar.track
    for key, step in (
        (Qt.Key.Key_Left, 15),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Right, 5),
        (Qt.Key.Key_End, 20),
        (Qt.Key.Key_PageUp, 0),
    ):
        qtbot.keyClick(track, key)
        at_step(window, desk, qtbot, step)
    assert not bar.back.isEnabled()
    assert bar.forward.isEnabled()


def test_dragging_goes_through_the_steps_and_hovering_does_not(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    bar = open_run(window, desk, run_dir)
    track, places = bar.track, bar.track.places
    qtbot.mouseMove(track, QPoint(round(places.x_of(10)), 20))
    assert window.store.timeline.wanted == 20
    qtbot.mousePress(track, Qt.MouseButton.LeftButton, pos=QPoint(round(places.x_of(15)), 20))
    qtbot.mouseMove(track, QPoint(round(places.x_of(0)), 20))
    qtbot.mouseRelease(track, Qt.MouseButton.LeftButton, pos=QPoint(round(places.x_of(0)), 20))
    at_step(window, desk, qtbot, 0)


def test_the_curve_is_the_runs_loss(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    bar = open_run(window, desk, run_dir)
    run = window.store.run.shown
    assert run is not None
    loss = bar.track.loss
    assert loss is not None
    assert loss.values.tolist() == [done.train_loss for done in run.steps]
    assert f"loss {run.steps[-1].train_loss:.4f}" in bar.name.text()


def test_playing_goes_through_all_steps_and_ends(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    bar = open_run(window, desk, run_dir)
    seen: list[int | None] = []
    window.store.subject_changed.connect(
        lambda: seen.append(window.store.subject.step if window.store.subject else None)
    )
    window.store.timeline._speed = 4
    qtbot.mouseClick(bar.play, Qt.MouseButton.LeftButton)
    bar.refresh()
    assert bar.play.accessibleName() == "Pause"

    def ended() -> bool:
        desk.advance(5)
        return not window.store.timeline.playing

    qtbot.waitUntil(ended, timeout=20_000)
    at_step(window, desk, qtbot, 20)
    assert list(dict.fromkeys(seen)) == [0, 5, 10, 15, 20]
    bar.refresh()
    assert bar.play.accessibleName() == "Play the training"


def test_commands_travel_too(window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot) -> None:
    assert not window.actions_by_id["step_before"].isEnabled()
    open_run(window, desk, run_dir)
    assert window.actions_by_id["step_before"].isEnabled()
    window.actions_by_id["step_before"].trigger()
    at_step(window, desk, qtbot, 15)
    window.actions_by_id["last_step"].trigger()
    at_step(window, desk, qtbot, 20)


def test_a_run_that_goes_on_has_a_live_end(
    window: MainWindow, desk: Desk, tmp_path: Path, qtbot: QtBot
) -> None:
    store, bar = window.store, window.timeline_bar
    store.set_prompt(PROMPT)
    store.run.start(replace(TINY, steps=500), str(tmp_path / "run"))
    while store.run.current is None or store.run.current.step < 12:
        desk.advance()
    store.run.pause()
    bar.refresh()
    assert bar.isVisible()
    assert bar.live.isVisible()
    assert bar.live.isChecked()
    assert bar.track.here == bar.track.places.right
    qtbot.keyClick(bar.track, Qt.Key.Key_Home)
    at_step(window, desk, qtbot, 0)
    assert not bar.live.isChecked()
    qtbot.mouseClick(bar.live, Qt.MouseButton.LeftButton)
    assert store.run.current is not None
    at_step(window, desk, qtbot, store.run.current.step)
    assert bar.live.isChecked()


def test_a_step_is_compared_with_by_its_button_and_by_shift(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    bar = open_run(window, desk, run_dir)
    comparing, track = window.store.comparing, bar.track
    qtbot.mouseClick(bar.compare, Qt.MouseButton.LeftButton)
    assert (comparing.kind, comparing.at_step) == ("step", 20)
    assert bar.compare.isChecked()
    pos = QPoint(round(track.places.x_of(10)), 20)
    qtbot.mouseClick(track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, pos=pos)
    assert comparing.at_step == 10
    bar.refresh()
    column = pixels(track)[10:25, pos.x() - 2 : pos.x() + 3].astype(int)
    assert (np.abs(column - color_named("negative")).sum(-1) < 60).any(), "B is marked"
    qtbot.mouseClick(bar.compare, Qt.MouseButton.LeftButton)
    assert comparing.kind == "changes"
    assert not bar.compare.isChecked()


def test_the_bar_at_the_top_names_the_step_in_view(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    open_run(window, desk, run_dir)
    assert window.windowTitle().startswith("tiny · step 20 ")
    window.store.timeline.go_to(5)
    at_step(window, desk, qtbot, 5)
    assert window.windowTitle().startswith("tiny · step 5 ")
    assert window.store.timeline.model_name == "tiny · step 5"


def test_the_model_pane_shows_the_weights_of_the_step_and_none_of_another(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    open_run(window, desk, run_dir)
    window.layouts.set_perspective("Model")
    weights = window.store.weights

    def of_step(step: int) -> bool:
        desk.advance(5)
        return (
            bool(weights.tensors)
            and len(weights.steps) == len(weights.tensors)
            and set(weights.steps.values()) == {step}
        )

    qtbot.waitUntil(lambda: of_step(20))
    window.store.timeline.go_to(5)
    qtbot.waitUntil(lambda: of_step(5))


def test_a_measure_that_is_chosen_is_drawn_over_the_steps(
    window: MainWindow, desk: Desk, run_dir: Path, qtbot: QtBot
) -> None:
    bar = open_run(window, desk, run_dir)
    assert bar.track.measured is None
    bar.measure.setCurrentIndex(bar.measure.findData("induction"))
    bar.measure.activated.emit(bar.measure.currentIndex())

    def known() -> bool:
        desk.finish()
        return window.store.step_measures.n_left == 0

    qtbot.waitUntil(known, timeout=20_000)
    bar.refresh()
    curve = bar.track.measured
    assert curve is not None
    assert curve.steps.tolist() == [0, 5, 10, 15, 20]
    measured = window.store.step_measures.measured
    assert curve.values.tolist() == [measured[step].induction for step in (0, 5, 10, 15, 20)]
    assert (np.abs(pixels(bar.track).astype(int) - color_named("good")).sum(-1) < 40).any()
    assert "induction" in bar.track.words(5)
