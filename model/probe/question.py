"""What is asked about a subject, and what comes back.

A question says what is wanted *at the resolution that is drawn*: rows in view, block maxima, the
ten best tokens. Its answer carries the subject and the question that it belongs to, so that nobody
can show it beside another prompt, and its numbers as named arrays, so that every way out of the
program (CSV, npz, a line of Python, a table for a screen reader) is written once for all.

Free of torch and Qt: both sides of the border know these classes; `compute` in each probe's folder
is the worker's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NewType

import numpy as np
from numpy.typing import NDArray

from model.subject import Subject

Array = NDArray[Any]

TokenId = NewType("TokenId", int)
"""A token of the vocabulary: the command line takes its text, too."""


class ProbeError(ValueError):
    """A question that can't be answered of this model or text: a sentence for people."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that can be asked of a subject; equal questions are the same question."""

    name: ClassVar[str] = ""
    """Of the probe that answers it."""
    of_text: ClassVar[bool] = True
    """Whether the answer depends on what is read, not on the model alone."""
    title: ClassVar[str] = ""
    """A few words for people: what is waited for."""
    later: ClassVar[bool] = False
    """Whether questions that wait are answered first: it isn't what is looked at at once."""

    def in_script(self, subject: Subject) -> tuple[Question, bool]:
        """The question as a script asks it, where the model asked is number 0, another 1.

        Args:
            subject: whom it was asked of.

        Returns:
            The question, and whether there is another model.
        """
        return self, False


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """An array whose axes have names.

    Attributes:
        values: the numbers, read-only.
        axes: what each axis counts, for example ``("query", "key")``.
        at: for an axis that doesn't count from 0 one by one, what its places stand for.
    """

    values: Array
    axes: tuple[str, ...]
    at: Mapping[str, Array] = field(default_factory=dict)

    def columns(self) -> dict[str, Array]:
        """The same as a long table: a column an axis, and ``value``, one row a number."""
        places = np.indices(self.values.shape).reshape(self.values.ndim, self.values.size)
        table = {
            axis: np.asarray(self.at[axis])[place] if axis in self.at else place
            for axis, place in zip(self.axes, places)
        }
        return {**table, "value": self.values.reshape(-1)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What was found.

    Attributes:
        subject: of whom.
        question: what was asked.
        share: how much of the work is done; below 1 the answer is coarse and another follows.
        seconds: of work for it until now.
    """

    subject: Subject
    question: Question
    share: float = 1.0
    seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether nothing more follows."""
        return self.share >= 1

    def arrays(self) -> Mapping[str, Named]:
        """Its numbers by name: what is drawn, for export, tables and tests."""
        return {}

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        """The same as lists of rows, where JSON is easier read so: by name, beside the arrays.

        What stands under ``id`` is a token: its text is put beside it.
        """
        return {}

    def code(self) -> str:
        """Lines of Python that reproduce it, after ``import model`` and ``lm = model.open(…)``.

        Of the last line the value is the answer. Empty where there are none.
        """
        from model.probe.lines import asking_again  # which knows answers

        return asking_again(self)

    @property
    def n_bytes(self) -> int:
        """Memory that its arrays take."""
        return sum(named.values.nbytes for named in self.arrays().values())


def read_only(array: Array) -> Array:
    """The same values, which nobody can write to."""
    view = array.view()
    view.flags.writeable = False
    return view


Answers = Iterator["Answer | None"]
"""What a probe's ``answer`` yields: None after a slice of work, coarse answers, the whole one."""
