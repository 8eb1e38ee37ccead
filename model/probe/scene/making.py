"""A scene in the making: panels that are read from a subject, each at the size that is drawn.

Knows the bench and panels; which of them a kind of operation needs is said in `compute`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.config import TransformerConfig
from model.operations import Operation
from model.parameters import parameter as _parameter
from model.probe.question import Array, read_only
from model.probe.scene.asks import Panel, Role, Scene, Scored
from model.probe.tensors.compute import to_array
from model.probe.vectors.asks import index_of
from model.probe.weights.compute import picture
from model.slices import finish
from model.subject import Subject
from model.transformer import Transformer


@dataclass(slots=True)
class Making:
    """What is known of a scene so far.

    Attributes:
        question, subject, bench: what is asked, of whom, and who knows.
        network, op, position: what follows from them.
        panels, scored, n_kept, angles, pairs: as of `SceneFound`.
    """

    question: Scene
    subject: Subject
    bench: Bench
    network: Transformer
    op: Operation
    position: int
    panels: list[Panel] = field(default_factory=list)
    scored: tuple[Scored, ...] = ()
    n_kept: int = 0
    angles: Array | None = None
    pairs: Array | None = None

    @property
    def config(self) -> TransformerConfig:
        return self.network.config

    @property
    def head(self) -> int:
        return min(self.question.head, self.config.n_heads - 1)

    @property
    def group(self) -> int:
        """The head of keys and values that the head reads."""
        return self.head * self.config.n_kv_heads // self.config.n_heads

    def geometry(self) -> tuple[dict[str, float], dict[str, float]]:
        """Lengths of all vectors, and each input's angle with the output."""
        vectors = {
            panel.name: panel.values_RC[0].astype(np.float64)
            for panel in self.panels
            if panel.role in ("in", "out") and panel.letters[0] == " " and panel.is_whole
        }
        lengths = {name: float(np.linalg.norm(vector)) for name, vector in vectors.items()}
        cosines: dict[str, float] = {}
        out = vectors.get(self.op.output)
        if out is not None and self.op.kind in ("add", "norm"):
            for name, vector in vectors.items():
                size = lengths[name] * lengths[self.op.output]
                if name != self.op.output and vector.shape == out.shape and size > 0:
                    cosines[name] = float(vector @ out / size)
        return lengths, cosines

    def add(
        self,
        role: Role,
        name: str,
        letters: str,
        values: Array,
        index: tuple[int | None, ...],
        at_rows: Array | None = None,
        at_columns: Array | None = None,
        transposed: bool = False,
        whole: bool = False,
    ) -> None:
        """A panel of numbers that were read; of blocks, where they are more than are drawn.

        Args:
            role, name, letters, values, index, at_rows, at_columns, transposed: as of `Panel`.
            whole: number by number in any case, as a plot needs them.
        """
        rows, columns = values.shape
        most = self.question.most_rows, self.question.most_columns
        whole = whole or (rows <= most[0] and columns <= most[1])
        if whole or at_rows is not None or at_columns is not None:
            self.panels.append(
                Panel(
                    role,
                    name,
                    letters,
                    rows,
                    columns,
                    read_only(values),
                    None,
                    None,
                    index,
                    at_rows,
                    at_columns,
                    transposed,
                )
            )
        else:
            self.pooled(role, name, letters, torch.from_numpy(values), index)

    def pooled(
        self,
        role: Role,
        name: str,
        letters: str,
        matrix: Tensor,
        index: tuple[int | None, ...],
    ) -> None:
        rows, columns = matrix.shape
        most = self.question.most_rows, self.question.most_columns
        found = finish(picture(matrix, (0, rows), (0, columns), most))
        self.panels.append(
            Panel(
                role,
                name,
                letters,
                rows,
                columns,
                read_only(to_array(found.values_RC)),
                read_only(found.rows_RC.numpy()),
                read_only(found.columns_RC.numpy()),
                index,
            )
        )

    def read(self, name: str, start: int, stop: int) -> Array:
        """An activation at some positions, without the batch."""
        return to_array(self.bench.values(self.subject, (name,), start, stop)[name][0])

    def vector(self, role: Role, name: str, *, whole: bool = False) -> None:
        """The vector of the position, and of the head where there are heads."""
        letters = self.network.shapes[name]
        at = self.position
        index = index_of(letters, self.config, at, self.head, along_positions=False)
        tensor = self.bench.values(self.subject, (name,), at, at + 1)[name]
        local = tuple(
            slice(None) if i is None else 0 if letter in "TQ" else i
            for i, letter in zip(index, letters)
        )
        vector = np.atleast_1d(to_array(tensor[local])).copy()
        free = letters[index.index(None)]
        self.add(role, name, f" {free}", vector[None], index, whole=whole)

    def parameter(self, name: str) -> None:
        """A weight matrix (of the head, where it has one for each), or a vector."""
        tensor = _parameter(self.network, name)
        heads = {"query": "Q", "key": "K", "value": "V"}
        index: tuple[int | None, ...]
        if self.op.kind in heads:
            own = self.head if self.op.kind == "query" else self.group
            tensor, index = tensor[own], (own, *(None for _ in tensor.shape[1:]))
        else:
            index = tuple(None for _ in tensor.shape)
        if tensor.ndim == 1:
            self.add("bias", name, " D", to_array(tensor)[None].copy(), index)
        elif tensor.ndim == 2:
            self.matrix(name, tensor, index)

    def asked(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Of a mixture's parameters those of the expert that counts most here."""
        experts = [name for name in self.op.inputs if name.endswith("hook_expert_indices")]
        if not experts:
            return names
        chosen = int(self.read(experts[0], self.position, self.position + 1)[0, 0])
        return tuple(name for name in names if f".experts.{chosen}." in name)

    def matrix(self, name: str, matrix: Tensor, index: tuple[int | None, ...]) -> None:
        rows, columns = matrix.shape
        letters = {self.config.d_mlp: "M", self.config.d_vocab: "V", self.config.d_head: "K"}
        both = letters.get(rows, "D") + letters.get(columns, "D")
        if rows <= self.question.most_rows and columns <= self.question.most_columns:
            self.add("weight", name, both, to_array(matrix).copy(), index)
        else:
            self.pooled("weight", name, both, matrix, index)

    def read_most(self, pattern: str) -> Array:
        """Positions of keys that are shown: those that the query reads most, in their order."""
        weights_S = self.read(pattern, self.position, self.position + 1)[self.head, 0]
        n, most = len(weights_S), self.question.most_keys
        if n <= most:
            return np.arange(n)
        in_any_case = {self.position, self.question.key} & set(range(n))
        order = [int(i) for i in np.argsort(-weights_S, kind="stable")]
        others = [i for i in order if i not in in_any_case][: max(0, most - len(in_any_case))]
        return np.array(sorted((*others, *in_any_case)), dtype=np.int64)

    def of_positions(self, name: str, shown: Array) -> None:
        """Keys or values that the query meets, a row a position."""
        matrix = self.read(name, 0, self.subject.n_tokens)[shown, self.group]
        self.add("in", name, "SK", matrix, (0, None, self.group, None), shown)

    def other_positions(self, pattern: str, values: str, shown: Array) -> None:
        """What the query reads of all other keys together."""
        others = np.ones(self.subject.n_tokens, dtype=bool)
        others[shown] = False
        if others.any():
            at = self.position
            weights_S = self.read(pattern, at, at + 1)[self.head, 0, others]
            values_SK = self.read(values, 0, self.subject.n_tokens)[others, self.group]
            name = f"{int(others.sum()):,} other keys"
            self.add("rest", name, " K", (weights_S @ values_SK)[None], (None,), whole=True)

    def row(self, role: Role, name: str, shown: Array) -> None:
        """Scores or weights of the query, of the keys that are shown."""
        row = self.read(name, self.position, self.position + 1)[self.head, 0, shown]
        index = (0, self.head, self.position, None)
        self.add(role, name, " S", row[None], index, at_columns=shown)
