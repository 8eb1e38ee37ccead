"""The network's weights under the names and in the shapes of TransformerLens.

``blocks.0.attn.W_Q`` is ``[head, d_model, d_head]``, ``W_O`` ``[head, d_head, d_model]``,
``mlp.W_in`` ``[d_model, d_mlp]``, ``W_U`` ``[d_model, d_vocab]``. All are views: nothing is copied,
folded or centred.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

from torch import Tensor

from model.config import TransformerConfig
from model.operations import operations
from model.transformer import Attention, Block, Transformer

_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")


@lru_cache(maxsize=8)
def parameter_names(config: TransformerConfig) -> tuple[str, ...]:
    """Every parameter's name, in the order in which the operations read them."""
    names = [name for op in operations(config) for name in op.parameters]
    if config.tied_embeddings:
        names.append("W_U")
    return tuple(dict.fromkeys(names))


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
    found = _BLOCK.fullmatch(name)
    if found:
        block = transformer.blocks[int(found[1])]
        assert isinstance(block, Block)
        tensor = _of_block(block, found[2])
    else:
        match name:
            case "W_E":
                tensor = transformer.embed.weight
            case "W_pos":
                assert transformer.pos_embed is not None
                tensor = transformer.pos_embed.weight
            case "W_U":
                tensor = transformer.unembed.weight.T
            case "ln_final.w":
                tensor = transformer.ln_final.w
            case _:
                assert transformer.ln_final.b is not None
                tensor = transformer.ln_final.b
    return tensor.detach()


def _of_block(block: Block, name: str) -> Tensor:
    part, _, tail = name.rpartition(".")
    if part == "attn":
        return _of_attention(block.attn, tail)
    if part == "mlp":
        linear = {"gate": block.mlp.gate, "in": block.mlp.up, "out": block.mlp.down}[tail[2:]]
        assert linear is not None
        return linear.weight.T if tail.startswith("W_") else linear.bias
    norm = block.ln1 if part == "ln1" else block.ln2
    assert norm is not None
    tensor = norm.w if tail == "w" else norm.b
    assert tensor is not None
    return tensor


def _of_attention(attn: Attention, tail: str) -> Tensor:
    d_head = attn.config.d_head
    match tail:
        case "W_O":
            return attn.out.weight.unflatten(1, (-1, d_head)).permute(1, 2, 0)
        case "b_O":
            return attn.out.bias
    rows = {
        "Q": slice(0, attn.n_q),
        "K": slice(attn.n_q, attn.n_q + attn.n_kv),
        "V": slice(attn.n_q + attn.n_kv, None),
    }[tail[2:]]
    if tail.startswith("b_"):
        return attn.qkv.bias[rows].unflatten(0, (-1, d_head))
    return attn.qkv.weight[rows].unflatten(0, (-1, d_head)).transpose(1, 2)
