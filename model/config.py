"""The shape of a transformer: sizes and architectural choices, frozen.

Knows nothing of weights, files or torch: a config can be made, compared and shown
before torch is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Norm = Literal["layer", "rms"]
Positions = Literal["learned", "sinusoidal", "rotary", "none"]
Activation = Literal["gelu_tanh", "gelu", "relu", "relu2", "silu"]


class ConfigError(ValueError):
    """A config that no network can be built from; the message says which value and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """Sizes and choices of one decoder.

    Attributes:
        n_layers: number of blocks.
        n_heads: query heads per block.
        n_kv_heads: key/value heads per block; equal to ``n_heads`` for multi-head attention,
            smaller for grouped-query, 1 for multi-query attention.
        d_model: width of the residual stream.
        d_head: width of one head.
        d_mlp: width of the MLP's hidden layer.
        d_vocab: number of token ids.
        n_ctx: longest sequence the network was made for.
        norm: LayerNorm (mean and variance, scale and bias) or RMSNorm (scale only).
        norm_eps: added to the variance before the square root.
        positions: how order enters; ``learned`` adds a table to the embedding.
        rotary_base: base of the rotary frequencies, where positions are rotary.
        rotary_dim: how many of ``d_head`` dimensions rotate (all of them by default).
        activation: the MLP's nonlinearity.
        gated: MLP is ``act(x W_gate) * (x W_in)`` instead of ``act(x W_in)``.
        parallel: attention and MLP read the same residual stream instead of one after the other.
        attention_bias, mlp_bias: whether the linear maps carry a bias.
        tied_embeddings: the unembedding is the transposed token embedding.
        causal: a query sees only keys at its own position and before.
        dropout: probability, while training only.
    """

    n_layers: int
    n_heads: int
    d_model: int
    d_vocab: int
    n_ctx: int
    n_kv_heads: int = 0
    d_head: int = 0
    d_mlp: int = 0
    norm: Norm = "layer"
    norm_eps: float = 1e-5
    positions: Positions = "learned"
    rotary_base: float = 10_000.0
    rotary_dim: int = 0
    activation: Activation = "gelu_tanh"
    gated: bool = False
    parallel: bool = False
    attention_bias: bool = True
    mlp_bias: bool = True
    tied_embeddings: bool = True
    causal: bool = True
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("n_layers", "n_heads", "d_model", "d_vocab", "n_ctx"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        # Derived defaults: frozen, so they are set past the guard.
        if self.n_kv_heads == 0:
            object.__setattr__(self, "n_kv_heads", self.n_heads)
        if self.d_head == 0:
            if self.d_model % self.n_heads:
                raise ConfigError(
                    f"d_model {self.d_model} does not divide into {self.n_heads} heads; "
                    "give d_head or change one of them."
                )
            object.__setattr__(self, "d_head", self.d_model // self.n_heads)
        if self.d_mlp == 0:
            object.__setattr__(self, "d_mlp", 4 * self.d_model)
        if self.rotary_dim == 0:
            object.__setattr__(self, "rotary_dim", self.d_head)
        if min(self.n_kv_heads, self.d_head, self.d_mlp, self.rotary_dim) < 1:
            raise ConfigError("n_kv_heads, d_head, d_mlp and rotary_dim must be positive.")
        if self.n_heads % self.n_kv_heads:
            raise ConfigError(
                f"{self.n_heads} query heads can't share {self.n_kv_heads} key/value heads evenly."
            )
        if self.positions == "rotary" and (self.rotary_dim % 2 or self.rotary_dim > self.d_head):
            raise ConfigError(
                f"rotary_dim {self.rotary_dim} must be even and at most d_head {self.d_head}."
            )
        for name, allowed in (("norm", Norm), ("positions", Positions), ("activation", Activation)):
            if getattr(self, name) not in get_args(allowed):
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}; known are {', '.join(get_args(allowed))}."
                )

    def parameter_counts(self) -> dict[str, int]:
        """Parameters by part, before any weight exists.

        Returns:
            ``embedding`` (tokens and positions), ``attention``, ``mlp``, ``norm``,
            ``unembedding`` (0 when tied). The sum is the network's parameter count.
        """
        per_norm = 2 * self.d_model if self.norm == "layer" else self.d_model
        n_norms = self.n_layers * (1 if self.parallel else 2) + 1
        heads = self.n_heads * self.d_head
        kv = self.n_kv_heads * self.d_head
        attention = self.d_model * (heads + 2 * kv) + heads * self.d_model
        if self.attention_bias:
            attention += heads + 2 * kv + self.d_model
        n_in = 2 if self.gated else 1
        mlp = (n_in + 1) * self.d_model * self.d_mlp
        if self.mlp_bias:
            mlp += n_in * self.d_mlp + self.d_model
        embedding = self.d_vocab * self.d_model
        if self.positions == "learned":
            embedding += self.n_ctx * self.d_model
        return {
            "embedding": embedding,
            "attention": self.n_layers * attention,
            "mlp": self.n_layers * mlp,
            "norm": n_norms * per_norm,
            "unembedding": 0 if self.tied_embeddings else self.d_vocab * self.d_model,
        }

    @property
    def n_params(self) -> int:
        """Number of parameters, tied ones counted once."""
        return sum(self.parameter_counts().values())
