"""Values of an intervention as a file or a command line has them, held to the types of its fields.

Knows the types that fields have; no kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from model.interventions.intervention import Intervention


def typed(kind: type[Intervention], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the types that the fields of a kind have.

    Names that are no field's are left as they are: the kind itself refuses them.

    Raises:
        ValueError: a value is of another type.
    """
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}
    return {
        name: _typed(f"{kind.kind}: {name}", hints[name], value) if name in known else value
        for name, value in values.items()
    }


def _typed(what: str, hint: Any, value: Any) -> Any:
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None and type(None) in inside:
            return None
        (hint,) = (each for each in inside if each is not type(None))
        return _typed(what, hint, value)
    if origin is Literal:
        if value in inside:
            return value
        raise ValueError(f"{what} is one of {', '.join(map(str, inside))}, not {value!r}.")
    if origin is tuple:
        items = (value,) if isinstance(value, int) else value
        if not isinstance(items, list | tuple):
            raise ValueError(f"{what} is a list of whole numbers, not {value!r}.")
        return tuple(_typed(what, inside[0], item) for item in items)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ValueError(f"{what} is a number, not {value!r}.")
        return float(value)
    if hint is int and isinstance(value, bool):
        raise ValueError(f"{what} is a whole number, not {value!r}.")
    if isinstance(hint, type) and not isinstance(value, hint):
        names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        raise ValueError(f"{what} is {names.get(hint, hint.__name__)}, not {value!r}.")
    return value
