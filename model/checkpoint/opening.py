"""Open a checkpoint: look at its headers, see that everything fits, then read it in slices.

Nothing in a file is ever run, and no weight is read before the names and shapes of all tensors
are known to fit (`fitting`), and the memory that they need to be free.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from model import precision
from model.checkpoint.errors import CheckpointError, TooLargeError
from model.checkpoint.fitting import Fitting, fit, without_memory
from model.checkpoint.memory import free_bytes
from model.checkpoint.sources import Source, source_of
from model.checkpoint.stored import ITEM_BYTES, unreadable
from model.checkpoint.weights import read_weights
from model.config import TransformerConfig
from model.preview import file_size
from model.slices import finish, retold
from model.tokenizer.client import building
from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from model.transformer import Transformer

DTYPES = ("float32", "bfloat16", "float16")
"""What weights can be opened in, the exactest first."""
NAMED = ("float64", *DTYPES)
"""The same and what is only for comparing."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network and its tokenizer, as read from disk.

    Attributes:
        transformer: in evaluation mode, on the device that was asked for.
        tokenizer: None if there is none; then only ids can be run.
        family: config.json's model_type.
        path: the folder or file that it is known by.
        dtype: of the weights in memory.
        stored: the dtype that loses no digit of what the file stores.
        widened: whether ``dtype`` was chosen here, wider than ``stored``: nobody asked for it.
        format: ``safetensors``, ``PyTorch``, ``nanoGPT``, ``minGPT`` or ``GGUF``.
        notes: what a person should know of it, one sentence each.
        end_ids: ids that end a text, where its files say so.
    """

    transformer: Transformer
    tokenizer: Tokenizer | None
    family: str
    path: Path
    dtype: torch.dtype
    stored: torch.dtype
    widened: bool = False
    format: str = ""
    notes: tuple[str, ...] = ()
    end_ids: tuple[int, ...] = ()


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


def open_checkpoint(
    path: str | Path, dtype: torch.dtype | None = None, device: str = "cpu"
) -> Checkpoint:
    """Open what people have: see `model.checkpoint.sources.source_of`.

    Args:
        path: folder or file.
        dtype: of the weights in memory; None takes the file's own if that fits, else a smaller;
            and float32 for a half precision that the processor is slow at.
        device: where the weights go.

    Raises:
        CheckpointError: it can't be opened; the message says why and what to do.
    """
    return finish(opening(path, dtype, device))


def opening(
    path: str | Path,
    dtype: torch.dtype | None = None,
    device: str = "cpu",
    *,
    in_own_process: bool = False,
) -> Generator[OpeningSlice, None, Checkpoint]:
    """The same in slices: between two, other things can be done, or it can be given up.

    Args:
        path, dtype, device: as of `open_checkpoint`.
        in_own_process: whether a large tokenizer is built in a process of its own: where it would
            hold up other threads of this one.

    Raises:
        CheckpointError: as `open_checkpoint`.
    """
    try:
        return (yield from _opening(Path(path), dtype, device, in_own_process))
    except OSError as error:  # a place that may not be read, a disk that fails
        raise unreadable(path, error) from error
    except (MemoryError, RuntimeError) as error:
        if not _is_no_memory(error):
            raise
        raise CheckpointError(
            f"{path} needs more memory than was given on {device}; close other programs, or open "
            "it in a smaller dtype."
        ) from error


def _is_no_memory(error: Exception) -> bool:
    """Whether an allocation failed; torch has no error of its own for that on the CPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "allocate memory" in str(error)


def _opening(
    path: Path, dtype: torch.dtype | None, device: str, in_own_process: bool
) -> Generator[OpeningSlice, None, Checkpoint]:
    fitting = fit(source_of(path))
    source, config = fitting.source, fitting.config
    total = fitting.total_bytes
    choice = choose_dtype(fitting, dtype, device)
    chosen, notes = choice.dtype, choice.notes
    at_tokenizer = OpeningSlice(0, total, "reading the tokenizer")
    yield at_tokenizer
    tokenizer = yield from _reading_tokenizer(source, config, at_tokenizer, in_own_process)
    yield OpeningSlice(0, total, f"reading {source.path.name}")
    transformer, read_notes = yield from _reading_network(fitting, chosen, device)
    notes = (
        *source.notes,
        *fitting.notes,
        *notes,
        *read_notes,
        *(() if tokenizer is None else tokenizer.notes),
    )
    return Checkpoint(
        transformer,
        tokenizer,
        fitting.family.model_type,
        source.path,
        chosen,
        choice.stored,
        choice.widened,
        source.format,
        notes,
        source.end_ids,
    )


def reading_step(
    path: Path, like: Transformer, device: str
) -> Generator[OpeningSlice, None, Transformer]:
    """The weights of another step of a network that is open, in slices; no tokenizer.

    Args:
        path: of that step: a folder or a file.
        like: the network; the weights come in its dtype.
        device: where they go.

    Raises:
        CheckpointError: it can't be read, there is no memory, or it is another network.
    """
    try:
        fitting = fit(source_of(path))
        dtype = like.embed.weight.dtype
        choose_dtype(fitting, dtype, device)  # is there room?
        transformer, _ = yield from _reading_network(fitting, dtype, device)
    except OSError as error:
        raise unreadable(path, error) from error
    if transformer.config != like.config:
        raise CheckpointError(
            f"{path} is a network of other sizes than the one that is open, so it is no other step "
            "of it; open it by itself."
        )
    return transformer.requires_grad_(False)


def _reading_network(
    fitting: Fitting, dtype: torch.dtype, device: str
) -> Generator[OpeningSlice, None, tuple[Transformer, tuple[str, ...]]]:
    """The network with its weights, and what a person should know of their numbers."""
    source, family, config = fitting.source, fitting.family, fitting.config
    total = fitting.total_bytes
    read = yield from retold(
        read_weights(fitting.tensors, dtype, device, source.adapt),
        lambda done: OpeningSlice(done.done_bytes, total, f"reading {done.path.name}"),
    )
    yield OpeningSlice(total, total, "building the network")

    tensors, transformer = read.tensors, fitting.transformer
    if config.tied_embeddings:
        unembedding, embedding = (tensors.pop(name, None) for name in family.tied_names)
        if embedding is not None:
            tensors[family.tied_names[1]] = embedding
        if unembedding is not None and not _equal(unembedding, embedding):
            # As transformers does: what is stored wins over what the config says.
            config = replace(config, tied_embeddings=False)
            transformer = without_memory(config)
            tensors[family.tied_names[0]] = unembedding
    # Each tensor is given away when it is asked for, so that what is joined is not there twice.
    transformer.adopt(family.state_from_hf(_Given(tensors), config))
    transformer.eval()
    if source.adapter is not None:
        from model.lora.adapter import merge  # which knows families and sources itself
        from model.lora.files import read_adapter

        merge(transformer, read_adapter(source.adapter, family.model_type, config))
    return transformer, read.notes


@dataclass(frozen=True, slots=True)
class DtypeChoice:
    """In which precision a checkpoint is opened.

    Attributes:
        dtype: of the weights in memory.
        stored: that loses no digit of what is stored.
        widened: whether it is wider than what is stored without anybody having asked.
        notes: what a person should know of the choice.
    """

    dtype: torch.dtype
    stored: torch.dtype
    widened: bool = False
    notes: tuple[str, ...] = ()


def choose_dtype(fitting: Fitting, wanted: torch.dtype | None, device: str) -> DtypeChoice:
    """The dtype to open in, and what to say of the choice.

    What is asked for is taken. Otherwise it is the file's own, but float32 where that is a half
    precision at which the processor is slow and the memory holds it.

    Raises:
        CheckpointError: the memory that is free does not hold it, not even in the smallest dtype.
    """
    own = stored_dtype(fitting)
    free = free_bytes(device)
    place = "memory" if device == "cpu" else f"memory on {device}"
    asked = own if wanted is None else str(wanted).removeprefix("torch.")
    slow = ""
    if wanted is None and device == "cpu" and own in precision.HALVES:
        factor = precision.slowdown(own)
        if factor >= precision.SLOW:
            slow = f"Stored in {own}, at which this processor is {factor:.0f} × slower than float32"
            if fitting.needed_bytes("float32") <= free:
                note = f"{slow} (measured): opened in float32."
                return DtypeChoice(torch.float32, _torch(own), True, (note,))
    if fitting.needed_bytes(asked) <= free:
        notes: tuple[str, ...] = ()
        if slow:
            needed = file_size(fitting.needed_bytes("float32"))
            notes = (f"{slow} (measured); that needs {needed}, and {file_size(free)} are free.",)
        return DtypeChoice(_torch(asked), _torch(own), notes=notes)
    smaller = smaller_that_fits(fitting, asked, free)
    needed = f"needs {file_size(fitting.needed_bytes(asked))} of {place} in {asked}"
    if wanted is None and smaller:
        note = f"It {needed}, of which {file_size(free)} were free: opened in {smaller}."
        return DtypeChoice(_torch(smaller), _torch(own), notes=(note,))
    name = fitting.source.path.name
    if smaller:
        raise CheckpointError(
            f"{name} {needed}, and {file_size(free)} are free; open it in {smaller}, which needs "
            f"{file_size(fitting.needed_bytes(smaller))}."
        )
    raise TooLargeError(
        f"{name} {needed}, and {file_size(free)} are free; close other programs, or take a "
        "smaller model."
    )


def as_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """A dtype of torch's, by its name too.

    Raises:
        ValueError: the name is none that weights can have.
    """
    if not isinstance(dtype, str):
        return dtype
    name = dtype.removeprefix("torch.")
    if name not in NAMED:
        raise ValueError(f"There is no dtype {dtype!r} here; there are {', '.join(NAMED)}.")
    return _torch(name)


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
    _check_that_it_belongs(tokenizer, source, config)
    return tokenizer


def _reading_tokenizer(
    source: Source, config: TransformerConfig, here: OpeningSlice, in_own_process: bool
) -> Generator[OpeningSlice, None, Tokenizer | None]:
    """As `tokenizer_of`; while a large one is built in its own process, ``here`` is yielded."""
    construction = source.tokenizer.large() if in_own_process else None
    if construction is None:
        return tokenizer_of(source, config)
    try:
        tokenizer = yield from retold(building(*construction), lambda _: here)
    except TokenizerError as error:
        raise CheckpointError(str(error)) from error
    _check_that_it_belongs(tokenizer, source, config)
    return tokenizer


def _check_that_it_belongs(
    tokenizer: Tokenizer | None, source: Source, config: TransformerConfig
) -> None:
    if tokenizer is not None and tokenizer.n_base_tokens > config.d_vocab:
        raise CheckpointError(
            f"The tokenizer of {source.path} has {tokenizer.n_base_tokens} tokens, but the network "
            f"embeds {config.d_vocab}: they do not belong together. Copy the tokenizer there that "
            "came with the weights, or move this one away to type token ids."
        )


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


def _torch(name: str) -> torch.dtype:
    found: torch.dtype = getattr(torch, name)
    return found
