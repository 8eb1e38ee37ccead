"""Three depths beneath the scene: the idea with its terms, the formula with numbers, the code."""

from __future__ import annotations

import re
from functools import partial

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from gui.panes.stage.pane import StagePane
from gui.panes.stage.term_text import TermText
from gui.session.store import Store
from gui.theme import mono
from gui.widgets import formula
from model.interventions import AblateHead
from model.probe.scene.asks import SceneFound
from model.probe.terms.asks import TermsFound
from tests.gui.desk import Desk
from tests.gui.panes.stage.test_stage_pane import go_to, kinds, settle, shown


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> StagePane:
    return shown(qtbot, live_store)


def deep(pane: StagePane, depth: str) -> None:
    pane.explaining.depths.buttons[depth].click()
    settle(pane)


# --------------------------------------------------------------------------------- mathematics


def test_every_operation_has_a_formula_with_its_numbers(pane: StagePane, desk: Desk) -> None:
    deep(pane, "mathematics")
    read = pane.store.read
    assert read is not None
    for kind in kinds(pane.store):
        go_to(pane, kind)
        symbols, numbers, shapes = pane.explaining.formula.lines
        op = pane.operation
        assert op is not None
        assert symbols == op.formula
        assert "writes" in shapes
        assert "_head" not in shapes  # a word would be lowered
        if kind == "tokens":
            continue
        value = re.findall(r"= (−?[\d.]+(?:e-?\d+)?)$", numbers.replace("−", "−"))
        assert value, (kind, numbers)
        found = pane.answered("terms", TermsFound)
        if kind == "softmax":
            continue
        assert found is not None
        assert found.value is not None
        assert float(value[-1].replace("−", "-")) == pytest.approx(found.value, abs=6e-4)


def test_the_products_of_the_formula_give_its_number(pane: StagePane) -> None:
    deep(pane, "mathematics")
    go_to(pane, "query")
    pane.resize(2400, 330)
    settle(pane)
    numbers = pane.explaining.formula.lines[1]
    left, right, value = numbers.split(" = ")
    position = pane.store.selection.position
    assert re.fullmatch(rf"q_\{{{position}\}}\[\d+\]", left)
    written = right.replace("−", "-").replace("·", "*")
    assert written.count("*") == 5
    total = eval(re.sub(r" \(\d+ more\)", "", written))
    assert total == pytest.approx(float(value.replace("−", "-")), abs=0.06)


def test_fewer_terms_are_written_where_there_is_less_room(pane: StagePane) -> None:
    deep(pane, "mathematics")
    go_to(pane, "query")
    wide = pane.explaining.formula.lines[1]
    pane.resize(520, 330)
    settle(pane)
    narrow = pane.explaining.formula.lines[1]
    assert narrow.count("·") < wide.count("·")
    assert formula.width(narrow, mono()) <= pane.explaining.formula.width()
    assert narrow.split(" = ")[-1] == wide.split(" = ")[-1]


def test_a_formula_has_lowered_and_raised_parts() -> None:
    runs = [(run.text, run.level) for run in formula.runs("h_i^e = W_E[t_i] e^{−1.05} 2^(2k/D)")]
    assert runs == [
        ("h", 0), ("i", -1), ("e", 1), (" = W", 0), ("E", -1), ("[t", 0), ("i", -1), ("] e", 0),
        ("−1.05", 1), (" 2", 0), ("2k/D", 1),
    ]  # fmt: skip
    assert [run.text for run in formula.runs("s_ij / √d_head")] == ["s", "ij", " / √d", "head"]


# --------------------------------------------------------------------------------------- code


@pytest.mark.parametrize("kind", ["query", "mix", "mlp_out", "unembed"])
def test_the_code_that_is_copied_runs_by_itself(pane: StagePane, kind: str) -> None:
    deep(pane, "code")
    go_to(pane, kind)
    found = pane.answered("scene", SceneFound)
    assert found is not None
    assert pane.explaining.code.toPlainText() == found.lines
    pane.explaining.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert pane.explaining.code.toPlainText() in copied
    assert "assert torch.allclose" in copied
    exec(copied, {})


def test_code_under_interventions_runs_the_text_under_them(pane: StagePane) -> None:
    pane.store.intervening.add(AblateHead(1, 1))
    deep(pane, "code")
    go_to(pane, "attn_out")
    pane.explaining.copy_code()
    copied = QGuiApplication.clipboard().text()
    assert "from model.interventions import AblateHead" in copied
    assert "assert" in copied
    exec(copied, {})


# --------------------------------------------------------------------------------------- idea


def test_the_depth_is_remembered(pane: StagePane, qtbot: QtBot) -> None:
    deep(pane, "code")
    other = shown(qtbot, pane.store)
    assert other.explaining.shown == "idea"
    for kept in (pane.remember(), {"depth": "nonsense"}):
        other.recall(kept)
        assert other.explaining.depths.current == "code"


def test_only_one_depth_is_in_view(pane: StagePane) -> None:
    seen = pane.explaining
    for depth, page in (
        ("idea", seen.sentence),
        ("mathematics", seen.formula),
        ("code", seen.code),
    ):
        deep(pane, depth)
        pages = (seen.sentence, seen.formula, seen.code)
        assert [each.isVisible() for each in pages] == [each is page for each in pages]
        assert seen.terms.isVisible() == (depth == "idea")
        assert seen.copy.isVisible() == (depth == "code")


@pytest.mark.parametrize("size", [(620, 430), (844, 449), (890, 330), (1187, 700)])
def test_what_is_said_is_shown_to_its_end(pane: StagePane, size: tuple[int, int]) -> None:
    pane.resize(*size)
    for kind in kinds(pane.store):
        go_to(pane, kind)
        assert pane.sentence.needs <= pane.sentence.height(), (kind, pane.sentence.text())
        assert not pane.sentence.elided
        if size[0] > 800:
            assert not pane.meaning.elided, (kind, pane.meaning.text())


def test_a_sentence_without_room_ends_with_dots_and_its_tooltip_says_all(
    text: TermText, qtbot: QtBot
) -> None:
    assert not text.elided
    text.resize(120, 20)
    assert text.elided
    assert [line for _, line in text._lines][-1].endswith("…")
    assert [term.name for term in text.terms] == ["query"]  # what isn't seen is not underlined
    at = QPoint(3, 3)
    QApplication.sendEvent(
        text, QHelpEvent(QEvent.Type.ToolTip, QPoint(118, 3), text.mapToGlobal(at))
    )
    qtbot.waitUntil(lambda: said() == text.text())
    QToolTip.hideText()
    qtbot.waitUntil(lambda: not QToolTip.isVisible())


@pytest.mark.parametrize("width", [430, 620, 890])
def test_the_depths_stand_beside_the_walk_or_beneath_it(pane: StagePane, width: int) -> None:
    pane.resize(width, 330)
    settle(pane)
    depths = pane.explaining.depths
    assert depths.isVisible()
    left = depths.mapTo(pane, QPoint(0, 0)).x()
    assert left >= 0
    assert left + depths.width() <= pane.width()
    assert (depths.parentWidget() is pane.walk.transport) == (width >= 560)


def tells(name: str) -> bool:
    """Whether the tooltip is of a term."""
    return said().startswith(f"{name}: ")


def said() -> str:
    return QToolTip.text()


@pytest.fixture
def text(qtbot: QtBot) -> TermText:
    widget = TermText(wrap=True)
    qtbot.addWidget(widget)
    widget.resize(200, 60)
    widget.setText("Every query meets every key, and its score is masked or not.")
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def test_terms_are_underlined_and_show_their_entry(text: TermText, qtbot: QtBot) -> None:
    assert [term.name for term in text.terms] == ["query", "key", "score", "mask"]
    at = text.box_of("key").center()
    QTest.mouseClick(text, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y())))
    qtbot.waitUntil(lambda: said().startswith("key: What a position offers"))
    QToolTip.hideText()
    box = text.box_of("mask")
    assert box.top() > text.box_of("query").top()  # it stands on a later line
    image = text.grab().toImage()
    rows = range(round(box.bottom()) - 2, round(box.bottom()) + 1)
    ground = image.pixelColor(199, 0)
    dark = [
        sum(image.pixelColor(x, y) != ground for x in range(round(box.left()), round(box.right())))
        for y in rows
    ]
    assert max(dark) > 0.25 * box.width()  # dots, from one end of the word to the other


def test_tab_goes_from_term_to_term(text: TermText, qtbot: QtBot) -> None:
    text.activateWindow()
    qtbot.waitUntil(text.isActiveWindow)
    text.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(text.hasFocus)
    for name in ("query", "key", "score"):
        qtbot.waitUntil(partial(tells, name))
        QTest.keyClick(text, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: said().startswith("mask:"))
    QToolTip.hideText()


def test_screen_readers_hear_the_sentence_and_its_terms(text: TermText) -> None:
    assert text.accessibleName() == text.text()
    assert "key: What a position offers" in text.accessibleDescription()
