"""A list of interventions as a TOML file: what was done to a model, to do it again.

    version = 1

    [[intervention]]
    on = true
    kind = "ablate_head"
    layer = 0
    head = 1

Knows records; no model. What fits no network is found when it is applied.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from model.interventions import Intervention, from_record, to_record
from model.whole_file import write_whole

VERSION = 1

Entry = tuple[Intervention, bool]
"""An intervention, and whether it is on."""


def write(path: str | Path, entries: Iterable[Entry]) -> None:
    """Write interventions to a file, whole or not at all.

    Raises:
        WriteError: it can't be written.
    """
    lines = [f"version = {VERSION}"]
    for intervention, on in entries:
        lines += ["", f"# {_one_line(intervention.words)}", "[[intervention]]"]
        record = {"on": on, **to_record(intervention)}
        lines += [f"{key} = {_value(value)}" for key, value in record.items() if value is not None]
    write_whole(path, "\n".join(lines) + "\n", ordinary=True)


def read(path: str | Path) -> tuple[Entry, ...]:
    """The interventions of a file.

    Raises:
        OSError: it can't be read.
        ValueError: it is none of these files, or has an intervention that is none.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} is too large to be a list of interventions.")
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no TOML file: {error}.") from error
    version = found.get("version")
    if not isinstance(version, int):
        raise ValueError(f"{path.name} holds no interventions: it lacks version = {VERSION}.")
    if version > VERSION:
        raise ValueError(f"{path.name} is of a newer version ({version}) of this program.")
    listed = found.get("intervention", [])
    if not isinstance(listed, list):
        raise ValueError(f"{path.name}: each intervention begins with [[intervention]].")
    entries = []
    for index, each in enumerate(listed):
        try:
            entries.append(_entry(each))
        except ValueError as error:
            raise ValueError(f"{path.name}, intervention {index + 1}: {error}") from error
    return tuple(entries)


MOST_BYTES = 16 * 2**20


def _entry(record: Any) -> Entry:
    if not isinstance(record, dict):
        raise ValueError("it is no table.")
    values = dict(record)
    on = values.pop("on", True)
    if not isinstance(on, bool):
        raise ValueError(f"on is true or false, not {on!r}.")
    return from_record(values), on


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL; lone surrogates have no place in a file.
        text = value.encode("utf-8", "replace").decode("utf-8")
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, int | float):
        return repr(value)
    raise TypeError(f"{type(value).__name__} has no place in this file.")


def _one_line(text: str) -> str:
    """Without what would end a comment, or may not stand in one."""
    safe = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else " " for c in safe)
