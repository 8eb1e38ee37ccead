from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QPainter
from pytestqt.qtbot import QtBot

from gui import theme
from gui.widgets.heat_map.cell_image import Kind
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.heat_map.layout import HeatMapContent
from tests.gui.mouse import move_to
from tests.gui.pixels import amounts_of, color_named, pixels


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


def content(values: NDArray[np.floating], **options) -> HeatMapContent:
    rows, columns = values.shape
    return HeatMapContent(
        values,
        tuple(f"·row{i}" for i in range(rows)),
        tuple(f"·col{i}" for i in range(columns)),
        row_title="queries",
        column_title="keys",
        **options,
    )


def shown(qtbot: QtBot, drawn: HeatMapContent, width: int = 520, height: int = 420) -> HeatMap:
    view = HeatMap()
    qtbot.addWidget(view)
    view.resize(width, height)
    with qtbot.waitExposed(view):
        view.show()
    view.set_content(drawn)
    return view


def cell_pixel(view: HeatMap, image: NDArray[np.uint8], row: int, column: int) -> NDArray[np.uint8]:
    """A pixel of a cell, away from its figure and from the line beside it."""
    box = view.cell_rect(row, column)
    return image[int(box.bottom()) - 2, int(box.left()) + 2]


@pytest.mark.parametrize("theme_name", ["dark", "light"])
@pytest.mark.parametrize("limit", [1.0, 0.37])
def test_every_amount_can_be_read_back_from_its_cell(
    qtbot: QtBot, theme_name: str, limit: float
) -> None:
    theme.set_current(theme_name)
    values = np.random.default_rng(0).uniform(0, limit, (7, 9))
    view = shown(qtbot, content(values, limit=limit))
    image = pixels(view.viewport())
    table = theme.sequential_table()
    for (row, column), value in np.ndenumerate(values):
        low, high = amounts_of(cell_pixel(view, image, row, column), table)
        assert low <= value / limit <= high


@pytest.mark.parametrize("kind", ["sequential", "diverging"])
def test_what_is_no_number_is_written_as_such(qtbot: QtBot, kind: Kind) -> None:
    values = np.full((3, 3), 0.5)
    with_nan = values.copy()
    with_nan[1, 1] = np.nan
    pictures = []
    for drawn in (values, with_nan):
        view = shown(qtbot, content(drawn, kind=kind, limit=1.0, digits=2))
        box = view.cell_rect(1, 1).toRect()
        pictures.append(pixels(view.viewport())[box.top() : box.bottom(), box.left() : box.right()])
    middle = pictures[1][pictures[1].shape[0] // 2].astype(int)
    assert np.ptp(middle.sum(axis=-1)) > 100  # words stand there
    assert not np.array_equal(pictures[0], pictures[1])


def test_signed_values_can_be_read_back_from_a_diverging_map(qtbot: QtBot) -> None:
    values = np.random.default_rng(1).normal(0, 3, (6, 6))
    limit = float(np.abs(values).max())
    view = shown(qtbot, content(values, kind="diverging", limit=limit))
    image = pixels(view.viewport())
    for (row, column), value in np.ndenumerate(values):
        low, high = amounts_of(cell_pixel(view, image, row, column), theme.diverging_table())
        assert low <= (value / limit + 1) / 2 <= high


def test_masked_cells_are_hatched_and_have_no_colour_of_the_map(qtbot: QtBot) -> None:
    values = np.zeros((6, 6))
    masked = np.triu(np.ones((6, 6), np.bool_), 1)
    view = shown(qtbot, content(values, masked_RC=masked))
    image = pixels(view.viewport())
    allowed = {color_named("panel"), color_named("line")}
    zero = tuple(int(c) for c in theme.sequential_table()[0])
    for (row, column), is_masked in np.ndenumerate(masked):
        box = view.cell_rect(row, column).toRect().adjusted(2, 2, -2, -2)
        patch = image[box.top() : box.bottom(), box.left() : box.right()].reshape(-1, 3)
        colors = {tuple(int(c) for c in color) for color in patch}
        if is_masked:
            assert colors == allowed
        else:
            assert zero in colors


def test_a_hidden_cell_is_hatched_but_keeps_its_figure(qtbot: QtBot) -> None:
    values = np.full((4, 4), 0.5)
    hidden = np.zeros((4, 4), np.bool_)
    hidden[:, 0] = True
    view = shown(qtbot, content(values, hidden_RC=hidden))
    assert view.cell_size >= 34
    image = pixels(view.viewport())
    box = view.cell_rect(1, 0).toRect().adjusted(2, 2, -2, -2)
    patch = image[box.top() : box.bottom(), box.left() : box.right()].reshape(-1, 3)
    colors = {tuple(int(c) for c in color) for color in patch}
    assert color_named("panel") in colors
    assert tuple(theme.sequential_table()[128]) not in colors
    line = max(color_named("line"))
    assert max(max(color) for color in colors) > line + 30, "the figure is missing"


def test_figures_stand_in_cells_that_are_large_enough_only(qtbot: QtBot) -> None:
    def n_colors(view: HeatMap) -> int:
        box = view.cell_rect(1, 1).toRect().adjusted(2, 2, -2, -2)
        patch = pixels(view.viewport())[box.top() : box.bottom(), box.left() : box.right()]
        return len({tuple(color) for color in patch.reshape(-1, 3).tolist()})

    large = shown(qtbot, content(np.full((4, 4), 0.5)))
    small = shown(qtbot, content(np.full((16, 16), 0.5)))
    assert large.cell_size >= 34 > small.cell_size
    assert n_colors(large) > 1
    assert n_colors(small) == 1


def test_hover_and_click_name_the_cell_and_labels_their_line(qtbot: QtBot) -> None:
    view = shown(qtbot, content(np.zeros((5, 7))))
    hovered: list[object] = []
    chosen: list[object] = []
    view.cell_hovered.connect(hovered.append)
    view.cell_chosen.connect(chosen.append)
    middle = view.cell_rect(3, 5).center().toPoint()
    move_to(view.viewport(), middle)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert hovered[-1] == (3, 5)
    left = QPoint(int(view.cell_rect(0, 0).left()) - 12, middle.y())
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=left)
    above = QPoint(middle.x(), int(view.cell_rect(0, 0).top()) - 12)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=above)
    assert chosen == [(3, 5), (3, None), (None, 5)]


def test_arrow_keys_move_from_the_marked_cell_and_stop_at_the_edge(qtbot: QtBot) -> None:
    view = shown(qtbot, content(np.zeros((5, 7))))
    chosen: list[tuple[int, int]] = []
    view.cell_chosen.connect(chosen.append)
    view.set_marks((4, None), (4, 2))
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert chosen == [(4, 3), (3, 2), (4, 2)]


def test_hovering_repaints_no_data(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    view = shown(qtbot, content(np.zeros((5, 7))))
    pixels(view.viewport())
    painted: list[int] = []
    original = HeatMap.paint_ground

    def counted(self: HeatMap, painter: QPainter) -> None:
        painted.append(1)
        original(self, painter)

    monkeypatch.setattr(HeatMap, "paint_ground", counted)
    before = pixels(view.viewport())
    move_to(view.viewport(), view.cell_rect(2, 2).center().toPoint())
    after = pixels(view.viewport())
    assert (before != after).any(), "the row and the column are lit"
    assert not painted
    view.redraw()
    view.viewport().repaint()
    assert painted


def test_many_cells_scroll_and_the_marked_row_is_brought_into_view(qtbot: QtBot) -> None:
    view = shown(qtbot, content(np.zeros((200, 200))), 400, 300)
    assert view.cell_size == 6
    assert view.verticalScrollBar().maximum() > 0
    view.set_marks((190, None))
    box = view.cell_rect(190, 0)
    assert 0 < box.top() < view.viewport().height()


def test_fit_shows_all_cells_and_the_largest_of_those_that_share_a_pixel(qtbot: QtBot) -> None:
    values = np.zeros((400, 400))
    values[250, 123] = 1.0
    view = shown(qtbot, content(values), 260, 220)
    view.set_fit(True)
    assert view.cell_size < 1
    assert view.verticalScrollBar().maximum() == view.horizontalScrollBar().maximum() == 0
    image = pixels(view.viewport())
    strongest = theme.sequential_table()[255]
    at = view.cell_rect(250, 123).center().toPoint()
    near = image[at.y() - 3 : at.y() + 4, at.x() - 3 : at.x() + 4]
    assert (near == strongest).all(axis=-1).any()


def test_zoom_keys_change_the_size_of_cells_and_zero_goes_back(qtbot: QtBot) -> None:
    view = shown(qtbot, content(np.zeros((20, 20))))
    before = view.cell_size
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.cell_size > before
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.cell_size == before


def test_a_change_of_theme_needs_a_repaint_and_no_more(qtbot: QtBot) -> None:
    values = np.full((4, 4), 0.8)
    view = shown(qtbot, content(values))
    theme.set_current("light")
    image = pixels(view.viewport())
    low, high = amounts_of(cell_pixel(view, image, 1, 1), theme.sequential_table())
    assert low <= 0.8 <= high


@pytest.mark.parametrize("size", [(90, 70), (300, 200), (1200, 800)])
@pytest.mark.parametrize("n", [1, 12, 120])
def test_the_matrix_stays_inside_the_view_and_clear_of_the_legend(
    qtbot: QtBot, size: tuple[int, int], n: int
) -> None:
    view = shown(qtbot, content(np.zeros((n, n))), *size)
    view.grab()
    first = view.cell_rect(0, 0)
    assert first.left() > 0 < first.top()
    if size[0] >= 300:
        scrolls = view.verticalScrollBar().maximum() > 0
        last = view.cell_rect(n - 1, n - 1)
        assert scrolls or last.bottom() <= view.viewport().height() - 20
        assert view.horizontalScrollBar().maximum() > 0 or last.right() <= view.viewport().width()


def test_a_patch_of_a_large_matrix_is_drawn_where_it_belongs(qtbot: QtBot) -> None:
    values = np.random.default_rng(2).uniform(0, 1, (3, 4))
    labels = tuple(f"·{i}" for i in range(12))
    drawn = HeatMapContent(values, labels, labels, corner=(6, 2), block=(2, 1))
    assert drawn.shape == (12, 12)
    assert drawn.place_of(9, 5) == (1, 3)
    assert drawn.place_of(5, 3) is None
    assert drawn.place_of(7, 6) is None
    view = shown(qtbot, drawn)
    image, table = pixels(view.viewport()), theme.sequential_table()
    for row in range(12):
        for column in range(12):
            pixel, place = cell_pixel(view, image, row, column), drawn.place_of(row, column)
            if place is None:
                assert tuple(pixel.tolist()) == color_named("raised")
            else:
                low, high = amounts_of(pixel, table)
                assert low <= values[place] <= high


def test_what_is_seen_is_told_once_for_each_change(qtbot: QtBot) -> None:
    view = shown(qtbot, content(np.zeros((200, 200))), 400, 300)
    told: list[tuple[range, range]] = []
    view.seen_changed.connect(lambda: told.append(view.seen))
    view.verticalScrollBar().setValue(300)
    assert told == [view.seen]
    assert view.seen[0].start == 50
    assert view.cell_at(QPoint(int(view.cell_rect(60, 3).center().x()), 150)) is not None
    view.set_content(content(np.ones((200, 200))))
    assert len(told) == 1, "other numbers in the same place are nothing new to see"


def test_a_corner_is_kept_free(qtbot: QtBot) -> None:
    view = shown(qtbot, content(np.zeros((5, 5))))
    view.set_corner(QSize(90, 40))
    image = pixels(view.viewport())[:40, :90].reshape(-1, 3)
    assert {tuple(color) for color in image.tolist()} == {color_named("panel")}


@pytest.mark.parametrize("kind", ["sequential", "diverging"])
def test_one_cell_without_a_number_is_not_lost_where_many_share_a_pixel(
    qtbot: QtBot, kind: Kind
) -> None:
    values = np.full((900, 900), 0.5)
    values[450, 450] = np.nan
    view = shown(qtbot, content(values, kind=kind, limit=1.0))
    view.set_fit(True)
    view.finish()
    assert view.cell_size < 1
    image = pixels(view.viewport())
    at = view.cell_rect(450, 450).center().toPoint()
    around = image[at.y() - 1 : at.y() + 2, at.x() - 1 : at.x() + 2].reshape(-1, 3)
    assert color_named("no_number") in {tuple(rgb) for rgb in around.tolist()}
    legend = image[-20:].reshape(-1, 3)
    assert color_named("no_number") in {tuple(rgb) for rgb in legend.tolist()}


def test_infinity_is_a_number_at_the_end_of_the_map_and_written_so(qtbot: QtBot) -> None:
    values = np.array([[np.inf, 0.5], [-np.inf, -0.5]])
    view = shown(qtbot, content(values, kind="diverging", limit=1.0, beyond=True))
    image = pixels(view.viewport())
    table = theme.diverging_table()
    assert amounts_of(cell_pixel(view, image, 0, 0), table)[1] > 1
    assert amounts_of(cell_pixel(view, image, 1, 0), table)[0] < 0


def test_an_estimate_is_paler_than_the_number_and_the_legend_says_so(qtbot: QtBot) -> None:
    values = np.full((4, 4), 1.0)
    faint = np.zeros((4, 4), bool)
    faint[1, :2] = True
    options = {"kind": "diverging", "limit": 1.0, "faint_title": "estimate"}
    view = shown(qtbot, content(values, faint_RC=faint, **options))
    image = pixels(view.viewport()).astype(int)
    panel = np.array(color_named("panel"))

    def away(row: int, column: int) -> float:
        """How far the cell's colour is from the ground's, as a mean over the cell."""
        box = view.cell_rect(row, column).toRect().adjusted(3, 3, -3, -3)
        cell = image[box.top() : box.bottom(), box.left() : box.right()]
        return float(np.abs(cell - panel).mean())

    assert away(1, 0) < 0.75 * away(0, 0)
    assert away(1, 1) < 0.75 * away(0, 0)
    assert away(1, 2) == pytest.approx(away(3, 3), rel=0.1)
    legend = image[-20:]
    view.set_content(content(values, faint_RC=np.zeros((4, 4), bool), **options))
    assert not np.array_equal(pixels(view.viewport())[-20:], legend)


def test_estimates_keep_their_places_when_scrolled(qtbot: QtBot) -> None:
    values = np.ones((60, 60))
    faint = np.zeros((60, 60), bool)
    faint[50, 50] = True
    view = shown(qtbot, content(values, kind="diverging", limit=1.0, faint_RC=faint))
    view.set_cell_size(20)
    view.reveal(50, 50)
    image = pixels(view.viewport())
    box = view.cell_rect(50, 50).toRect().adjusted(3, 3, -3, -3)
    cell = image[box.top() : box.bottom(), box.left() : box.right()].reshape(-1, 3)
    other = view.cell_rect(49, 50).toRect().adjusted(3, 3, -3, -3)
    plain = image[other.top() : other.bottom(), other.left() : other.right()].reshape(-1, 3)
    assert len(np.unique(plain, axis=0)) == 1
    assert not (cell == plain[0]).all(axis=1).any()
