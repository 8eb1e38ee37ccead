"""What is in force, what is on, and what has the keyboard look different from each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QImage, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes import PANES
from gui.session.store import Store
from gui.widgets.action_row import ActionRow
from gui.widgets.control_button import SIGN
from gui.widgets.segments import Segments
from gui.widgets.signs import GRID, SIGNS, draw_sign
from tests.gui.pixels import color_named, pixels

VIEWS = ("Heads", "Matrix", "Graph")


@pytest.fixture
def place(qtbot: QtBot) -> QWidget:
    """A window with a row of three views, two options and something to press; and segments."""
    place = QWidget()
    place.resize(420, 90)
    QVBoxLayout(place)
    qtbot.addWidget(place)
    return place


def row_of(place: QWidget) -> ActionRow:
    group = QActionGroup(place)
    actions = [QAction(text, place) for text in VIEWS]
    for action in actions:
        action.setCheckable(True)
        group.addAction(action)
    actions[0].setChecked(True)
    for text, sign in (("Transpose", "transpose"), ("Fit", "fit")):
        option = QAction(text, place)
        option.setToolTip("Rows become columns")
        option.setCheckable(True)
        option.setProperty(SIGN, sign)
        actions.append(option)
    seldom = QAction("Forget", place)
    row = ActionRow(actions, "Controls", place, only_in_menu=[seldom])
    layout = place.layout()
    assert layout is not None
    layout.addWidget(row)
    return row


def has(widget: QWidget, name: str) -> bool:
    return bool((pixels(widget) == color_named(name)).all(axis=2).any())


def shown(qtbot: QtBot, place: QWidget) -> None:
    place.show()
    place.activateWindow()
    qtbot.waitUntil(place.isActiveWindow, timeout=5000)


def test_a_view_in_force_an_option_that_is_on_and_the_keyboard_look_different(
    place: QWidget, qtbot: QtBot
) -> None:
    row = row_of(place)
    shown(qtbot, place)
    heads, matrix, _, transpose, fit = (row.button(action) for action in row.offered[:5])
    assert has(heads, "active")
    assert not has(matrix, "active")
    row.offered[3].trigger()
    assert has(transpose, "accent_soft")
    assert not has(fit, "accent_soft")
    for button in (heads, matrix, transpose, fit):
        assert not has(button, "focus")
    fit.setFocus(Qt.FocusReason.TabFocusReason)
    assert has(fit, "focus")
    assert not has(fit, "accent_soft"), "the keyboard is there, but the option is off"
    matrix.setFocus(Qt.FocusReason.TabFocusReason)
    assert has(matrix, "focus")
    assert not has(matrix, "active")
    assert has(heads, "active"), "the view in force is the same"


def test_a_click_moves_no_keyboard(place: QWidget, qtbot: QtBot) -> None:
    row = row_of(place)
    shown(qtbot, place)
    place.setFocus()
    qtbot.mouseClick(row.button(row.offered[1]), Qt.MouseButton.LeftButton)
    assert row.offered[1].isChecked()
    assert not row.button(row.offered[1]).hasFocus()


def test_views_share_a_track_and_go_into_the_menu_together(place: QWidget, qtbot: QtBot) -> None:
    row = row_of(place)
    shown(qtbot, place)
    views = [row.button(action) for action in row.offered[:3]]
    for left, right in itertools.pairwise(views):
        assert left.geometry().right() + 1 == right.geometry().left()
    assert [(b.first, b.last) for b in views] == [(True, False), (False, False), (False, True)]
    assert row.button(row.offered[3]).geometry().left() > views[-1].geometry().right() + 4
    row.setFixedWidth(views[-1].geometry().right() - 5)
    qtbot.waitUntil(lambda: not views[-1].isVisible(), timeout=5000)
    assert not any(view.isVisible() for view in views)
    assert row._menu.actions()[0] is row.offered[0]
    assert row._menu.actions()[-1].text() == "Forget"


def test_a_sign_says_in_its_tip_what_it_stands_for(place: QWidget) -> None:
    row = row_of(place)
    button = row.button(row.offered[3])
    assert button.toolTip() == "Transpose: rows become columns"
    assert button.accessibleName() == "Transpose"


def test_after_a_key_only_one_segment_is_in_force(place: QWidget, qtbot: QtBot) -> None:
    """As after Ctrl+2: the button that was clicked before looks like any other."""
    segments = Segments(place)
    for name in ("Explore", "Space"):
        segments.add(name, name, "")
    layout = place.layout()
    assert layout is not None
    layout.addWidget(segments)
    shown(qtbot, place)
    explore, space = segments.buttons.values()
    qtbot.mouseClick(explore, Qt.MouseButton.LeftButton)
    segments.set_current("Space")
    assert has(space, "active")
    for tone in ("active", "focus", "accent", "accent_soft"):
        assert not has(explore, tone), tone


@pytest.mark.parametrize("name", SIGNS)
def test_every_sign_is_drawn_inside_its_grid_and_is_like_no_other(qtbot: QtBot, name: str) -> None:
    drawn = {key: _drawn(key) for key in SIGNS}
    ink = drawn[name]
    assert 0.01 < ink.mean() < 0.5
    frame = ink.copy()
    frame[8:-8, 8:-8] = False
    assert not frame.any(), "nothing is cut off"
    for other, theirs in drawn.items():
        if other != name:
            assert (ink != theirs).mean() > 0.01, f"{name} looks like {other}"


def _drawn(name: str) -> np.ndarray:
    side = int(GRID) + 16
    image = QImage(side, side, QImage.Format.Format_Grayscale8)
    image.fill(0)
    with QPainter(image) as painter:
        draw_sign(painter, name, image.rect().toRectF(), Qt.GlobalColor.white)  # type: ignore[arg-type]
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(side, image.bytesPerLine())
    return rows[:, :side] > 100


def test_icons_of_all_sizes_are_the_programs(qtbot: QtBot) -> None:
    from gui.app import make_application
    from gui.window.app_icon import SIZES

    icon = make_application("dark").windowIcon()
    assert {size.width() for size in icon.availableSizes()} == set(SIZES)
    image = icon.pixmap(64, 64).toImage()
    colors = {image.pixelColor(x, y).name() for x in range(64) for y in range(64)}
    assert len(colors) > 50
    assert theme.DARK.accent in colors


@pytest.mark.parametrize("key", ["tokens", "layers", "prediction", "attention"])
def test_a_picture_that_has_the_keyboard_is_ringed_and_no_other(
    live_store: Store, qtbot: QtBot, key: str
) -> None:
    entry = next(entry for entry in PANES if entry.key == key)
    pane = entry.load()(live_store)
    pane.resize(700, 500)
    qtbot.addWidget(pane)
    shown(qtbot, pane)
    qtbot.waitUntil(lambda: not pane.dirty, timeout=5000)
    pictures = [
        widget
        for widget in (pane, *pane.findChildren(QWidget))
        if widget.focusPolicy() == Qt.FocusPolicy.StrongFocus
        and widget.isVisible()
        and not isinstance(widget, QAbstractSpinBox | QAbstractButton | QAbstractSlider | QLineEdit)
    ]
    assert pictures
    for picture in pictures:
        picture.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.waitUntil(picture.hasFocus, timeout=5000)
        assert has(picture, "focus"), picture
        for other in pictures:
            if other is not picture and not other.isAncestorOf(picture):
                assert not has(other, "focus"), other
