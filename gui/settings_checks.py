"""What each remembered value may be; a file that anybody may have edited is held to it.

Knows names and ranges; no widget, no file of settings.
"""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

THEMES = ("dark", "light")
DEVICES = ("auto", "cpu", "cuda", "mps")
MOST_THREADS = 256
TEXT_SIZES = (90, 100, 110, 125, 150)
"""In hundredths."""
BUDGET_MB = (64, 1_000_000)
"""Least and most."""
LONGEST_PROMPT = 100_000
"""Characters of a prompt that is remembered."""
N_RECENT = 12

DEEPEST = 20
"""How deep what a pane remembers may be nested: what is deeper can't be copied."""
LARGEST_NUMBER = 2**31 - 1
"""Of a whole number that a pane remembers: Qt's boxes and sliders hold no larger one, and the error
that one makes can't be caught where it is given to them."""
LONGEST_PATH = 4096
FIRST_WITH_WHOLE_PATHS = 3
"""The version of the file since which a relative path means a name on a hub."""


class _Unusable(ValueError):
    """A value that is passed over; says why."""


def checked(raw: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """The values that can be used.

    Args:
        raw: the parsed file.
        problems: gets a few words on each value that is left out.
    """
    found: dict[str, Any] = {}
    for name, check in _CHECKS.items():
        if name not in raw:
            continue
        try:
            found[name] = check(raw[name], problems)
        except _Unusable as why:
            problems.append(f"{name} ({why})")
    return found


def carried_over(raw: dict[str, Any]) -> dict[str, Any]:
    """What older versions kept, as this one keeps it."""
    raw = dict(raw)
    if "panes" not in raw and ("history" in raw or "runs_dir" in raw):
        raw["panes"] = {
            "prompt": {"history": raw.pop("history", None)},
            "training": {"runs_dir": raw.pop("runs_dir", None)},
        }
    version = raw.get("version")
    recent = raw.get("recent")
    older = not isinstance(version, int) or version < FIRST_WITH_WHOLE_PATHS
    if older and isinstance(recent, list):
        places = {path: _whole(path) for path in recent if isinstance(path, str) and path}
        # In the order of the newest; what is no path is left to the check.
        raw["recent"] = [places.get(path, path) if _is_text(path) else path for path in recent]
        lines = raw.get("recent_lines")
        if isinstance(lines, dict):
            raw["recent_lines"] = {places.get(path, path): line for path, line in lines.items()}
    return raw


def _whole(path: str) -> str:
    """What an older version remembered as a path of wherever it was started, or as a name.

    It wrote a name on a hub only for what lay in the cache then. What isn't there any more is
    taken for a folder: nothing is ever fetched under a folder's name.
    """
    from model.hub import is_hub_name
    from model.hub.known import cached_folder

    try:
        if not Path(path).is_absolute() and is_hub_name(path) and cached_folder(path) is not None:
            return path
        return str(Path(path).absolute())
    except OSError:  # the working folder is gone
        return str(Path(os.sep, path))


def _one_of(*known: str) -> Callable[[Any, list[str]], str]:
    def check(value: Any, problems: list[str]) -> str:
        if not _is_text(value) or value not in known:
            raise _Unusable(f"{_short(value)}; there are {', '.join(known)}")
        return str(value)

    return check


def _perspective(value: Any, problems: list[str]) -> str:
    from gui.window.arrangements import PERSPECTIVES

    return _one_of(*PERSPECTIVES)(value, problems)


def _whole_number(low: int, high: int) -> Callable[[Any, list[str]], int]:
    def check(value: Any, problems: list[str]) -> int:
        if type(value) is not int or not low <= value <= high:
            raise _Unusable(f"{_short(value)}; a whole number from {low} to {high} is needed")
        return value

    return check


def _text_size(value: Any, problems: list[str]) -> int:
    if type(value) is not int or value not in TEXT_SIZES:
        sizes = ", ".join(map(str, TEXT_SIZES))
        raise _Unusable(f"{_short(value)}; there are {sizes}")
    return value


def _last_model(value: Any, problems: list[str]) -> str:
    if not _is_text(value) or "\0" in value or len(value) > LONGEST_PATH:
        raise _Unusable(f"{_short(value)} is no path")
    return str(value)


def _yes_or_no(value: Any, problems: list[str]) -> bool:
    if type(value) is not bool:
        raise _Unusable(f"{_short(value)}; true or false is needed")
    return value


def _blob(value: Any, problems: list[str]) -> str:
    try:
        if not _is_text(value):
            raise ValueError
        base64.b64decode(value, validate=True)
    except ValueError:
        raise _Unusable(f"{_short(value)} is no arrangement") from None
    return str(value)


def _blobs(value: Any, problems: list[str]) -> dict[str, str]:
    return _each(value, problems, "layouts", _blob)


def _paths(value: Any, problems: list[str]) -> list[str]:
    if not isinstance(value, list):
        raise _Unusable(f"{_short(value)}; a list of paths is needed")
    found: list[str] = []
    for path in value:
        if not _is_text(path) or not path.strip() or "\0" in path or len(path) > LONGEST_PATH:
            problems.append(f"recent ({_short(path)} is no path)")
        elif not Path(path).is_absolute() and not _is_name(path):
            problems.append(f"recent ({_short(path)} is no whole path)")
        elif path not in found:
            found.append(path)
    return found[:N_RECENT]


def _is_name(path: str) -> bool:
    from model.hub import is_name

    return is_name(path)


def _lines(value: Any, problems: list[str]) -> dict[str, str]:
    return _each(value, problems, "recent_lines", _text)


def _text(value: Any, problems: list[str]) -> str:
    if not _is_text(value):
        raise _Unusable(f"{_short(value)} is no text")
    return str(value)


def _panes(value: Any, problems: list[str]) -> dict[str, dict[str, Any]]:
    return _each(value, problems, "panes", _kept_by_a_pane)


def _kept_by_a_pane(value: Any, problems: list[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unusable(f"{_short(value)} is no object")
    if _depth(value) > DEEPEST:
        raise _Unusable("it is nested too deeply")
    if (number := _too_large(value)) is not None:
        raise _Unusable(f"{_short(number)} is too large for a number")
    return value


def _each(
    value: Any, problems: list[str], name: str, check: Callable[[Any, list[str]], Any]
) -> dict[str, Any]:
    """The entries of an object that can be used."""
    if not isinstance(value, dict):
        raise _Unusable(f"{_short(value)}; an object is needed")
    found = {}
    for key, one in value.items():
        try:
            found[key] = check(one, problems)
        except _Unusable as why:
            problems.append(f"{name}, {_short(key)} ({why})")
    return found


def _depth(value: Any) -> int:
    """How deep lists and objects lie in each other; counted up to a little beyond `DEEPEST`."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        inside: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inside += one.values()
            elif isinstance(one, list):
                inside += one
        level, depth = inside, depth + 1
    return depth


def _too_large(value: Any) -> int | None:
    """A whole number in it that no control of Qt's can hold; None if there is none."""
    if isinstance(value, int):
        return None if abs(value) <= LARGEST_NUMBER else value
    inside = value.values() if isinstance(value, dict) else value
    found = map(_too_large, inside) if isinstance(value, dict | list) else ()
    return next((number for number in found if number is not None), None)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _short(value: Any) -> str:
    """A value as it is quoted in a sentence."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, float) and not math.isfinite(value):
        return "no number" if math.isnan(value) else "infinity"
    said = ascii(value) if isinstance(value, str) else str(value)
    return said if len(said) <= 40 else f"{said[:36]}…"


_ANY_VERSION = _whole_number(0, 10**6)
_CHECKS: dict[str, Callable[[Any, list[str]], Any]] = {
    "version": _ANY_VERSION,
    "theme": _one_of(*THEMES),
    "perspective": _perspective,
    "geometry": _blob,
    "layout_version": _ANY_VERSION,
    "layouts": _blobs,
    "recent": _paths,
    "recent_lines": _lines,
    "device": _one_of(*DEVICES),
    "threads": _whole_number(0, MOST_THREADS),
    "motion": _yes_or_no,
    "text_size": _text_size,
    "budget_mb": _whole_number(*BUDGET_MB),
    "restore": _yes_or_no,
    "last_model": _last_model,
    "last_prompt": _text,
    "panes": _panes,
}
