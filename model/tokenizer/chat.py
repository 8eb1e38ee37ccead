"""What a chat template makes of turns: the text that a model reads, and whose words are whose.

A template is a program in Jinja's language that comes with a checkpoint. It is run in Jinja's own
sandbox, only when somebody asks to see it. What it is given is as in transformers 5
(``apply_chat_template``). Knows texts; no model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from model.tokenizer.files.errors import TokenizerError, first_line
from model.tokenizer.files.found import NAMED, name_of

LONGEST = 1_000_000
"""Characters that a template may make."""
SECONDS = 2.0
"""For which a template may run before what it says next."""
NO_TEMPLATE = "This checkpoint has no chat template: it was not made to answer turns of a talk."


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said.

    Attributes:
        role: "system", "user" or "assistant".
        content: the words.
    """

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Chat:
    """Turns as a model reads them.

    Attributes:
        text: the whole.
        spans: for each turn the characters that are its own words, last excluded; (0, 0) where the
            template has changed or left out what was said.
    """

    text: str
    spans: tuple[tuple[int, int], ...]

    def is_own(self, start: int, end: int) -> bool:
        """Whether some characters lie in what somebody said, at least in part."""
        return any(first < end and start < last for first, last in self.spans)


def template_in(settings: Mapping[str, Any]) -> str | None:
    """The template of ``tokenizer_config.json``; of several the one named "default"."""
    said = settings.get("chat_template")
    if isinstance(said, list):
        named = {
            str(one.get("name")): one.get("template") for one in said if isinstance(one, Mapping)
        }
        said = named.get("default") or next(iter(named.values()), None)
    return said if isinstance(said, str) and said.strip() else None


def rendered(
    settings: Mapping[str, Any], turns: Sequence[Turn], *, answer_begins: bool = True
) -> Chat:
    """Put turns into a tokenizer's chat template.

    Args:
        settings: as in ``tokenizer_config.json``.
        turns: what was said, in its order.
        answer_begins: whether the text ends where the model's answer begins
            (``add_generation_prompt``).

    Raises:
        TokenizerError: there is no template, it is damaged, or it refuses these turns.
    """
    template = template_in(settings)
    if template is None:
        raise TokenizerError(NO_TEMPLATE)
    special = {role: name for role in NAMED if (name := name_of(settings.get(role)))}
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    text = _run(template, messages, special, answer_begins)
    return Chat(text, tuple(_spans(text, turns)))


def _run(
    template: str, messages: list[dict[str, str]], special: Mapping[str, str], begins: bool
) -> str:
    # Late: torch brings it, but nothing else here needs it.
    from jinja2 import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Refused(TemplateError):
        pass

    def refuse(message: str) -> NoReturn:
        raise Refused(message)

    def as_json(value: Any, indent: int | None = None, **_: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = as_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    parts: list[str] = []
    n, end = 0, time.monotonic() + SECONDS
    try:
        for part in environment.from_string(template).generate(
            messages=messages, add_generation_prompt=begins, tools=None, documents=None, **special
        ):
            parts.append(part)
            n += len(part)
            if n > LONGEST or time.monotonic() > end:
                raise TokenizerError("The chat template makes too long a text; it may be damaged.")
    except Refused as error:
        raise TokenizerError(f"The chat template refuses this: {first_line(error)}") from error
    except TokenizerError:
        raise
    except Exception as error:  # a template is a program of somebody else's
        raise TokenizerError(f"The chat template can't be used: {first_line(error)}") from error
    return "".join(parts)


def _spans(text: str, turns: Sequence[Turn]) -> list[tuple[int, int]]:
    """Where each turn's words stand: most templates strip white space around them."""
    found: list[tuple[int, int]] = []
    at = 0
    for turn in turns:
        said = turn.content.strip()
        start = text.find(said, at) if said else -1
        if start < 0:
            found.append((0, 0))
        else:
            at = start + len(said)
            found.append((start, at))
    return found
