"""Whether config and headers of a checkpoint describe one network, before any weight is read.

Knows families and sources; reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import Family, family_of
from model.checkpoint.naming import Named, left_out_note, named, prefixes
from model.checkpoint.sources import Source
from model.checkpoint.sources.foreign import refuse_tensors, whose_names
from model.checkpoint.sources.wrappers import place
from model.checkpoint.stored import ITEM_BYTES, WEIGHT_DTYPES, StoredTensor
from model.checkpoint.values import Config, where
from model.config import ConfigError, TransformerConfig
from model.transformer import Transformer

TRAINED_WITHOUT = "trained_without"
"""Key of config.json: what was taken away from a network while it learned, in words."""
_SAID = 3

# Beside the weights: buffers of the reading, one layer's joined projections.
_WORKING_BYTES = 64 * 2**20


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
    if source.format != "GGUF":
        refuse_tensors(source.path, source.tensors)
    family = family_of(hf)
    found = _found(source, family)
    config = found.named.config
    notes = (*left_out_note(found.named.left_out), *found.named.notes, *note_of(hf))
    fitting = Fitting(source, family, config, found.named.tensors, found.transformer, notes)
    _check(fitting, found)
    return fitting


def note_of(hf: Mapping[str, Any]) -> tuple[str, ...]:
    """What to say of a network that learned while a part of it was taken away; mostly nothing."""
    without = hf.get(TRAINED_WITHOUT)
    words = [word for word in without if isinstance(word, str)] if isinstance(without, list) else []
    if not words:
        return ()
    more = f" and {len(words) - _SAID} more" if len(words) > _SAID else ""
    return (
        f"It learned with {', '.join(words[:_SAID])}{more}. Read without these changes, as other "
        "programs read it, it is another network.",
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A network that a file may hold.

    Attributes:
        named: its tensors.
        transformer: the network without memory.
        expected: the shapes of all tensors that a file of it must hold, by their canonical names.
    """

    named: Named
    transformer: Transformer
    expected: Mapping[str, tuple[int, ...]]

    @property
    def missing(self) -> list[str]:
        return [name for name in self.expected if name not in self.named.tensors]

    @property
    def places(self) -> frozenset[object]:
        """Which tensors of the file it is made of."""
        tensors = self.named.tensors
        return frozenset(place(tensors[name]) for name in self.expected)


def _found(source: Source, family: Family) -> _Found:
    """The network that the file holds whole, or else the one that lacks least of it.

    Raises:
        CheckpointError: it holds two.
    """
    plain = _under(source, family, "")
    if not plain.missing:
        return plain
    others = [_under(source, family, prefix) for prefix in prefixes(family, source.tensors)]
    whole = [found for found in others if not found.missing]
    if len({found.places for found in whole}) > 1:
        names = ", ".join(repr(found.named.prefix) for found in whole)
        raise CheckpointError(
            f"{source.path} holds several networks, whose names begin with {names}; which one is "
            "meant can't be told. Save one of them alone, by its own state_dict()."
        )
    return whole[0] if whole else min([plain, *others], key=lambda found: len(found.missing))


def _under(source: Source, family: Family, prefix: str) -> _Found:
    """The network whose tensors' names begin so."""
    hf = source.hf
    heads = family.heads
    if heads is not None and not hf.get("architectures"):
        own = [name.removeprefix(prefix) for name in source.tensors if name.startswith(prefix)]
        hf = Config({**hf, "architectures": [heads.architecture_of(own)]}, where(hf))
    # Before anything is built: a damaged config may ask for more than any memory holds.
    config = config_of(family, hf)
    stored = sum(tensor.n for tensor in source.tensors.values())
    if config.n_params > 10 * stored:
        raise CheckpointError(
            f"{where(hf)} describes a network of {config.n_params:,} parameters, but the weights "
            f"beside it hold {stored:,} numbers: they do not belong together."
        )
    config, remarks = _by_tensors(source, family, hf, config, prefix)
    found = named(family, hf, config, source.tensors, prefix)
    found = replace(found, notes=(*remarks, *found.notes))
    transformer = without_memory(found.config)
    return _Found(found, transformer, _expected(source, family, found.config, transformer))


def _by_tensors(
    source: Source, family: Family, hf: Config, config: TransformerConfig, prefix: str
) -> tuple[TransformerConfig, tuple[str, ...]]:
    """The network that config and tensors mean together, and what to say of it."""
    if family.by_tensors is None:
        return config, ()
    shapes = {
        canonical: tensor.shape
        for name, tensor in source.tensors.items()
        if (canonical := family.canonical_name(name.removeprefix(prefix))) is not None
    }
    return family.by_tensors(config, hf, shapes)


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


def without_memory(config: TransformerConfig) -> Transformer:
    """The network on the meta device: its modules are there, its weights have only shapes."""
    with torch.device("meta"):
        return Transformer(config, empty=True)


def _check(fitting: Fitting, found: _Found) -> None:
    """Refuse a file whose names, shapes or dtypes are not exactly this network's."""
    source, family, config = fitting.source, fitting.family, fitting.config
    tensors = fitting.tensors
    expected = dict(found.expected)
    missing = found.missing
    unembedding, embedding = family.tied_names
    whose = whose_names(source.tensors)
    if missing and whose is not None:
        raise CheckpointError(
            f"The names of the tensors in {source.path} are {whose[0]}; {whose[1]}."
        )
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


def _expected(
    source: Source, family: Family, config: TransformerConfig, transformer: Transformer
) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors that a file must hold, by their canonical names."""
    # One byte each, seen in every place: a family that joins or cuts copies little. Not the meta
    # device: its first join imports a compiler, 1.5 seconds of work.
    byte = torch.zeros(1, dtype=torch.uint8)
    shapes = transformer.state_dict()
    state = {name: byte.expand(tensor.shape) for name, tensor in shapes.items()}
    in_file = family.state_to_hf(state, config)
    absent = source.absent
    return {name: tuple(t.shape) for name, t in in_file.items() if name not in absent}


def _config_file(fitting: Fitting) -> str:
    """What a message calls the config beside the weights."""
    described = where(fitting.source.hf)
    return "config.json" if described.endswith("config.json") else described


def _some(names: list[str]) -> str:
    """Up to three names, and how many more."""
    shown = ", ".join(repr(name) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
