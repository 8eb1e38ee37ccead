"""Sizes of models that everyone knows, to hold one's own beside.

Only the configs that their authors published stand here; every count is computed from them by
the same formula as for the open model. Knows no weights and no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.config import TransformerConfig


@dataclass(frozen=True, slots=True)
class Published:
    """A published model.

    Attributes:
        name: as its authors write it.
        config: its sizes.
        source: where they are published.
    """

    name: str
    config: TransformerConfig
    source: str


def _gpt(n_layers: int, n_heads: int, d_model: int, n_ctx: int) -> TransformerConfig:
    """A network of GPT-2's kind, with its vocabulary."""
    return TransformerConfig(
        n_layers=n_layers, n_heads=n_heads, d_model=d_model, n_ctx=n_ctx, d_vocab=50257
    )


# Brown et al. say only "the same model and architecture as GPT-2". Counted with an unembedding of
# its own, no biases and no positions, its matrices are the 175,181,291,520 of the well-known talk;
# exactly as in GPT-2 they would be 174.6 billion.
_GPT3 = TransformerConfig(
    n_layers=96,
    n_heads=96,
    d_model=12288,
    n_ctx=2048,
    d_vocab=50257,
    positions="none",
    qkv_bias=False,
    out_bias=False,
    mlp_bias=False,
    tied_embeddings=False,
)
_RADFORD = "Radford et al. 2019, config.json as released"
_BROWN = "Brown et al. 2020, table 2.1; own unembedding, no biases, no positions counted"

PUBLISHED: tuple[Published, ...] = (
    Published("GPT-2 small", _gpt(12, 12, 768, 1024), _RADFORD),
    Published("GPT-2 medium", _gpt(24, 16, 1024, 1024), _RADFORD),
    Published("GPT-2 large", _gpt(36, 20, 1280, 1024), _RADFORD),
    Published("GPT-2 XL", _gpt(48, 25, 1600, 1024), _RADFORD),
    Published("GPT-3 175B", _GPT3, _BROWN),
)
