"""What a soak opens: whole checkpoints, and what people open by mistake.

Writes into a folder of its own; knows no Qt.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from resources import STORY_WORLD


def make_files(folder: Path) -> tuple[list[str], list[str]]:
    """Good and bad places, as paths.

    Args:
        folder: to be filled; exists.
    """
    from tests.small_models import MAKERS

    good = [str(STORY_WORLD)]
    good += [str(MAKERS[name](folder / name)) for name in ("bert", "gemma", "mixtral")]
    return good, _bad(folder)


def _bad(folder: Path) -> list[str]:
    empty = folder / "empty"
    empty.mkdir()
    text = folder / "notes.txt"
    text.write_text("No model is here.\n", encoding="utf-8")
    noise = folder / "noise.gguf"
    noise.write_bytes(bytes(range(256)) * 40)
    places = [str(empty), str(text), str(noise), str(folder / "nothing-is-here"), "", "a/b"]
    for name, mistake in (("cut", _cut), ("config", _break_config), ("without", _lose_tokenizer)):
        copy = folder / name
        shutil.copytree(STORY_WORLD, copy)
        mistake(copy)
        places.append(str(copy))
    return places


def _cut(checkpoint: Path) -> None:
    weights = checkpoint / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])


def _break_config(checkpoint: Path) -> None:
    (checkpoint / "config.json").write_text('{"model_type": ["nothing"]', encoding="utf-8")


def _lose_tokenizer(checkpoint: Path) -> None:
    (checkpoint / "tokenizer.json").unlink()
