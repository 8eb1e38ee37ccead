"""What two windows remember, added up: a value stays as whoever changed it left it.

Values as JSON has them, three of each: as both began, mine, and theirs. Knows no settings by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Any:
    """Everything that either has changed; where both did, mine.

    Objects are merged entry by entry. Of lists (newest at one end) what is new in either stays.
    """
    return {
        key: _merged(base.get(key, _MISSING), mine.get(key, _MISSING), theirs.get(key, _MISSING))
        for key in (*theirs, *(key for key in mine if key not in theirs))
        if not _gone(key, base, mine, theirs)
    }


_MISSING = object()


def _gone(
    key: str, base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> bool:
    """Whether one of both has taken an entry out that the other left as it was."""
    if key not in base or (key in mine and key in theirs):
        return False
    return bool((mine if key in mine else theirs).get(key, base[key]) == base[key])


def _merged(base: Any, mine: Any, theirs: Any) -> Any:
    if mine is _MISSING:
        return theirs
    if theirs is _MISSING or theirs == base:
        return mine
    if mine == base:
        return theirs
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return merged(base if isinstance(base, dict) else {}, mine, theirs)
    if isinstance(mine, list) and isinstance(theirs, list):
        return _merged_list(base if isinstance(base, list) else [], mine, theirs)
    return mine


def _merged_list(base: list[Any], mine: list[Any], theirs: list[Any]) -> list[Any]:
    """Theirs, with what is new in mine at the end at which mine has it."""
    first = _new_at_front(base, mine)
    last = _new_at_front(base[::-1], mine[::-1])[::-1]
    new = first if len(first) <= len(last) else last
    dropped = [one for one in base if one not in mine]
    rest = [one for one in theirs if one not in new and one not in dropped]
    return [*new, *rest] if new is first else [*rest, *new]


def _new_at_front(base: list[Any], mine: list[Any]) -> list[Any]:
    """What stands in front of mine that base does not have there, in that order."""
    for n in range(len(mine) + 1):
        new, rest = mine[:n], mine[n:]
        if rest == [one for one in base if one in rest and one not in new]:
            return new
    return mine
