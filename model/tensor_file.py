"""Write tensors to a safetensors file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write beside, then rename.

    Args:
        path: the file; one that is there is replaced.
        tensors: by name; no two may share memory.
        metadata: for the file's header; ``{"format": "pt"}`` is what transformers asks for.

    Raises:
        OSError: the disk refuses.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        # safetensors 0.8 makes files that only their owner may read, so the mode is taken from an
        # ordinary file.
        beside.touch()
        mode = beside.stat().st_mode
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()},
            beside,
            metadata=dict(metadata),
        )
        beside.chmod(mode)
        beside.replace(path)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    finally:
        beside.unlink(missing_ok=True)
