"""A field for a path that offers what lies in the folder that is being typed.

The offer lies beside what a person may want to click meanwhile, and goes once the path is whole.
Folders are listed in a thread of their own; knows no store.
"""

from __future__ import annotations

import os

from PySide6.QtCore import QPoint, QRect, QStringListModel, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from gui.opening.folder_listing import FolderListing

MOST_SHOWN = 8
_CHOOSES = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PathField(QLineEdit):
    """The field.

    Attributes:
        listing: of the folder that is being typed.
        offer: what may follow. It isn't the line edit's own completer: Qt lays that one over
            whatever is below the field.
        over: the widget over which the offer lies; under the field, if there is none.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.over: QWidget | None = None
        self._names = QStringListModel(self)
        self.offer = QCompleter(self._names, self)
        self.offer.setWidget(self)
        self.offer.setCaseSensitivity(Qt.CaseSensitivity.CaseSensitive)
        self.offer.setMaxVisibleItems(MOST_SHOWN)
        self.offer.activated.connect(self._take)
        self.listing = FolderListing(self)
        self.listing.listed.connect(self._listed)
        self._folder = ""
        self.textEdited.connect(self._edited)
        self.textChanged.connect(self._changed)

    def hide_offer(self) -> None:
        """What stands here is what was meant."""
        popup = self.offer.popup()
        if popup is not None:
            popup.hide()

    def _edited(self, text: str) -> None:
        """Typed, not set: then what may follow is offered."""
        folder = text.rpartition(os.sep)[0] + os.sep if os.sep in text else ""
        if not folder:
            self._folder = ""
            self._names.setStringList([])
        elif folder != self._folder:
            self._folder = folder
            self._names.setStringList([])
            self.listing.ask(folder)
        self._offer()

    def _changed(self) -> None:
        if self._is_whole:
            self.hide_offer()

    def _listed(self, folder: object, names: object) -> None:
        assert isinstance(names, list)
        if folder == self._folder:
            self._names.setStringList(names)
            self._offer()

    def _take(self, path: str) -> None:
        self.setText(path)
        if path.endswith(os.sep):
            self._edited(path)

    @property
    def _is_whole(self) -> bool:
        text, names = self.text(), self._names.stringList()
        return text in names or text + os.sep in names

    def _offer(self) -> None:
        self.offer.setCompletionPrefix(self.text())
        if not self.hasFocus() or self._is_whole or self.offer.completionCount() == 0:
            self.hide_offer()
            return
        self.offer.complete(self._place())

    def _place(self) -> QRect:
        """The offer lies under this part of the field."""
        if self.over is None:
            return self.rect()
        left = self.mapFromGlobal(self.over.mapToGlobal(QPoint(0, 0))).x()
        return QRect(left, 0, self.over.width(), self.height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        popup = self.offer.popup()
        shown = popup is not None and popup.isVisible()
        if shown and event.key() in _CHOOSES and popup is not None:
            if popup.currentIndex().isValid():
                event.ignore()  # the offer takes it, and what is chosen there
                return
            popup.hide()
        super().keyPressEvent(event)
