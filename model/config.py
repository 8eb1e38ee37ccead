"""The shape of a transformer: sizes and architectural choices, frozen.

Knows nothing of weights, files or torch: a config can be made, compared and shown
before torch is imported.

What most networks choose differently stands in `TransformerConfig` itself; what only some families
have is grouped: `Norms`, `Scales`, `Caps`, `QKNorm`, `Experts`, `MaskedHead`, and in
`model.positions` `Rotary` and `Alibi`. What may differ from layer to layer (``rotary``, ``window``)
is one value for all or a tuple with one per layer; read it by `rotary_at` and `window_at`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from model.positions import Alibi, DynamicScaling, LongRopeScaling, Rotary, YarnScaling

NormKind = Literal["layer", "rms"]
NormPlacement = Literal["pre", "post", "output", "sandwich", "stream"]
Positions = Literal["learned", "sinusoidal", "rotary", "alibi", "none"]
Activation = Literal[
    "gelu_tanh",
    "gelu",
    "relu",
    "relu2",
    "silu",
    "quick_gelu",
    "gelu_10",
    "mish",
    "tanh",
    "sigmoid",
    "relu6",
    "leaky_relu",
    "hardswish",
    "laplace",
    "sqrtsoftplus",
    "linear",
]
Head = Literal["lm", "mlm", "none"]
BlockNorm = Literal["ln1", "ln1_post", "ln2", "ln2_post"]


class ConfigError(ValueError):
    """A config that no network can be built from; the message says which value and why."""


@dataclass(frozen=True, slots=True)
class Norms:
    """Where norms stand and how they are written.

    Attributes:
        placement: ``pre``: attention and MLP read a normed stream (GPT-2). ``post``: the stream is
            normed after each sum (BERT). ``output``: what is added is normed (OLMo 2).
            ``sandwich``: what is read and what is added (Gemma 2). ``stream``: as ``pre``, and what
            attention and MLP write is added to the normed stream (a variant of BLOOM).
        bias: LayerNorms add a bias.
        offset: added to a norm's weight before it multiplies; 1 for Gemma.
        shared: in a parallel block, attention and MLP read one norm; otherwise one each.
        first: the first block's attention reads a normed stream; ModernBERT's does not.
        final: the stream is normed before the head.
        embedding: the embedding is normed before the first block (BLOOM, BERT).
        weight: they multiply with a learned weight; nanochat's have none.
    """

    placement: NormPlacement = "pre"
    bias: bool = True
    offset: float = 0.0
    shared: bool = True
    first: bool = True
    final: bool = True
    embedding: bool = False
    weight: bool = True


@dataclass(frozen=True, slots=True)
class Scales:
    """Factors that some families multiply with.

    Attributes:
        embedding: of token vectors, before anything is added (Gemma: √d_model).
        residual: of what attention and MLP add to the stream (Granite).
        scores: of query · key; None is 1/√d_head.
        by_layer: query · key is divided by the layer's number, too, counted from 1 (a variant of
            GPT-2).
        logits: of the logits.
    """

    embedding: float = 1.0
    residual: float = 1.0
    scores: float | None = None
    logits: float = 1.0
    by_layer: bool = False


@dataclass(frozen=True, slots=True)
class Caps:
    """Bounds that some families keep numbers within; None is no bound.

    Attributes:
        scores: soft, ``c tanh(s / c)``, before masking (Gemma 2).
        logits: soft (Gemma 2).
        qkv: hard, of queries, keys and values (MPT).
    """

    scores: float | None = None
    logits: float | None = None
    qkv: float | None = None


@dataclass(frozen=True, slots=True)
class QKNorm:
    """Queries and keys are normed before they meet, by norms of the network's own kind.

    Attributes:
        over: ``head``: over d_head, all heads share one weight (Qwen 3). ``each head``: over
            d_head, every head has a weight of its own (StableLM). ``all heads``: over all heads
            together (OLMo 2).
        bias: LayerNorms add a bias.
    """

    over: Literal["head", "each head", "all heads"] = "head"
    bias: bool = False


@dataclass(frozen=True, slots=True)
class Experts:
    """A mixture of experts in place of each MLP (Shazeer et al. 2017).

    Attributes:
        n: how many there are.
        n_active: how many each position is sent to.
        normalized: the weights of the chosen are divided by their sum (Mixtral).
    """

    n: int
    n_active: int
    normalized: bool = True


@dataclass(frozen=True, slots=True)
class MaskedHead:
    """What stands before the unembedding of a masked language model: dense, activation, norm.

    Attributes:
        activation: after the dense map.
        bias: the dense map has one.
    """

    activation: Activation = "gelu"
    bias: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """Sizes and choices of one transformer.

    Attributes:
        n_layers: number of blocks.
        n_heads: query heads per block.
        n_kv_heads: key/value heads per block; equal to ``n_heads`` for multi-head attention,
            smaller for grouped-query, 1 for multi-query attention.
        d_model: width of the residual stream.
        d_head: width of one head.
        d_mlp: width of the MLP's hidden layer, or of each expert's.
        d_embed: width of the token embedding; other than ``d_model`` it is projected in and,
            before the unembedding, out (OPT-350m).
        d_vocab: number of token ids.
        n_ctx: longest sequence the network was made for.
        norm: LayerNorm (mean and variance, scale and bias) or RMSNorm (scale only).
        norm_eps: added to the variance before the square root.
        norms: where norms stand.
        positions: how order enters; ``learned`` adds a table to the embedding.
        position_offset: row of the position table that the first position reads.
        rotary: where positions are rotary; None for a layer that does not rotate.
        alibi: where positions are linear biases.
        window: how far attention looks, None for no bound. Causal: the last ``window`` keys, its
            own included. Bidirectional: at most ``window // 2`` to either side.
        qk_norm: norms of queries and keys, if any.
        activation: the MLP's nonlinearity.
        gated: MLP is ``act(x W_gate) * (x W_in)`` instead of ``act(x W_in)``.
        experts: a mixture of experts, if any.
        parallel: attention and MLP read the same residual stream instead of one after the other.
        qkv_bias, out_bias, mlp_bias, unembed_bias: whether these linear maps carry a bias.
        scales, caps: factors and bounds.
        tied_embeddings: the unembedding is the transposed token embedding.
        causal: a query sees only keys at its own position and before.
        n_token_types: rows of the table of token types; every position reads its first row.
        head: ``lm`` scores the next token, ``mlm`` the token itself (masked language models),
            ``none`` ends with the last hidden state: there are no logits.
        masked_head: of ``mlm``.
        dropout: probability, while training only.

    Raises:
        ConfigError: no network can be built from it.
    """

    n_layers: int
    n_heads: int
    d_model: int
    d_vocab: int
    n_ctx: int
    n_kv_heads: int = 0
    d_head: int = 0
    d_mlp: int = 0
    d_embed: int = 0
    norm: NormKind = "layer"
    norm_eps: float = 1e-5
    norms: Norms = Norms()
    positions: Positions = "learned"
    position_offset: int = 0
    rotary: Rotary | tuple[Rotary | None, ...] | None = None
    alibi: Alibi | None = None
    window: int | tuple[int | None, ...] | None = None
    qk_norm: QKNorm | None = None
    activation: Activation = "gelu_tanh"
    gated: bool = False
    experts: Experts | None = None
    parallel: bool = False
    qkv_bias: bool = True
    out_bias: bool = True
    mlp_bias: bool = True
    unembed_bias: bool = False
    scales: Scales = Scales()
    caps: Caps = Caps()
    tied_embeddings: bool = True
    causal: bool = True
    n_token_types: int = 0
    head: Head = "lm"
    masked_head: MaskedHead | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("n_layers", "n_heads", "d_model", "d_vocab", "n_ctx"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        self._derive()
        self._check_choices()
        self._check_positions()
        self._check_parts()

    def _derive(self) -> None:
        """Defaults that follow from other values; frozen, so they are set past the guard."""

        def derive(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        if self.n_kv_heads == 0:
            derive("n_kv_heads", self.n_heads)
        if self.d_head == 0:
            if self.d_model % self.n_heads:
                raise ConfigError(
                    f"d_model {self.d_model} does not divide into {self.n_heads} heads; "
                    "give d_head or change one of them."
                )
            derive("d_head", self.d_model // self.n_heads)
        if self.d_mlp == 0:
            derive("d_mlp", 4 * self.d_model)
        if self.d_embed == 0:
            derive("d_embed", self.d_model)
        if self.positions == "rotary" and self.rotary is None:
            derive("rotary", Rotary())
        if self.positions == "alibi" and self.alibi is None:
            derive("alibi", Alibi())
        if self.head == "mlm" and self.masked_head is None:
            derive("masked_head", MaskedHead())

    def _check_choices(self) -> None:
        if min(self.n_kv_heads, self.d_head, self.d_mlp, self.d_embed) < 1:
            raise ConfigError("n_kv_heads, d_head, d_mlp and d_embed must be positive.")
        if self.n_heads % self.n_kv_heads:
            raise ConfigError(
                f"{self.n_heads} query heads can't share {self.n_kv_heads} key/value heads evenly."
            )
        for name, value, allowed in (
            ("norm", self.norm, NormKind),
            ("positions", self.positions, Positions),
            ("activation", self.activation, Activation),
            ("head", self.head, Head),
            ("norms.placement", self.norms.placement, NormPlacement),
        ):
            if value not in get_args(allowed):
                raise ConfigError(f"{name} is {value!r}; known are {', '.join(get_args(allowed))}.")

    def _check_positions(self) -> None:
        if (self.rotary is None) == (self.positions == "rotary"):
            raise ConfigError("rotary is given if and only if positions are 'rotary'.")
        if (self.alibi is None) == (self.positions == "alibi"):
            raise ConfigError("alibi is given if and only if positions are 'alibi'.")
        if self.position_offset < 0 or (self.position_offset and self.positions != "learned"):
            raise ConfigError("position_offset is a row of a learned table, counted from 0.")
        for name, per_layer in (("rotary", self.rotary), ("window", self.window)):
            if isinstance(per_layer, tuple) and len(per_layer) != self.n_layers:
                raise ConfigError(
                    f"{name} has {len(per_layer)} entries for {self.n_layers} layers."
                )
        for rotary in self.rotations:
            dim = self.rotary_dim(rotary)
            if dim % 2 or not 0 < dim <= self.d_head:
                raise ConfigError(
                    f"The rotary dim {dim} must be even and at most d_head {self.d_head}."
                )
            if rotary.odd_dim not in (0, dim - 1):
                raise ConfigError(f"A rotary dim of {dim} can't come from {rotary.odd_dim}.")
            scaling = rotary.scaling
            if isinstance(scaling, DynamicScaling) and (rotary.odd_dim or dim) < 3:
                raise ConfigError("Dynamic scaling needs a rotary dim of at least 3.")
            if isinstance(scaling, YarnScaling) and (rotary.odd_dim or rotary.base == 1):
                raise ConfigError("YaRN needs an even share of a head, and a base other than 1.")
            if not (math.isfinite(rotary.base) and rotary.base > 0):
                raise ConfigError(f"The rotary base {rotary.base} must be above 0.")
            if isinstance(scaling, LongRopeScaling) and not (
                len(scaling.short_factors) == len(scaling.long_factors) == dim // 2
            ):
                raise ConfigError(f"LongRoPE needs {dim // 2} short and {dim // 2} long factors.")
        windows = self.window if isinstance(self.window, tuple) else (self.window,)
        if any(window is not None and window < 1 for window in windows):
            raise ConfigError("A window holds at least one key.")

    def _check_parts(self) -> None:
        if self.parallel and self.norms.placement != "pre":
            raise ConfigError("Parallel blocks are built with norms before them only.")
        if not self.norms.first and (self.norms.placement != "pre" or self.parallel):
            raise ConfigError("Only sequential blocks with norms before them can lack the first.")
        if not self.norms.weight and (self.norms.offset or self.has_norm_bias):
            raise ConfigError("A norm without a weight has neither a bias nor an offset.")
        if self.experts is not None and not 1 <= self.experts.n_active <= self.experts.n:
            raise ConfigError(
                f"{self.experts.n_active} of {self.experts.n} experts can't be active."
            )
        if (self.masked_head is None) == (self.head == "mlm"):
            raise ConfigError("masked_head is given if and only if head is 'mlm'.")
        if self.head == "mlm" and self.d_embed != self.d_model:
            raise ConfigError("A masked head reads d_model numbers; d_embed must be the same.")
        if self.head == "none" and (self.unembed_bias or not self.tied_embeddings):
            raise ConfigError("Without a head there is no unembedding to be untied or biased.")
        for name, value in (
            ("scores", self.caps.scores),
            ("logits", self.caps.logits),
            ("qkv", self.caps.qkv),
        ):
            if value is not None and not value > 0:
                raise ConfigError(f"The cap of {name} is {value}; it must be positive.")

    # -- what follows -----------------------------------------------------------------------

    @property
    def has_logits(self) -> bool:
        """Whether it ends with scores of tokens, and not with hidden states."""
        return self.head != "none"

    @property
    def has_norm_bias(self) -> bool:
        """Whether norms of the stream add a bias."""
        return self.norm == "layer" and self.norms.bias

    @property
    def n_neurons(self) -> int:
        """Of one block; of a mixture those of all its experts."""
        return self.d_mlp * (1 if self.experts is None else self.experts.n)

    @property
    def no_continuation(self) -> str:
        """Why it can't continue a text, one sentence; empty where it can."""
        if self.head == "mlm":
            return "This model fills masks in a text; it was not made to continue one."
        if self.head == "none":
            return "This model has no language-model head: it gives vectors, no next token."
        if not self.causal:
            return "This model looks at a whole text at once; it was not made to continue one."
        return ""

    @property
    def rotations(self) -> tuple[Rotary, ...]:
        """The different rotations that its layers use."""
        per_layer = self.rotary if isinstance(self.rotary, tuple) else (self.rotary,)
        return tuple(dict.fromkeys(rotary for rotary in per_layer if rotary is not None))

    def rotary_at(self, layer: int) -> Rotary | None:
        """How a layer rotates queries and keys; None if it does not."""
        return self.rotary[layer] if isinstance(self.rotary, tuple) else self.rotary

    def window_at(self, layer: int) -> int | None:
        """How far a layer's attention looks; None for no bound."""
        return self.window[layer] if isinstance(self.window, tuple) else self.window

    def rotary_dim(self, rotary: Rotary) -> int:
        """How many dimensions of a head turn."""
        return rotary.dim or self.d_head

    def score_scale(self, layer: int) -> float:
        """What query · key of a layer is multiplied with."""
        scale = self.d_head**-0.5 if self.scales.scores is None else self.scales.scores
        return scale / (layer + 1) if self.scales.by_layer else scale

    def length_changes_rotations(self, before: int, after: int) -> bool:
        """Whether a sequence that grew is rotated otherwise than it was.

        Then what a cache holds of it is no longer what a pass over all of it would compute.
        """
        for rotary in self.rotations:
            fixed_up_to = rotary.depends_on_length()
            if fixed_up_to is None or after <= fixed_up_to:
                continue
            if not isinstance(rotary.scaling, LongRopeScaling) or before <= fixed_up_to:
                return True
        return False

    def block_norms(self, layer: int) -> tuple[BlockNorm, ...]:
        """Which norms of the residual stream a block has, in the order in which they run."""
        match self.norms.placement:
            case "output":
                return ("ln1_post", "ln2_post")
            case "sandwich":
                return ("ln1", "ln1_post", "ln2", "ln2_post")
            case "post":
                return ("ln1", "ln2")
        first: tuple[BlockNorm, ...] = () if layer == 0 and not self.norms.first else ("ln1",)
        return first if self.parallel and self.norms.shared else (*first, "ln2")

    def parameter_counts(self) -> dict[str, int]:
        """Parameters by part, before any weight exists.

        Returns:
            ``embedding`` (tokens, positions, token types, projection), ``attention``, ``mlp``
            (with experts and their router), ``norm``, ``unembedding`` (its matrix unless tied,
            biases, projection, masked head). The sum is the network's parameter count.
        """
        per_norm = (self.norms.weight + self.has_norm_bias) * self.d_model
        n_norms = sum(len(self.block_norms(layer)) for layer in range(self.n_layers))
        n_norms += self.norms.final + self.norms.embedding + (self.head == "mlm")
        heads, kv = self.n_heads * self.d_head, self.n_kv_heads * self.d_head
        attention = self.d_model * (heads + 2 * kv) + heads * self.d_model
        attention += (heads + 2 * kv if self.qkv_bias else 0) + self.out_bias * self.d_model
        n_in = 2 if self.gated else 1
        mlp = (n_in + 1) * self.d_model * self.d_mlp
        if self.mlp_bias:
            mlp += n_in * self.d_mlp + self.d_model
        if self.experts is not None:
            mlp = self.experts.n * (mlp + self.d_model)
        projection = self.d_model * self.d_embed if self.d_embed != self.d_model else 0
        embedding = self.d_vocab * self.d_embed + projection + self.n_token_types * self.d_model
        if self.positions == "learned":
            embedding += (self.n_ctx + self.position_offset) * self.d_model
        unembedding = 0
        if self.has_logits:
            unembedding = projection + self.unembed_bias * self.d_vocab
            unembedding += 0 if self.tied_embeddings else self.d_vocab * self.d_embed
        if self.masked_head is not None:
            unembedding += self.d_model * (self.d_model + self.masked_head.bias)
        return {
            "embedding": embedding,
            "attention": self.n_layers * attention,
            "mlp": self.n_layers * mlp,
            "norm": n_norms * per_norm + self.n_layers * self._qk_norm_size(),
            "unembedding": unembedding,
        }

    def _qk_norm_size(self) -> int:
        """Parameters of one layer's norms of queries and keys."""
        if self.qk_norm is None:
            return 0
        times = self.norms.weight + (self.qk_norm.bias and self.norm == "layer")
        if self.qk_norm.over == "head":
            return times * 2 * self.d_head
        return times * (self.n_heads + self.n_kv_heads) * self.d_head

    @property
    def n_params(self) -> int:
        """Number of parameters, tied ones counted once."""
        return sum(self.parameter_counts().values())
