"""The network's weights under the names and in the shapes of TransformerLens.

``blocks.0.attn.W_Q`` is ``[head, d_model, d_head]``, ``W_O`` ``[head, d_head, d_model]``,
``mlp.W_in`` ``[d_model, d_mlp]``, ``W_U`` ``[d_model, d_vocab]``. All are views: nothing is copied,
folded or centred.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from torch import Tensor, nn

from model.network.attention import Attention
from model.operations import parameter_names
from model.transformer import Block, Transformer

_BLOCK = re.compile(r"blocks\.(\d+)\.(attn|mlp)\.((?:experts\.\d+\.)?)([Wb]_\w+)")
_MLP_MODULES = {"gate": "gate", "in": "up", "out": "down", "router": "router"}


def parameter(transformer: Transformer, name: str) -> Tensor:
    """One parameter, as a view of the live weights.

    Raises:
        KeyError: the network has no such parameter; the message offers near ones.
    """
    known = parameter_names(transformer.config)
    if name not in known:
        near = get_close_matches(name, known, n=3)
        hint = f" Near it: {', '.join(near)}." if near else ""
        raise KeyError(f"No parameter is called {name!r}.{hint}")
    module, key = place_of(transformer, name)
    return view_of(transformer, name, module.get_parameter(key)).detach()


def place_of(transformer: Transformer, name: str) -> tuple[nn.Module, str]:
    """The module that holds a parameter, whole or with others in one matrix, and under which key.

    Raises:
        KeyError: the network has no such parameter.
    """
    if name in _ENDS:
        path, _, key = _ENDS[name][0].rpartition(".")
        return transformer.get_submodule(path), key
    found = _BLOCK.fullmatch(name)
    if found is None:
        module, _, tail = name.rpartition(".")
        return transformer.norm_of(module), tail
    block = transformer.blocks[int(found[1])]
    assert isinstance(block, Block)
    key = "weight" if found[4].startswith("W_") else "bias"
    if found[2] == "attn":
        return (block.attn.out if found[4].endswith("_O") else block.attn.qkv), key
    part: nn.Module = block.mlp.get_submodule(found[3].rstrip("."))
    return part.get_submodule(_MLP_MODULES[found[4][2:]]), key


def view_of(transformer: Transformer, name: str, whole: Tensor) -> Tensor:
    """The part and the layout that a parameter has in the tensor that holds it.

    Args:
        transformer: the network.
        name: of the parameter.
        whole: what `place_of` names, or something of its shape: a gradient.
    """
    if name in _ENDS:
        return whole.T if _ENDS[name][1] else whole
    found = _BLOCK.fullmatch(name)
    if found is None:
        return whole
    if found[2] == "attn":
        block = transformer.blocks[int(found[1])]
        assert isinstance(block, Block)
        return _of_attention(block.attn, found[4], whole)
    return whole.T if found[4].startswith("W_") else whole


# Parameters outside the blocks: where they are, and whether they are seen transposed.
_ENDS = {
    "W_E": ("embed.weight", False),
    "W_proj_in": ("project_in.weight", True),
    "W_pos": ("pos_embed.weight", False),
    "W_token_type": ("token_type_embed.weight", False),
    "mlm_head.W": ("mlm_head.dense.weight", True),
    "mlm_head.b": ("mlm_head.dense.bias", False),
    "W_proj_out": ("project_out.weight", True),
    "W_U": ("unembed.weight", True),
    "b_U": ("unembed.bias", False),
}


def _of_attention(attn: Attention, tail: str, whole: Tensor) -> Tensor:
    d_head = attn.config.d_head
    match tail:
        case "W_O":
            return whole.unflatten(1, (-1, d_head)).permute(1, 2, 0)
        case "b_O":
            return whole
    rows = {
        "Q": slice(0, attn.n_q),
        "K": slice(attn.n_q, attn.n_q + attn.n_kv),
        "V": slice(attn.n_q + attn.n_kv, None),
    }[tail[2:]]
    if tail.startswith("b_"):
        return whole[rows].unflatten(0, (-1, d_head))
    return whole[rows].unflatten(0, (-1, d_head)).transpose(1, 2)
