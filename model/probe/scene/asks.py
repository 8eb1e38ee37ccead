"""The question for one operation's scene, and the panels that it is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from model.probe.question import Answer, Array, Named, Question
from model.probe.tensors.asks import AXES
from model.sampling import OWN, Sampling

Role: TypeAlias = Literal["in", "weight", "bias", "out", "chain", "parts", "rest", "table"]
"""What a panel is for: see `Panel`."""


@dataclass(frozen=True, slots=True)
class Scene(Question):
    """One operation at one position.

    Attributes:
        of: name of the activation that it writes.
        position: whose numbers (the query, for scores).
        head: whose, where there are heads.
        key: a position that is shown in any case, where a query meets more keys than there are
            rows; -1 for none.
        most_keys: rows of keys or values: of more, those that the query reads most; of a table
            around the row that is fetched.
        most_rows, most_columns: of a weight matrix; a larger one comes as blocks.
        n_tokens: how many of the vocabulary, where all of it is scored.
        sampling: for ``probabilities``.
    """

    name: ClassVar[str] = "scene"
    title: ClassVar[str] = "an operation"
    of: str
    position: int
    head: int = 0
    key: int = -1
    most_keys: int = 32
    most_rows: int = 192
    most_columns: int = 384
    n_tokens: int = 12
    sampling: Sampling = OWN


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A matrix of numbers of one tensor, as it is drawn.

    ``role`` says what it is in the scene: ``in`` and ``out`` are activations that are read and
    written, ``weight`` and ``bias`` parameters, ``chain`` the scores of the query after each step
    from q · k to the softmax (or of the router after each step to the shares), ``parts`` what each
    head, neuron or expert adds to a result, ``rest`` what all others add, ``table`` rows of a
    table: of which one is fetched, or with each of which the vector is compared.

    Attributes:
        role: see above.
        name: of the activation or the parameter.
        letters: of its rows and its columns (`model.operations.operation`); a space for rows of a
            single vector.
        n_rows, n_columns: of the whole matrix.
        values_RC: one number for each cell; of a block, the one farthest from 0.
        rows_RC, columns_RC: where in the whole matrix it stands; None where cells are numbers.
        index: the full index of a number in its tensor, None at the axis of the rows and at that
            of the columns.
        at_rows, at_columns: which of the whole the rows and columns here are; None for all.
        transposed: rows here are the tensor's last axis: tokens of ``W_U``.
    """

    role: Role
    name: str
    letters: str
    n_rows: int
    n_columns: int
    values_RC: Array
    rows_RC: Array | None
    columns_RC: Array | None
    index: tuple[int | None, ...]
    at_rows: Array | None = None
    at_columns: Array | None = None
    transposed: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether each cell is one number."""
        return self.rows_RC is None

    @property
    def _order(self) -> int:
        return -1 if self.transposed else 1

    def place(self, row: int, column: int) -> tuple[int, ...]:
        """The full index, in the tensor, of the number that a cell shows."""
        if self.rows_RC is not None and self.columns_RC is not None:
            cell = row, column
            row, column = int(self.rows_RC[cell]), int(self.columns_RC[cell])
        row = row if self.at_rows is None else int(self.at_rows[row])
        column = column if self.at_columns is None else int(self.at_columns[column])
        single = self.index.count(None) == 1
        free = iter((column,) if single else (row, column)[:: self._order])
        return tuple(next(free) if place is None else place for place in self.index)


@dataclass(frozen=True, slots=True)
class Scored:
    """A token of the vocabulary with its score.

    Attributes:
        id: of the token.
        score: its logit.
        share: its probability under the question's sampling; NaN where there is none.
        own: its probability as the model gives it, at temperature 1 with nothing left out.
        before: the shares of all tokens with a smaller id: where its part of the line from 0 to 1
            begins, from which a token is drawn.
    """

    id: int
    score: float
    share: float
    own: float = float("nan")
    before: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SceneFound(Answer):
    """The scene.

    Attributes:
        panels: in the order of the formula: what is read, weights, what is written.
        lengths: name -> ‖vector‖, of vectors that are read and written.
        cosines: name of an input -> cosine of its angle with the output.
        scored: the likeliest tokens, where the vocabulary is scored.
        n_kept: how many tokens can be drawn at all.
        promoted: for each of the ``parts`` of an MLP, the tokens whose scores it raises most, each
            with by how much; empty until they are computed.
        lines: of Python that compute the operation (`model.probe.scene.code`).
        angles: by how much each pair of dimensions turns, in radians, ``[pairs]``.
        pairs: the two dimensions of each, ``[pairs, 2]``.
    """

    panels: tuple[Panel, ...]
    lengths: Mapping[str, float]
    cosines: Mapping[str, float]
    scored: tuple[Scored, ...] = ()
    n_kept: int = 0
    promoted: tuple[tuple[tuple[int, float], ...], ...] = ()
    lines: str = ""
    angles: Array | None = None
    pairs: Array | None = None

    def panel(self, role: Role, at: int = 0) -> Panel | None:
        """The panel of a role, the first or a later one."""
        found = [panel for panel in self.panels if panel.role == role]
        return found[at] if at < len(found) else None

    def all_of(self, role: Role) -> list[Panel]:
        """All panels of a role."""
        return [panel for panel in self.panels if panel.role == role]

    def arrays(self) -> Mapping[str, Named]:
        named = {}
        for panel in self.panels:
            axes = tuple("vector" if x == " " else AXES[x] for x in panel.letters)
            if len(set(axes)) < len(axes):  # a square weight: from a dimension to a dimension
                axes = (f"{axes[0]} in", f"{axes[1]} out")
            if panel.is_whole:
                some = zip(axes, (panel.at_rows, panel.at_columns))
                at = {axis: places for axis, places in some if places is not None}
                named[f"{panel.role} {panel.name}"] = Named(panel.values_RC, axes, at)
            else:
                axes = ("row block", "column block")
                named[f"{panel.role} {panel.name}"] = Named(panel.values_RC, axes)
        if self.scored:
            at = {"token": np.array([each.id for each in self.scored])}
            named["score"] = Named(np.array([s.score for s in self.scored]), ("token",), at)
            named["share"] = Named(np.array([s.share for s in self.scored]), ("token",), at)
            named["own"] = Named(np.array([s.own for s in self.scored]), ("token",), at)
        return named
