"""Fields for the switches of a recipe: one editor each, by the kind of its value.

Knows recipes and Qt, no store.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from gui.panes.training.field import Field
from gui.widgets.choice import Choice
from gui.widgets.rate_box import RateBox
from model.train.recipe import Recipe
from model.train.switches import SWITCHES, Switch

_OFF, _ON = "off", "on"


class SwitchFields(QObject):
    """The switches of one recipe.

    Attributes:
        fields: a labelled editor for each.

    Signals:
        changed: a person, or `show_recipe`, changed one.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        usual = Recipe()
        self._editors = {
            switch.name: _editor(switch, getattr(usual, switch.name)) for switch in SWITCHES
        }
        self.fields = tuple(
            Field(switch.label, self._editors[switch.name], switch.says) for switch in SWITCHES
        )
        for editor in self._editors.values():
            match editor:
                case Choice():
                    editor.currentIndexChanged.connect(self._change)
                case RateBox():
                    editor.valueChanged.connect(self._change)
                case QLineEdit():
                    editor.textEdited.connect(self._change)

    def show_recipe(self, recipe: Recipe) -> None:
        """Show a recipe's values."""
        for name, editor in self._editors.items():
            value = getattr(recipe, name)
            match editor:
                case Choice():
                    word = (_ON if value else _OFF) if isinstance(value, bool) else value
                    if editor.findText(word) < 0:
                        editor.addItem(word)  # a recipe of one's own may have a rarer one
                    editor.setCurrentText(word)
                case RateBox():
                    editor.setValue(value)
                case QLineEdit():
                    editor.setText(value)

    def values(self) -> dict[str, Any]:
        """What stands in them, by the names of the recipe."""
        return {name: _value(editor) for name, editor in self._editors.items()}

    def labels(self) -> dict[str, str]:
        """What the form calls the recipe's values."""
        return {switch.name: switch.label for switch in SWITCHES}

    def _change(self) -> None:
        self.changed.emit()


def _editor(switch: Switch, usual: object) -> QWidget:
    if switch.choices or isinstance(usual, bool):
        choice = Choice()
        choice.addItems(list(switch.choices) or [_OFF, _ON])
        return choice
    if isinstance(usual, float):
        box = RateBox()
        box.setRange(0.0, 1e9)
        return box
    return QLineEdit()


def _value(editor: QWidget) -> Any:
    match editor:
        case Choice():
            word = editor.currentText()
            return word == _ON if word in (_OFF, _ON) else word
        case RateBox():
            return editor.value()
        case QLineEdit():
            return editor.text().strip()
    raise TypeError(editor)
