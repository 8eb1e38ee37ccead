"""What every question and answer has, whatever it is about."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import model.probe
from model.probe.question import Named, Question

FOLDERS = sorted(path.parent.name for path in Path(model.probe.__path__[0]).glob("*/asks.py"))


def questions() -> list[type[Question]]:
    modules = [import_module(f"model.probe.{folder}.asks") for folder in FOLDERS]
    return [
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Question)
        # Where it is made, not where another question names it.
        if one.__module__ == module.__name__
    ]


def test_every_question_says_in_a_few_words_what_is_waited_for() -> None:
    found = questions()
    assert len(found) > 8
    for one in found:
        assert one.title, one
        assert len(one.title) <= 32, "it stands in the status bar"
        assert one.title == one.title.rstrip("."), "it is no sentence"
    assert len({one.title for one in found}) == len(found)


def test_a_matrix_is_a_long_table_a_row_a_number() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    table = Named(values, ("query", "key"), {"query": np.array([5, 9])}).columns()
    assert list(table) == ["query", "key", "value"]
    rows = list(zip(*(column.tolist() for column in table.values())))
    assert rows == [(5, 0, 1.0), (5, 1, 2.0), (9, 0, 3.0), (9, 1, 4.0)]


@pytest.mark.parametrize("value", [0.5, -3.0])
def test_one_number_is_one_row(value: float) -> None:
    table = Named(np.array(value), ()).columns()
    assert {name: column.tolist() for name, column in table.items()} == {"value": [value]}
