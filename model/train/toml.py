"""Writing the flat TOML tables of a run folder; Python's own tomllib reads them back.

Knows strings, numbers, truth values and lists of these; nothing nested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping


def toml_table(values: Mapping[str, object]) -> str:
    """``key = value`` lines.

    Raises:
        TypeError: a value is neither string, bool, int nor float, nor a list or tuple of them.
    """
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which only TOML wants escaped, and for lone
        # surrogates, which no TOML file can hold.
        text = value.encode("utf-8", "replace").decode("utf-8")
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"{type(value).__name__} has no place in a flat TOML table.")
