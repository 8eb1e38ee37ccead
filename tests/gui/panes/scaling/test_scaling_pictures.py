"""What the scaling pane draws: curves, law and exponents, read back; and where they lead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.scaling.curves_view import end_point
from gui.panes.scaling.frame import size_color
from gui.panes.scaling.pane import ScalingPane
from gui.window.pane_menu import script_of
from model.train.scaling.plan import ScalingPlan
from tests.gui.desk import Desk
from tests.gui.panes.scaling.test_scaling_pane import color_at, drawn, opened, shown


def test_curves_and_points_are_drawn_where_their_numbers_are(
    pane: ScalingPane, desk: Desk, trained: Path
) -> None:
    opened(pane, desk, trained)
    sizes = pane.store.scaling.record.sizes
    for at, size in enumerate(sizes):
        end = end_point(pane.content.curves, at)
        assert end is not None
        assert pane.content.curves.frame is not None
        assert pane.content.curves.frame.y.value(end.y()) == pytest.approx(size.val_loss, rel=1e-6)
        assert pane.content.curves.frame.x.value(end.x()) == pytest.approx(size.tokens, rel=1e-6)
        point = pane.content.law.point(at)
        assert point is not None
        assert color_at(pane.content.law, point) == size_color(at, len(sizes))
        assert pane.content.law.frame is not None
        assert pane.content.law.frame.x.value(point.x()) == pytest.approx(size.parameters("blocks"))
    pane.controls.along.buttons["compute"].click()
    pane.refresh_now()
    end, flops = end_point(pane.content.curves, 2), sizes[2].flops
    assert end is not None
    assert pane.content.curves.frame is not None
    assert pane.content.curves.frame.x.value(end.x()) == pytest.approx(flops, rel=1e-6)
    pane.controls.along.buttons["six_nd"].click()
    pane.refresh_now()
    end, six_nd = end_point(pane.content.curves, 2), sizes[2].six_nd("blocks")
    assert end is not None
    assert pane.content.curves.frame is not None
    assert pane.content.curves.frame.x.value(end.x()) == pytest.approx(six_nd, rel=1e-6)
    assert "N = parameters without embeddings" in pane.content.curves.x_title


def test_the_law_is_said_with_its_interval_and_beside_the_published_ones(
    pane: ScalingPane, desk: Desk, trained: Path
) -> None:
    opened(pane, desk, trained)
    fit = pane.store.scaling.fit
    assert fit is not None
    assert fit.alpha.value == pytest.approx(0.3, rel=1e-3)
    assert "α = 0.300" in pane.content.sentence.text()
    assert "1.000 nats are left however large" in pane.content.sentence.text()
    assert "parameters without embeddings" in pane.content.sentence.text()
    assert "compare how steep" in pane.content.note.text()
    assert [round(row.value, 4) for row in pane.content.exponents.rows()] == [
        0.3,
        0.076,
        0.34,
        0.3478,
    ]
    assert "Kaplan et al. 2020 0.076" in pane.content.exponents.accessibleDescription()
    assert pane.header_note() == "α = 0.300"
    line = fit.predict(np.array([2e4]))[0]
    assert pane.content.law.frame is not None
    at = pane.content.law.frame.point(2e4, line)
    near = [color_at(pane.content.law, at + QPointF(0, dy)) for dy in (-1, 0, 1)]
    assert max(color.lightness() for color in near) > 170, "the law is drawn there"
    tip = pane.content.law.tooltip(pane.content.law.frame.point(4e5, 2.0).toPoint())
    assert "the law says" in tip
    assert "a guess" in tip
    pane.controls.count.buttons["all"].click()
    drawn(pane, desk)
    assert pane.store.scaling.fit is not None
    assert pane.store.scaling.fit.N_P[0] == pane.store.scaling.record.sizes[0].parameters("all")
    assert "all parameters" in pane.content.sentence.text()


def test_hovering_reads_a_run_in_all_pictures_and_a_click_opens_it(
    pane: ScalingPane, desk: Desk, trained: Path, qtbot: QtBot
) -> None:
    opened(pane, desk, trained)
    point = pane.content.law.point(3)
    assert point is not None
    pane.content.law.hover(point.toPoint())
    assert pane.content.curves.lit == pane.content.law.lit == 3
    assert [index.row() for index in pane.content.table.selectionModel().selectedRows()] == [3]
    size = pane.store.scaling.record.sizes[3]
    tip = pane.content.law.tooltip(point.toPoint())
    assert f"{size.parameters('blocks'):,} parameters without embeddings" in tip
    assert f"validation loss {size.val_loss:.4f}" in tip
    assert f"6ND {size.six_nd('blocks'):.3g}" in tip
    end = end_point(pane.content.curves, 1)
    assert end is not None
    assert pane.content.curves.near(QPoint(round(end.x()), round(end.y()))) == 1
    pane.content.law.hover(None)
    assert pane.content.curves.lit == -1
    qtbot.mouseClick(pane.content.law.viewport(), Qt.MouseButton.LeftButton, pos=point.toPoint())
    while desk.store.opening.going:
        desk.advance()
    assert desk.store.model is not None
    assert desk.store.model.config.d_model == size.width
    assert desk.store.model.run_dir == size.run_dir
    index = pane.content.table.rows.index(0, 0)
    pane.content.table.setCurrentIndex(index)
    pane.content.table.setFocus()
    QTest.keyClick(pane.content.table, Qt.Key.Key_Return)
    while desk.store.opening.going:
        desk.advance()
    assert desk.store.model.config.d_model == 8


@pytest.mark.parametrize(
    ("size", "views", "table"),
    [((1500, 900), "all", True), ((550, 640), "one", True), ((620, 430), "one", False)],
)
def test_what_has_no_room_is_a_click_away(
    desk: Desk, qtbot: QtBot, trained: Path, size: tuple[int, int], views: str, table: bool
) -> None:
    pane = opened(shown(desk, qtbot, *size), desk, trained)
    for key, picture in (("curves", pane.content.curves), ("law", pane.content.law)):
        if views == "one":
            qtbot.mouseClick(pane.controls.views.buttons[key], Qt.MouseButton.LeftButton)
            pane.refresh_now()
        assert picture.isVisible()
        assert picture.height() > 0.28 * pane.height()
        assert picture.frame is not None
        other = pane.content.law if picture is pane.content.curves else pane.content.curves
        assert other.isVisible() == (views == "all")
        assert pane.content.table.isVisible() == table
    if not table:
        qtbot.mouseClick(pane.controls.views.buttons["sizes"], Qt.MouseButton.LeftButton)
        assert pane.content.table.isVisible()


def test_its_numbers_leave_it_as_arrays_and_as_lines(
    pane: ScalingPane, desk: Desk, trained: Path
) -> None:
    opened(pane, desk, trained)
    record, fit = pane.store.scaling.record, pane.store.scaling.fit
    assert fit is not None
    found = pane.export_data()
    losses = [size.val_loss for size in record.sizes]
    assert np.asarray(found["val_loss"].values).tolist() == losses  # type: ignore[union-attr]
    residual = found["residual"].values  # type: ignore[union-attr]
    assert np.allclose(residual, fit.residuals_P)
    space: dict[str, Any] = {}
    exec(compile(script_of(pane, desk.store), "<clipboard>", "exec"), space)
    assert space["val_loss"] == losses
    assert space["law"].alpha.value == fit.alpha.value


def test_a_light_theme_is_taken(pane: ScalingPane, desk: Desk, trained: Path, qapp: Any) -> None:
    opened(pane, desk, trained)
    theme.apply(qapp, "light")
    try:
        pane.apply_theme()
        point = pane.content.law.point(0)
        assert point is not None
        assert color_at(pane.content.law, point) == size_color(0, 5)
    finally:
        theme.apply(qapp, "dark")


def test_points_come_before_the_law_and_tokens_get_their_term(
    pane: ScalingPane, desk: Desk, plan: ScalingPlan, tmp_path: Path
) -> None:
    """Of what is done so far: some points, then one number of tokens, then all."""
    from model.messages import QueueRead, ReadQueue
    from model.train.scaling.folder import of_plan

    scaling = desk.store.scaling
    several = replace(plan, tokens=(16 * 30, 16 * 60, 16 * 120))
    empty = of_plan(several)

    def show(n_done: int) -> None:
        sizes = tuple(
            replace(
                size,
                state="done",
                d_vocab=20,
                config=replace(size.config, d_vocab=20),
                val_loss=1 + 20 / (size.parameters("blocks") or 1) ** 0.3 + 30 / size.tokens**0.4,
                val_tokens_V=np.array([size.tokens / 2, size.tokens]),
                val_loss_V=np.array([4.0, 3.0]),
            )
            if at < n_done
            else size
            for at, size in enumerate(empty.sizes)
        )
        request = ReadQueue(folder=str(tmp_path))
        scaling._reading = request
        record = replace(empty, folder=str(tmp_path / "q"), sizes=sizes)
        desk.store.receive(QueueRead(request_id=request.id, record=record))
        drawn(pane, desk)

    show(3)
    assert scaling.fit is None
    assert pane.content.law.isVisible()
    assert pane.content.law.point(2) is not None
    assert "3 sizes of 15 done" in pane.content.sentence.text()
    assert not pane.content.exponents.isVisible()
    show(7)
    assert scaling.fit is not None
    assert len(scaling.fit.N_P) == 5, "two numbers of tokens are too few for a term"
    assert [pane.content.law.row(at) for at in (0, 4, 5)] == [0, 4, None]
    show(15)
    assert scaling.fit.beta is not None
    assert scaling.fit.alpha.value == pytest.approx(0.3, rel=0.02)
    assert scaling.fit.beta.value == pytest.approx(0.4, rel=0.05)
    assert "/ D^0.4" in pane.content.sentence.text()
    assert all(abs(residual) < 0.01 for residual in scaling.fit.residuals_P)
    residual = pane.export_data()["residual"]
    assert len(residual.values) == 15
