"""Checkpoints of nanoGPT and minGPT (github.com/karpathy), told as GPT-2s.

Both are GPT-2s under transformers' names, but for the linear maps, which lie as ``nn.Linear`` has
them (``[out, in]``) and which transformers' GPT-2 stores transposed: a view does. nanoGPT's
network may have no biases, which transformers' can't express; a key of our own says so.
Reads no weight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families.gpt2 import NO_BIAS
from model.checkpoint.sources.foreign import is_foreign_file, refuse_tensors, whose_names
from model.checkpoint.sources.hugging_face import read_object, state_dict
from model.checkpoint.sources.pickle_reader import Nothing, PickleError, read_pickle
from model.checkpoint.sources.source import FolderTokenizer, Source, TokenizerSource
from model.checkpoint.sources.torch_file import read_torch_file
from model.checkpoint.sources.wrappers import unwrapped
from model.checkpoint.stored import StoredTensor, read_exactly, reading
from model.checkpoint.values import MOST_LAYERS, Config
from model.tokenizer.tokenizer import Tokenizer, TokenizerError

_EMBEDDING = "transformer.wte.weight"
NANOGPT_FILE = "ckpt.pt"

_LINEAR = re.compile(
    r"transformer\.h\.\d+\.(attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.weight"
)
_BIASED = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
# Causal masks that old versions keep among the weights.
_MASK = re.compile(r"transformer\.h\.\d+\.attn\.bias")
# The file does not say which: minGPT and nanoGPT's first months have GPT-2's tanh form.
_ACTIVATION = (
    "Its GELU is computed exactly, as nanoGPT does today; a checkpoint of its first months was "
    "trained with the tanh form, which differs by up to 0.0005."
)
_PREPARE = "Write it anew with nanoGPT's prepare.py, or move it away to type token ids."
_PADDED = 50304
_GPT2_TOKENS = 50257
_LARGEST_META = 16 * 2**20
_LARGEST_CONFIG = 2**20
# minGPT's own names of sizes: layers, heads, width.
_MINGPT_SIZES = {
    "openai-gpt": (12, 12, 768),
    "gpt2": (12, 12, 768),
    "gpt2-medium": (24, 16, 1024),
    "gpt2-large": (36, 20, 1280),
    "gpt2-xl": (48, 25, 1600),
    "gopher-44m": (8, 16, 512),
    "gpt-mini": (6, 6, 192),
    "gpt-micro": (4, 4, 128),
    "gpt-nano": (3, 3, 48),
}


def karpathy_source(file: Path) -> Source:
    """A nanoGPT checkpoint, or a state dict of minGPT or nanoGPT.

    Raises:
        CheckpointError: it is neither, or damaged.
    """
    value = read_torch_file(file)
    tensors = _own_names(unwrapped(state_dict(value, file)))
    refuse_tensors(file, tensors)
    if _EMBEDDING not in tensors or "transformer.h.0.attn.c_attn.weight" not in tensors:
        foreign = is_foreign_file(file.name)
        whose = whose_names(tensors)
        if foreign is not None:
            raise CheckpointError(f"{file} is of {foreign[0]}; {foreign[1]}.")
        if whose is not None:
            raise CheckpointError(f"The names in {file} are {whose[0]}; {whose[1]}.")
        raise CheckpointError(
            f"{file} holds tensors, but there is no config.json beside it, and it is no checkpoint "
            "of nanoGPT or minGPT. Copy the config.json that belongs to it into its folder."
        )
    arguments = value.get("model_args") if isinstance(value, dict) else None
    if isinstance(arguments, dict):
        return _nanogpt(file, value, arguments, tensors)
    return _mingpt(file, tensors)


def _own_names(tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Without what a trainer that keeps the network as an attribute puts before all names."""
    for name in tensors:
        if name.endswith(f".{_EMBEDDING}"):
            prefix = name.removesuffix(_EMBEDDING)
            return {other.removeprefix(prefix): tensor for other, tensor in tensors.items()}
    return dict(tensors)


def is_mingpt_config(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is minGPT's, which holds the settings of a whole training."""
    return "model_type" not in config and isinstance(config.get("model"), dict)


def _nanogpt(
    file: Path,
    value: Mapping[str, Any],
    arguments: Mapping[Any, Any],
    tensors: Mapping[str, StoredTensor],
) -> Source:
    names = ("n_layer", "n_head", "n_embd", "block_size", "vocab_size")
    sizes: dict[str, int] = {}
    for name in names:
        size = arguments.get(name)
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise CheckpointError(f"{file}: its model_args have no usable {name!r}; save it anew.")
        sizes[name] = size
    bias = arguments.get("bias", "transformer.h.0.ln_1.bias" in tensors)
    hf = _gpt2(sizes, bool(bias), arguments.get("dropout", 0.0), "gelu")
    settings = value.get("config")
    dataset = settings.get("dataset") if isinstance(settings, dict) else None
    return Source(
        path=file,
        format="nanoGPT",
        hf=Config(hf, f"{file} (its model_args)"),
        tensors=_as_gpt2(tensors),
        absent=frozenset() if bias else _biases(sizes["n_layer"]),
        tokenizer=_tokenizer(file, dataset, sizes["vocab_size"]),
        notes=(_ACTIVATION, *_padding(sizes["vocab_size"])),
    )


def _mingpt(file: Path, tensors: Mapping[str, StoredTensor]) -> Source:
    d_vocab, d_model = _matrix(file, tensors, "transformer.wte.weight")
    n_ctx, _ = _matrix(file, tensors, "transformer.wpe.weight")
    layers = {int(name.split(".")[2]) for name in tensors if name.startswith("transformer.h.")}
    n_layer = len(layers)
    sizes = {
        "n_layer": n_layer,
        "n_head": _n_heads(file, n_layer, d_model),
        "n_embd": d_model,
        "block_size": n_ctx,
        "vocab_size": d_vocab,
    }
    bias = "transformer.h.0.ln_1.bias" in tensors
    return Source(
        path=file,
        format="minGPT",
        hf=Config(_gpt2(sizes, bias, 0.1, "gelu_new"), str(file)),
        tensors=_as_gpt2(tensors),
        absent=frozenset() if bias else _biases(sizes["n_layer"]),
        tokenizer=FolderTokenizer([file.parent]),
    )


def _n_heads(file: Path, n_layer: int, d_model: int) -> int:
    """The one size that shapes don't tell: from config.json, or of a size that minGPT names."""
    path = file.parent / "config.json"
    if path.exists():
        config = read_object(path, _LARGEST_CONFIG, "a config")
        model = config.get("model")
        model = model if isinstance(model, dict) else {}
        heads = model.get("n_head")
        if heads is None and model.get("model_type") in _MINGPT_SIZES:
            heads = _MINGPT_SIZES[model["model_type"]][1]
        if isinstance(heads, int) and not isinstance(heads, bool) and heads > 0:
            return heads
        raise CheckpointError(f"{path}: its model has no 'n_head'; write it there.")
    for layers, heads, width in _MINGPT_SIZES.values():
        if (layers, width) == (n_layer, d_model):
            return heads
    raise CheckpointError(
        f"{file} does not say how many heads its layers have, and no named size of minGPT has "
        f"{n_layer} layers of width {d_model}. Put a config.json beside it that does, for example "
        '{"model": {"n_head": 6}}.'
    )


def _gpt2(sizes: Mapping[str, Any], bias: bool, dropout: Any, activation: str) -> dict[str, Any]:
    return {
        "model_type": "gpt2",
        "n_layer": sizes["n_layer"],
        "n_head": sizes["n_head"],
        "n_embd": sizes["n_embd"],
        "n_positions": sizes["block_size"],
        "vocab_size": sizes["vocab_size"],
        "activation_function": activation,
        "resid_pdrop": dropout,
        NO_BIAS: not bias,
    }


def _as_gpt2(tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Without masks, and linear maps as transposed views."""
    seen = {}
    for name, tensor in tensors.items():
        if _MASK.fullmatch(name):
            continue
        if _LINEAR.fullmatch(name) and len(tensor.shape) == 2:
            rows, columns = tensor.strides or (tensor.shape[1], 1)
            tensor = replace(tensor, shape=tensor.shape[::-1], strides=(columns, rows))
        seen[name] = tensor
    return seen


def _biases(n_layer: int) -> frozenset[str]:
    """What a network without biases lacks."""
    names = {"transformer.ln_f.bias"}
    for layer in range(min(n_layer, MOST_LAYERS)):
        names |= {f"transformer.h.{layer}.{part}.bias" for part in _BIASED}
    return frozenset(names)


def _matrix(file: Path, tensors: Mapping[str, StoredTensor], name: str) -> tuple[int, int]:
    tensor = tensors.get(name)
    if tensor is None or len(tensor.shape) != 2:
        raise CheckpointError(f"{file}: tensor {name!r} is missing or no matrix; copy it again.")
    return tensor.shape[0], tensor.shape[1]


def _padding(d_vocab: int) -> tuple[str, ...]:
    if d_vocab != _PADDED:
        return ()
    return (
        f"Of its {_PADDED:,} embedded ids, the last {_PADDED - _GPT2_TOKENS} only fill up the "
        "table: they stand for no token.",
    )


# Its tokenizer


def _tokenizer(file: Path, dataset: Any, d_vocab: int) -> TokenizerSource:
    """The characters that the training data was cut into, a tokenizer beside the file, or GPT-2's.

    nanoGPT's own sampling takes GPT-2's where there is no table of characters.
    """
    places = [file.parent / "meta.pkl"]
    # nanoGPT writes out-NAME/ckpt.pt and data/DATASET/meta.pkl into one folder.
    if isinstance(dataset, str) and re.fullmatch(r"[\w.-]*\w[\w.-]*", dataset):
        places += [
            base / "data" / dataset / "meta.pkl" for base in (file.parent, file.parent.parent)
        ]
    for place in places:
        if place.is_file():
            return _Characters(place)
    if d_vocab < _GPT2_TOKENS:
        return FolderTokenizer(
            [file.parent],
            "none: type token ids (nanoGPT's meta.pkl beside it would be its characters)",
        )
    return _Gpt2(
        [file.parent],
        "none: type token ids (GPT-2's vocab.json and merges.txt beside it would be its BPE)",
    )


class _Gpt2(FolderTokenizer):
    """A tokenizer beside the checkpoint; without one GPT-2's, if a GPT-2 was ever fetched here."""

    def _folder(self) -> Path | None:
        return super()._folder() or _fetched_gpt2()


def _fetched_gpt2() -> Path | None:
    """Where huggingface_hub's cache has GPT-2's tokenizer; nothing goes over the network."""
    from huggingface_hub import try_to_load_from_cache

    for name in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"):  # one vocabulary for all
        for repo in (f"openai-community/{name}", name):
            for file in ("tokenizer.json", "merges.txt"):
                found = try_to_load_from_cache(repo, file)
                if isinstance(found, str) and Tokenizer.in_folder(Path(found).parent):
                    return Path(found).parent
    return None


class _Characters:
    """nanoGPT's meta.pkl: a character for each id.

    Args:
        path: the file, a pickle of plain values; one that asks for anything else is refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def kind(self) -> str:
        return "characters"

    def read(self) -> Tokenizer:
        with reading(self.path) as (file, stamp):
            if stamp.size > _LARGEST_META:
                raise CheckpointError(
                    f"{self.path} is too large for a table of characters. {_PREPARE}"
                )
            raw = read_exactly(file, stamp.size, self.path)
        try:
            meta, _ = read_pickle(raw, Nothing())
        except PickleError as error:
            raise CheckpointError(
                f"{self.path} can't be read as nanoGPT's table of characters: {error}. {_PREPARE}"
            ) from error
        ids = meta.get("stoi") if isinstance(meta, dict) else None
        if not isinstance(ids, dict):
            raise CheckpointError(
                f"{self.path} has no 'stoi', nanoGPT's table of characters. {_PREPARE}"
            )
        try:
            return Tokenizer.from_characters(ids, str(self.path))
        except TokenizerError as error:
            raise CheckpointError(f"{error} {_PREPARE}") from error

    def check(self) -> None:
        """It is small: reading says the same."""

    def large(self) -> None:
        """There are not that many characters."""
