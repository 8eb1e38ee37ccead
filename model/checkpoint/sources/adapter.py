"""Where a LoRA adapter's base lies: what its folder names, or what a person adds with a plus.

An adapter is changes to a model that is not in it. ``ADAPTER + BASE``, two paths with a plus
between blanks, means the adapter on that base; without one its own adapter_config.json is
believed. Reads no weight; how factors become weights is `model.lora`'s.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from model.checkpoint.errors import CheckpointError, NoBaseError
from model.checkpoint.sources.foreign import holds_no_weights
from model.checkpoint.stored import parse_json, read_text
from model.preview import PLUS

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
_WEIGHTS = frozenset({".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf"})
_LARGEST_CONFIG = 4 * 2**20


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no whole model: its base's config.json may be there."""
    if not os.path.isfile(folder / CONFIG_FILE):  # noqa: PTH113 - Path's raises for a name too long
        return False
    return not any(
        file.suffix in _WEIGHTS and not holds_no_weights(file.name) for file in folder.iterdir()
    )


def halves(path: Path) -> tuple[Path, Path] | None:
    """Of ``ADAPTER + BASE`` both; None for any other path, one that has a plus in its name too."""
    if os.path.lexists(path):
        return None
    adapter, plus, base = str(path).partition(PLUS)
    if not plus or not is_adapter(Path(adapter)):
        return None
    return Path(adapter), Path(base.strip()).expanduser()


def is_there(path: Path) -> bool:
    """Whether something lies at a path, or at both halves of one with a plus."""
    both = halves(path)
    return os.path.lexists(path) or (both is not None and os.path.lexists(both[1]))


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """adapter_config.json.

    Raises:
        CheckpointError: it can't be read, or is no JSON object.
    """
    path = folder / CONFIG_FILE
    try:
        found = parse_json(read_text(path, _LARGEST_CONFIG, "an adapter's config"))
    except CheckpointError:
        raise
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is no JSON object; get it again from where it came from.")
    return found


def base_named(folder: Path) -> str:
    """The model that an adapter says it changes; empty where it says none.

    Raises:
        CheckpointError: its config can't be read.
    """
    base = read_adapter_config(folder).get("base_model_name_or_path")
    return base if isinstance(base, str) else ""


def base_of_adapter(folder: Path) -> Path:
    """Where the model lies that an adapter changes.

    Looked for at the place that the adapter names, from its own folder too, in the hub's cache,
    and, of an adapter that one of our runs wrote, at that run's first snapshot.

    Raises:
        NoBaseError: it is not found; the message says how to name it.
    """
    named = base_named(folder)
    whole = folder.absolute()
    places = [Path(named).expanduser(), folder / named] if named and "\0" not in named else []
    places += [above / "snapshots" / "step-000000" for above in whole.parents[:2]]
    for place in places:
        if os.path.exists(place) and place.absolute() != whole:  # noqa: PTH110 - long names
            return Path(os.path.abspath(place))  # noqa: PTH100 - Path.resolve follows links
    cached = _in_cache(named)
    if cached is not None:
        return cached
    what = f"a model, {named[:100]}," if named else "a model, which it does not name,"
    raise NoBaseError(
        f"{folder} holds an adapter ({CONFIG_FILE}): changes to {what} that is not in it and was "
        f"not found. Choose its base: {folder}{PLUS}BASE, with the path of that model for BASE."
    )


def _in_cache(name: str) -> Path | None:
    from model.hub import is_hub_name
    from model.hub.known import cached_folder

    return cached_folder(name) if name and is_hub_name(name) else None
