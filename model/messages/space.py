"""Tables of vectors: drawn on few axes, and asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from model.messages.base import Array, Request, Result
from model.probe.question import Array as AnyArray
from model.space.projections.asks import PrincipalAxes, SumPlane
from model.space.questions.asks import Metric, Near, NearFound, TableAnswer
from model.space.registry import Projection, Source, TableQuestion
from model.space.sources.asks import TokenTable
from model.space.text_rows import TextRows

Terms = tuple[tuple[int, int], ...]
EMBEDDING = TokenTable()
FIRST_AXES = PrincipalAxes()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVocabulary(Request):
    """A whole table of vectors on three axes: `VocabularyProjected`. Newest wins.

    Attributes:
        source: which table.
        how: on which axes, or by which other method.
    """

    newest_wins: ClassVar[bool] = True

    source: Source = EMBEDDING
    how: Projection = FIRST_AXES


@dataclass(frozen=True, slots=True, kw_only=True)
class FindNeighbours(Request):
    """Rows near a signed sum of rows: `NeighboursFound`. Newest wins.

    Attributes:
        source: of which table.
        terms: (sign, row), for example ((1, king), (-1, man), (1, woman)).
        k: how many.
        metric: what near means.
        expected: the row whose rank is told; -1 for none.
    """

    newest_wins: ClassVar[bool] = True

    terms: Terms
    k: int = 12
    source: Source = EMBEDDING
    metric: Metric = "cosine"
    expected: int = -1

    @property
    def question(self) -> Near:
        """As it is asked of the table."""
        return Near(self.terms, self.k, self.metric, self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskTable(Request):
    """Any other question of a table: `TableAnswered`. Of each kind the newest wins.

    Attributes:
        source: of which table.
        question: what.
    """

    newest_wins: ClassVar[bool] = True

    source: Source
    question: TableQuestion

    def replaces(self, other: Request) -> bool:
        return isinstance(other, AskTable) and other.question.name == self.question.name


@dataclass(frozen=True, slots=True, kw_only=True)
class VocabularyProjected(Result):
    """A table of vectors, where each of its rows is drawn.

    Attributes:
        model_id, step: of which weights; 0 where it is of no model.
        source: which table.
        how: on which axes.
        points: ``[V, 3]`` float32, the centred table on the axes.
        axes: ``[3, D]`` float32, of length 1; while a model is training they are turned so that the
            cloud lies as it did before. Empty where the method has no axes.
        mean: ``[D]`` float32.
        variance_kept: ``[3]``, each axis' share of the table's variance.
        norms: ``[V]`` lengths of the vectors.
        names: of the axes.
        sentence: what the picture keeps; ``{nearest}`` stands for that row's name.
        kept: the share of variance that the axes keep together; NaN where there are no axes.
        spectrum: of the first principal axes, where they were found.
        off: ``[V]`` how far each row lies from what is drawn, in the table's units.
        measures: further numbers of the projection by name.
        labels: of the rows; empty where they are tokens of the model.
        note: what a person should know of the table.
        share: how much of the work is done; below 1 another follows.
        text: which token of a text each row is, and where it stands; None where they are none.
    """

    model_id: int
    step: int | None
    source: Source = EMBEDDING
    how: Projection = FIRST_AXES
    points: Array
    axes: Array
    mean: Array
    variance_kept: Array
    norms: Array
    names: tuple[str, str, str] = ("axis 1", "axis 2", "axis 3")
    sentence: str = ""
    kept: float = float("nan")
    spectrum: Array = field(default_factory=lambda: np.zeros(0))
    off: Array = field(default_factory=lambda: np.zeros(0))
    measures: dict[str, float] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    note: str = ""
    share: float = 1.0
    text: TextRows | None = None

    @property
    def matrix(self) -> str:
        """What the table is called: ``W_E``."""
        return self.source.title

    @property
    def has_axes(self) -> bool:
        """Whether the method has axes, so that directions and sums lie in the picture."""
        return self.axes.shape[1] > 0

    @property
    def plane(self) -> Terms:
        """The sum in whose plane the first two axes lie; empty for none."""
        return self.how.terms if isinstance(self.how, SumPlane) else ()

    @property
    def nearest(self) -> int:
        """The row that is nearest to the end of that sum; -1 for none."""
        return int(self.measures.get("nearest", -1))


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighboursFound(Result):
    """Rows near a sum, nearest first, and how near all others are.

    Attributes:
        model_id, step: of which weights; 0 where it is of no model.
        source: of which table.
        found: the answer.
    """

    model_id: int
    step: int | None
    source: Source
    found: NearFound

    @property
    def question(self) -> Near:
        """What was asked."""
        assert isinstance(self.found.question, Near)
        return self.found.question

    @property
    def matrix(self) -> str:
        """What the table is called."""
        return self.source.title

    @property
    def terms(self) -> Terms:
        """The sum."""
        return self.question.terms

    @property
    def ids(self) -> tuple[int, ...]:
        """The nearest rows; the sum's own are among them."""
        return self.found.ids

    @property
    def values(self) -> tuple[float, ...]:
        """How near each is, by the metric that was asked for."""
        return self.found.values

    @property
    def own(self) -> tuple[bool, ...]:
        """Which of them are the sum's own."""
        return self.found.own

    @property
    def counts(self) -> AnyArray:
        """The histogram of all rows."""
        return self.found.counts


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAnswered(Result):
    """What a table answered.

    Attributes:
        model_id, step: of which weights; 0 where it is of no model.
        source: which table.
        answer: carries its question.
    """

    model_id: int
    step: int | None
    source: Source
    answer: TableAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTooLarge(Result):
    """A file has more rows than are opened at once; a sample can be.

    Attributes:
        source: the file, as it was asked for.
        message: a sentence for people.
        sample: every so many-th row would fit.
    """

    source: Source
    message: str
    sample: int
