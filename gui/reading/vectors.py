"""What the selection reads out of a tensor: which vector, and what each index means in words.

Works on the letters of shapes (`model.operations`), so that another architecture reads itself.
Knows the store's state; no widget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gui.session.probabilities import probabilities_at
from gui.session.state import Inspected
from gui.session.store import Store
from model.config import TransformerConfig
from model.operations import PROBABILITIES, Operation, aliases
from model.sampling import Sampling

Scale = Literal["signed", "share", "amount", "ids"]

AXES = {
    "B": "batch",
    "T": "position",
    "Q": "query",
    "S": "key",
    "P": "position",
    "D": "dimension",
    "H": "head",
    "G": "key/value head",
    "K": "dimension",
    "M": "neuron",
    "V": "token",
    "E": "dimension",
    "X": "expert",
    "A": "chosen expert",
    "Y": "token type",
    "1": "",
}
"""What the letters of a shape stand for, in words."""

_PARAMETERS = {
    "W_E": "VD",
    "W_pos": "PD",
    "W_U": "DV",
    "W_Q": "HDK",
    "W_K": "GDK",
    "W_V": "GDK",
    "b_Q": "HK",
    "b_K": "GK",
    "b_V": "GK",
    "W_O": "HKD",
    "b_O": "D",
    "W_gate": "DM",
    "b_gate": "M",
    "W_in": "DM",
    "b_in": "M",
    "W_out": "MD",
    "b_out": "D",
    "W_token_type": "YD",
    "W_proj_in": "ED",
    "W_proj_out": "DE",
    "W_router": "DX",
    "b_U": "V",
    "mlm_head.W": "DD",
    "mlm_head.b": "D",
    "q_norm.w": "K",
    "q_norm.b": "K",
    "k_norm.w": "K",
    "k_norm.b": "K",
    "w": "D",
    "b": "D",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One vector out of a tensor.

    Attributes:
        name: of the tensor.
        letters: of its shape.
        index: the full index, None at the one axis that is free.
        values: the vector, a view of the trace (or computed from it, for probabilities).
        scale: signed, a share of 1, a positive amount, or ids.
        n_seen: up to where the values are not masked: a query's later keys are.
        first_seen: from where they are not: so are keys farther than a layer looks.
    """

    name: str
    letters: str
    index: tuple[int | None, ...]
    values: NDArray[np.floating]
    scale: Scale
    n_seen: int
    first_seen: int = 0

    @property
    def seen(self) -> NDArray[np.floating]:
        """The values that are not masked."""
        return self.values[self.first_seen : self.n_seen]

    def full_index(self, element: int) -> tuple[int, ...]:
        """The index of one element of the vector in the whole tensor."""
        return tuple(element if at is None else at for at in self.index)

    def element_of(self, index: tuple[int, ...]) -> int | None:
        """Which element of the vector a full index names, None if it is elsewhere."""
        if len(index) != len(self.index):
            return None
        free = self.index.index(None)
        fits = all(mine is None or mine == its for mine, its in zip(self.index, index))
        return index[free] if fits and 0 <= index[free] < len(self.values) else None


def operation_writing(store: Store, name: str) -> Operation | None:
    """The operation that writes an activation, under its own name or an alias."""
    if store.model is not None:
        name = aliases(store.model.config).get(name, name)
    return next((op for op in store.operations if op.output == name), None)


def position_of(store: Store) -> int:
    """The selected position, the last one if none is selected; -1 without a trace."""
    if store.trace is None:
        return -1
    at = store.selection.position
    return at if 0 <= at < store.trace.n_tokens else store.trace.n_tokens - 1


def read(store: Store, name: str) -> Reading | None:
    """What the selected position and head read out of an activation; None if it is not here."""
    op = operation_writing(store, name)
    trace, model, at = store.trace, store.model, position_of(store)
    if op is None or trace is None or model is None or at < 0:
        return None
    c = model.config
    head = min(store.selection.head, c.n_heads - 1)
    index: tuple[int | None, ...]
    match op.shape:
        case "BT":
            index = (0, None)
        case "BT1":
            index = (0, None, 0)
        case "BTHK":
            index = (0, at, head, None)
        case "BTGK":
            index = (0, at, head * c.n_kv_heads // c.n_heads, None)
        case "BHQS":
            index = (0, head, at, None)
        case "BTAM":  # of the expert with the largest share
            index = (0, at, 0, None)
        case "BTH1" | "BTG1" | "BT11":  # a norm's scale: of every head
            index = (0, at, None, 0)
        case _:
            index = (0, at, None)
    values = _values(store, op, name, index, at)
    if values is None:
        return None
    scale: Scale = "signed"
    if op.kind in ("pattern", "softmax", "expert_weights", "expert_shares"):
        scale = "share"
    elif op.kind == "norm_scale":
        scale = "amount"
    elif op.kind in ("tokens", "expert_indices"):
        scale = "ids"
    first, last = _seen_keys(c, op, at, len(values)) if op.shape == "BHQS" else (0, len(values))
    return Reading(name, op.shape, index, values, scale, last, first)


def _seen_keys(config: TransformerConfig, op: Operation, query: int, n: int) -> tuple[int, int]:
    """The first key that a query may look at, and one past the last."""
    window = None if op.layer is None else config.window_at(op.layer)
    if config.causal:
        return (0 if window is None else max(0, query - window + 1)), query + 1
    if window is None:
        return 0, n
    return max(0, query - window // 2), min(n, query + window // 2 + 1)


def _values(
    store: Store, op: Operation, name: str, index: tuple[int | None, ...], at: int
) -> NDArray[np.floating] | None:
    if op.output == PROBABILITIES:
        return probabilities_at(store, at)
    array = store.activation(name)
    if array is None or array.ndim != len(index):
        return None
    return array[tuple(slice(None) if i is None else i for i in index)]


def whose(store: Store, reading: Reading) -> str:
    """Of which position and head a vector is, in words."""
    parts = []
    for letter, at in zip(reading.letters, reading.index):
        if at is not None and letter not in "B1":
            parts.append(_one(store, letter, at))
    if reading.letters[reading.index.index(None)] == "T":
        parts.append("every position")
    return " · ".join(parts)


def index_words(store: Store, name: str, index: tuple[int, ...]) -> list[str]:
    """What each number of an index means: ``batch 0``, ``head 3``, ``query 4 ·golden``."""
    letters = letters_of(store, name)
    if letters is None or len(letters) != len(index):
        return [str(i) for i in index]
    return [_one(store, letter, at) for letter, at in zip(letters, index)]


def letters_of(store: Store, name: str) -> str | None:
    """The letters of the shape of an activation or a parameter, None if it is unknown."""
    op = operation_writing(store, name)
    if op is not None:
        return op.shape
    return _parameter_letters(name)


def _parameter_letters(name: str) -> str | None:
    """By the last two words of its name, or the last one."""
    *_, module, tail = ("", *name.split("."))
    return _PARAMETERS.get(f"{module}.{tail}", _PARAMETERS.get(tail))


def parameter_shape(config: TransformerConfig, name: str) -> tuple[tuple[int, ...], str]:
    """Sizes of a parameter, in TransformerLens' layout, and what its axes are in words."""
    sizes = {
        "V": config.d_vocab,
        "D": config.d_model,
        "P": config.n_ctx + config.position_offset,
        "H": config.n_heads,
        "G": config.n_kv_heads,
        "K": config.d_head,
        "M": config.d_mlp,
        "E": config.d_embed,
        "X": config.experts.n if config.experts is not None else 0,
        "Y": config.n_token_types,
    }
    names = {**AXES, "D": "d_model", "E": "d_embed", "K": "d_head", "M": "d_mlp"}
    letters = _parameter_letters(name) or ""
    return tuple(sizes[i] for i in letters), " × ".join(names[i] for i in letters)


def value_now(store: Store, inspected: Inspected) -> float | None:
    """The inspected number in the present trace; None if it can't be read there."""
    trace = store.trace
    if trace is None or not inspected.index:
        return None
    values: NDArray[np.floating] | None
    index: tuple[int, ...]
    if inspected.name == PROBABILITIES:
        if len(inspected.index) != 3 or not 0 <= inspected.index[1] < trace.n_tokens:
            return None
        values, index = probabilities_at(store, inspected.index[1]), inspected.index[2:]
    else:
        values, index = store.activation(inspected.name), inspected.index
    if values is None or values.ndim != len(index):
        return None
    if any(not 0 <= at < size for at, size in zip(index, values.shape)):
        return None
    return float(values[index])


def code_for(store: Store, name: str, index: tuple[int, ...] = ()) -> str:
    """A line of Python that fetches a tensor, or one number of it, from ``trace``.

    It runs where ``import model`` and ``trace = lm.trace(…)`` have been.
    """
    if name == PROBABILITIES:
        s: Sampling = store.sampling
        how = f"model.Sampling(temperature={s.temperature!r}, top_k={s.top_k}, top_p={s.top_p!r})"
        at = index[1] if index else position_of(store)
        rest = f"[{index[2]}]" if index else ""
        return f'model.probabilities(trace["logits"][0, {at}], {how}){rest}'
    inside = f"[{', '.join(str(i) for i in index)}]" if index else ""
    return f'trace["{name}"]{inside}'


def _one(store: Store, letter: str, at: int) -> str:
    text = ""
    if letter in "TQS" and store.trace is not None and 0 <= at < store.trace.n_tokens:
        text = _token(store, store.trace.tokens[at].id)
    elif letter == "V":
        text = _token(store, at)
    return " ".join(part for part in (AXES[letter], str(at), text) if part)


def _token(store: Store, token_id: int) -> str:
    return store.model.token_text(token_id) if store.model is not None else f"‹{token_id}›"
