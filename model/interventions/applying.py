"""Interventions made ready for a network: the tap and the replacement that do what they say.

Knows interventions and the names of operations; no kind, no tensor of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.config import TransformerConfig
from model.interventions.intervention import Intervention
from model.interventions.window import Ids, Window
from model.operations import Operation, operations

if TYPE_CHECKING:
    from torch import Tensor

    from model.network.execute import Replace, Run, Tap
    from model.transformer import Transformer


class Prepared:
    """Interventions that fit a network, by the operations that they change.

    Several changes of one activation follow each other in the given order. Of several replacements
    of one operation the first that gives a tensor counts; where it computes the operation as usual,
    the others have changed what that is.

    Args:
        interventions: in the order in which they are done.
        config: of the network.

    Attributes:
        reads: the other texts whose activations they read, each once.

    Raises:
        ValueError: one of them does not fit the network.
    """

    def __init__(self, interventions: Iterable[Intervention], config: TransformerConfig) -> None:
        some = tuple(interventions)
        known = frozenset(op.output for op in operations(config))
        self._changes: dict[str, list[Intervention]] = {}
        self._replacements: dict[str, list[Intervention]] = {}
        self.reads: tuple[Ids, ...] = tuple(dict.fromkeys(ids for one in some for ids in one.reads))
        for one in some:
            if why := one.refusal(config):
                raise ValueError(why)
            for name in one.operations(config):
                if name not in known:
                    raise ValueError(f"No operation writes {name}, which {one.kind} is to change.")
                kind = type(one)
                if (kind.change, kind.change_in) != (Intervention.change, Intervention.change_in):
                    self._changes.setdefault(name, []).append(one)
                if kind.replace is not Intervention.replace:
                    self._replacements.setdefault(name, []).append(one)

    def within(self, window: Window) -> tuple[Tap | None, Replace | None]:
        """The tap and the replacement for a window of positions; None where nothing needs one."""
        changes, replacements = self._changes, self._replacements

        def tap(name: str, tensor: Tensor) -> Tensor:
            for one in changes.get(name, ()):
                tensor = one.change_in(name, tensor, window)
            return tensor

        def replace(op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
            some = replacements.get(op.output)
            return _replaced(some, op, inputs, run) if some else None

        return tap if changes else None, replace if replacements else None


@dataclass(frozen=True, slots=True)
class _Others:
    """An operation as the replacements behind one compute it."""

    some: Sequence[Intervention]
    op: Operation
    usual: Run

    @property
    def network(self) -> Transformer:
        return self.usual.network

    def __call__(self, inputs: Sequence[Tensor], /) -> Tensor:
        output = _replaced(self.some, self.op, inputs, self.usual)
        return self.usual(inputs) if output is None else output


def _replaced(
    some: Sequence[Intervention], op: Operation, inputs: Sequence[Tensor], usual: Run
) -> Tensor | None:
    for index, one in enumerate(some):
        rest = some[index + 1 :]
        output = one.replace(op, inputs, _Others(rest, op, usual) if rest else usual)
        if output is not None:
            return output
    return None


_WHOLE = Window()


def apply(
    interventions: Iterable[Intervention], config: TransformerConfig, window: Window = _WHOLE
) -> tuple[Tap | None, Replace | None]:
    """The tap and the replacement that do what interventions say; None where nothing needs one.

    Args:
        interventions: in the order in which they are done.
        config: of the network.
        window: which positions will be executed, and how another text is read.

    Raises:
        ValueError: one of them does not fit the network.
    """
    return Prepared(interventions, config).within(window)
