"""Vectors that are made to be looked at: spread, packed, features that share dimensions.

One of each kind; a newer one takes its place. Knows messages; no widget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gui.session.feature import Feature
from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store

Kind = Literal["spread", "packed", "toy"]


class Spreading(Feature):
    """What was made last.

    Attributes:
        spread: vectors drawn or pushed apart; None before.
        packed: how many fit.
        toy: features that share dimensions.
        problems: why the last of a kind did not come; empty if it did.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.spread: m.VectorsSpread | None = None
        self.packed: m.VectorsPacked | None = None
        self.toy: m.ToyTrained | None = None
        self.problems: dict[Kind, str] = {}
        self._asked: dict[Kind, m.Request] = {}
        self._going: dict[Kind, int] = {}

    def ask(self, kind: Kind, request: m.SpreadVectors | m.PackVectors | m.TrainToy) -> None:
        """Make one; what is going of this kind is given up."""
        self.stop(kind)
        self.problems.pop(kind, None)
        self._asked[kind], self._going[kind] = request, request.id
        self._store.send(request)
        self.changed.emit()

    def stop(self, kind: Kind) -> None:
        """Leave it as it is now."""
        id = self._going.pop(kind, None)
        if id is not None:
            self._store.send(m.Cancel(target=id))
            self.changed.emit()

    def asked(self, kind: Kind) -> m.Request | None:
        """What was asked for last."""
        return self._asked.get(kind)

    def going(self, kind: Kind) -> bool:
        """Whether more is to come."""
        return kind in self._going

    def take(self, result: m.Result) -> bool:
        kind = next(
            (kind for kind, one in self._asked.items() if one.id == result.request_id), None
        )
        if kind is None:
            return isinstance(result, m.VectorsSpread | m.VectorsPacked | m.ToyTrained)
        match result:
            case m.VectorsSpread():
                self.spread = result
                self._over(kind, result.step == result.steps)
            case m.VectorsPacked():
                self.packed = result
                self._over(kind, result.done)
            case m.ToyTrained():
                self.toy = result
                self._over(kind, result.step == result.steps)
            case m.Failed():
                self.problems[kind] = result.message
                self._over(kind, True)
            case m.Cancelled():
                self._over(kind, True)
            case _:
                return False
        self.changed.emit()
        return True

    def _over(self, kind: Kind, over: bool) -> None:
        if over:
            self._going.pop(kind, None)

    def reset(self, model: m.ModelInfo) -> bool:
        return False  # they are no model's
