"""Open a checkpoint: look at its headers, see that everything fits, then read it in slices.

Nothing in a file is ever run, and no weight is read before the names and shapes of all tensors
are known to fit, and the memory that they need to be free.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import Family, Headed, family_of
from model.checkpoint.memory import free_bytes
from model.checkpoint.sources import Source, source_of
from model.checkpoint.stored import ITEM_BYTES, WEIGHT_DTYPES, StoredTensor, unreadable
from model.checkpoint.values import Config, where
from model.checkpoint.weights import Read, read_weights
from model.config import ConfigError, TransformerConfig
from model.preview import file_size
from model.tokenizer import Tokenizer
from model.transformer import Transformer

DTYPES = ("float32", "bfloat16", "float16")
"""What weights can be opened in, the exactest first."""

# Beside the weights: buffers of the reading, one layer's joined projections.
_WORKING_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network and its tokenizer, as read from disk.

    Attributes:
        transformer: in evaluation mode, on the device that was asked for.
        tokenizer: None if there is none; then only ids can be run.
        family: config.json's model_type.
        path: the folder or file that it is known by.
        dtype: of the weights in memory.
        format: ``safetensors``, ``PyTorch``, ``nanoGPT``, ``minGPT`` or ``GGUF``.
        notes: what a person should know of it, one sentence each.
    """

    transformer: Transformer
    tokenizer: Tokenizer | None
    family: str
    path: Path
    dtype: torch.dtype
    format: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpeningSlice:
    """How far an opening is.

    Attributes:
        done_bytes, total_bytes: of the files' weights.
        what: what is being done, for a person.
    """

    done_bytes: int
    total_bytes: int
    what: str


@dataclass(frozen=True, slots=True)
class Fitting:
    """A checkpoint whose headers fit together.

    Attributes:
        source: as its format describes it.
        family: that it belongs to.
        config: of its network; it may still turn out that the unembedding is not tied.
        tensors: its weights by their canonical names.
        transformer: the network, its weights without memory yet.
        notes: on parts of the file that are no part of the network, one sentence each.
    """

    source: Source
    family: Family
    config: TransformerConfig
    tensors: Mapping[str, StoredTensor]
    transformer: Transformer
    notes: tuple[str, ...] = ()

    @property
    def total_bytes(self) -> int:
        """Of the weights in the files, those that are views of one another once."""
        places = {(t.path, t.offset, t.n_bytes) for t in self.tensors.values()}
        return sum(n_bytes for _, _, n_bytes in places)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """In which the weights are stored, the most used first."""
        numbers: dict[str, int] = {}
        for tensor in self.tensors.values():
            numbers[tensor.dtype] = numbers.get(tensor.dtype, 0) + tensor.n
        return tuple(sorted(numbers, key=lambda dtype: -numbers[dtype]))

    def needed_bytes(self, dtype: str) -> int:
        """Memory that opening in a dtype takes."""
        places = {(t.path, t.offset, t.shape): t.n for t in self.tensors.values()}
        return sum(places.values()) * ITEM_BYTES[dtype] + _WORKING_BYTES


def open_checkpoint(
    path: str | Path, dtype: torch.dtype | None = None, device: str = "cpu"
) -> Checkpoint:
    """Open what people have: see `model.checkpoint.sources.source_of`.

    Args:
        path: folder or file.
        dtype: of the weights in memory; None takes the file's own if that fits, else a smaller.
        device: where the weights go.

    Raises:
        CheckpointError: it can't be opened; the message says why and what to do.
    """
    steps = opening(path, dtype, device)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            checkpoint: Checkpoint = stop.value
            return checkpoint


def opening(
    path: str | Path, dtype: torch.dtype | None = None, device: str = "cpu"
) -> Generator[OpeningSlice, None, Checkpoint]:
    """The same in slices: between two, other things can be done, or it can be given up.

    Raises:
        CheckpointError: as `open_checkpoint`.
    """
    try:
        return (yield from _opening(Path(path), dtype, device))
    except OSError as error:  # a place that may not be read, a disk that fails
        raise unreadable(path, error) from error
    except MemoryError as error:
        raise CheckpointError(
            f"{path} needs more memory than this machine gives; close other programs, or open it "
            "in a smaller dtype."
        ) from error


def _opening(
    path: Path, dtype: torch.dtype | None, device: str
) -> Generator[OpeningSlice, None, Checkpoint]:
    fitting = fit(source_of(path))
    source, family, config = fitting.source, fitting.family, fitting.config
    total = fitting.total_bytes
    chosen, notes = choose_dtype(fitting, dtype, device)
    yield OpeningSlice(0, total, "reading the tokenizer")
    tokenizer = tokenizer_of(source, config)
    yield OpeningSlice(0, total, f"reading {source.path.name}")

    reading = read_weights(fitting.tensors, chosen, device, source.adapt)
    while True:
        try:
            done = next(reading)
        except StopIteration as stop:
            read: Read = stop.value
            break
        yield OpeningSlice(done.done_bytes, total, f"reading {done.path.name}")
    yield OpeningSlice(total, total, "building the network")

    tensors, transformer = read.tensors, fitting.transformer
    if config.tied_embeddings:
        unembedding, embedding = (tensors.pop(name, None) for name in family.tied_names)
        if embedding is not None:
            tensors[family.tied_names[1]] = embedding
        if unembedding is not None and not _equal(unembedding, embedding):
            # As transformers does: what is stored wins over what the config says.
            config = replace(config, tied_embeddings=False)
            transformer = _without_memory(config)
            tensors[family.tied_names[0]] = unembedding
    # Each tensor is given away when it is asked for, so that what is joined is not there twice.
    transformer.adopt(family.state_from_hf(_Given(tensors), config))
    transformer.eval()
    notes = (
        *source.notes,
        *fitting.notes,
        *notes,
        *read.notes,
        *(() if tokenizer is None else tokenizer.notes),
    )
    return Checkpoint(
        transformer,
        tokenizer,
        family.model_type,
        source.path,
        chosen,
        source.format,
        notes,
    )


def fit(source: Source) -> Fitting:
    """See that config and headers describe one network, exactly.

    Raises:
        CheckpointError: they don't; the message names the key or tensor.
    """
    hf = source.hf
    if hf.get("quantization_config"):
        raise CheckpointError(
            f"{where(hf)} says that the weights are quantised (quantization_config), in a way that "
            "is not supported; take the model's original weights, or a GGUF file of it."
        )
    family = family_of(hf)
    headed = family if isinstance(family, Headed) else None
    if headed is not None and not hf.get("architectures"):
        architecture = headed.architecture_of(list(source.tensors))
        hf = Config({**hf, "architectures": [architecture]}, where(hf))
    config = config_of(family, hf)
    tensors: dict[str, StoredTensor] = {}
    left_out: dict[str, int] = {}
    for name, tensor in source.tensors.items():
        canonical = family.canonical_name(name)
        if canonical is None:
            continue
        part = None if headed is None else headed.left_out(canonical, config)
        if part is not None:
            if part:
                left_out[part] = left_out.get(part, 0) + 1
            continue
        if canonical in tensors:
            raise CheckpointError(
                f"{tensor.path} holds {canonical!r} twice, under two names; which one is meant "
                "can't be told."
            )
        tensors[canonical] = tensor
    # Before anything is built: a damaged config may ask for more than any memory holds.
    stored = sum(tensor.n for tensor in tensors.values())
    if config.n_params > 10 * stored:
        raise CheckpointError(
            f"{where(hf)} describes a network of {config.n_params:,} parameters, but the weights "
            f"beside it hold {stored:,} numbers: they do not belong together."
        )
    transformer = _without_memory(config)
    fitting = Fitting(source, family, config, tensors, transformer, _left_out(left_out))
    _check(fitting)
    return fitting


def config_of(family: Family, hf: Mapping[str, Any]) -> TransformerConfig:
    """The network's shape, as its family reads it.

    Raises:
        CheckpointError: a key does not fit; the message says where it stands.
    """
    try:
        return family.config_from_hf(hf)
    except ConfigError as error:
        raise CheckpointError(f"{where(hf)} fits no network: {error}") from error
    except CheckpointError as error:
        # What a family looks at may be a part of the config, which knows no place.
        message = str(error)
        if where(hf) not in message:
            message = message.replace("config.json", where(hf), 1)
        raise CheckpointError(message) from error


def _left_out(parts: Mapping[str, int]) -> tuple[str, ...]:
    """What to say of the parts of a file that are no part of the network, with their tensors."""
    if not parts:
        return ()
    named = [f"{part} ({n} {'tensor' if n == 1 else 'tensors'})" for part, n in parts.items()]
    return (f"Left out, since they are for another task: {', '.join(named)}.",)


def choose_dtype(
    fitting: Fitting, wanted: torch.dtype | None, device: str
) -> tuple[torch.dtype, tuple[str, ...]]:
    """The dtype to open in, and what to say of the choice.

    Raises:
        CheckpointError: the memory that is free does not hold it, not even in the smallest dtype.
    """
    own = stored_dtype(fitting)
    free = free_bytes(device)
    place = "memory" if device == "cpu" else f"memory on {device}"
    asked = own if wanted is None else str(wanted).removeprefix("torch.")
    if fitting.needed_bytes(asked) <= free:
        return _torch(asked), ()
    smaller = smaller_that_fits(fitting, asked, free)
    needed = f"needs {file_size(fitting.needed_bytes(asked))} of {place} in {asked}"
    if wanted is None and smaller:
        return _torch(smaller), (
            f"It {needed}, of which {file_size(free)} were free: opened in {smaller}.",
        )
    name = fitting.source.path.name
    if smaller:
        raise CheckpointError(
            f"{name} {needed}, and {file_size(free)} are free; open it in {smaller}, which needs "
            f"{file_size(fitting.needed_bytes(smaller))}."
        )
    raise CheckpointError(
        f"{name} {needed}, and {file_size(free)} are free; close other programs, or take a "
        "smaller model."
    )


def stored_dtype(fitting: Fitting) -> str:
    """The dtype that loses no digit of what is stored."""
    widest: torch.dtype | None = None
    for tensor in fitting.tensors.values():
        # What is quantised is a small number times a scale: more digits than half precision has.
        dtype = torch.float32 if tensor.quantised else _torch(tensor.dtype)
        widest = dtype if widest is None else torch.promote_types(widest, dtype)
    return str(widest).removeprefix("torch.")


def smaller_that_fits(fitting: Fitting, dtype: str, free: int) -> str | None:
    """The exactest dtype smaller than this one that fits into what is free."""
    for smaller in DTYPES:
        if ITEM_BYTES[smaller] < ITEM_BYTES[dtype] and fitting.needed_bytes(smaller) <= free:
            return smaller
    return None


def tokenizer_of(source: Source, config: TransformerConfig) -> Tokenizer | None:
    """The tokenizer, if it belongs to the network.

    Raises:
        CheckpointError: it is damaged, or has more tokens than the network embeds.
    """
    tokenizer = source.tokenizer.read()
    if tokenizer is not None and tokenizer.n_base_tokens > config.d_vocab:
        raise CheckpointError(
            f"The tokenizer of {source.path} has {tokenizer.n_base_tokens} tokens, but the network "
            f"embeds {config.d_vocab}: they do not belong together."
        )
    return tokenizer


class _Given(Mapping[str, Tensor]):
    """Tensors that are given away: who asks for one is the only one who has it."""

    def __init__(self, tensors: MutableMapping[str, Tensor]) -> None:
        self._tensors = tensors

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors.pop(name)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def _equal(one: Tensor, other: Tensor | None) -> bool:
    if other is None or one is other:
        return True
    return one.shape == other.shape and torch.equal(one, other)


def _check(fitting: Fitting) -> None:
    """Refuse a file whose names, shapes or dtypes are not exactly this network's."""
    source, family, config = fitting.source, fitting.family, fitting.config
    tensors = fitting.tensors
    expected = _expected(fitting)
    missing = [name for name in expected if name not in tensors]
    unembedding, embedding = family.tied_names
    if missing:
        raise CheckpointError(
            f"The weights in {source.path} lack {_some(missing)}; they are not complete, or "
            f"{_config_file(fitting)} belongs to another model."
        )
    tied = {unembedding} if config.tied_embeddings else set()
    if tied & tensors.keys():
        expected |= {unembedding: expected[embedding]}
    for name, shape in expected.items():
        tensor = tensors[name]
        if tensor.shape != shape:
            raise CheckpointError(
                f"Tensor {tensor.name!r} in {tensor.path} has shape {list(tensor.shape)}, but "
                f"{_config_file(fitting)} asks for {list(shape)}; one of the files belongs to "
                "another model."
            )
        if not tensor.quantised and tensor.dtype not in WEIGHT_DTYPES:
            raise CheckpointError(
                f"{tensor.path}: tensor {tensor.name!r} is stored as {tensor.dtype}; weights in "
                f"{', '.join(WEIGHT_DTYPES)} are supported. Save the model in one of these."
            )
        if tensor.quantised and source.format != "GGUF":
            raise CheckpointError(
                f"{tensor.path}: tensor {tensor.name!r} is stored as {tensor.dtype}, which is not "
                f"known; save the model in {', '.join(WEIGHT_DTYPES)}."
            )
    extra = [tensors[name].name for name in tensors if name not in expected]
    if extra:
        raise CheckpointError(
            f"The weights in {source.path} hold {_some(extra)}, which a {family.model_type} of "
            "this config does not have; its numbers would be wrong without. Take the config that "
            "belongs to these weights."
        )


def _without_memory(config: TransformerConfig) -> Transformer:
    """The network on the meta device: its modules are there, its weights have only shapes."""
    with torch.device("meta"):
        return Transformer(config, empty=True)


def _expected(fitting: Fitting) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors that a file must hold, by their canonical names."""
    # One byte each, seen in every place: a family that joins or cuts copies little. Not the meta
    # device: its first join imports a compiler, 1.5 seconds of work.
    byte = torch.zeros(1, dtype=torch.uint8)
    shapes = fitting.transformer.state_dict()
    state = {name: byte.expand(tensor.shape) for name, tensor in shapes.items()}
    in_file = fitting.family.state_to_hf(state, fitting.config)
    absent = fitting.source.absent
    return {name: tuple(t.shape) for name, t in in_file.items() if name not in absent}


def _config_file(fitting: Fitting) -> str:
    """What a message calls the config beside the weights."""
    described = where(fitting.source.hf)
    return "config.json" if described.endswith("config.json") else described


def _torch(name: str) -> torch.dtype:
    found: torch.dtype = getattr(torch, name)
    return found


def _some(names: list[str]) -> str:
    """Up to three names, and how many more."""
    shown = ", ".join(repr(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
