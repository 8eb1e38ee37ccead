"""An answer on its way out: printed, as JSON, as CSV, as npz. Written once, for all questions.

Knows what every answer has, its arrays with named axes and its single values; no question.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model.probe.question import Answer, Array, Named
from model.whole_file import write_whole

SUFFIXES = (".csv", ".npz")
ROWS = 20
"""Of each table, printed."""
_OF_ALL = ("subject", "question", "share", "seconds")
_TOKENS_AT = ("position", "query", "key")


def facts(answer: Answer) -> dict[str, Any]:
    """What it says beside its arrays: single values, by name."""
    found: dict[str, Any] = {}
    for field in fields(answer):
        if field.name not in _OF_ALL:
            _add_fact(found, field.name, getattr(answer, field.name))
    return found


def _add_fact(found: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        found[name] = value
    elif isinstance(value, tuple) and all(isinstance(one, int | float | str) for one in value):
        found[name] = list(value)
    elif is_dataclass(value):
        for field in fields(value):
            _add_fact(found, f"{name}.{field.name}", getattr(value, field.name))


def tables(answer: Answer) -> list[dict[str, Array]]:
    """Its arrays as long tables: a column an axis, and one an array; those alike in one table."""
    alike: list[tuple[Named, dict[str, Array]]] = []
    for name, named in answer.arrays().items():
        *axes, values = named.columns().items()
        columns = next((columns for first, columns in alike if _same_axes(first, named)), None)
        if columns is None:
            columns = dict(axes)
            alike.append((named, columns))
        columns[name if name not in named.axes else f"{name}_value"] = values[1]
    return [columns for _, columns in alike]


def _same_axes(one: Named, other: Named) -> bool:
    return (
        one.axes == other.axes
        and one.values.shape == other.values.shape
        and one.at.keys() == other.at.keys()
        and all(np.array_equal(one.at[axis], other.at[axis]) for axis in one.at)
    )


def as_json(answer: Answer, text_of: Callable[[int], str]) -> dict[str, Any]:
    """Its rows, and its arrays as nested lists with the names of their axes.

    Args:
        answer: what was found.
        text_of: a token's text by its id.
    """
    return {
        **facts(answer),
        **_with_tokens(dict(answer.as_rows()), text_of),
        "arrays": {
            name: {
                "axes": list(named.axes),
                "at": {axis: np.asarray(places).tolist() for axis, places in named.at.items()},
                "values": named.values.tolist(),
            }
            for name, named in answer.arrays().items()
        },
        "code": answer.code(),
        "seconds": answer.seconds,
    }


def _with_tokens(value: Any, text_of: Callable[[int], str]) -> Any:
    """The same with the text of every token whose ``id`` stands in a row."""
    if isinstance(value, list):
        return [_with_tokens(one, text_of) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, one in value.items():
        found[name] = _with_tokens(one, text_of)
        if name == "id" and one >= 0:
            found["token"] = text_of(one)
    return found


def write(answer: Answer, path: Path) -> None:
    """Its arrays in a file, which appears whole or not at all.

    npz: an array by its name, and the places of an axis that doesn't count from 0 one by one as
    ``NAME.AXIS``. CSV: one row a number. Arrays of the same axes are columns of one table; where
    there are several tables the column ``table`` says which a row is of, and what it hasn't is
    empty.

    Raises:
        ValueError: another suffix, or there is nothing to write.
        WriteError: the disk refuses.
    """
    arrays = answer.arrays()
    if not arrays:
        raise ValueError("The answer holds no numbers that could be written.")
    match checked(path).suffix.lower():
        case ".npz":
            write_whole(path, _npz(arrays))
        case _:
            write_whole(path, _csv(tables(answer)))


def checked(path: Path) -> Path:
    """The path, if its suffix is one that is written.

    Raises:
        ValueError: it is none.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.name} is no table: {' or '.join(SUFFIXES)} at its end is.")
    return path


def _npz(arrays: Mapping[str, Named]) -> bytes:
    columns = {name: named.values for name, named in arrays.items()}
    for name, named in arrays.items():
        columns |= {f"{name}.{axis}": np.asarray(places) for axis, places in named.at.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **columns)
    return buffer.getvalue()


def _csv(found: list[dict[str, Array]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    if len(found) == 1:
        writer.writerow(found[0])
        writer.writerows(zip(*(column.tolist() for column in found[0].values())))
        return buffer.getvalue().encode()
    header = list(dict.fromkeys(name for columns in found for name in columns))
    writer.writerow(["table", *header])
    for number, columns in enumerate(found):
        lists = {name: column.tolist() for name, column in columns.items()}
        for row in range(len(next(iter(lists.values())))):
            writer.writerow([number, *(lists[n][row] if n in lists else "" for n in header)])
    return buffer.getvalue().encode()


def show(answer: Answer, text_of: Callable[[int], str], ids: tuple[int, ...]) -> None:
    """Print it for a person: its facts, then the first rows of its tables.

    Args:
        answer: what was found.
        text_of: a token's text by its id.
        ids: of the prompt: what stands at a position.
    """
    console = Console(highlight=False)
    for name, value in facts(answer).items():
        if value not in ("", None):
            console.print(f"[dim]{name.replace('_', ' ')}[/dim]  {escape(_said(value))}")
    for columns in tables(answer):
        table = Table(box=None, pad_edge=False, header_style="dim")
        shown: list[list[str]] = []
        for name, column in columns.items():
            values = column[:ROWS].tolist()
            table.add_column(name, justify="right", overflow="fold")
            shown.append([_said(value) for value in values])
            is_id = name == "id" or name.endswith("_id")
            if is_id or name in _TOKENS_AT:
                table.add_column("token")
                tokens = values if is_id else [ids[at] for at in values]
                shown.append([text_of(token) for token in tokens])
        for row in zip(*shown):
            table.add_row(*(escape(cell) for cell in row))
        console.print()
        console.print(table)
        n = len(next(iter(columns.values())))
        if n > ROWS:
            console.print(f"[dim]… and {n - ROWS:,} more: --json and --out give all[/dim]")
    if answer.code():
        console.print(f"\n[dim]{escape(answer.code())}[/dim]", soft_wrap=True)


def _said(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
