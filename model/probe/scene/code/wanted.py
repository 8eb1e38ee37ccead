"""Whose lines of Python are wanted, and what they are made of. Knows operations and the config."""

from __future__ import annotations

from dataclasses import dataclass

from model.config import TransformerConfig
from model.operations import Operation
from model.sampling import OWN, Sampling


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose lines are wanted.

    Attributes:
        op: the operation.
        config: of the network.
        position: whose numbers, where only one position's are computed.
        sampling: for ``probabilities``.
        changed: words of the interventions that change what it writes.
        is_half: whether weights and activations are in half precision.
    """

    op: Operation
    config: TransformerConfig
    position: int
    sampling: Sampling = OWN
    changed: tuple[str, ...] = ()
    is_half: bool = False

    def read(self, at: int = 0, inside: str = "") -> str:
        """What it reads, out of the trace."""
        return f'trace["{self.op.inputs[at]}"]{inside}'

    def parameter(self, at: int = 0) -> str:
        """A weight that it reads."""
        return f'lm.parameter("{self.op.parameters[at]}")'

    def weight(self, name: str) -> tuple[str, ...]:
        """Lines that give its weight a name, and the bias, if it has one, the name ``b``."""
        first = (f"{name} = {self.parameter()}",)
        return (*first, f"b = {self.parameter(1)}") if self.has_bias else first

    @property
    def has_bias(self) -> bool:
        return len(self.op.parameters) > 1

    def times(self, term: str) -> str:
        """A term that is added to the stream, with the factor that the family gives it."""
        scale = self.config.scales.residual
        return term if scale == 1 else f"({term}) * {scale!r}"


@dataclass(frozen=True, slots=True)
class Made:
    """Lines of Python.

    Attributes:
        lines: one after the other.
        result: the name that they give to the result.
        inside: which part of the activation that is; empty for all of it.
    """

    lines: tuple[str, ...]
    result: str
    inside: str = ""
