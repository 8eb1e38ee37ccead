"""A decoder without its language-model head, as transformers' classes that end in Model are saved.

Models that give vectors of texts are published so. Families know only whole decoders; here is what
differs.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model.config import TransformerConfig

if TYPE_CHECKING:
    from model.checkpoint.families import Family

# Of the classes with a head some end so, too: GPT2LMHeadModel, GPT2DoubleHeadsModel.
_BARE = re.compile(r"\w+(?<!Head)(?<!Heads)Model")

NOTE = "It has no language-model head: it ends with a vector for each token."


def without_head(
    family: Family, hf: Mapping[str, Any], config: TransformerConfig, names: Container[str]
) -> TransformerConfig | None:
    """The shape without a head, if that is what was saved; None for a whole decoder.

    Args:
        family: of decoders.
        hf: config.json: its class must say so, or a head that is missing is damage.
        config: as the family reads it. Where the unembedding is the embedding, nothing is missing.
        names: of the tensors, canonical.
    """
    kinds = hf.get("architectures")
    kinds = kinds if isinstance(kinds, list) else []
    bare = any(isinstance(kind, str) and _BARE.fullmatch(kind) for kind in kinds)
    if not bare or config.tied_embeddings or config.unembed_bias or family.tied_names[0] in names:
        return None
    # Without a head there is nothing to be untied.
    return replace(config, head="none", tied_embeddings=True)


def bare_to_hf(family: Family, config: TransformerConfig) -> dict[str, Any]:
    """config.json for a decoder without a head.

    Raises:
        CheckpointError: the family can't describe the network.
    """
    hf = family.config_to_hf(replace(config, head="lm", tied_embeddings=False))
    names = [re.sub("(ForCausalLM|LMHeadModel)$", "Model", name) for name in hf["architectures"]]
    return hf | {"architectures": names}
