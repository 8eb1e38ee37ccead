"""An exported figure is sharp in any viewer, carries no controls, and says where it comes from."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.panes.base import Pane
from gui.panes.prediction.pane import PredictionPane
from gui.panes.space.pane import SpacePane
from gui.session.store import Store
from gui.widgets import cells
from gui.widgets.text import Text
from gui.window.export import provenance_of, write_picture
from gui.window.figure import Figure
from gui.window.svg import with_fixed_pens
from tests.gui.desk import Desk

SVG = "{http://www.w3.org/2000/svg}"
FACTS = provenance_of("Attention", "story-world", 'He said "a < b & c"')


def shown(qtbot: QtBot, pane: Pane, desk: Desk) -> None:
    qtbot.addWidget(pane)
    pane.resize(700, 560)
    with qtbot.waitExposed(pane):
        pane.show()
    for _ in range(20):
        desk.finish()
        pane.refresh_now()
    assert not desk.store.asked.is_waiting


def written(pane: QWidget, path: Path) -> ElementTree.Element:
    """The root of what is exported as SVG."""
    write_picture(pane, path, FACTS)
    return ElementTree.fromstring(path.read_text(encoding="utf-8"))


def words_of(root: ElementTree.Element) -> str:
    """All that is written in a figure."""
    return " ".join("".join(text.itertext()).strip() for text in root.iter(f"{SVG}text"))


def rendered(path: Path, scale: int) -> QImage:
    renderer = QSvgRenderer(str(path))
    assert renderer.isValid()
    image = QImage(renderer.defaultSize() * scale, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    return image


def rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


@pytest.fixture
def matrix(qtbot: QtBot, live_store: Store, desk: Desk) -> AttentionPane:
    pane = AttentionPane(live_store)
    pane.set_view("matrix")
    shown(qtbot, pane, desk)
    return pane


def test_cells_are_rectangles_and_their_edges_stay_sharp(
    matrix: AttentionPane, tmp_path: Path
) -> None:
    root = written(matrix, tmp_path / "a.svg")
    assert not list(root.iter(f"{SVG}image")), "a small picture would be blurred"
    # Qt blurs no edge of a rectangle by more than a pixel, at any size.
    content = matrix.heat_map.content
    assert content is not None
    part = next(
        part
        for part in Figure(matrix, ("a", "b")).parts
        if part.widget is matrix.heat_map.viewport()
    )
    image = rendered(tmp_path / "a.svg", 8)
    corner = part.place.topLeft() - part.inside.topLeft()
    for row, column in ((3, 0), (3, 1), (5, 2)):
        box = matrix.heat_map.cell_rect(row, column).translated(corner)
        value = float(content.values_RC[row, column]) / content.limit
        color = theme.sequential_color(value)
        for share in (0.15, 0.5, 0.85):
            x = box.left() + share * box.width()
            found = image.pixelColor(round(8 * x), round(8 * (box.top() + 0.7 * box.height())))
            assert np.allclose(rgb(found), rgb(color), atol=2), (row, column, share)


def test_no_control_and_no_word_of_one_is_in_a_figure(
    matrix: AttentionPane, qtbot: QtBot, live_store: Store, desk: Desk, tmp_path: Path
) -> None:
    words = words_of(written(matrix, tmp_path / "a.svg"))
    assert "attention weight" in words
    for control in ("Heads", "Scores", "Transpose", "To largest"):
        assert control not in words
    prediction = PredictionPane(live_store)
    shown(qtbot, prediction, desk)
    words = words_of(written(prediction, tmp_path / "b.svg"))
    assert "entropy" in words
    for control in ("temperature", "top k", "Generate"):
        assert control not in words


def test_a_caption_says_model_prompt_and_program(matrix: AttentionPane, tmp_path: Path) -> None:
    root = written(matrix, tmp_path / "a.svg")
    words = " ".join(words_of(root).split())
    for fact in ("Attention", "Model story-world.", 'Prompt: “He said "a < b & c"”', "Glassformer"):
        assert fact in words
    described = root.find(f"{SVG}desc")
    assert described is not None
    assert json.loads(described.text or "") == FACTS, "escaped once"
    write_picture(matrix, tmp_path / "a.png", FACTS)
    image = QImage(str(tmp_path / "a.png"))
    size = Figure(matrix, ("a", "b")).size
    assert image.width() == 2 * size.width()
    assert {key: image.text(key) for key in image.textKeys()} == FACTS


def test_the_room_of_what_is_left_out_is_closed_up(qtbot: QtBot) -> None:
    pane = QWidget()
    qtbot.addWidget(pane)
    column = QVBoxLayout(pane)
    column.addWidget(Text("above"))
    row = QHBoxLayout()
    row.addWidget(Text("threshold"))
    row.addWidget(QSlider())
    holder = QWidget()
    holder.setLayout(row)
    column.addWidget(holder)
    column.addWidget(QToolButton())
    column.addWidget(QLabel("below"))
    pane.resize(300, 400)
    pane.show()
    figure = Figure(pane)
    assert [part.widget.text() for part in figure.parts] == ["above", "below"]  # type: ignore[attr-defined]
    above, below = (part.place for part in figure.parts)
    assert below.top() - above.bottom() <= 11
    assert figure.size.height() < 300


def test_points_are_discs(qtbot: QtBot, live_store: Store, desk: Desk, tmp_path: Path) -> None:
    pane = SpacePane(live_store)
    shown(qtbot, pane, desk)
    root = written(pane, tmp_path / "a.svg")
    assert not list(root.iter(f"{SVG}image"))
    n_drawn = len(list(root.iter(f"{SVG}circle"))) + len(list(root.iter(f"{SVG}ellipse")))
    assert live_store.vocabulary is not None
    assert n_drawn >= 0.9 * len(live_store.vocabulary.points)


def test_patches_cover_every_cell_once() -> None:
    random = np.random.default_rng(0)
    words_RC = np.array([0, 0xFF000001, 0xFF000002], np.uint32)[random.integers(0, 3, (20, 30))]
    covered = np.zeros(words_RC.shape, int)
    patches = cells.patches(words_RC, 1000)
    assert patches is not None
    for top, bottom, left, right in patches:
        assert len(np.unique(words_RC[top:bottom, left:right])) == 1
        covered[top:bottom, left:right] += 1
    assert np.array_equal(covered, words_RC > 0)
    assert len(cells.patches(np.full((9, 9), 0xFF000001, np.uint32), 1) or ()) == 1
    assert cells.patches(words_RC, most=20) is None


def test_too_many_cells_are_a_picture_that_cannot_be_blurred_far(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "MOST_RECTANGLES", 3)

    class Cells(QWidget):
        def paintEvent(self, event: object) -> None:
            image = QImage(2, 2, QImage.Format.Format_RGB32)
            for place, color in enumerate((0xFFFF0000, 0xFF00FF00, 0xFF0000FF, 0xFFFFFFFF)):
                image.setPixel(place % 2, place // 2, color)
            with QPainter(self) as painter:
                cells.paint_cells(painter, QRectF(0, 0, 200, 200), image)

    widget = Cells()
    qtbot.addWidget(widget)
    widget.resize(200, 200)
    root = written(widget, tmp_path / "a.svg")
    [picture] = root.iter(f"{SVG}image")
    assert int(float(picture.attrib["width"])) == 200
    data = QImage()
    link = picture.attrib["{http://www.w3.org/1999/xlink}href"]
    assert data.loadFromData(base64.b64decode(link.partition("base64,")[2]))
    assert data.width() == 16, "eight pixels a cell: only the outermost can be blurred"


def test_a_thin_curve_stays_thin_over_long_axes() -> None:
    svg = (
        '<g fill="none" stroke-width="1" transform="matrix(4,0,0,-200,60,1000)">\n'
        '<polyline fill="none" vector-effect="non-scaling-stroke" points="0,4 10,3.5 " />\n</g>'
    )
    mended = "".join(with_fixed_pens(svg))
    assert 'points="60,200 100,300 "' in mended, "as they are seen"
    assert 'transform="matrix(0.25,0,0,-0.005,-15,5)"' in mended, "and not moved once more"
