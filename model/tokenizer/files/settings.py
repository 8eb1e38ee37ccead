"""What stands beside a tokenizer's file: tokenizer_config.json, and the files that it replaced.

Read as transformers 5 reads them: where tokenizer_config.json lists its added tokens, it is alone;
else special_tokens_map.json counts before it, and added_tokens.json adds to it. Knows files and
names; no vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.tokenizer.files.errors import first_line
from model.tokenizer.files.found import NAMED, added_tokens, name_of, own_tokens

SETTINGS = "tokenizer_config.json"
SPECIAL, ADDED, CONFIG = "special_tokens_map.json", "added_tokens.json", "config.json"
CHAT = "chat_template.jinja"
"""Counts before the template in tokenizer_config.json."""
BESIDE = (SETTINGS, SPECIAL, ADDED)

_LARGEST = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Beside:
    """What was found.

    Attributes:
        settings: as in tokenizer_config.json, completed by the older files.
        model_type: config.json's; empty where it has none.
        config_class: config.json's ``tokenizer_class``; empty where it has none.
        notes: which of the files can't be read, one sentence each.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    model_type: str = ""
    config_class: str = ""
    notes: tuple[str, ...] = ()

    @property
    def with_kind(self) -> dict[str, Any]:
        """The settings, with ``model_type`` where no class says which family it is."""
        known = self.settings.get("tokenizer_class") or self.config_class
        return self.settings | (
            {"tokenizer_class": known} if known else {"model_type": self.model_type}
        )


def read_beside(folder: Path) -> Beside:
    """The settings of a folder's tokenizer.

    A damaged file is no reason to refuse the model: it only says how tokens are used.
    """
    notes: list[str] = []
    settings = _read(folder / SETTINGS, notes)
    if not isinstance(settings.get("added_tokens_decoder"), Mapping):
        settings.pop("added_tokens_decoder", None)
        own = settings.get("extra_special_tokens") or settings.get("additional_special_tokens")
        for key, value in _read(folder / SPECIAL, notes).items():
            if key == "extra_special_tokens" and isinstance(own, list) and isinstance(value, list):
                settings[key] = [*own, *(_special(token) for token in value if token not in own)]
            elif key != "additional_special_tokens" or not own:
                settings[key] = _special(value)
        named = {name for _, name in _names(settings)}
        added = {}
        for name, id in _read(folder / ADDED, notes).items():
            if isinstance(id, int) and name:
                special = name in named
                added[str(id)] = {"content": name, "special": special, "normalized": not special}
        if added:
            settings["added_tokens_decoder"] = added
    elif added_tokens(settings):
        settings["added_tokens_decoder"] = {
            str(id): about for id, about in added_tokens(settings).items()
        }
    template = _text(folder / CHAT, notes)
    if template:
        settings["chat_template"] = template
    if not isinstance(settings.get("tokenizer_class"), str):
        settings.pop("tokenizer_class", None)
    config = _read(folder / CONFIG, [])  # who opens the model says what is wrong with it
    model_type, config_class = config.get("model_type"), config.get("tokenizer_class")
    return Beside(
        settings,
        model_type if isinstance(model_type, str) else "",
        config_class if isinstance(config_class, str) else "",
        tuple(notes),
    )


def _special(value: Any) -> Any:
    """A whole token of special_tokens_map.json, which need not say that it is special."""
    return value | {"special": True} if isinstance(value, dict) and name_of(value) else value


def _names(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Role and name of every token that is special by its place; the role may be empty."""
    for role in NAMED:
        if (name := name_of(settings.get(role))) is not None:
            yield role, name
    for token in own_tokens(settings):
        if (name := name_of(token)) is not None:
            yield "", name


def _text(path: Path, notes: list[str]) -> str:
    """A text file; empty where there is none, with a note where it can't be read."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        notes.append(f"{path.name} can't be read ({why}); turns of a talk have no template.")
        return ""


def _read(path: Path, notes: list[str]) -> dict[str, Any]:
    """A JSON object; empty where there is none, with a note where there should be one."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        value = json.loads(path.read_text(encoding="utf-8-sig"))  # editors leave a mark there
        if not isinstance(value, dict):
            raise ValueError("it is no JSON object")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        notes.append(f"{path.name} can't be read ({why}); what it says of tokens is not used.")
        return {}
    return value
