"""What is known of a family of networks, in one object. Knows no family."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from torch import Tensor

from model.checkpoint.families.gguf import Layout
from model.config import TransformerConfig

State = Mapping[str, Tensor]
ByTensors: TypeAlias = Callable[
    [TransformerConfig, Mapping[str, Any], Mapping[str, tuple[int, ...]]],
    tuple[TransformerConfig, tuple[str, ...]],
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Of a family that is saved with heads for several tasks, not all of them built here.

    Attributes:
        architecture_of: what config.json would have named as architecture, from the names in a
            file.
        left_out: what a person calls the part that a tensor is of and that is not built here,
            from its canonical name and the network that is built: None for a tensor of the
            network, or of no known part.
    """

    architecture_of: Callable[[Sequence[str]], str]
    left_out: Callable[[str, TransformerConfig], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of networks: how its files are read, and written.

    A *canonical* name is the one under which transformers saves a tensor today; a file may hold
    it under an older one.

    Attributes:
        model_type: the name in config.json.
        title: as its authors write it: ``gpt2`` is GPT-2.
        tied_names: canonical names of the unembedding and of the embedding that it may be tied
            to.
        config_from_hf: config.json -> the network's shape, or a CheckpointError naming the key
            that does not fit.
        config_to_hf: the shape -> config.json, or a CheckpointError saying why there is none.
        canonical_name: of a tensor in a file; None for a buffer that is no weight.
        state_from_hf: tensors under their canonical names -> the network's state dict. The
            mapping reads a tensor when it is asked for it: ask once.
        state_to_hf: the reverse. Also run on tensors that hold no values yet, to know which
            names and shapes a file must hold; so it only renames, reshapes, transposes and joins.
        heads: for a family that is saved with several.
        copies: canonical names under which a file may hold another tensor once more, or instead,
            where the unembedding is tied -> that tensor's.
        by_tensors: for a config.json of which transformers takes no notice where the tensors show
            otherwise. From the shape that it describes, config.json, and the shapes of tensors by
            their canonical names: the shape that is meant, and what to say of it.
        inside: model_types of larger networks whose language model is one of this family ->
            the values of its config that theirs leaves out.
        gguf: how llama.cpp holds it, if it does.
    """

    model_type: str
    title: str
    tied_names: tuple[str, str]
    config_from_hf: Callable[[Mapping[str, Any]], TransformerConfig]
    config_to_hf: Callable[[TransformerConfig], dict[str, Any]]
    canonical_name: Callable[[str], str | None]
    state_from_hf: Callable[[State, TransformerConfig], dict[str, Tensor]]
    state_to_hf: Callable[[State, TransformerConfig], dict[str, Tensor]]
    heads: Heads | None = None
    copies: Mapping[str, str] = field(default_factory=dict)
    by_tensors: ByTensors | None = None
    inside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    gguf: tuple[Layout, ...] = ()
