"""Which tensors of a file are the network's: under which prefix, by which names, and what is left.

A trainer may keep the network as an attribute and save that attribute's name before all others; a
matrix that is used twice may be saved under either of its names; heads for other tasks lie beside
the network. A name is read in one way only, or refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from model.checkpoint.errors import CheckpointError
from model.checkpoint.families import Family
from model.checkpoint.families.bare import NOTE, task_of, without_head
from model.checkpoint.sources.wrappers import place
from model.checkpoint.stored import StoredTensor
from model.config import TransformerConfig


@dataclass(frozen=True, slots=True)
class Named:
    """Tensors by their canonical names, as far as a prefix makes them so.

    Attributes:
        prefix: that was taken off; empty for none.
        config: of the network, which may be one without a head.
        tensors: of the network, and what is known of no part of it.
        left_out: what a person calls the parts that are left out, and how many tensors each has.
        notes: on how it ends, one sentence each.
    """

    prefix: str
    config: TransformerConfig
    tensors: Mapping[str, StoredTensor]
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def named(
    family: Family,
    hf: Mapping[str, Any],
    config: TransformerConfig,
    stored: Mapping[str, StoredTensor],
    prefix: str = "",
) -> Named:
    """The tensors under a prefix by their canonical names.

    Args:
        family: of the network.
        hf: config.json.
        config: what it means, with a head.
        stored: by the names that the file gives them, those of wrappers taken off.
        prefix: with its full stop.

    Raises:
        CheckpointError: two tensors have one canonical name.
    """
    tensors: dict[str, StoredTensor] = {}
    left_out: dict[str, int] = {}
    heads = family.heads
    for name, tensor in stored.items():
        if not name.startswith(prefix):
            continue
        bare = name.removeprefix(prefix)
        canonical = family.canonical_name(bare)
        if canonical is None:
            continue
        part = None if heads is None else heads.left_out(canonical, config)
        part = task_of(bare) if part is None else part
        if part is not None:
            left_out[part] = left_out.get(part, 0) + 1
            continue
        other = tensors.setdefault(canonical, tensor)
        if place(other) != place(tensor):
            raise _twice(canonical, tensor)
    for name, tensor in stored.items():
        if name.startswith(prefix):
            continue
        canonical = family.canonical_name(name)
        if canonical in tensors:
            if place(tensors[canonical]) != place(tensor):
                raise _twice(canonical, tensor)
            continue
        part = task_of(name) or f"what begins with {name.split('.')[0]!r}"
        left_out[part] = left_out.get(part, 0) + 1
    _one_of_two_names(family, config, tensors)
    notes: tuple[str, ...] = ()
    if heads is None:
        bare_config = without_head(family, hf, config, tensors, bool(left_out))
        if bare_config is not None:
            config, notes = bare_config, (NOTE,)
    return Named(prefix, config, tensors, left_out, notes)


def prefixes(family: Family, names: Iterable[str]) -> tuple[str, ...]:
    """What the names of a family's network may stand behind in a file, the shortest first.

    Found by the embedding and the unembedding: every file has one of them.
    """
    found: set[str] = set()
    ends = {".".join(known.split(".")[-n:]) for known in family.tied_names for n in (2, 3, 4)}
    for name in names:
        found |= {
            name.removesuffix(end) for end in ends if name.endswith(f".{end}") and name != end
        }
    return tuple(sorted(found, key=lambda prefix: (len(prefix), prefix)))


def _one_of_two_names(
    family: Family, config: TransformerConfig, tensors: dict[str, StoredTensor]
) -> None:
    """What is tied may be saved under either name; as transformers, the one that is there counts.

    Of a matrix both are kept: that they differ is only seen once they are read.
    """
    if not (config.tied_embeddings and config.has_logits):
        return
    unembedding, embedding = family.tied_names
    if embedding not in tensors and unembedding in tensors:
        tensors[embedding] = tensors.pop(unembedding)
    for other, kept in family.copies.items():
        if other in tensors:
            tensor = tensors.pop(other)
            tensors.setdefault(kept, tensor)


def _twice(canonical: str, tensor: StoredTensor) -> CheckpointError:
    return CheckpointError(
        f"{tensor.path} holds {canonical!r} twice, under two names; which one is meant "
        "can't be told."
    )


def left_out_note(parts: Mapping[str, int]) -> tuple[str, ...]:
    """What to say of the parts of a file that are no part of the network, with their tensors."""
    said = {part: n for part, n in parts.items() if part}
    if not said:
        return ()
    counted = [f"{part} ({n} {'tensor' if n == 1 else 'tensors'})" for part, n in said.items()]
    return (f"Left out, since they are for another task: {', '.join(counted)}.",)
