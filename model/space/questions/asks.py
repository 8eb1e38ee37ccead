"""The questions of a table, and their answers: frozen, free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from model.probe.question import Array, Named
from model.space.registry import TableQuestion

Metric = Literal["cosine", "dot", "euclidean"]
METRICS: tuple[Metric, ...] = ("cosine", "dot", "euclidean")
Terms = tuple[tuple[int, int], ...]
Four = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableAnswer:
    """What was found.

    Attributes:
        question: what was asked.
        share: how much of the work is done; below 1 the answer is coarse and another follows.
    """

    question: TableQuestion
    share: float = 1.0

    def arrays(self) -> Mapping[str, Named]:
        """Its numbers by name."""
        return {}


@dataclass(frozen=True, slots=True)
class Near(TableQuestion):
    """What is near a signed sum of rows?

    Attributes:
        terms: (sign, row), for example ((1, king), (-1, man), (1, woman)).
        k: how many are listed.
        metric: cosine, dot product, or Euclidean distance (small is near).
        expected: the row whose rank is told, too; -1 for none.
    """

    name: ClassVar[str] = "near"
    title: ClassVar[str] = "neighbours"
    terms: Terms
    k: int = 12
    metric: Metric = "cosine"
    expected: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NearFound(TableAnswer):
    """The k nearest, and all others as a histogram.

    Attributes:
        ids, values: nearest first; the sum's own rows are among them.
        own: for each of them, whether it is one of the sum's own.
        counts: of all rows, in equal bins from ``low`` to ``high``.
        mean, std: of all rows' values.
        expected_value: of the expected row; NaN for none.
        rank, rank_without: its place among all rows, and without the sum's own rows; 0 for none.
        n: how many rows there are.
    """

    ids: tuple[int, ...]
    values: tuple[float, ...]
    own: tuple[bool, ...]
    counts: Array
    low: float
    high: float
    mean: float
    std: float
    expected_value: float = float("nan")
    rank: int = 0
    rank_without: int = 0
    n: int = 0

    def arrays(self) -> Mapping[str, Named]:
        edges = np.linspace(self.low, self.high, len(self.counts) + 1)[:-1]
        return {
            "ids": Named(np.array(self.ids), ("place",)),
            "values": Named(np.array(self.values), ("place",)),
            "counts": Named(self.counts, ("from",), {"from": edges}),
        }


@dataclass(frozen=True, slots=True)
class Suite(TableQuestion):
    """Of how many analogies is the answer the expected word?

    Attributes:
        fours: (a, b, c, d) each: a − b + c should be d.
        groups: of each, under which heading it stands; empty for one.
        metric: by which the answer is nearest.
    """

    name: ClassVar[str] = "suite"
    title: ClassVar[str] = "suite of analogies"
    fours: tuple[Four, ...]
    groups: tuple[str, ...] = ()
    metric: Metric = "cosine"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SuiteFound(TableAnswer):
    """The rank of every expected word.

    Attributes:
        ranks_Q2: of those answered so far: without and with the three inputs.
        answers_Q: the row that was nearest, the inputs left out.
    """

    ranks_Q2: Array
    answers_Q: Array

    def score(self, *, top: int = 1, inputs: bool = False, group: str | None = None) -> float:
        """The share whose expected word is among the first; NaN where there are none."""
        assert isinstance(self.question, Suite)
        ranks = self.ranks_Q2[:, int(inputs)]
        if group is not None:
            of_group = np.array([g == group for g in self.question.groups[: len(ranks)]], bool)
            ranks = ranks[of_group]
        return float((ranks <= top).mean()) if len(ranks) else float("nan")

    def arrays(self) -> Mapping[str, Named]:
        kinds = np.array(["without_inputs", "with_inputs"])
        assert isinstance(self.question, Suite)
        fours = np.array(self.question.fours[: len(self.ranks_Q2)]).reshape(-1, 4)
        return {
            "rank": Named(self.ranks_Q2, ("analogy", "counting"), {"counting": kinds}),
            "answer": Named(self.answers_Q, ("analogy",)),
            "words": Named(fours, ("analogy", "word")),
        }


@dataclass(frozen=True, slots=True)
class Along(TableQuestion):
    """Does a direction order pairs that it was not made of?

    Attributes:
        pairs: (a, b): the direction goes the way of a − b.
        held_out: pairs that are only looked at. Without any each pair is looked at along the
            direction of all the others.
        singles: rows of which the dot product with the direction (of all pairs) is told.
    """

    name: ClassVar[str] = "along"
    title: ClassVar[str] = "pairs along a direction"
    pairs: tuple[tuple[int, int], ...]
    held_out: tuple[tuple[int, int], ...] = ()
    singles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlongFound(TableAnswer):
    """Dot products with the direction, which has length 1.

    Attributes:
        looked: the pairs that were held out, P of them.
        dots_P2: of a and of b.
        cosines_P: of a − b with the direction; 0 where both are one.
        singles_S: dot products of single rows.
        direction_D: that of all pairs.
    """

    looked: tuple[tuple[int, int], ...]
    dots_P2: Array
    cosines_P: Array
    singles_S: Array
    direction_D: Array

    @property
    def ordered(self) -> int:
        """How many pairs have the larger dot product first."""
        return int((self.dots_P2[:, 0] > self.dots_P2[:, 1]).sum())

    def arrays(self) -> Mapping[str, Named]:
        return {
            "dot": Named(self.dots_P2, ("pair", "word")),
            "cosine": Named(self.cosines_P, ("pair",)),
            "single": Named(self.singles_S, ("row",)),
            "direction": Named(self.direction_D, ("dimension",)),
        }


@dataclass(frozen=True, slots=True)
class Clusters(TableQuestion):
    """Which vectors point the same way? Groups of the vectors at length 1.

    Attributes:
        k: of k-means, how many groups.
        seed: of the chance by which they begin.
        method: k-means, in which each vector is in a group; or HDBSCAN, in which only those in
            dense places are.
        smallest: of HDBSCAN, vectors of a group at least.
        samples: of HDBSCAN, how many neighbours make a place dense: more leave more out.
    """

    name: ClassVar[str] = "clusters"
    title: ClassVar[str] = "clusters"
    k: int = 12
    seed: int = 0
    method: Literal["kmeans", "hdbscan"] = "kmeans"
    smallest: int = 15
    samples: int = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClustersFound(TableAnswer):
    """A group for each row; the largest first.

    Attributes:
        groups_N: which group each row is in; -1 for one of zeros, which has no direction, and for
            what HDBSCAN leaves out: noise.
        central: the rows nearest to each group's middle, nearest first.
        likeness: the mean cosine of each group's rows with its middle.
        n_noise: how many rows HDBSCAN left out.
        how: of HDBSCAN, on what it was done, in words.
    """

    groups_N: Array
    central: tuple[tuple[int, ...], ...]
    likeness: tuple[float, ...]
    n_noise: int = 0
    how: str = ""

    def arrays(self) -> Mapping[str, Named]:
        return {
            "group": Named(self.groups_N, ("row",)),
            "likeness": Named(np.array(self.likeness), ("group",)),
        }


@dataclass(frozen=True, slots=True)
class WriteTSV(TableQuestion):
    """Write vectors.tsv and metadata.tsv, as the Embedding Projector reads them.

    Attributes:
        folder: into which.
        labels: the names of all rows.
        rows: which rows; empty for all.
        groups: a group's name for each row, a column of its own; empty for none.
    """

    name: ClassVar[str] = "write_tsv"
    title: ClassVar[str] = "files for projectors"
    folder: str
    labels: tuple[str, ...]
    rows: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TSVWritten(TableAnswer):
    """The files are there.

    Attributes:
        n: rows that were written.
        path: of the vectors; their names are beside it, in a file with the same number.
    """

    n: int
    path: str
