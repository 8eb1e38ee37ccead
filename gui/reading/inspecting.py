"""What the inspector shows: made here, whichever pane was clicked.

An inspected number knows the subject and the question that it is about, so that its sentence is
never shown about another prompt. Knows the session's values; neither store nor widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from gui.reading import code
from gui.session.state import Inspected, Says
from model import messages as m
from model.config import TransformerConfig
from model.operations import INPUT_IDS, PROBABILITIES, Operation, aliases, operations
from model.probe.number.asks import Number
from model.sampling import OWN, Sampling


def inspected(
    model: m.ModelInfo,
    read: m.PromptRead,
    name: str,
    index: tuple[int, ...] = (),
    value: float | None = None,
    note: str = "",
    *,
    says: Says | None = None,
    sampling: Sampling = OWN,
) -> Inspected:
    """A number out of an activation, or all of it.

    Args:
        model: that the number was read of.
        read: the prompt that it was read of: of the answer it stands in (``slot.read``), not of
            what the store has now.
        name: of the activation, full or an alias; ``probabilities`` too.
        index: its full index, batch included; empty for all of it.
        value: the number, as the answer has it; None for all of it.
        note: a sentence about it. It is shown with this prompt only.
        says: makes that sentence instead, of any prompt in which the number is read anew:
            ``says(read, index, value)``. A function of a module, not a lambda: two that say the
            same must be equal.
        sampling: what a probability was drawn with; of nothing else.
    """
    if says is not None and value is not None:
        note = says(read, index, value)
    return Inspected(
        name=name,
        index=index,
        value=value,
        dtype=dtype_of(model, name),
        code=code.activation(name, index, sampling=sampling),
        note=note,
        subject=read.subject,
        question=question_of(name, index, sampling) if index else None,
        says=says,
    )


def inspected_parameter(
    name: str,
    index: tuple[int, ...] = (),
    value: float | None = None,
    note: str = "",
    *,
    dtype: str,
    line: str = "",
) -> Inspected:
    """A number among the weights, or a whole parameter: about no prompt.

    Args:
        name: of the parameter, as TransformerLens calls it.
        index: its full index, or that of a token's vector; empty for all of it.
        value: the number; None for more than one.
        note: a sentence about it.
        dtype: of the parameter.
        line: of Python, where it isn't the index that fetches it (`code.vector_of`).
    """
    return Inspected(name, index, value, dtype, line or code.parameter(name, index), note)


def question_of(name: str, index: tuple[int, ...], sampling: Sampling = OWN) -> Number:
    """What reads a number anew; the sampling matters to a probability only."""
    return Number(name, index, sampling if name == PROBABILITIES else OWN)


def operation_of(config: TransformerConfig, name: str) -> Operation | None:
    """The operation that writes an activation, under its own name or an alias."""
    return _written(config).get(aliases(config).get(name, name))


@lru_cache(maxsize=16)
def _written(config: TransformerConfig) -> Mapping[str, Operation]:
    return MappingProxyType({op.output: op for op in operations(config)})


def dtype_of(model: m.ModelInfo, name: str) -> str:
    """Of an activation of a model."""
    if name == PROBABILITIES:
        return "float64"
    if name == INPUT_IDS or name.endswith(".hook_expert_indices"):
        return "int64"
    return model.dtype
