"""Typed values out of a GGUF file's metadata, which anyone may have written.

Every function names the file and the key that it can't use. Knows no architecture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from model.checkpoint.errors import CheckpointError
from model.checkpoint.stored import StoredTensor, read_exactly, reading

# Sizes and factors of published models are far below.
_LARGEST = 2**31
_MOST_FACTORS = 65_536


class Keys:
    """The keys of one architecture.

    Args:
        metadata: all key-values of the file.
        architecture: what the keys begin with.
        tensors: of the file.
        path: the file.
    """

    def __init__(
        self,
        metadata: Mapping[str, Any],
        architecture: str,
        tensors: Mapping[str, StoredTensor],
        path: Path,
    ) -> None:
        self._metadata = metadata
        self._architecture = architecture
        self._tensors = tensors
        self._path = path

    @property
    def d_vocab(self) -> int:
        """Rows of the token embedding: the one size that every file has right."""
        tensor = self._tensors.get("token_embd.weight")
        if tensor is None or len(tensor.shape) != 2:
            raise CheckpointError(
                f"{self._path} has no token embedding (token_embd.weight): it is no whole model. "
                "Take the file of the whole model."
            )
        return tensor.shape[0]

    def has(self, tensor: str) -> bool:
        """Whether the file has a tensor."""
        return tensor in self._tensors

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number of 0 or more; of a list of equal ones, that one."""
        value = self._value(key)
        if isinstance(value, list) and value and all(item == value[0] for item in value):
            value = value[0]
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST:
            raise self.unusable(key, "a whole number")
        return value

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        value = self._value(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.unusable(key, "a number")
        if not math.isfinite(value):
            raise self.unusable(key, "a finite number")
        # Numbers are stored in float32: 9.999999747378752e-06 was 1e-05.
        return float(str(np.float32(value)))

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._value(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.unusable(key, "true or false")
        return value

    def text(self, key: str, default: str) -> str:
        value = self._value(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.unusable(key, "a text")
        return value

    def numbers(self, name: str) -> list[float]:
        """The numbers of a small tensor of float32: factors that belong to the config."""
        tensor = self._tensors.get(name)
        if tensor is None or tensor.dtype != "float32" or tensor.n > _MOST_FACTORS:
            raise CheckpointError(
                f"{self._path}: tensor {name!r} is missing or no list of factors."
            )
        with reading(tensor.path) as (file, _):
            file.seek(tensor.offset)
            raw = read_exactly(file, tensor.n_bytes, tensor.path)
        return [float(str(value)) for value in np.frombuffer(raw, np.float32)]

    def llama3_scaling(self, base: float, d_head: int) -> dict[str, Any] | None:
        """The rotary scaling of Llama 3.1 and later, of which the file only has the factors.

        The published models have one form of it and differ in its factor, which is the largest
        that is stored. Found, it must give the stored ones.
        """
        stored = np.asarray(self.numbers("rope_freqs.weight"))
        if np.allclose(stored, 1.0):
            return None
        factor = float(stored.max())
        wavelengths = 2 * math.pi * base ** (np.arange(0, d_head, 2) / d_head)
        low, high = 8192 / 1.0, 8192 / 4.0
        smooth = np.clip((8192 / wavelengths - 1.0) / (4.0 - 1.0), 0, 1)
        between = 1 / ((1 - smooth) / factor + smooth)
        factors = np.where(wavelengths < high, 1.0, np.where(wavelengths > low, factor, between))
        if len(stored) != len(factors) or not np.allclose(stored, factors, rtol=1e-4):
            raise CheckpointError(
                f"{self._path}: its rotary factors (rope_freqs.weight) are not of Llama 3's form, "
                "which is the one that is known; open the model's original files instead."
            )
        return {
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        }

    def unusable(self, key: str, wanted: str) -> CheckpointError:
        value = repr(self._value(key))
        shown = value if len(value) <= 60 else value[:57] + "…"
        return CheckpointError(
            f"{self._path}: {self._architecture}.{key} is {shown}; {wanted} fits. The file was "
            "converted by another program than llama.cpp, or is damaged."
        )

    def _value(self, key: str) -> Any:
        return self._metadata.get(f"{self._architecture}.{key}")
