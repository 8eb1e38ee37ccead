"""The list of interventions, each with its switch; undo and redo.

Changes `store.intervening`; the numbers are the other panes', and whether they show before, after
or the difference is chosen in the bar at the top. Knows the store and its own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gui import theme
from gui.file_dialog import file_dialog
from gui.panes.base import Pane
from gui.panes.interventions import ENTRY
from gui.panes.interventions.entry_row import EntryRow
from gui.panes.interventions.forms import Form, NeuronForm, PatchForm, SteerForm, WeightForm
from gui.reading import intervening as reading
from gui.session.store import Store
from gui.widgets.control_button import ControlButton
from gui.widgets.nest import nest
from gui.widgets.offer_menu import MenuItem, OfferMenu
from gui.widgets.text import Text
from model.interventions import AblateHead, Intervention, to_record

HINT = "Nothing is changed. Right-click a head, a layer or an edge to cut it, or press +."
WHERE = "Chosen in the bar at the top; Ctrl+B: before or after, Ctrl+Shift+B: the next"


class InterventionsPane(Pane):
    """The list, and what of it is seen.

    Attributes:
        seen: which side all panes show, in words.
        rows: one an intervention.
        form: what is being typed; None for nothing.
    """

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.seen = Text("", self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.add_button = self._button("add", "Change something at what is selected", self.offer)
        self.undo_button = self._button("undo", "Undo (Ctrl+Z)", store.intervening.undo)
        self.redo_button = self._button("redo", "Redo (Ctrl+Shift+Z)", store.intervening.redo)
        self.more_button = self._button("more", "Save, load, take all back", self.offer_more)
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self.seen, 1)
        for button in (self.add_button, self.undo_button, self.redo_button, self.more_button):
            head.addWidget(button)
        self.hint = Text(HINT, self, tone="dim", wrap=True)
        self.rows: list[EntryRow] = []
        inner = QWidget(self)
        inner.setAutoFillBackground(False)
        self._list = QVBoxLayout(inner)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(2)
        self._list.addWidget(self.hint)
        self._list.addStretch(1)
        scroll = self._scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        scroll.viewport().setAutoFillBackground(False)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.form: Form | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(theme.SPACE, theme.TIGHT, theme.SPACE, theme.TIGHT)
        self._layout.setSpacing(theme.TIGHT)
        nest(self._layout, head)
        self._layout.addWidget(scroll, 1)
        store.intervening.changed.connect(self.invalidate)
        store.comparing.changed.connect(self.invalidate)
        store.model_changed.connect(self.invalidate)
        store.subject_changed.connect(self.invalidate)
        store.selection_changed.connect(self._follow_form)
        store.model_changed.connect(self.close_form)

    def _button(self, sign: str, tip: str, does: Callable[[], object]) -> ControlButton:
        button = ControlButton("press", self, sign=sign)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(does)
        return button

    # ------------------------------------------------------------------------ drawing

    def refresh(self) -> None:
        changing = self.store.intervening
        self._say_what_is_seen()
        self.add_button.setEnabled(self.store.model is not None)
        self.undo_button.setEnabled(changing.can_undo)
        self.redo_button.setEnabled(changing.can_redo)
        entries = changing.entries
        same = len(entries) == len(self.rows) and all(
            row.fits(entry) for row, entry in zip(self.rows, entries, strict=True)
        )
        if not same:
            self._rebuild()
        read = self.store.read
        n_tokens = 0 if read is None else read.n_tokens
        for row, entry in zip(self.rows, entries, strict=True):
            row.take(entry, reading.idle_words(entry.intervention, n_tokens))
        self.hint.setVisible(not entries)

    def _say_what_is_seen(self) -> None:
        changing, comparing = self.store.intervening, self.store.comparing
        said, tip = "", WHERE
        if changing.entries and not changing.on:
            said, tip = "all are off", "The model is as it is: switch one on"
        elif changing.on and comparing.kind == "changes":
            said = f"panes show {changing.view}"
        elif changing.on:
            of_a_model = comparing.kind == "model"
            said = "of the model in view" if of_a_model else "in A and in B"
            tip = f"B is {'another model' if of_a_model else 'another prompt'}: see the bar above"
        self.seen.setText(said)
        self.seen.setToolTip(tip if said else "")

    def _rebuild(self) -> None:
        had_focus = self.isAncestorOf(self.focusWidget()) if self.focusWidget() else False
        for row in self.rows:
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = []
        for index, entry in enumerate(self.store.intervening.entries):
            row = EntryRow(entry, self)
            row.switched.connect(self._on_switched)
            row.removed.connect(self._on_removed)
            row.exchanged.connect(self._on_exchanged)
            row.settled.connect(self.store.intervening.settle)
            row.opened.connect(self._on_opened)
            self.rows.append(row)
            self._list.insertWidget(index, row)
            row.show()  # now, not with the next turn of the event loop
        if had_focus:  # or undoing by key would end with the row that had the keyboard
            self.setFocus()

    def header_note(self) -> str:
        changing = self.store.intervening
        n_on, n = len(changing.on), len(changing.entries)
        if not n:
            return ""
        on = f"{n_on} on" if n_on == n else f"{n_on} of {n} on"
        return f"{on} · before" if changing.view == "before" else on

    def export_data(self) -> Mapping[str, NDArray[Any]]:
        """One row an intervention: what it says, its kind, whether it is on."""
        entries = self.store.intervening.entries
        if not entries:
            return {}
        return {
            "words": np.array([entry.intervention.words for entry in entries]),
            "kind": np.array([to_record(entry.intervention)["kind"] for entry in entries]),
            "on": np.array([entry.on for entry in entries]),
        }

    # ------------------------------------------------------------------------ actions

    def toggle_head(self) -> None:
        """Cut the selected head, or take that back."""
        selection = self.store.selection
        self.store.intervening.toggle(AblateHead(selection.layer, selection.head))

    def flip(self) -> None:
        """Before, or after."""
        self.store.intervening.flip()

    def clear(self) -> None:
        """The model as it is."""
        self.store.intervening.clear()

    def copy_python(self) -> None:
        """Put the lines of Python that do the same on the clipboard."""
        QGuiApplication.clipboard().setText(self.code())

    def code(self) -> str:
        """Runs the prompt under the interventions that are on."""
        read, some = self.store.read, self.store.intervening.on
        return reading.python(some, read.subject.ids) if read is not None and some else ""

    def ask_save(self) -> None:
        """Choose a file and write the list to it."""
        dialog = self._file_dialog("Save interventions")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        dialog.selectFile("interventions.toml")
        dialog.fileSelected.connect(self.store.intervening.save)
        dialog.open()

    def ask_load(self) -> None:
        """Choose a file and take its list."""
        dialog = self._file_dialog("Load interventions")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.store.intervening.load)
        dialog.open()

    def _file_dialog(self, title: str) -> QFileDialog:
        dialog = file_dialog(self, title)
        dialog.setNameFilters(["Interventions (*.toml)", "All files (*)"])
        return dialog

    def offer(self) -> None:
        """A menu of what can be done at what is selected."""
        self._open(self.offers(), self.add_button)

    def offers(self) -> list[MenuItem]:
        """What can be done at what is selected now."""
        store = self.store
        if store.model is None:
            return []
        some = reading.of_selection(store.model.config, store.selection, store.inspected)
        items = [self._item(offer) for offer in some]
        layer = store.selection.layer
        form = partial(MenuItem, group=9)
        no_neurons = reading.of_neuron(store.model.config, layer, 0)[0].refusal
        return [
            *items,
            form(f"Clamp a neuron of layer {layer}…", NeuronForm, why_not=no_neurons),
            form("Set a weight…", WeightForm),
            form("Patch in from another prompt…", PatchForm),
            form(f"Add a direction after layer {layer}…", SteerForm),
        ]

    def offer_more(self) -> None:
        """A menu of what is done with the whole list."""
        empty = "" if self.store.intervening.entries else "The list is empty."
        nothing_on = "" if self.store.intervening.on else "Nothing is switched on."
        items = [
            MenuItem("Save…", self.ask_save, why_not=empty),
            MenuItem("Load…", self.ask_load),
            MenuItem("Copy as Python", self.copy_python, why_not=nothing_on),
            MenuItem("Take all back", self.clear, why_not=empty, group=1),
        ]
        self._open(items, self.more_button)

    def _item(self, offer: reading.Offer) -> MenuItem:
        done = self.store.intervening.is_on(offer.intervention)
        return MenuItem(offer.words, offer.intervention, done, offer.refusal, offer.group)

    def _open(self, items: list[MenuItem], button: ControlButton) -> None:
        menu = OfferMenu(items, self)
        menu.chosen.connect(self.choose)
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def choose(self, thing: object) -> None:
        """Do what was chosen in a menu."""
        if isinstance(thing, Intervention):
            self.store.intervening.toggle(thing)
        elif isinstance(thing, type) and issubclass(thing, Form):
            self.open_form(thing)
        elif callable(thing):
            thing()

    def open_form(self, kind: Callable[[Store], Form]) -> None:
        """Ask for what has to be typed."""
        self.close_form()
        self.form = kind(self.store)
        self.form.done.connect(self.close_form)
        self._layout.addWidget(self.form)
        self._scroll.hide()  # in a low pane there is room for one of both
        self.form.follow()
        self.form.first().setFocus()

    def close_form(self) -> None:
        """Put away what was being typed."""
        if self.form is not None:
            self._layout.removeWidget(self.form)
            self.form.put_away()
            self._scroll.show()
            self.form.deleteLater()
            self.form = None
            self.setFocus()

    def _follow_form(self) -> None:
        if self.form is not None:
            self.form.follow()

    # -------------------------------------------------------------------- told by rows

    def _index(self) -> int | None:
        """Of the row that tells; None where the list is another by now (another model's)."""
        row, entries = cast(EntryRow, self.sender()), self.store.intervening.entries
        index = self.rows.index(row) if row in self.rows else len(entries)
        return index if index < len(entries) and row.fits(entries[index]) else None

    def _on_opened(self) -> None:
        for row in self.rows:
            row.open(row is self.sender())

    def _on_switched(self, on: object) -> None:
        index = self._index()
        if index is not None:
            self.store.intervening.switch(index, bool(on))

    def _on_removed(self) -> None:
        index = self._index()
        if index is not None:
            self.store.intervening.remove(index)

    def _on_exchanged(self, intervention: object, moving: object) -> None:
        index = self._index()
        if isinstance(intervention, Intervention) and index is not None:
            self.store.intervening.exchange(index, intervention, moving=bool(moving))

    # ------------------------------------------------------------------------- events

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Undo):
            self.store.intervening.undo()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.store.intervening.redo()
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(300, 180)
