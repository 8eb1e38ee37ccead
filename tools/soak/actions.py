"""What a person may do in the window: one random valid action at a time.

Each action is a function of the hand that does it (`Hand`), named for what a person would call it;
what it returns goes into the log. What would leave the program (Quit), write outside of the
soak's folder or ask the machine for too much (256 threads) is left out. Knows Qt's widgets and the
window's lists of commands and panes; no pane in particular but the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeAlias

from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QTabBar,
    QWidget,
)
from shiboken6 import isValid

from gui.program.program import Program
from gui.window.arrangements import PERSPECTIVES

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier
LEFT_OUT = ("quit", "save_run")
"""Commands that end the program, or write whole models to the disk."""
TEXT = """
the king queen boy girl saw gave a red rose to and she he her his crown Paris is capital of France
two plus three <b> & 日本 é 🙂 ünï .. 7 ' " , mother
"""
WORDS = (*TEXT.split(), "\t", "\n", "\n\n", "")
KEYS = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
    *(Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Space, Qt.Key.Key_Return),
    *(Qt.Key.Key_Escape, Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_F10, Qt.Key.Key_F9),
    *(Qt.Key.Key_A, Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_9, Qt.Key.Key_Period, Qt.Key.Key_Minus),
)
MODIFIERS = (
    NONE,
    NONE,
    NONE,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
SIZES = ((1366, 768), (1440, 900), (1024, 600), (1920, 1080), (800, 480), (1700, 700))
LONGEST_PROMPT = 1500


def _unheard(words: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts.

    Attributes:
        random: whence every choice comes.
        program: the window and its worker.
        folder: the only place where anything may be written.
        good: checkpoints.
        bad: what is none.
        without: names of actions that are left out, to find which of them does something.
        note: is told what is touched before it is: the last line of a log that ends in a crash.
        reached: what the last one was picked from. Of a popup that Qt made, a completer's, PySide
            forgets all parts as soon as its object of the popup itself is gone.
    """

    random: Random
    program: Program
    folder: Path
    good: list[str]
    bad: list[str]
    without: frozenset[str] = frozenset()
    note: Callable[[str], None] = _unheard
    reached: list[QWidget] = field(default_factory=list)

    @property
    def top(self) -> QWidget:
        """What takes the mouse now: a popup, a dialog, a floating pane, or the window."""
        popup, dialog = QApplication.activePopupWidget(), QApplication.activeModalWidget()
        if popup is not None:
            return popup
        if dialog is not None:
            return dialog
        floating = [dock for dock in self.program.window.docks.values() if dock.isFloating()]
        shown = [dock for dock in floating if dock.isVisible()]
        if shown and self.random.random() < 0.2:
            return self.random.choice(shown)
        return self.program.window

    def pick(self, kind: type[QWidget]) -> QWidget | None:
        """One of a kind that is in reach of the mouse."""
        top = self.top
        self.reached[:] = [top]
        within = (w for w in _within(top) if isinstance(w, kind))
        found = [w for w in within if w.isVisible() and w.isEnabled()]
        if isinstance(top, kind):
            found.append(top)
        near = [w for w in found if not w.visibleRegion().isEmpty() and w.window() is top.window()]
        chosen = self.random.choice(near) if near else None
        self.note(_way_to(chosen))
        return chosen

    def point(self, widget: QWidget) -> QPoint:
        """A place of a widget that is in sight."""
        region: QRect = widget.visibleRegion().boundingRect()
        return QPoint(
            region.x() + self.random.randrange(max(1, region.width())),
            region.y() + self.random.randrange(max(1, region.height())),
        )


Action: TypeAlias = Callable[[Hand], str]


def _within(top: QWidget) -> Iterator[QWidget]:
    """All widgets in one, each before those in it.

    Not by findChildren: PySide (6.11) holds what that gives until ``top`` is gone, also what Qt
    has deleted, and who weighs the process would weigh the hand.
    """
    for child in top.children():
        if isinstance(child, QWidget):
            yield child
            yield from _within(child)


def _way_to(widget: QWidget | None) -> str:
    """A widget with those that it lies in."""
    way: list[str] = []
    while widget is not None:
        way.append(name_of(widget))
        widget = widget.parentWidget() if isValid(widget) else None
    return " in ".join(way[:5])


def name_of(widget: QWidget | None) -> str:
    """A widget as the log calls it."""
    if widget is None:
        return "nothing"
    if not isValid(widget):  # PySide gave its own object of another that lay at that address
        return "somebody who is gone"
    words = widget.accessibleName() or widget.objectName()
    if isinstance(widget, QAbstractButton):
        words = widget.text() or words or widget.toolTip()
    return f"{type(widget).__name__} {words[:40]!r}"


# ------------------------------------------------------------------------------- the mouse


def press_a_button(hand: Hand) -> str:
    button = hand.pick(QAbstractButton)
    if button is not None:
        name = name_of(button)
        QTest.mouseClick(button, LEFT, NONE, button.rect().center())
        return name
    return "none"


def click(hand: Hand) -> str:
    widget = hand.pick(QWidget)
    if widget is None or isinstance(widget, QFileDialog):
        return "none"
    name, point = name_of(widget), hand.point(widget)
    twice = hand.random.random() < 0.1
    (QTest.mouseDClick if twice else QTest.mouseClick)(widget, LEFT, NONE, point)
    return f"{name} at {point.x()}, {point.y()}{' twice' if twice else ''}"


def click_right(hand: Hand) -> str:
    widget = hand.pick(QWidget)
    if widget is None:
        return "none"
    name = name_of(widget)
    QTest.mouseClick(widget, RIGHT, NONE, hand.point(widget))
    return name


def hover(hand: Hand) -> str:
    widget = hand.pick(QWidget)
    if widget is None:
        return "none"
    name = name_of(widget)
    for _ in range(3):
        if isValid(widget):  # what it shows may have changed under the mouse
            QTest.mouseMove(widget, hand.point(widget))
    return name


def drag(hand: Hand) -> str:
    widget = hand.pick(QWidget)
    if widget is None or isinstance(widget, QMenu):
        return "none"
    name, begin = name_of(widget), hand.point(widget)
    QTest.mousePress(widget, LEFT, NONE, begin)
    point = begin
    for _ in range(4):
        if not isValid(widget):
            return f"{name}, which is gone"
        point = hand.point(widget)
        QTest.mouseMove(widget, point)
    if isValid(widget):
        QTest.mouseRelease(widget, LEFT, NONE, point)
    return f"{name} from {begin.x()}, {begin.y()} to {point.x()}, {point.y()}"


def turn_the_wheel(hand: Hand) -> str:
    widget = hand.pick(QWidget)
    if widget is None:
        return "none"
    point = hand.point(widget)
    turn = QPoint(0, hand.random.choice((-360, -120, 120, 240)))
    held = hand.random.choice((NONE, NONE, Qt.KeyboardModifier.ControlModifier))
    event = QWheelEvent(
        QPointF(point),
        QPointF(widget.mapToGlobal(point)),
        QPoint(),
        turn,
        Qt.MouseButton.NoButton,
        held,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    name = name_of(widget)
    QApplication.sendEvent(widget, event)
    return f"{name} by {turn.y()}"


# -------------------------------------------------------------------------- what is set


def choose_in_a_box(hand: Hand) -> str:
    box = hand.pick(QComboBox)
    if not isinstance(box, QComboBox) or not box.count():
        return "none"
    index = hand.random.randrange(box.count())
    name = name_of(box)
    box.setCurrentIndex(index)
    if isValid(box):
        box.activated.emit(index)
    return f"{name}: {index}"


def move_a_slider(hand: Hand) -> str:
    slider = hand.pick(QAbstractSlider)
    if not isinstance(slider, QAbstractSlider):
        return "none"
    value = hand.random.randint(slider.minimum(), slider.maximum())
    name = name_of(slider)
    slider.setValue(value)
    return f"{name}: {value}"


def type_a_number(hand: Hand) -> str:
    box = hand.pick(QAbstractSpinBox)
    if box is None or isinstance(box.window(), QInputDialog):
        return "none"
    # Small ones: what is asked of the machine stays small.
    text = hand.random.choice(("0", "1", "2", "7", "16", "32", "0.5", "2.5", "-1", ""))
    name = name_of(box)
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(box, text)
    QTest.keyClick(box, hand.random.choice((Qt.Key.Key_Return, Qt.Key.Key_Tab)))
    return f"{name}: {text}"


def type_in_a_field(hand: Hand) -> str:
    field = hand.pick(QLineEdit)
    if field is None or isinstance(field.window(), QFileDialog):
        return "none"
    text = " ".join(hand.random.choices(WORDS, k=hand.random.randint(1, 3)))
    name = name_of(field)
    field.setFocus()
    _type(field, text)
    if hand.random.random() < 0.3:
        QTest.keyClick(field, Qt.Key.Key_Return)
    return f"{name}: {text!r}"


def _type(widget: QWidget, text: str) -> None:
    """Letter by letter; QTest's own ends the process at letters that no keyboard of its has."""
    for letter in text:
        for kind in (QKeyEvent.Type.KeyPress, QKeyEvent.Type.KeyRelease):
            if isValid(widget):
                QApplication.sendEvent(widget, QKeyEvent(kind, 0, NONE, letter))


def choose_a_row(hand: Hand) -> str:
    view = hand.pick(QAbstractItemView)
    if not isinstance(view, QAbstractItemView) or view.model() is None:
        return "none"
    if isinstance(view.window(), QFileDialog):
        return "none"
    rows = view.model().rowCount(view.rootIndex())
    if not rows:
        return "none"
    row = hand.random.randrange(rows)
    name = name_of(view)
    index = view.model().index(row, 0, view.rootIndex())
    view.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)
    QTest.mouseClick(view.viewport(), LEFT, NONE, view.visualRect(index).center())
    return f"{name}: {row}"


def choose_a_tab(hand: Hand) -> str:
    bar = hand.pick(QTabBar)
    if not isinstance(bar, QTabBar) or not bar.count():
        return "none"
    index = hand.random.randrange(bar.count())
    bar.setCurrentIndex(index)
    return f"{index}"


# ------------------------------------------------------------------------------ the keys


def press_keys(hand: Hand) -> str:
    target = QApplication.focusWidget()
    if target is None or isinstance(target.window(), QFileDialog | QInputDialog):
        target = hand.program.window
    pressed = []
    for _ in range(hand.random.randint(1, 4)):
        key, held = hand.random.choice(KEYS), hand.random.choice(MODIFIERS)
        pressed.append(key.name)
        QTest.keyClick(target, key, held)
        if QApplication.focusWidget() is not target:  # it may be gone
            break
    return " ".join(pressed)


def write_a_prompt(hand: Hand) -> str:
    editor = _editor(hand)
    if editor is None:
        return "none"
    if len(editor.toPlainText()) > LONGEST_PROMPT or hand.random.random() < 0.2:
        editor.selectAll()
    text = " ".join(hand.random.choices(WORDS, k=hand.random.randint(1, 8))) + " "
    editor.insertPlainText(text)
    return repr(text)


def write_a_long_prompt(hand: Hand) -> str:
    editor = _editor(hand)
    if editor is None:
        return "none"
    n = hand.random.randint(60, 250)
    editor.selectAll()
    editor.insertPlainText(" ".join(hand.random.choices(WORDS, k=n)))
    return f"{n} words"


def _editor(hand: Hand) -> QPlainTextEdit | None:
    found = (w for w in _within(hand.program.window) if isinstance(w, QPlainTextEdit))
    shown = [editor for editor in found if editor.isVisible() and not editor.isReadOnly()]
    return shown[0] if shown else None


# --------------------------------------------------------------------------- the window


def do_a_command(hand: Hand) -> str:
    actions = hand.program.window.actions_by_id
    able = [id for id, action in actions.items() if action.isEnabled() and id not in LEFT_OUT]
    id = hand.random.choice(able)
    actions[id].trigger()
    return id


def change_perspective(hand: Hand) -> str:
    name = hand.random.choice(list(PERSPECTIVES))
    hand.program.window.layouts.set_perspective(name)
    return name


def rearrange(hand: Hand) -> str:
    key, dock = hand.random.choice(list(hand.program.window.docks.items()))
    what = hand.random.choice(("float", "close", "show", "show"))
    if what == "float":
        dock.setFloating(not dock.isFloating())
    elif what == "close":
        dock.close()
    else:
        hand.program.window.layouts.show_pane(key)
    return f"{what} {key}"


def resize(hand: Hand) -> str:
    window = hand.program.window
    if hand.random.random() < 0.15:
        if window.isMaximized():
            window.showNormal()
        else:
            window.showMaximized()
        return "maximised" if window.isMaximized() else "normal"
    size = hand.random.choice(SIZES)
    window.resize(*size)
    return f"{size[0]}x{size[1]}"


def open_good(hand: Hand) -> str:
    path = hand.random.choice(hand.good)
    hand.program.window.files.open_path(path)
    return Path(path).name


def open_bad(hand: Hand) -> str:
    path = hand.random.choice(hand.bad)
    hand.program.window.files.open_path(path)
    return Path(path).name


def train_a_little(hand: Hand) -> str:
    window = hand.program.window
    action = window.actions_by_id["start_training"]
    if not action.isEnabled():
        action = window.actions_by_id[
            hand.random.choice(("pause_training", "step_training", "stop_training"))
        ]
    action.trigger()
    return action.text()


def end_dialog(hand: Hand) -> str:
    """Leaves what lies over the window; a file dialog chooses a file of the soak's folder."""
    top = hand.top
    name = name_of(top)
    if isinstance(top, QFileDialog):
        if hand.random.random() < 0.5:
            suffix = top.defaultSuffix() or "out"
            path = hand.folder / f"written-{hand.random.randrange(4)}.{suffix}"
            top.fileSelected.emit(str(path))
        top.reject()
    elif top.isModal() or top.windowType() == Qt.WindowType.Popup:
        top.close()
    return name


ACTIONS: tuple[tuple[int, Action], ...] = (
    (14, press_a_button),
    (14, click),
    (3, click_right),
    (6, hover),
    (8, drag),
    (8, turn_the_wheel),
    (4, choose_in_a_box),
    (4, move_a_slider),
    (3, type_a_number),
    (2, type_in_a_field),
    (4, choose_a_row),
    (2, choose_a_tab),
    (10, press_keys),
    (10, write_a_prompt),
    (1, write_a_long_prompt),
    (10, do_a_command),
    (4, change_perspective),
    (3, rearrange),
    (3, resize),
    (2, open_good),
    (2, open_bad),
    (2, train_a_little),
)
"""How often each is chosen, and what it is."""


def chosen(hand: Hand) -> Action:
    """The next action: what lies over the window is left now and then, a file dialog at once."""
    top = hand.top
    if isinstance(top, QFileDialog):
        return end_dialog
    over = top.isModal() or top.windowType() == Qt.WindowType.Popup
    if over and hand.random.random() < 0.3:
        return end_dialog
    allowed = [one for one in ACTIONS if one[1].__name__ not in hand.without]
    weights, actions = zip(*allowed, strict=True)
    action: Action = hand.random.choices(actions, weights)[0]
    return action
