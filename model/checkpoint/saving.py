"""Save a network as a Hugging Face folder that transformers loads as it is."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import FAMILIES
from model.checkpoint.weights import SINGLE
from model.tensor_file import write_tensors
from model.tokenizer import Tokenizer
from model.transformer import Transformer


def save_checkpoint(
    folder: str | Path,
    transformer: Transformer,
    tokenizer: Tokenizer | None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write config.json, model.safetensors and the tokenizer's files.

    The folder appears whole or not at all. An older checkpoint in its place is replaced file by
    file, each of them whole; what else lies there stays.

    Args:
        folder: to be made; or a checkpoint to be replaced.
        transformer: the network; stored in the dtype that it has.
        tokenizer: its tokenizer, if there is one.
        extra: further keys for config.json.

    Returns:
        The folder.

    Raises:
        CheckpointError: no family that can be saved describes the network, the folder holds
            other things, or the disk refuses.
    """
    folder = Path(folder)
    family = FAMILIES["gpt2"]
    dtype = str(transformer.embed.weight.dtype).removeprefix("torch.")
    hf = family.config_to_hf(transformer.config) | {"dtype": dtype, "torch_dtype": dtype}
    # transformers' own default is GPT-2's 50256, which a smaller vocabulary does not have.
    end = None if tokenizer is None else tokenizer.end_of_text
    hf |= {"bos_token_id": end, "eos_token_id": end, **(extra or {})}
    beside = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.part"
    try:
        if folder.exists() and not (folder / "config.json").exists() and any(folder.iterdir()):
            raise CheckpointError(
                f"{folder} holds other files and is no checkpoint; choose a new or an empty folder."
            )
        beside.mkdir(parents=True)
        try:
            (beside / "config.json").write_text(json.dumps(hf, indent=2) + "\n", encoding="utf-8")
            state = {name: tensor.detach() for name, tensor in transformer.state_dict().items()}
            tensors = family.state_to_hf(state, transformer.config)
            write_tensors(beside / SINGLE, tensors, {"format": "pt"})
            if tokenizer is not None:
                tokenizer.save(beside)
            if (folder / "config.json").exists():
                for file in sorted(beside.iterdir()):
                    file.replace(folder / file.name)
            else:
                if folder.exists():
                    folder.rmdir()
                beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise CheckpointError(f"{folder} can't be written: {error.strerror or error}.") from error
    return folder
