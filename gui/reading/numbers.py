"""A number with every digit of its type, and the inspected number as it is now.

Pure functions of what is inspected and what was answered about it. Knows no store, no widget.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gui.reading import code
from gui.reading.axes import index_words
from gui.reading.inspecting import operation_of, question_of
from gui.session.asked import Slot
from gui.session.state import Inspected
from model import messages as m
from model.probe.not_finite.asks import NO_NUMBER
from model.probe.number.asks import Number, NumberFound
from model.sampling import Sampling
from model.subject import Subject

GONE = "Not in the present prompt: this is the number as it was when it was selected."


@dataclass(frozen=True, slots=True)
class Shown:
    """The inspected number, with words about the same prompt as the number itself.

    Attributes:
        value: None for a whole tensor.
        index: each number of the index in words.
        code: the line that fetches it.
        note: a sentence about it, or why it isn't known anew; may be empty.
    """

    value: float | None
    index: tuple[str, ...]
    code: str
    note: str


def asks_anew(
    inspected: Inspected | None, model: m.ModelInfo | None, subject: Subject | None, s: Sampling
) -> Number | None:
    """The question for the inspected number, where what was clicked is no longer what is in view.

    Args:
        inspected: what was clicked.
        model: in view.
        subject: in view.
        s: what probabilities are drawn with now.
    """
    if inspected is None or model is None or not inspected.index or inspected.value is None:
        return None
    if operation_of(model.config, inspected.name) is None:
        return None  # among the weights: about no prompt
    wanted = question_of(inspected.name, inspected.index, s)
    as_clicked = (inspected.subject, inspected.question) == (subject, wanted)
    return None if as_clicked else wanted


def shown(
    inspected: Inspected,
    model: m.ModelInfo,
    subject: Subject | None,
    wanted: Number | None,
    slot: Slot | None,
) -> Shown:
    """What stands in the inspector now.

    Args:
        inspected: what was clicked.
        model: in view.
        subject: in view.
        wanted: what is asked about it anew (`asks_anew`), or None.
        slot: where that is answered.
    """
    if inspected.subject is None and wanted is None:  # weights
        words = index_words(model, (), inspected.name, inspected.index)
        return Shown(inspected.value, tuple(words), inspected.code, inspected.note)
    if wanted is None:
        return _as_clicked(inspected, model, inspected.note)
    answer = None if slot is None else slot.answer
    if slot is not None and slot.problem:
        return _as_clicked(inspected, model, slot.problem)
    if not isinstance(answer, NumberFound) or not _is_about(answer, inspected):
        return _as_clicked(inspected, model, "")
    if answer.value is None:
        return _as_clicked(inspected, model, GONE)
    question = answer.question
    assert isinstance(question, Number)
    words = index_words(model, answer.subject.ids, inspected.name, inspected.index)
    line = code.activation(inspected.name, inspected.index, sampling=question.sampling)
    read = None if slot is None else slot.read
    note = ""
    # The same tokens at another training step: the words are as true, and stay where they are.
    of_this = subject is not None and answer.subject.ids == subject.ids
    if of_this and inspected.says is not None and read is not None:
        note = inspected.says(read, inspected.index, answer.value)
    return Shown(answer.value, tuple(words), line, note)


def exact(value: float | np.floating, dtype: str) -> str:
    """A number with every digit that its type holds and no more; of NaN that it is none."""
    if np.isnan(value):
        return f"{NO_NUMBER} (NaN)"
    if dtype.startswith(("int", "uint")):
        return str(int(value))
    return str(float(value)) if dtype == "float64" else str(np.float32(value))


def short(value: float, digits: int) -> str:
    """A number in a few significant digits; of NaN that it is none."""
    if np.isnan(value):
        return NO_NUMBER
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}g}"


def _as_clicked(inspected: Inspected, model: m.ModelInfo, note: str) -> Shown:
    """The number as it was, with the tokens that it was read of."""
    ids = () if inspected.subject is None else inspected.subject.ids
    words = index_words(model, ids, inspected.name, inspected.index)
    return Shown(inspected.value, tuple(words), inspected.code, note)


def _is_about(answer: NumberFound, inspected: Inspected) -> bool:
    question = answer.question
    return isinstance(question, Number) and (question.of, question.index) == (
        inspected.name,
        inspected.index,
    )
