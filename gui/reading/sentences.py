"""What is said about a number of an activation, of whichever prompt it was read.

Each is a `gui.session.state.Says`: called with the prompt that the number is of, its index and
itself. Knows the operations and what was read; no store, no widget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gui.reading.quoting import quoted
from model import messages as m
from model.operations import Operation
from model.probe.not_finite.asks import NO_NUMBER


@dataclass(frozen=True, slots=True)
class OperationSentence:
    """What the operation that wrote it does, and at which token."""

    operation: Operation

    def __call__(self, read: m.PromptRead, index: tuple[int, ...], value: float) -> str:
        op = self.operation
        at = next((i for letter, i in zip(op.shape, index) if letter in "TQ"), None)
        where = "" if at is None or at >= read.n_tokens else f" at {quoted(read.tokens[at].text)}"
        return f"{op.label}{where}. {op.sentence}"


def place_among(index: int, n: int) -> str:
    """Which of the operations is selected, as headers say it: the same in every pane."""
    return f"op {index + 1} of {n}"


def weight_sentence(read: m.PromptRead, index: tuple[int, ...], value: float) -> str:
    """What one weight of a pattern means; its index is (batch, head, query, key)."""
    _, _, query, key = index
    words = [quoted(read.tokens[at].text) for at in (query, key)]
    if math.isnan(value):
        return f"{NO_NUMBER.capitalize()}: what {words[0]} reads of {words[1]} is not known."
    return f"{value:.0%} of what {words[0]} reads in this head is {words[1]}."
