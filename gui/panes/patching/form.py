"""What the forms of both kinds of sweep share: fields, and the position that is measured.

Knows the store and the controls; asks nothing.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from gui import theme
from gui.session.store import Store
from gui.widgets.where_choice import WhereChoice


class SweepForm(QWidget):
    """A few fields that say what is swept.

    Signals:
        changed: something else would be run now.
        sent: Return was pressed in a field.

    Attributes:
        where: where the answer is measured.
    """

    changed = Signal()
    sent = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.where = WhereChoice(self)
        self.where.activated.connect(self.changed)

    def field(self, name: str, tip: str, width: int = 0) -> QLineEdit:
        """A field for a text."""
        field = QLineEdit(self)
        field.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        field.setPlaceholderText(name)
        field.setAccessibleName(name)
        field.setToolTip(tip)
        if width:
            field.setFixedWidth(width)
        field.textEdited.connect(self.changed)
        field.returnPressed.connect(self.sent)
        return field

    def follow_model(self) -> None:
        """Say where a model of this kind answers."""
        model = self.store.model
        self.where.set_masked(model is not None and model.config.head == "mlm")

    @property
    def position(self) -> int:
        """The position that is measured now."""
        return self.store.measured_position(at_selected=self.where.at_selected)
