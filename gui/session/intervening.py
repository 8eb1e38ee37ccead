"""What is changed in the model on the screen: a list of interventions, and whether it is shown.

The list can be undone and redone, kept in a file, and each of it switched off. Before and after are
the two sides of a comparison (`gui/session/comparing.py`); which is shown says under which
interventions the prompt is read. Knows messages and interventions; no widget, no tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gui.session.comparing import Side
from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m
from model.interventions import Intervention, SetWeight, file

if TYPE_CHECKING:
    from gui.session.store import Store

View = Literal["before", "after", "difference"]
VIEWS: tuple[View, ...] = ("before", "after", "difference")
_SIDES: dict[View, Side] = {"before": "a", "after": "b", "difference": "difference"}
"""Before and after are the sides of a comparison (`gui/session/comparing.py`)."""
MOST_UNDONE = 200

Texts = tuple[str, ...]
Made = Callable[[tuple[tuple[int, ...], ...]], Intervention]
"""Makes an intervention of the tokens of the texts that it needs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the list.

    Attributes:
        intervention: what it does.
        on: whether it is done.
    """

    intervention: Intervention
    on: bool = True


@dataclass(slots=True)
class Awaited:
    """An intervention that waits for its other texts to be cut into tokens.

    Attributes:
        texts: that are still to be cut.
        made: makes it.
        ids: of those that are cut.
        request_id: of the text that is being cut.
    """

    texts: Texts
    made: Made
    ids: tuple[tuple[int, ...], ...] = ()
    request_id: int = -1


class Intervening(Feature):
    """The list of interventions of the model in view.

    Attributes:
        entries: in the order in which they are done.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.entries: tuple[Entry, ...] = ()
        self._undone: list[tuple[Entry, ...]] = []
        self._done: list[tuple[Entry, ...]] = []
        self._moving: int | None = None  # the entry whose amount is being moved
        self._model: int | None = None
        self._kept: dict[int, tuple[Entry, ...]] = {}  # of models that are out of view
        self._awaited: list[Awaited] = []

    # ------------------------------------------------------------------------- reading

    @property
    def view(self) -> View:
        """Before is the model as it is, after as it is changed; difference is after less before.

        While something else is compared, both of its sides are as they are changed: after.
        """
        comparing = self._store.comparing
        if comparing.kind != "changes":
            return "after"
        return next(view for view, side in _SIDES.items() if side == comparing.view)

    @property
    def on(self) -> tuple[Intervention, ...]:
        """Those that are switched on."""
        return tuple(entry.intervention for entry in self.entries if entry.on)

    @property
    def applied(self) -> tuple[Intervention, ...]:
        """Those that the numbers on the screen are computed under."""
        return () if self.view == "before" else self.on

    def of_model(self, model_id: int) -> tuple[Intervention, ...]:
        """Those that are on of a model, in view or not."""
        if model_id == self._model:
            return self.on
        return tuple(entry.intervention for entry in self._kept.get(model_id, ()) if entry.on)

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def find(self, intervention: Intervention) -> int | None:
        """Where it stands in the list."""
        for index, entry in enumerate(self.entries):
            if entry.intervention == intervention:
                return index
        return None

    def is_on(self, intervention: Intervention) -> bool:
        """Whether it is in the list and switched on."""
        return intervention in self.on

    def refusal(self, intervention: Intervention) -> str:
        """Why it can't be done to the model in view; empty if it can."""
        model = self._store.model
        return "Open a model first." if model is None else intervention.refusal(model.config)

    # ------------------------------------------------------------------------ changing

    def add(self, *interventions: Intervention) -> bool:
        """Put interventions at the end, switched on; whether all of them fit the model.

        What is in the list already is switched on. The view becomes after, or nobody would see
        what was done.
        """
        for one in interventions:
            if why := self.refusal(one):
                self._store.post(Notice(why, level="warning"))
                return False
        entries = list(self.entries)
        for one in interventions:
            index = next((i for i, e in enumerate(entries) if e.intervention == one), None)
            if index is None:
                entries.append(Entry(one))
            else:
                entries[index] = Entry(one)
        self._show_changed()
        self._put(tuple(entries), told=True)
        return True

    def weight_set(self, one: SetWeight) -> int | None:
        """Where in the list the same number of the weights is set."""
        model = self._store.model
        if model is None:
            return None
        place = one.place(model.config)
        for index, entry in enumerate(self.entries):
            other = entry.intervention
            if isinstance(other, SetWeight) and other.place(model.config) == place:
                return index
        return None

    def set_weight(self, one: SetWeight, *, moving: bool = False) -> bool:
        """Set a number of the weights; where it is set already, to another value.

        Args:
            one: which, and to what.
            moving: as of `exchange`.

        Returns:
            Whether it fits the model.
        """
        index = self.weight_set(one)
        if index is None:
            return self.add(one)
        if self.view == "before":
            self.set_view("after")
        self._change(index, Entry(one), moving=moving)
        return True

    def toggle(self, intervention: Intervention) -> None:
        """Do it if it isn't done; take it out of the list if it is."""
        index = self.find(intervention)
        if index is not None and self.entries[index].on:
            self.remove(index)
        else:
            self.add(intervention)

    def switch(self, index: int, on: bool) -> None:
        """Switch one of the list on or off."""
        self._change(index, replace(self.entries[index], on=on))

    def remove(self, index: int) -> None:
        """Take one out of the list."""
        self._put(self.entries[:index] + self.entries[index + 1 :])

    def clear(self) -> None:
        """Take out all; it can be undone."""
        self._put(())

    def exchange(self, index: int, intervention: Intervention, *, moving: bool = False) -> None:
        """Another intervention in the place of one.

        Args:
            index: of the one.
            intervention: that comes.
            moving: it is one of many steps, as of a slider: together they are undone as one.
        """
        self._change(index, replace(self.entries[index], intervention=intervention), moving=moving)

    def settle(self) -> None:
        """What was being moved has come to rest: the next step is undone by itself."""
        self._moving = None

    def set_all(self, interventions: Iterable[Intervention]) -> None:
        """Another list, all of it switched on."""
        self._put(tuple(map(Entry, interventions)))

    def undo(self) -> None:
        """The list as it was before the last change."""
        if self._done:
            self._undone.append(self.entries)
            self._take(self._done.pop())

    def redo(self) -> None:
        """The list as it was before the last undoing."""
        if self._undone:
            self._done.append(self.entries)
            self._take(self._undone.pop())

    def set_view(self, view: View) -> None:
        """Show before, after or the difference; nothing else is compared then."""
        comparing = self._store.comparing
        if view != self.view or comparing.kind != "changes":
            comparing.compare_changes()
            comparing.set_view(_SIDES[view])
            self.changed.emit()

    def _show_changed(self) -> None:
        """What was just changed is seen."""
        comparing = self._store.comparing
        if comparing.kind == "changes" and comparing.view == "a":
            comparing.view = "b"

    def flip(self) -> None:
        """From before to after, or back."""
        self.set_view("after" if self.view == "before" else "before")

    # --------------------------------------------------------------------- other texts

    def add_of_texts(self, texts: Texts, made: Made) -> None:
        """Add an intervention that needs the tokens of other texts.

        Args:
            texts: as they are typed; an empty one has no tokens.
            made: makes it of their tokens, one tuple each.
        """
        awaited = Awaited(texts, made)
        self._awaited.append(awaited)
        self._go_on(awaited)

    def _go_on(self, awaited: Awaited) -> None:
        while awaited.texts and not awaited.texts[0].strip():
            awaited.texts, awaited.ids = awaited.texts[1:], (*awaited.ids, ())
        if awaited.texts:
            request = m.CutText(text=awaited.texts[0])
            awaited.request_id = request.id
            self._store.send(request)
            return
        self._awaited.remove(awaited)
        self.add(awaited.made(awaited.ids))

    def take(self, result: m.Result) -> bool:
        if not isinstance(result, m.TextCut | m.Failed | m.Cancelled):
            return False
        for awaited in list(self._awaited):
            if awaited.request_id != result.request_id:
                continue
            if isinstance(result, m.TextCut):
                awaited.texts, awaited.ids = awaited.texts[1:], (*awaited.ids, result.ids)
                self._go_on(awaited)
            else:
                self._awaited.remove(awaited)
                if isinstance(result, m.Failed):
                    self._store.post(Notice.of(result))
            return True
        return isinstance(result, m.TextCut)

    # ---------------------------------------------------------------------- in a file

    def save(self, path: str) -> None:
        """Write the list to a TOML file; says so, or why not."""
        try:
            file.write(path, [(entry.intervention, entry.on) for entry in self.entries])
        except OSError as error:
            self._say(str(error))
            return
        self._store.post(Notice(f"Wrote {path}."))

    def load(self, path: str) -> None:
        """Take the list of a TOML file in the place of this one; says why not."""
        try:
            entries = tuple(Entry(*each) for each in file.read(path))
        except OSError as error:
            self._say(f"{Path(path).name} can't be read: {error.strerror}.")
            return
        except ValueError as error:
            self._say(str(error))
            return
        strange = [why for entry in entries if (why := self.refusal(entry.intervention))]
        if strange:
            n = len(strange)
            fits = "doesn't" if n == 1 else "don't"
            self._say(f"{n} of {len(entries)} interventions {fits} fit this model: {strange[0]}")
            return
        self._show_changed()
        self._put(entries, told=True)

    def _say(self, message: str) -> None:
        self._store.post(Notice(message, level="error"))

    # -------------------------------------------------------------------------- inside

    def reset(self, model: m.ModelInfo) -> bool:
        """Each model has a list of its own, and has it again when it comes back into view."""
        if self._model is not None:
            self._kept[self._model] = self.entries
        before = self.entries
        self._model = model.model_id
        self.entries = self._kept.pop(model.model_id, ())
        self._done, self._undone, self._awaited = [], [], []
        self._moving = None
        self._store.interventions = self.applied
        return before != self.entries

    def _change(self, index: int, entry: Entry, *, moving: bool = False) -> None:
        entries = (*self.entries[:index], entry, *self.entries[index + 1 :])
        if moving and self._moving == index:
            self._take(entries, moving=index)  # what was before the first step is noted already
        else:
            is_step = entries != self.entries
            self._put(entries)
            self._moving = index if moving and is_step else None

    def _put(self, entries: tuple[Entry, ...], *, told: bool = False) -> None:
        """Another list, as a step that can be undone.

        Args:
            entries: the list.
            told: something else has changed as well, so that it is told in any case.
        """
        if entries != self.entries:
            self._done = [*self._done, self.entries][-MOST_UNDONE:]
            self._undone = []
            self._take(entries)
        elif told:
            self._apply()

    def _take(self, entries: tuple[Entry, ...], moving: int | None = None) -> None:
        self._moving = moving
        self.entries = entries
        self._apply()

    def _apply(self) -> None:
        self._store.read_under(self.applied)
        self.changed.emit()
        self._store.comparing.changed.emit()  # there is something to compare now, or no more
