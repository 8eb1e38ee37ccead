"""What a map says beside each operation: shapes, ratios and single vectors out of a trace.

Everything is read from the trace's own arrays; a ratio or a maximum says how it was made. Knows
NumPy and the operations, no widget.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.session.probabilities import probabilities_at
from gui.session.store import Store
from model.operations import INPUT_IDS, LOGITS, PROBABILITIES, Operation, shape_of

AXES = {
    "B": "batch",
    "T": "position",
    "Q": "query",
    "S": "key",
    "D": "d_model",
    "H": "head",
    "G": "kv head",
    "K": "d_head",
    "M": "neuron",
    "V": "token",
    "E": "d_embed",
    "X": "expert",
    "A": "chosen expert",
    "1": "scale",
}
"""What the letters of an operation's shape stand for, in words."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector out of an activation: the selected position's, the selected head's.

    Attributes:
        name: of the activation.
        prefix: index before the last axis, batch included.
        values: the vector itself, a view of the trace.
        signed: whether it can be negative; a pattern's row can't.
    """

    name: str
    prefix: tuple[int, ...]
    values: NDArray[np.floating]
    signed: bool

    @property
    def limit(self) -> float:
        """Largest finite magnitude: the end of the colour scale."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        return float(finite.max()) if finite.size else 0.0


@dataclass(frozen=True, slots=True)
class Columns:
    """A vector thinned out to as many columns as fit.

    Attributes:
        picks: index of the value that each column shows: the largest by magnitude of those that
            fall together.
        size: how many fall together.
    """

    picks: NDArray[np.intp]
    size: int


def columns(values: NDArray[np.floating], most: int) -> Columns:
    """Choose at most ``most`` of the values, so that no large one is lost."""
    n = len(values)
    size = -(-n // max(1, most))
    if size <= 1:
        return Columns(np.arange(n), 1)
    count = -(-n // size)
    magnitude = np.full(count * size, -1.0)
    magnitude[:n] = np.nan_to_num(np.abs(values), nan=0.0, posinf=0.0)
    within = magnitude.reshape(count, size).argmax(axis=1)
    return Columns(np.arange(count) * size + within, size)


class TraceFigures:
    """The figures of one trace at one selection; each is worked out when it is first asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._trace = store.trace
        self._config = None if store.model is None else store.model.config
        self._ratios: dict[tuple[str, str], float | None] = {}

    @property
    def position(self) -> int:
        """The position whose vectors are shown; -1 without a trace."""
        trace = self._trace
        if trace is None or not trace.n_tokens:
            return -1
        at = self._store.selection.position
        return at if 0 <= at < trace.n_tokens else trace.n_tokens - 1

    def whose(self) -> str:
        """Of which position and head the vectors are, in words."""
        trace, model, at = self._trace, self._store.model, self.position
        if trace is None or model is None or at < 0:
            return ""
        return f"at {model.token_text(trace.tokens[at].id)} · head {self._store.selection.head}"

    def shape(self, op: Operation) -> str:
        """The output's shape without the batch, for example ``4×7×7``; T if nothing was run."""
        if self._config is None:
            return ""
        letters = op.shape[1:]
        if self._trace is not None:
            return "×".join(map(str, shape_of(op, self._config, 1, self._trace.n_tokens)[1:]))
        sizes = shape_of(op, self._config, 1, 1)[1:]
        return "×".join(
            "T" if letter in "TQS" else str(size) for letter, size in zip(letters, sizes)
        )

    def ratio(self, written: str, stream: str) -> float | None:
        """How much is added, relative to what is there.

        Returns:
            The mean over positions of ``‖written_i‖ / ‖stream_i‖``; None where the trace lacks
            one of them.
        """
        key = written, stream
        if key not in self._ratios:
            self._ratios[key] = self._measure_ratio(written, stream)
        return self._ratios[key]

    def _measure_ratio(self, written: str, stream: str) -> float | None:
        added, there = self._store.activation(written), self._store.activation(stream)
        if self._trace is None or added is None or there is None or added.shape != there.shape:
            return None
        lengths = np.linalg.norm(there[0], axis=-1)
        if not lengths.all():
            return None
        return float(np.mean(np.linalg.norm(added[0], axis=-1) / lengths))

    def missing(self, op: Operation) -> bool:
        """Whether the trace left this activation out and it was not fetched either."""
        return (
            self._trace is not None
            and op.output in self._trace.left_out
            and self._store.activation(op.output) is None
        )

    def vector(self, op: Operation) -> Vector | None:
        """What the operation wrote at the selected position (and in the selected head)."""
        array = self._store.activation(op.output)
        at = self.position
        if self._trace is None or self._config is None or array is None or at < 0:
            return None
        head = min(self._store.selection.head, self._config.n_heads - 1)
        match op.shape:
            case "BTD" | "BTM" | "BTE" | "BTX":
                prefix: tuple[int, ...] = (0, at)
            case "BTAM":  # of the expert with the largest share
                prefix = (0, at, 0)
            case "BTHK":
                prefix = (0, at, head)
            case "BTGK":
                prefix = (0, at, head * self._config.n_kv_heads // self._config.n_heads)
            case "BHQS":
                prefix = (0, head, at)
            case _:
                return None
        if array.ndim != len(op.shape) or at >= array.shape[2 if op.shape == "BHQS" else 1]:
            return None
        signed = op.kind not in ("pattern", "expert_weights")
        return Vector(op.output, prefix, array[prefix], signed)

    def words(self, op: Operation) -> str:
        """What an operation says in a few words, where a strip of colours would say less."""
        trace, model, at = self._trace, self._store.model, self.position
        if trace is None or model is None or at < 0:
            return ""
        if op.output == INPUT_IDS:
            return f"{model.token_text(trace.tokens[at].id)} {trace.tokens[at].id}"
        if op.output == LOGITS:
            best = int(trace.logits[at].argmax())
            return f"{model.token_text(best)} {trace.logits[at, best]:.2f}"
        if op.output == PROBABILITIES:
            p = probabilities_at(self._store, at)
            if p is None:
                return ""
            best = int(p.argmax())
            return f"{model.token_text(best)} {p[best]:.3f}"
        if op.shape == "BTA":
            return self._routing(op, at)
        if op.shape in ("BT1", "BT11"):
            array = self._store.activation(op.output)
            return "" if array is None else f"σ {float(array[0, at].flat[0]):.4g}"
        return ""

    def _routing(self, op: Operation, at: int) -> str:
        """Which experts a position was sent to, and their shares."""
        name = op.output.rpartition("_")[0]
        indices = self._store.activation(f"{name}_indices")
        shares = self._store.activation(f"{name}_shares")
        if indices is None:
            return ""
        chosen = [int(expert) for expert in indices[0, at]]
        if op.kind == "expert_indices" or shares is None:
            noun = "expert" if len(chosen) == 1 else "experts"
            return f"{noun} {', '.join(map(str, chosen))}"
        return "  ".join(f"{e}: {share:.3f}" for e, share in zip(chosen, shares[0, at]))
