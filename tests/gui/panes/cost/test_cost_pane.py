"""The pane of what context costs: the cache as it is held, and curves of what was measured."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.cost.pane import CostPane
from gui.session.store import Store
from gui.widgets.figure import painting_figure
from gui.window.arrangements import PERSPECTIVES, keys
from gui.window.export import write_data
from gui.window.pane_menu import script_of
from model import messages as m
from model.probe.cost.asks import SERIES, Cost, CostFound
from tests.gui.desk import Desk

SIZE = (620, 430)


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here it does not matter how well a time is known."""
    monkeypatch.setattr("model.probe.cost.timing.ENOUGH_SECONDS", 0.0)
    monkeypatch.setattr("model.probe.cost.timing.SPOILT", 1)


MEASURED: dict[tuple[Any, ...], list[Any]] = {}
"""What was measured of a question about a subject: these tests ask what is drawn of it."""


@pytest.fixture(autouse=True)
def measured_once(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Measuring takes a second or more, so only tests marked `anew` do what was done already."""
    from model.probe.cost import compute

    real = compute.answer

    def answer(question: Cost, subject: Any, bench: Any) -> Iterator[Any]:
        network = bench.network(subject)
        key = (question, subject, network.config)
        if key in MEASURED:
            yield from MEASURED[key]
            return
        steps = []
        for step in real(question, subject, bench):
            steps.append(step)
            yield step
        MEASURED[key] = steps

    if not request.node.get_closest_marker("anew"):
        monkeypatch.setattr(compute, "answer", answer)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> CostPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot) -> CostPane:
    pane = CostPane(store)
    qtbot.addWidget(pane)
    pane.resize(*SIZE)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def click(pane: CostPane, view: str) -> None:
    QTest.mouseClick(pane.views.buttons[view], Qt.MouseButton.LeftButton)
    pane.refresh_now()


def measure(pane: CostPane, longest: int = 64) -> CostFound:
    """All of it, of short texts."""
    pane.longest.setCurrentIndex(pane.longest.findData(longest))
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    found = pane.found
    assert found is not None
    assert found.is_whole
    return found


def image(widget: Any) -> QImage:
    return widget.grab().toImage()


def color_at(picture: QImage, at: QPointF) -> QColor:
    ratio = picture.devicePixelRatio()
    return picture.pixelColor((at * ratio).toPoint())


# ------------------------------------------------------------------------------ measuring


def test_nothing_is_measured_before_the_button_is_pressed(pane: CostPane, desk: Desk) -> None:
    for view in ("time", "memory", "parallel"):
        click(pane, view)
        assert pane._stack.currentWidget() is pane._empty
        assert pane._empty.text().startswith("Press Measure.")
    answered = [result.answer for result in desk.results if isinstance(result, m.Answered)]
    assert not [answer for answer in answered if isinstance(answer, CostFound)]
    assert pane.run_button.text() == "Measure"


def test_every_measured_point_is_drawn_where_it_belongs(pane: CostPane) -> None:
    found = measure(pane)
    assert pane.view == "time"
    assert pane.sentence.text() == found.sentence
    picture = image(pane.chart.viewport())
    chart = pane.chart
    for name in SERIES:
        for at in range(len(found.tokens_N)):
            point = chart.point(name, at)
            assert point is not None
            assert chart._x is not None
            assert chart._y is not None
            assert chart._x.value(point.x()) == pytest.approx(found.tokens_N[at])
            assert chart._y.value(point.y()) == pytest.approx(found.seconds_of(name)[at])
            assert chart.area.contains(point)
    # The last point of the lowest curve has nothing over it.
    lowest = min(SERIES, key=lambda name: found.seconds_of(name)[0])
    point = chart.point(lowest, 0)
    assert point is not None
    assert color_at(picture, point) in [QColor(one) for one in theme.current().series]
    assert chart.picture is not None
    curves = {curve.key: curve for curve in chart.picture.curves}
    fit = found.fit_of("prefill_fused")
    assert fit is not None
    exponent = f"{fit.exponent:.2f}".replace("-", "−")
    assert curves["prefill_fused"].note.startswith(f"n^{exponent} ±")
    assert curves["prefill_fused"].note.endswith(f"n≥{fit.since}")


def test_an_encoder_keeps_nothing(opened: Callable[..., Store], qtbot: QtBot) -> None:
    pane = shown(opened("bert"), qtbot)
    assert "none can be kept" in pane.sentence.text()
    assert not pane.gauge.isVisible()
    found = measure(pane, 0)
    assert found.measured == ("prefill_fused", "prefill_explicit")
    assert pane.chart.picture is not None
    assert {curve.key for curve in pane.chart.picture.curves} == {
        "prefill_fused",
        "prefill_explicit",
        "prefill_fused_formula",
    }


def test_what_is_counted_is_dashed_and_called_a_formula(pane: CostPane) -> None:
    found = measure(pane)
    assert pane.chart.picture is not None
    formulas = [curve for curve in pane.chart.picture.curves if curve.formula]
    assert [curve.label for curve in formulas] == ["formula: FLOPs", "formula: bytes"]
    flops, last = formulas[0], len(found.tokens_N) - 1
    speeds = found.read_flops_N / found.seconds_of("prefill_fused")
    longer = np.median(speeds[len(speeds) // 2 :])
    assert flops.y_N[last] == pytest.approx(found.read_flops_N[last] / longer)
    assert flops.y_N[0] / flops.y_N[last] == pytest.approx(
        found.read_flops_N[0] / found.read_flops_N[last]
    )
    click(pane, "memory")
    assert pane.chart.picture is not None
    cache = next(one for one in pane.chart.picture.curves if one.key == "cache")
    assert cache.formula
    assert cache.label == "formula: cache"
    assert cache.y_N.tolist() == found.cache_N.tolist()


def test_arrow_keys_and_the_mouse_write_numbers_into_the_legend(pane: CostPane) -> None:
    found = measure(pane)
    chart = pane.chart
    QTest.keyClick(chart, Qt.Key.Key_End)
    assert chart.chosen_x == 64
    assert "64 tokens" in chart.accessibleDescription()
    QTest.keyClick(chart, Qt.Key.Key_Left)
    assert chart.chosen_x == 48
    QTest.keyClick(chart, Qt.Key.Key_Home)
    assert chart.chosen_x == 16
    QTest.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.chosen is None
    assert "n^" in chart.accessibleDescription()
    point = chart.point("prefill_explicit", 2)
    assert point is not None
    chart.hover(point.toPoint())
    assert chart.chosen_x == found.tokens_N[2]
    assert "read, explicit, 32 tokens:" in chart.tooltip(point.toPoint())
    assert "passes" in chart.tooltip(point.toPoint())
    chart.hover(QPoint(2, 2))
    assert chart.chosen is None


def test_at_once_stands_beside_one_after_another(pane: CostPane) -> None:
    found = measure(pane)
    click(pane, "parallel")
    assert pane.chart.picture is not None
    curves = {curve.key: curve for curve in pane.chart.picture.curves}
    assert set(curves) == {"heads", "tokens", "texts", "ideal"}
    most = next(one for one in found.speedups if one.what == "tokens" and one.n == 32)
    assert curves["tokens"].y_N[-1] == pytest.approx(most.one_by_one / most.at_once)
    assert "32 tokens of a text" in pane.sentence.text()
    assert "one thread" in pane.sentence.text()


@pytest.mark.anew
def test_a_measuring_that_is_stopped_keeps_what_it_has(pane: CostPane, desk: Desk) -> None:
    desk.hold()
    pane.measure()
    (request,) = [one for one in desk.held or [] if isinstance(one, m.Ask)]
    assert isinstance(request.question, Cost)
    results = desk.engine.handle(request)
    while pane.found is None:
        desk._take(results)
        results = desk.engine.advance()
    pane.refresh_now()
    assert pane.run_button.text() == "Stop"
    assert pane.status.text().startswith("measuring, ")
    assert not pane.longest.isEnabled()
    pane.hide()
    assert pane.measuring.going, "it goes on behind other panes"
    pane.show()
    QTest.mouseClick(pane.run_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert isinstance((desk.held or [])[-1], m.Cancel)
    assert not pane.measuring.going
    assert pane.found is not None
    assert pane.note.text().startswith("Stopped after ")
    assert pane.run_button.text() == "Again"
    click(pane, "parallel")
    assert "stopped before" in pane._empty.text()
    desk.release()


@pytest.mark.anew
def test_again_measures_again(pane: CostPane) -> None:
    first = measure(pane, 64)
    second = measure(pane, 64)
    assert second is not first
    assert not np.array_equal(first.seconds_SNQ, second.seconds_SNQ)


def test_while_a_run_is_training_nothing_is_measured(
    pane: CostPane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(pane.store.run), "running", property(lambda self: True))
    click(pane, "time")
    assert not pane.run_button.isEnabled()
    assert "A run is training" in pane._empty.text()
    pane.measure()
    assert not pane.measuring.going


def test_what_was_measured_is_of_the_model_in_view(
    pane: CostPane, opened: Callable[..., Store]
) -> None:
    measure(pane)
    opened("gemma")
    pane.refresh_now()
    assert pane.found is None
    assert pane._empty.text().startswith("Press Measure.")


def test_a_text_that_is_typed_meanwhile_keeps_the_curves(pane: CostPane) -> None:
    found = measure(pane)
    pane.store.set_prompt("Another text")
    pane.refresh_now()
    assert pane.found is found


# ------------------------------------------------------------------------------- ways out


def test_numbers_leave_as_csv_and_npz(pane: CostPane, tmp_path: Path) -> None:
    found = measure(pane)
    write_data(pane.export_data(), tmp_path / "cost.npz", {})
    with np.load(tmp_path / "cost.npz") as file:
        assert file["seconds_median"].tolist() == found.seconds_SNQ[..., 0].tolist()
        assert file["seconds_median.tokens"].tolist() == found.tokens_N.tolist()
    write_data(pane.export_data(), tmp_path / "cost.csv", {})
    with (tmp_path / "cost.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    cell = next(row for row in rows if (row["series"], row["tokens"]) == ("decode_cached", "64"))
    assert float(cell["seconds_median"]) == found.seconds_of("decode_cached")[-1]
    click(pane, "cache")
    assert set(pane.export_data()) == {"key_length", "value_length"}


@pytest.mark.anew
def test_the_copied_lines_give_the_same_numbers(pane: CostPane) -> None:
    def copied() -> Any:
        names: dict[str, Any] = {}
        exec(script_of(pane, pane.store), names)
        return names["found"]

    assert pane.map.shown is not None
    np.testing.assert_allclose(copied().k_LGC, pane.map.shown.found.k_LGC, rtol=1e-5)
    found = measure(pane)
    again = copied()
    assert again.tokens_N.tolist() == found.tokens_N.tolist()
    assert again.cache_N.tolist() == found.cache_N.tolist()


def test_options_are_remembered(pane: CostPane, qtbot: QtBot) -> None:
    click(pane, "memory")
    pane.longest.setCurrentIndex(pane.longest.findData(64))
    pane.longest.activated.emit(pane.longest.currentIndex())
    kept = pane.remember()
    other = shown(pane.store, qtbot)
    other.recall(kept)
    assert other.view == "memory"
    assert other.longest.currentData() == 64
    other.recall({"view": "elsewhere", "longest": "many"})
    assert other.view == "memory"
    assert other.longest.currentData() == 64


# --------------------------------------------------------------------------------- places


def test_it_fits_a_small_pane(pane: CostPane) -> None:
    measure(pane)
    for view in ("time", "memory", "parallel"):
        click(pane, view)
        assert (pane.width(), pane.height()) == SIZE
        assert pane.chart.area.width() > 300
        assert pane.chart.height() > pane.height() / 2
        ends = [y for _, y in pane.chart._legend(pane.chart.picture)]  # type: ignore[arg-type]
        assert max(ends) + 20 <= pane.chart.viewport().height()
    for widget in (pane.run_button, pane.longest):
        assert pane.rect().contains(widget.geometry())


def test_it_stands_in_the_lab() -> None:
    assert "cost" in keys(PERSPECTIVES["Lab"])


def test_a_figure_carries_no_cursor(pane: CostPane) -> None:
    measure(pane)
    QTest.keyClick(pane.chart, Qt.Key.Key_End)
    seen = image(pane.chart.viewport())
    with painting_figure():
        figure = image(pane.chart.viewport())
    at = pane.chart._x.at(64) if pane.chart._x else 0
    line = QPointF(at, pane.chart.area.center().y())
    accent = theme.current().color("accent")
    near = [QPointF(dx, 0) for dx in (-1, 0, 1)]
    assert accent in [color_at(seen, line + one) for one in near]
    assert accent not in [color_at(figure, line + one) for one in near]
