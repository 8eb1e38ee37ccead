"""One operation's scene: its inputs, weights and output, at the resolution that is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from model.bench import Bench
from model.config import TransformerConfig
from model.network.rotary import rotation
from model.operations import LOGITS, PROBABILITIES, SCORE_HOOKS, Operation, aliases
from model.parameters import parameter
from model.probe.question import Answer, Array, read_only
from model.probe.scene.asks import Panel, Role, Scene, SceneFound, Scored
from model.probe.tensors.compute import to_array
from model.probe.vectors.asks import index_of
from model.probe.weights.compute import as_matrix, picture
from model.probe.weights.matrix_layout import layout_of
from model.sampling import probabilities
from model.slices import finish
from model.subject import Subject
from model.transformer import Transformer

OF_THE_SOFTMAX = frozenset((*SCORE_HOOKS, "mask", "pattern"))
"""Kinds of operations between q · k and the weights: a scene shows all of them."""

TABLE_ROWS = 9
"""Rows of a table around the one that is fetched, at most."""


def answer(question: Scene, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """At once: a vector times a matrix at one position."""
    yield _found(question, subject, bench)


def _found(question: Scene, subject: Subject, bench: Bench) -> SceneFound:
    network = bench.network(subject)
    name = aliases(network.config).get(question.of, question.of)
    op = next((op for op in network.operations if op.output == name), None)
    position = min(question.position, subject.n_tokens - 1)
    if op is None:
        return SceneFound(subject=subject, question=question, panels=(), lengths={}, cosines={})
    making = _Making(question, subject, bench, network, op, position)
    making.make()
    lengths, cosines = making.geometry()
    return SceneFound(
        subject=subject,
        question=question,
        panels=tuple(making.panels),
        lengths=lengths,
        cosines=cosines,
        scored=making.scored,
        angles=making.angles,
        pairs=making.pairs,
    )


@dataclass(slots=True)
class _Making:
    """A scene in the making."""

    question: Scene
    subject: Subject
    bench: Bench
    network: Transformer
    op: Operation
    position: int
    panels: list[Panel] = field(default_factory=list)
    scored: tuple[Scored, ...] = ()
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

    def make(self) -> None:
        op = self.op
        match op.kind:
            case "tokens":
                ids = np.array(self.subject.ids, dtype=np.int64)[None]
                self._add("out", op.output, " T", ids, (0, None))
            case "embed" | "pos_embed" | "token_type_embed":
                self._fetch()
            case "softmax" | "unembed":
                self._vocabulary()
            case kind if kind in OF_THE_SOFTMAX:
                self._scores()
            case "mix":
                shown = self._read_most(op.inputs[0])
                self._row("in", op.inputs[0], shown)
                self._of_positions(op.inputs[1], shown)
                self._vector("out", op.output)
            case "attn_out":
                self._join()
            case _:
                for name in op.inputs:
                    self._vector("in", name)
                for name in self._asked(op.parameters):
                    self._parameter(name)
                self._vector("out", op.output)
                if op.kind == "rotate":
                    self._angles()

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

    # ------------------------------------------------------------------------- panels

    def _add(
        self,
        role: Role,
        name: str,
        letters: str,
        values: Array,
        index: tuple[int | None, ...],
        at_rows: Array | None = None,
        at_columns: Array | None = None,
        transposed: bool = False,
    ) -> None:
        """A panel of numbers that were read; of blocks, where they are more than are drawn."""
        rows, columns = values.shape
        most = self.question.most_rows, self.question.most_columns
        whole = rows <= most[0] and columns <= most[1]
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
            self._pooled(role, name, letters, torch.from_numpy(values), index)

    def _pooled(
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

    def _read(self, name: str, start: int, stop: int) -> Array:
        """An activation at some positions, without the batch."""
        return to_array(self.bench.values(self.subject, (name,), start, stop)[name][0])

    def _vector(self, role: Role, name: str) -> None:
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
        self._add(role, name, f" {free}", vector[None], index)

    def _parameter(self, name: str) -> None:
        """A weight matrix (of the head, where it has one for each), or a vector."""
        tensor = parameter(self.network, name)
        heads = {"query": "Q", "key": "K", "value": "V"}
        index: tuple[int | None, ...]
        if self.op.kind in heads:
            own = self.head if self.op.kind == "query" else self.group
            tensor, index = tensor[own], (own, *(None for _ in tensor.shape[1:]))
        else:
            index = tuple(None for _ in tensor.shape)
        if tensor.ndim == 1:
            self._add("bias", name, " D", to_array(tensor)[None].copy(), index)
        elif tensor.ndim == 2:
            self._matrix(name, tensor, index)

    def _asked(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Of a mixture's parameters those of the expert that counts most here."""
        experts = [name for name in self.op.inputs if name.endswith("hook_expert_indices")]
        if not experts:
            return names
        chosen = int(self._read(experts[0], self.position, self.position + 1)[0, 0])
        return tuple(name for name in names if f".experts.{chosen}." in name)

    def _matrix(self, name: str, matrix: Tensor, index: tuple[int | None, ...]) -> None:
        rows, columns = matrix.shape
        letters = {self.config.d_mlp: "M", self.config.d_vocab: "V", self.config.d_head: "K"}
        both = letters.get(rows, "D") + letters.get(columns, "D")
        if rows <= self.question.most_rows and columns <= self.question.most_columns:
            self._add("weight", name, both, to_array(matrix).copy(), index)
        else:
            self._pooled("weight", name, both, matrix, index)

    # ------------------------------------------------------------------------- scenes

    def _fetch(self) -> None:
        """A row of a table, among its neighbours."""
        op, config = self.op, self.config
        if op.parameters:
            table = parameter(self.network, op.parameters[0])
            row = {
                "embed": self.subject.ids[self.position],
                "pos_embed": self.position + config.position_offset,
                "token_type_embed": 0,
            }[op.kind]
            most = min(TABLE_ROWS, max(1, self.question.most_keys))
            first = max(0, min(row - most // 2, table.shape[0] - most))
            places = np.arange(first, min(first + most, table.shape[0]))
            rows = to_array(table[first : first + most]).copy()
            letters = "VD" if op.kind == "embed" else "TD"
            self._add("table", op.parameters[0], letters, rows, (None, None), places)
        self._vector("out", op.output)

    def _scores(self) -> None:
        """A query against all keys, and every step from there to the weights."""
        chain = [
            op
            for op in self.network.operations
            if op.layer == self.op.layer and op.kind in OF_THE_SOFTMAX
        ]
        queries, keys = chain[0].inputs
        shown = self._read_most(chain[-1].output)
        self._vector("in", queries)
        self._of_positions(keys, shown)
        for op in chain:
            self._row("chain", op.output, shown)

    def _read_most(self, pattern: str) -> Array:
        """Positions of keys that are shown: those that the query reads most, in their order."""
        weights_S = self._read(pattern, self.position, self.position + 1)[self.head, 0]
        n, most = len(weights_S), self.question.most_keys
        if n <= most:
            return np.arange(n)
        in_any_case = {self.position, self.question.key} & set(range(n))
        order = [int(i) for i in np.argsort(-weights_S, kind="stable")]
        others = [i for i in order if i not in in_any_case][: max(0, most - len(in_any_case))]
        return np.array(sorted((*others, *in_any_case)), dtype=np.int64)

    def _of_positions(self, name: str, shown: Array) -> None:
        """Keys or values that the query meets, a row a position."""
        matrix = self._read(name, 0, self.subject.n_tokens)[shown, self.group]
        self._add("in", name, "SK", matrix, (0, None, self.group, None), shown)

    def _row(self, role: Role, name: str, shown: Array) -> None:
        """Scores or weights of the query, of the keys that are shown."""
        row = self._read(name, self.position, self.position + 1)[self.head, 0, shown]
        index = (0, self.head, self.position, None)
        self._add(role, name, " S", row[None], index, at_columns=shown)

    def _join(self) -> None:
        """Heads' results, and what each of them adds to the joined one."""
        z_HK = self._read(self.op.inputs[0], self.position, self.position + 1)[0].copy()
        at = self.position
        self._add("in", self.op.inputs[0], "HK", z_HK, (0, at, None, None))
        w_HKD = parameter(self.network, self.op.parameters[0])
        mixed = torch.from_numpy(z_HK).to(w_HKD.device, torch.float32)
        scale = self.config.scales.residual
        with torch.inference_mode():
            added = torch.einsum("hk,hkd->hd", mixed, w_HKD.to(torch.float32)) * scale
        self._add("heads", self.op.output, "HD", to_array(added), (0, at, None))
        layout = layout_of(self.op.parameters[0], tuple(w_HKD.shape))
        self._pooled("weight", self.op.parameters[0], "KD", as_matrix(w_HKD, layout), (None, None))
        for name in self.op.parameters[1:]:
            self._parameter(name)
        self._vector("out", self.op.output)

    def _vocabulary(self) -> None:
        """Scores of tokens, the likeliest of them by name."""
        at = self.position
        logits_V = to_array(self.bench.values(self.subject, (LOGITS,), at, at + 1)[LOGITS][0, 0])
        try:
            shares_V = probabilities(logits_V, self.question.sampling)
        except ValueError:  # of a network that diverged
            shares_V = np.full(len(logits_V), np.nan)
        order = np.argsort(-logits_V, kind="stable")[: self.question.n_tokens]
        self.scored = tuple(
            Scored(int(id), float(logits_V[id]), float(shares_V[id])) for id in order
        )
        if self.op.kind == "unembed":
            self._vector("in", self.op.inputs[0])
            for name in self.op.parameters:
                self._rows_of_vocabulary(name, order)
            self._add("out", LOGITS, " V", logits_V[None].copy(), (0, at, None))
        else:
            self._add("in", LOGITS, " V", logits_V[None].copy(), (0, at, None))
            self._add("out", PROBABILITIES, " V", shares_V[None], (0, at, None))

    def _rows_of_vocabulary(self, name: str, ids: Array) -> None:
        """The vectors with which the likeliest tokens are compared."""
        tensor = parameter(self.network, name)
        if tensor.ndim == 1:
            return
        table = tensor if name == "W_E" else tensor.T
        rows = to_array(table[torch.from_numpy(np.ascontiguousarray(ids))]).copy()
        self._add("table", name, "VD", rows, (None, None), ids, transposed=name == "W_U")

    def _angles(self) -> None:
        """How far each pair of dimensions turns."""
        assert self.op.layer is not None
        rotary = self.config.rotary_at(self.op.layer)
        assert rotary is not None
        like = torch.zeros((), dtype=torch.float64)
        cos, sin = rotation(rotary, self.config, self.position, 1, like, self.subject.n_tokens)
        half = cos.shape[1]
        first = np.arange(half)
        pairs = np.stack(
            (2 * first, 2 * first + 1) if rotary.interleaved else (first, first + half)
        )
        self.angles = read_only(np.arctan2(sin[0].numpy(), cos[0].numpy()))
        self.pairs = read_only(pairs.T.copy())
