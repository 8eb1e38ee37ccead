"""Walking through the network's operations: one walk, whichever panes show it.

Steps, jumps, a clock that steps by itself, and the places from which one jumped. It moves the
selection and nothing else. Knows the store's operations and selection; no widget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from model.operations import Operation

if TYPE_CHECKING:
    from gui.session.store import Store

SPEEDS = (0.5, 1.0, 2.0, 4.0)
STEP_MS = 600
"""Time of one step while playing at speed 1."""
MOST_PLACES = 100
"""So many places can be gone back to."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person was: what of the selection a jump may change."""

    operation: int
    position: int
    head: int
    key: int | None


class Walking(QObject):
    """Where the walk is, and the ways on.

    Panes that show it say so (`watch`): with nobody watching it plays no further, and of several
    only one needs buttons (`leads`).

    Signals:
        changed: it is elsewhere, plays or no longer, goes faster, or other panes watch.
        places_changed: there are other places to go back to, or ahead.
    """

    changed = Signal()
    places_changed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self._speed = 1
        self._clock = QTimer(self)
        self._clock.timeout.connect(self.forward)
        self._watching: dict[str, int] = {}
        self._back: list[Place] = []
        self._ahead: list[Place] = []
        self._shown = (-1, 0)
        store.selection_changed.connect(self._moved)
        store.model_changed.connect(self._on_model)

    # --------------------------------------------------------------------------- where

    @property
    def at(self) -> int:
        """Index of the operation."""
        return self._store.selection.operation

    @property
    def n(self) -> int:
        """How many operations there are; 0 without a model."""
        return len(self._store.operations)

    @property
    def borders(self) -> tuple[int, ...]:
        """The first operation of each block, and the first behind the last block."""
        ops = self._store.operations
        return tuple(i for i in range(1, len(ops)) if ops[i].layer != ops[i - 1].layer)

    def words(self, index: int) -> str:
        """Which operation an index is."""
        op = self._store.operations[index]
        block = "" if op.layer is None else f"block {op.layer} · "
        return f"op {index + 1} of {self.n} · {block}{op.label}"

    @property
    def place(self) -> Place:
        """All of where it is."""
        selected = self._store.selection
        return Place(selected.operation, selected.position, selected.head, selected.key)

    # ---------------------------------------------------------------------------- ways

    def go_to(self, index: int) -> None:
        """To an operation; beyond an end, to that end."""
        if self.n:
            self._store.select(operation=min(max(index, 0), self.n - 1))

    def forward(self) -> None:
        """To the next operation; playing ends at the last one."""
        if self.at + 1 >= self.n:
            self.stop()
        else:
            self.go_to(self.at + 1)

    def back(self) -> None:
        """To the operation before."""
        self.go_to(self.at - 1)

    def first(self) -> None:
        """To the tokens."""
        self.visit(operation=0)

    def last(self) -> None:
        """To the last operation."""
        self.visit(operation=self.n - 1)

    def next_layer(self) -> None:
        """To the same operation one block further."""
        self._go_to_block(1)

    def previous_layer(self) -> None:
        """To the same operation one block back."""
        self._go_to_block(-1)

    def _go_to_block(self, step: int) -> None:
        if self.n:
            self.go_to(one_block_on(self._store.operations, self.at, step))

    def visit(self, **changes: object) -> None:
        """Jump: select something, and remember from where, so that one can go back.

        Args:
            changes: as of `Store.select`.
        """
        if not self.n:
            return
        before = self.place
        self._store.select(**changes)
        if self.place != before:
            self._back = [*self._back, before][-MOST_PLACES:]
            self._ahead.clear()
            self.places_changed.emit()

    @property
    def can_return(self) -> bool:
        """Whether there is a place to go back to."""
        return bool(self._back)

    @property
    def can_go_ahead(self) -> bool:
        """Whether one has gone back, and can undo that."""
        return bool(self._ahead)

    def go_back(self) -> None:
        """To where the last jump began."""
        self._change_places(self._back, self._ahead)

    def go_ahead(self) -> None:
        """Undo the last `go_back`."""
        self._change_places(self._ahead, self._back)

    def _change_places(self, take: list[Place], put: list[Place]) -> None:
        if take:
            put.append(self.place)
            to = take.pop()
            self._store.select(
                operation=to.operation, position=to.position, head=to.head, key=to.key
            )
            self.places_changed.emit()

    # -------------------------------------------------------------------------- playing

    @property
    def playing(self) -> bool:
        """Whether it steps by itself."""
        return self._clock.isActive()

    @property
    def speed(self) -> float:
        """1 is a step in `STEP_MS`."""
        return SPEEDS[self._speed]

    def toggle(self) -> None:
        """Step by itself from here, from the start if this is the end; or stop that."""
        if self.playing:
            self.stop()
        elif self.n:
            if self.at >= self.n - 1:
                self.go_to(0)
            self._clock.start(round(STEP_MS / self.speed))
            self.changed.emit()

    def stop(self) -> None:
        """No more steps by itself."""
        if self.playing:
            self._clock.stop()
            self.changed.emit()

    def next_speed(self) -> None:
        """The next of the speeds, after the fastest the slowest."""
        self._speed = (self._speed + 1) % len(SPEEDS)
        if self.playing:
            self._clock.start(round(STEP_MS / self.speed))
        self.changed.emit()

    # ------------------------------------------------------------------------- watching

    def watch(self, key: str, rank: int) -> None:
        """A pane is seen.

        Args:
            key: of the pane.
            rank: how good a place for the buttons it is.
        """
        if self._watching.get(key) != rank:
            self._watching[key] = rank
            self.changed.emit()

    def unwatch(self, key: str) -> None:
        """A pane is seen no longer."""
        if self._watching.pop(key, None) is not None:
            if not self._watching:
                self.stop()
            self.changed.emit()

    def leads(self, key: str) -> bool:
        """Whether a pane is the best place for the buttons, among those that are seen."""
        own = self._watching.get(key, -1)
        return all(own >= rank for rank in self._watching.values())

    # --------------------------------------------------------------------------- inside

    def _moved(self) -> None:
        now = self.at, self.n
        if now != self._shown:
            self._shown = now
            self.changed.emit()

    def _on_model(self) -> None:
        self._clock.stop()
        self._back.clear()
        self._ahead.clear()
        self._shown = self.at, self.n
        self.changed.emit()
        self.places_changed.emit()


def one_block_on(ops: Sequence[Operation], index: int, step: int) -> int:
    """The same operation one block further (``step`` 1) or back (-1).

    Where there is none: the first operation of that block; beside the blocks the nearest
    operation outside them, and from outside the nearest block's first.
    """
    layers = [op.layer for op in ops]
    here = layers[index]
    if here is None:
        there = range(index + step, len(ops) if step > 0 else -1, step)
        block = next((layers[i] for i in there if layers[i] is not None), None)
        if block is None:
            return len(ops) - 1 if step > 0 else 0
        return layers.index(block)
    wanted = ops[index].output.replace(f"blocks.{here}.", f"blocks.{here + step}.", 1)
    for i, op in enumerate(ops):
        if op.output == wanted and op.layer == here + step:
            return i
    if here + step in layers:
        return layers.index(here + step)
    outside = range(index, len(ops) if step > 0 else -1, step)
    return next((i for i in outside if layers[i] is None), index)
