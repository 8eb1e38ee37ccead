"""The text of a run, read by one process and handed to the others as tokens.

So a text is cut once, and needs to lie on one machine only. Knows text and tokenizers by their
files; no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import torch

from model.tokenizer.tokenizer import Tokenizer
from model.train.data import TextData
from model.train.processes.group import Group, OtherEndedError
from model.train.recipe import Recipe

Hand: TypeAlias = "Callable[[TextData, Recipe], None]"


@contextmanager
def handing(group: Group) -> Iterator[Hand]:
    """Around what the first process does before the others can begin: they hear if it fails."""
    handed = False

    def hand(data: TextData, recipe: Recipe) -> None:
        nonlocal handed
        if not group.is_alone:
            handed = True
            group.hand({"data": _packed(data), "recipe": recipe})

    try:
        yield hand
    except BaseException as error:
        if not group.is_alone and not handed:
            group.hand({"failure": str(error) or type(error).__name__})
        raise


def received(group: Group) -> tuple[TextData, Recipe]:
    """What the first process hands over.

    Raises:
        OtherEndedError: it has failed, and says why itself.
    """
    values = group.hand(None)
    if "failure" in values:
        raise OtherEndedError(f"Process 0 can't go on: {values['failure']}")
    return _unpacked(values["data"]), values["recipe"]


def _packed(data: TextData) -> dict[str, Any]:
    """Plain values and tensors; a tokenizer as the files that it is saved as."""
    values = {field.name: getattr(data, field.name) for field in fields(data)}
    with TemporaryDirectory() as name:
        values.pop("tokenizer").save(name)
        values["files"] = {file.name: file.read_bytes() for file in Path(name).iterdir()}
    for key in ("train_ids", "val_ids"):
        ids = values[key]
        if not ids.flags.writeable:  # mapped from a file
            ids = ids.copy()
        values[key] = {"bytes": torch.from_numpy(ids.view(np.uint8)), "dtype": ids.dtype.name}
    return values


def _unpacked(values: dict[str, Any]) -> TextData:
    values = dict(values)
    for key in ("train_ids", "val_ids"):
        values[key] = values[key]["bytes"].numpy().view(values[key]["dtype"])
    with TemporaryDirectory() as name:
        for file, content in values.pop("files").items():
            (Path(name) / file).write_bytes(content)
        return TextData(tokenizer=Tokenizer.from_folder(name), **values)
