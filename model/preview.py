"""What a checkpoint is, known from its config and headers before any weight is read.

Plain values for the open dialog and the list of recent files. Knows no file format, no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType

from model.counting import counted

PLUS = " + "
"""Between the path of an adapter and that of the model that it changes."""

_NO_NAMES = {"checkpoint", "ckpt", "config", "model", "pytorch_model", "run"}
FILES = {".bin", ".ckpt", ".gguf", ".json", ".pt", ".pth", ".safetensors", ".toml"}
"""Suffixes of the files that a model lies in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A checkpoint before it is opened.

    Where `problem` is a sentence, what could not be found out is 0 or empty.

    Attributes:
        path: the file or folder that was asked about.
        format: how it is stored: ``safetensors``, ``PyTorch``, ``nanoGPT``, ``minGPT``, ``GGUF``.
        family: config.json's model_type, or what stands for it in another format.
        title: the family as its authors write it: ``gpt2`` is GPT-2; empty where it is not known.
        n_params: parameters, tied ones once.
        parts: parameters by part (embedding, attention, mlp, norm, unembedding, …).
        n_layers, n_heads, n_kv_heads, d_model, n_ctx, d_vocab: sizes.
        tokenizer: what kind, or why there is none.
        dtypes: in which the weights are stored, the most used first.
        stored: the dtype that loses no digit of them; empty where it is not known.
        file_bytes: of all files that hold weights.
        needed: dtype -> bytes of memory that opening in it takes, for each that can be chosen.
        free_bytes: memory that is free on the device where the weights would go.
        device: that device.
        dtype: the proposed dtype: the file's own if it fits, else a smaller one, else empty;
            float32 where the processor is slow at the file's own.
        notes: what a person should know beside it, one sentence each.
        problem: the sentence why it can't be opened and what to do, or None.
        needs_base: whether it is an adapter whose model was not found: a person may name it.
        on_hub: whether the path is a name on a hub.
    """

    path: str
    format: str = ""
    family: str = ""
    title: str = ""
    n_params: int = 0
    parts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    n_layers: int = 0
    n_heads: int = 0
    n_kv_heads: int = 0
    d_model: int = 0
    n_ctx: int = 0
    d_vocab: int = 0
    tokenizer: str = ""
    dtypes: tuple[str, ...] = ()
    stored: str = ""
    file_bytes: int = 0
    needed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    free_bytes: int = 0
    device: str = "cpu"
    dtype: str = ""
    notes: tuple[str, ...] = ()
    problem: str | None = None
    on_hub: bool = False
    needs_base: bool = False

    @property
    def line(self) -> str:
        """One line for a list: what is known of family, size, shape, tokenizer, dtype, file."""
        parts = [
            self.title or self.family,
            short_count(self.n_params) if self.n_params else "",
            f"{counted(self.n_layers, 'layer')} × {counted(self.n_heads, 'head')}"
            if self.n_layers
            else "",
            self.tokenizer,
            " + ".join(self.dtypes),
            file_size(self.file_bytes) if self.file_bytes else "",
        ]
        return " · ".join(part for part in parts if part)


def checkpoint_name(path: str | PurePath) -> str:
    """What a checkpoint is called: its own name, or its folder's where it says nothing.

    Every nanoGPT lies in a ``ckpt.pt``, and half of all weights in a ``model.safetensors``. A
    snapshot of a run goes by its run, too.
    """
    path = PurePath(path)
    step = path.name.removeprefix("step-")
    if path.parent.name == "snapshots" and step.isdecimal() and path.parent.parent.name:
        return f"{path.parent.parent.name} · step {int(step):,}"
    stem = path.name.partition(".")[0].partition("-0")[0]
    says_nothing = stem in _NO_NAMES and path.suffix in FILES
    return (path.parent.name if says_nothing else "") or path.name


def short_count(n: int) -> str:
    """A number of parameters with three digits at most: 860k, 124M, 1.24B."""
    for unit, suffix in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        # 999,950 is 1M, not 1000k.
        if n >= unit - unit // 2000:
            return f"{_three_digits(n / unit)}{suffix}"
    return str(n)


def file_size(n_bytes: int) -> str:
    """Bytes in decimal units, as file managers show them: 498 MB, 2.47 GB."""
    for unit, suffix in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if n_bytes >= unit - unit // 2000:
            return f"{_three_digits(n_bytes / unit)} {suffix}"
    return counted(n_bytes, "byte")


def _three_digits(value: float) -> str:
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
