"""What two models have in common, in words: what of them can be compared, and what can't.

Knows configs and vocabularies; no weight, no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from model.config import TransformerConfig

_SIZES = (
    ("n_layers", "layers"),
    ("n_heads", "heads"),
    ("n_kv_heads", "key/value heads"),
    ("d_model", "dimensions of the stream"),
    ("d_head", "dimensions of a head"),
    ("d_mlp", "neurons of an MLP"),
    ("d_vocab", "tokens of the vocabulary"),
)
_CHOICES = (
    ("positions", "positions"),
    ("norm", "norm"),
    ("activation", "activation"),
    ("head", "head"),
)
_INSIDE = ("n_layers", "n_heads", "n_kv_heads", "d_model", "d_head", "d_mlp")


def unlike(a: TransformerConfig, b: TransformerConfig) -> tuple[str, ...]:
    """How B's architecture differs from A's, a few words each; empty where they are the same."""
    said = [
        f"{getattr(b, name):,} {words} instead of {getattr(a, name):,}"
        for name, words in _SIZES
        if getattr(a, name) != getattr(b, name)
    ]
    said += [
        f"{words} {getattr(b, name)} instead of {getattr(a, name)}"
        for name, words in _CHOICES
        if getattr(a, name) != getattr(b, name)
    ]
    if (a.experts is None) != (b.experts is None):
        said.append("experts" if a.experts is None else "no experts")
    return tuple(said)


def same_inside(a: TransformerConfig, b: TransformerConfig) -> bool:
    """Whether layers, heads and vectors of both mean the same places."""
    return all(getattr(a, name) == getattr(b, name) for name in _INSIDE)


def architecture_words(a: TransformerConfig, b: TransformerConfig) -> str:
    """One sentence: whether both have the same architecture, or how they differ."""
    said = unlike(a, b)
    if not said:
        return "A and B have the same architecture."
    rest = (
        "What has the same name and shape in both is compared."
        if a.d_model == b.d_model
        else "Their activations lie in different spaces: only what they predict is compared."
    )
    return f"B has {'; '.join(said)}. {rest}"


def unlike_vocabularies(a: Sequence[bytes], b: Sequence[bytes]) -> str:
    """Why predictions can't be compared; empty where ids mean the same tokens in both.

    Args:
        a, b: the bytes of each token; empty where a model has no tokenizer.
    """
    if not a or not b:
        return ""  # ids are ids
    if a is b or tuple(a) == tuple(b):
        return ""
    if len(a) == len(b):
        n = sum(x != y for x, y in zip(a, b, strict=True))
        return f"{n:,} ids stand for other tokens in B: predictions can't be compared."
    return (
        f"A's vocabulary has {len(a):,} tokens and B's {len(b):,}: predictions can't be compared."
    )
