"""A decoder without its language-model head, as transformers' classes that end in Model are saved.

Models that give vectors of texts are published so. Families know only whole decoders; here is what
differs.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model.checkpoint.errors import CheckpointError
from model.config import TransformerConfig

if TYPE_CHECKING:
    from model.checkpoint.families import Family

# The classes that have a head which scores tokens; all others end with vectors, or with a head for
# another task.
_WITH_HEAD = re.compile(r"\w*(ForCausalLM|LMHeadModel|HeadsModel|LMModel|ForConditionalGeneration)")

# Of a decoder that may read what an encoder made of another text; without one it is passed over.
_CROSS = re.compile(r"\.(crossattention|ln_cross_attn)\.")

NOTE = "It has no language-model head: it ends with a vector for each token."

# How the names of tensors begin that are a head for another task, and what a person calls it.
_TASKS = (
    ("score.", "a classifier"),
    ("classifier.", "a classifier"),
    ("classification_head.", "a classifier"),
    ("qa_outputs.", "a question-answering head"),
    ("multiple_choice_head.", "a multiple-choice head"),
    ("v_head.", "a value head"),
    ("value_head.", "a value head"),
    ("critic_head.", "a value head"),
    ("reward_head.", "a reward head"),
    ("rm_head.", "a reward head"),
    ("regression_head.", "a regression head"),
)


def task_of(name: str) -> str | None:
    """What a person calls the head for another task that a tensor is of; None for none.

    Args:
        name: in the file, as transformers gives it.
    """
    if _CROSS.search(name):
        return "attention to another network's text"
    return next((task for start, task in _TASKS if name.startswith(start)), None)


def without_head(
    family: Family,
    hf: Mapping[str, Any],
    config: TransformerConfig,
    names: Container[str],
    other_head: bool,
) -> TransformerConfig | None:
    """The shape without a head, if that is what was saved; None for a whole decoder.

    Args:
        family: of decoders.
        hf: config.json: its class must say so, or a head that is missing is damage.
        config: as the family reads it. Where the unembedding is the embedding, nothing is missing.
        names: of the tensors, canonical.
        other_head: whether there is a head for another task, which counts where config.json names
            no class.
    """
    kinds = hf.get("architectures")
    kinds = [kind for kind in kinds if isinstance(kind, str)] if isinstance(kinds, list) else []
    if any(_WITH_HEAD.fullmatch(kind) for kind in kinds) or not (kinds or other_head):
        return None
    unembedding = family.tied_names[0]
    bias = unembedding.removesuffix("weight") + "bias"
    has_weight = config.tied_embeddings or unembedding in names
    if has_weight and (not config.unembed_bias or bias in names):
        return None
    # Without a head there is nothing to be untied.
    return replace(config, head="none", tied_embeddings=True, unembed_bias=False)


def bare_to_hf(family: Family, config: TransformerConfig) -> dict[str, Any]:
    """config.json for a decoder without a head.

    Raises:
        CheckpointError: the family can't describe the network.
    """
    whole = replace(config, head="lm", tied_embeddings=False)
    try:
        hf = family.config_to_hf(whole)
    except CheckpointError:
        # Of a family whose unembedding always has a bias.
        hf = family.config_to_hf(replace(whole, unembed_bias=True))
    names = [re.sub("(ForCausalLM|LMHeadModel)$", "Model", name) for name in hf["architectures"]]
    return hf | {"architectures": names}
