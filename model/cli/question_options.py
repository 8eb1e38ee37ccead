"""Options of the command line, made of the fields of a question.

A field's name is the option's, its type says what may follow, its line under ``Attributes`` is the
help. Knows dataclasses and typer; no question by name.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from inspect import Parameter, cleandoc
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import typer

from model.probe.question import TokenId

T = TypeVar("T")

_PLAIN = (bool, int, float, str)


def parameters(kind: type, inner: object = MISSING) -> Iterator[Parameter]:
    """A keyword parameter for every field, as typer reads it; those of a value inside it too.

    Tuples are typed as ``3,17``, tuples of tuples as ``0,1;2,5``. A position that has to be given
    is the last one where it isn't.

    Args:
        kind: a frozen dataclass.
        inner: an instance whose values are the defaults; those of the class if left out.

    Raises:
        TypeError: a field has a type of which no option can be made.
    """
    hints, says = get_type_hints(kind), attributes(kind)
    for field in fields(kind):
        hint = hints[field.name]
        default = _default(field) if inner is MISSING else getattr(inner, field.name)
        if is_dataclass(hint) and isinstance(hint, type):
            yield from parameters(hint, default)
            continue
        bare = _without_none(hint)
        token = bare is TokenId
        if token:
            bare, hint = str, str | None if bare is not hint else str
        if field.name == "position" and hint is int and default is MISSING:
            default = -1
        if bare is not hint and default is MISSING:
            default = None
        help = says.get(field.name, "")
        option: dict[str, Any] = {"help": help}
        if get_origin(bare) is Literal:
            option["metavar"] = "|".join(str(value) for value in get_args(bare))
            bare = str
        elif get_origin(bare) is tuple:
            example = _example(bare)
            option["help"] = f"{help} ({example})" if help else example
            option["metavar"] = "LIST"
            if default is not MISSING:
                default, hint = None, str | None
            bare = str
        elif token:
            says_which = "a token: its text or its id"
            option["help"] = f"{help} ({says_which})" if help else says_which
            option["metavar"] = "TOKEN"
        elif bare not in _PLAIN:
            raise TypeError(f"No option can be made of {kind.__name__}.{field.name}, a {hint}.")
        yield Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if default is MISSING else default,
            annotation=Annotated[bare | None if default is None else bare, typer.Option(**option)],
        )


def built(kind: type[T], given: Mapping[str, Any], token_id: Callable[[str], int]) -> T:
    """The question from what was given for its `parameters`.

    Args:
        kind: its class.
        given: by the names of its parameters.
        token_id: the id of a token whose text or id was typed.

    Raises:
        ValueError: a tuple's text can't be read, or the values are refused.
    """
    values: dict[str, Any] = {}
    hints = get_type_hints(kind)
    for field in fields(kind):  # type: ignore[arg-type]
        hint = hints[field.name]
        if is_dataclass(hint) and isinstance(hint, type):
            values[field.name] = built(hint, given, token_id)
            continue
        value = given[field.name]
        bare = _without_none(hint)
        if get_origin(bare) is tuple:
            if value is None and _default(field) is not MISSING:
                continue  # the question's own
            if value is not None:
                value = _tuple(_option(field.name), bare, value)
        elif bare is TokenId:
            value = None if value is None else token_id(value)
        elif get_origin(bare) is Literal:
            value = _choice(_option(field.name), get_args(bare), value)
        values[field.name] = value
    return kind(**values)


def attributes(kind: type) -> dict[str, str]:
    """What a class' docstring says of each of its attributes."""
    _, _, listed = cleandoc(kind.__doc__ or "").partition("\nAttributes:\n")
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", listed):
        names, colon, words = entry.strip().partition(":")
        if colon:
            told = " ".join(words.replace("``", "").replace("`", "").split())
            found |= dict.fromkeys((name.strip() for name in names.split(",")), told)
    return found


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _without_none(hint: Any) -> Any:
    """The type beside None, where a field may be None."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    rest = [one for one in get_args(hint) if one is not type(None)]
    if set(rest) == {TokenId, str}:  # in Python its text may stand for it, as it does here
        return TokenId
    return rest[0] if len(rest) == 1 else hint


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _choice(option: str, choices: tuple[Any, ...], text: str | None) -> Any:
    for one in choices:
        if str(one) == text:
            return one
    raise ValueError(f"{option} is {' or '.join(map(str, choices))}, not {text!r}.")


def _tuple(option: str, hint: Any, text: str) -> tuple[Any, ...]:
    inside = get_args(hint)
    endless = inside[-1] is Ellipsis
    apart = ";" if get_origin(inside[0]) is tuple else ","
    words = [word.strip() for word in text.split(apart) if word.strip()]
    if not endless and len(words) != len(inside):
        raise ValueError(f"{option} {text!r} are not {len(inside)} values: {_example(hint)}.")
    kinds = [inside[0]] * len(words) if endless else inside
    if apart == ";":
        return tuple(_tuple(option, kind, word) for kind, word in zip(kinds, words))
    try:
        return tuple(kind(word) for kind, word in zip(kinds, words))
    except ValueError:
        raise ValueError(
            f"{option} {text!r} can't be read; it is written as {_example(hint)}."
        ) from None


def _example(hint: Any) -> str:
    inside = get_args(hint)
    if get_origin(inside[0]) is tuple:
        return f"{_example(inside[0])};2,5" if inside[0] == tuple[int, int] else "…;…"
    n = 2 if inside[-1] is Ellipsis else len(inside)
    some = {int: ("0", "3", "1"), float: ("0.5", "1", "2")}.get(
        inside[0], ("one", "other", "third")
    )
    return ",".join(some[at % 3] for at in range(n))
