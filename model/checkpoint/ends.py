"""Which ids end a text, by what lies beside a network's weights.

generation_config.json says it, else config.json: one id or several, since chat models end a turn
with another token than a text. Knows ids; no tokenizer, no weight.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.stored import parse_json, read_text

GENERATION = "generation_config.json"
_LARGEST = 4 * 2**20
_KEY = "eos_token_id"


def ends_of_folder(hf: Mapping[str, Any], folder: Path) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The ends of a Hugging Face folder, as transformers' `generate` takes them.

    A damaged generation_config.json is no reason to refuse a model.

    Args:
        hf: the whole of config.json.
        folder: where it lies.

    Returns:
        The ids, none where nothing is said; and what a person should know.
    """
    file = folder / GENERATION
    said: list[str] = []
    if os.path.lexists(file):
        try:
            settings = parse_json(read_text(file, _LARGEST, "settings"))
            if not isinstance(settings, dict):
                raise ValueError("it is no JSON object")
        except (CheckpointError, ValueError) as error:
            why = str(error).removeprefix(f"{file} ")[:160].rstrip(".")
            said.append(f"{GENERATION} can't be read ({why}); config.json says where texts end.")
        else:
            ids, strange = whole_ids(settings.get(_KEY))
            if strange:
                said.append(_not_ids(GENERATION, strange))
            if ids:
                return ids, tuple(said)
    text = hf.get("text_config")  # a network that also reads pictures
    for place in (hf, text if isinstance(text, Mapping) else {}):
        ids, strange = whole_ids(place.get(_KEY))
        if strange:
            said.append(_not_ids("config.json", strange))
        if ids:
            return ids, tuple(said)
    return (), tuple(said)


def whole_ids(value: object) -> tuple[tuple[int, ...], str]:
    """The ids in one id or a list of them, each once; and the first entry that is none.

    Negative ids, which some files write for "none", are left out.
    """
    entries = list(value) if isinstance(value, list | tuple) else [value]
    ids: list[int] = []
    strange = ""
    for entry in entries:
        if entry is None:
            continue
        if isinstance(entry, bool) or not isinstance(entry, int):
            strange = strange or repr(entry)[:60]
        elif entry >= 0:
            ids.append(entry)
    return tuple(dict.fromkeys(ids)), strange


def _not_ids(file: str, strange: str) -> str:
    return f"{file} names {strange} as {_KEY}, which is no token id; it ends no text here."
