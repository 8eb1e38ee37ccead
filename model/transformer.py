"""The network: one decoder, two paths through the same weights.

`Transformer.forward` is the fast path, with fused attention, for training and generation.
`Transformer.traced` executes `model.operations` one by one, with explicit attention, and passes
every output through a tap: a recording is one tap, an intervention another.
A test holds the two paths to each other.

Knows nothing of files, tokens or families; checkpoints are mapped to these parameter names by
`model.checkpoint`.

Shape suffixes: B batch, T position, D d_model, H query heads, G key/value heads, K d_head,
M d_mlp, V d_vocab, Q query position, S key position, N = H*K + 2*G*K (the joined projection).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import TransformerConfig
from model.operations import INPUT_IDS, LOGITS, PROBABILITIES, Operation, aliases, operations

Tap = Callable[[str, Tensor], Tensor]
"""Called with the name and the tensor of every operation; returns the tensor to go on with."""


class KVCache:
    """Keys and values of the positions seen so far, for one growing sequence.

    Buffers of the whole context are taken once, so that a step copies only what is new.
    """

    def __init__(self, config: TransformerConfig, batch: int, like: Tensor) -> None:
        shape = (config.n_layers, batch, config.n_kv_heads, config.n_ctx, config.d_head)
        self.k_LBGSK = like.new_empty(shape)
        self.v_LBGSK = like.new_empty(shape)
        self.length = 0

    def extend(self, layer: int, k_BGTK: Tensor, v_BGTK: Tensor) -> tuple[Tensor, Tensor]:
        """Append one layer's new keys and values; returns all of them, ``[B, G, S, K]``."""
        end = self.length + k_BGTK.shape[2]
        self.k_LBGSK[layer, :, :, self.length : end] = k_BGTK
        self.v_LBGSK[layer, :, :, self.length : end] = v_BGTK
        return self.k_LBGSK[layer, :, :, :end], self.v_LBGSK[layer, :, :, :end]

    def crop(self, length: int) -> None:
        """Forget every position from ``length`` on."""
        self.length = min(self.length, length)


class Linear(nn.Linear):
    """A linear map whose weights `Transformer.initialize` or a checkpoint sets, no default."""

    def reset_parameters(self) -> None:
        pass


class Embedding(nn.Embedding):
    """A table whose rows `Transformer.initialize` or a checkpoint sets, no default."""

    def reset_parameters(self) -> None:
        pass


class Norm(nn.Module):
    """LayerNorm (Ba et al. 2016) or RMSNorm (Zhang and Sennrich 2019)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.rms = config.norm == "rms"
        self.eps = config.norm_eps
        self.w = nn.Parameter(torch.ones(config.d_model))
        self.b = None if self.rms else nn.Parameter(torch.zeros(config.d_model))

    def forward(self, x_BTD: Tensor) -> Tensor:
        if self.rms:
            return F.rms_norm(x_BTD, self.w.shape, self.w, self.eps)
        return F.layer_norm(x_BTD, self.w.shape, self.w, self.b, self.eps)

    def scale(self, x_BTD: Tensor) -> Tensor:
        """What the vectors are divided by, ``[B, T, 1]``."""
        if self.rms:
            return (x_BTD.square().mean(-1, keepdim=True) + self.eps).sqrt()
        return (x_BTD.var(-1, keepdim=True, correction=0) + self.eps).sqrt()

    def normalize(self, x_BTD: Tensor, scale_BT1: Tensor) -> Tensor:
        """The norm's result from a scale that was computed (or intervened on) before."""
        if self.b is None:
            return x_BTD / scale_BT1 * self.w
        return torch.addcmul(self.b, (x_BTD - x_BTD.mean(-1, keepdim=True)) / scale_BT1, self.w)


class Attention(nn.Module):
    """Multi-head, grouped-query or multi-query self-attention (Vaswani et al. 2017)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.n_q = config.n_heads * config.d_head
        self.n_kv = config.n_kv_heads * config.d_head
        self.qkv = Linear(config.d_model, self.n_q + 2 * self.n_kv, bias=config.attention_bias)
        self.out = Linear(self.n_q, config.d_model, bias=config.attention_bias)

    def forward(self, x_BTD: Tensor, start: int, layer: int, cache: KVCache | None) -> Tensor:
        c = self.config
        B, T, _ = x_BTD.shape
        q_BTN, k_BTN, v_BTN = self.qkv(x_BTD).split((self.n_q, self.n_kv, self.n_kv), dim=-1)
        q_BHTK = q_BTN.view(B, T, c.n_heads, c.d_head).transpose(1, 2)
        k_BGTK = k_BTN.view(B, T, c.n_kv_heads, c.d_head).transpose(1, 2)
        v_BGTK = v_BTN.view(B, T, c.n_kv_heads, c.d_head).transpose(1, 2)
        if c.positions == "rotary":
            q_BHTK = rotate(q_BHTK, start, c)
            k_BGTK = rotate(k_BGTK, start, c)
        if cache is not None:
            k_BGTK, v_BGTK = cache.extend(layer, k_BGTK, v_BGTK)
        mask = None
        if c.causal and start > 0 and T > 1:
            mask = causal_mask(T, k_BGTK.shape[2], x_BTD.device)
        z_BHTK = F.scaled_dot_product_attention(
            q_BHTK,
            k_BGTK,
            v_BGTK,
            attn_mask=mask,
            is_causal=c.causal and start == 0,
            enable_gqa=c.n_heads != c.n_kv_heads,
        )
        return self.out(z_BHTK.transpose(1, 2).reshape(B, T, self.n_q))

    def project(self, x_BTD: Tensor, letter: str) -> Tensor:
        """Queries, keys or values alone, ``[B, T, heads, K]``: the traced path's view."""
        start, size = {
            "q": (0, self.n_q),
            "k": (self.n_q, self.n_kv),
            "v": (self.n_q + self.n_kv, self.n_kv),
        }[letter]
        weight = self.qkv.weight[start : start + size]
        bias = None if self.qkv.bias is None else self.qkv.bias[start : start + size]
        return F.linear(x_BTD, weight, bias).unflatten(-1, (-1, self.config.d_head))


class MLP(nn.Module):
    """Two linear maps around a nonlinearity, or a gated one (Shazeer 2020)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.activation = config.activation
        self.up = Linear(config.d_model, config.d_mlp, bias=config.mlp_bias)
        self.gate = (
            Linear(config.d_model, config.d_mlp, bias=config.mlp_bias) if config.gated else None
        )
        self.down = Linear(config.d_mlp, config.d_model, bias=config.mlp_bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        up_BTM = self.up(x_BTD)
        if self.gate is None:
            return self.down(activate(up_BTM, self.activation))
        return self.down(activate(self.gate(x_BTD), self.activation) * up_BTM)


class Block(nn.Module):
    """Attention and MLP, each reading a normed residual stream and adding to it."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.parallel = config.parallel
        self.ln1 = Norm(config)
        self.attn = Attention(config)
        self.ln2 = None if config.parallel else Norm(config)
        self.mlp = MLP(config)
        self.dropout = config.dropout

    def forward(self, resid_BTD: Tensor, start: int, layer: int, cache: KVCache | None) -> Tensor:
        normed_BTD = self.ln1(resid_BTD)
        attn_BTD = self._drop(self.attn(normed_BTD, start, layer, cache))
        if self.ln2 is None:
            return resid_BTD + attn_BTD + self._drop(self.mlp(normed_BTD))
        resid_BTD = resid_BTD + attn_BTD
        return resid_BTD + self._drop(self.mlp(self.ln2(resid_BTD)))

    def _drop(self, x_BTD: Tensor) -> Tensor:
        if self.dropout and self.training:
            return F.dropout(x_BTD, self.dropout)
        return x_BTD


class Transformer(nn.Module):
    """A decoder-only transformer.

    Args:
        config: sizes and choices.
        empty: leave the weights as the memory happens to be: for a loader that sets them all.
            (Not the meta device: its first use imports a compiler, two seconds of work.)
    """

    def __init__(self, config: TransformerConfig, *, empty: bool = False) -> None:
        super().__init__()
        self.config = config
        self.operations = operations(config)
        self._last_use = self._find_last_uses()
        self._alias_of = {name: alias for alias, name in aliases(config).items()}
        self.embed = Embedding(config.d_vocab, config.d_model)
        self.pos_embed = (
            Embedding(config.n_ctx, config.d_model) if config.positions == "learned" else None
        )
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.ln_final = Norm(config)
        self.unembed = Linear(config.d_model, config.d_vocab, bias=False)
        if config.tied_embeddings:
            self.unembed.weight = self.embed.weight
        if not empty:
            self.initialize()

    @torch.no_grad()
    def initialize(self, generator: torch.Generator | None = None, std: float = 0.02) -> None:
        """Random weights as GPT-2 draws them (Radford et al. 2019).

        Normal with ``std``; what writes to the residual stream is scaled by 1/√(2 n_layers);
        biases zero, norms one.
        """
        for name, parameter in self.named_parameters():
            if parameter.ndim < 2:
                nn.init.ones_(parameter) if name.endswith(".w") else nn.init.zeros_(parameter)
                continue
            writes = name.endswith(("attn.out.weight", "mlp.down.weight"))
            scaled = std / math.sqrt(2 * self.config.n_layers) if writes else std
            parameter.normal_(0.0, scaled, generator=generator)

    def forward(
        self, ids_BT: Tensor, cache: KVCache | None = None, last_only: bool = False
    ) -> Tensor:
        """Logits by the fast path.

        Args:
            ids_BT: token ids, int64.
            cache: keys and values of earlier positions; ``ids_BT`` holds the new ones only.
            last_only: score the last position alone; the vocabulary is by far the widest
                product, and generation reads only its last row.

        Returns:
            ``[B, T, V]`` in the weights' dtype, or ``[B, 1, V]``.

        Raises:
            ValueError: the sequence is longer than the context, or empty.
        """
        start = 0 if cache is None else cache.length
        self._check_length(ids_BT, start)
        resid_BTD = self.embed(ids_BT)
        positions = self._positions(ids_BT.shape[1], start, resid_BTD)
        if positions is not None:
            resid_BTD = resid_BTD + positions
        if self.config.dropout and self.training:
            resid_BTD = F.dropout(resid_BTD, self.config.dropout)
        for layer, block in enumerate(self.blocks):
            resid_BTD = block(resid_BTD, start, layer, cache)
        if cache is not None:
            cache.length = start + ids_BT.shape[1]
        if last_only:
            resid_BTD = resid_BTD[:, -1:]
        return self.unembed(self.ln_final(resid_BTD))

    def traced(self, ids_BT: Tensor, tap: Tap) -> Tensor:
        """Logits by the explicit path: every operation's output passes through ``tap``.

        Args:
            ids_BT: token ids, int64.
            tap: called as ``tap(name, tensor)`` in the order of `operations`; what it returns is
                what later operations read. An alias (``hook_resid_pre`` of a later block) is
                tapped right after the tensor that it names.

        Returns:
            ``[B, T, V]``.
        """
        self._check_length(ids_BT, 0)
        values: dict[str, Tensor] = {}
        for index, op in enumerate(self.operations):
            if op.output == PROBABILITIES:
                break
            inputs = [values[name] for name in op.inputs]
            output = tap(op.output, ids_BT if op.kind == "tokens" else self.run(op, inputs))
            if op.output in self._alias_of:
                output = tap(self._alias_of[op.output], output)
            values[op.output] = output
            for name in self._last_use.get(index, ()):
                del values[name]
            del inputs
        return values[LOGITS]

    def _find_last_uses(self) -> dict[int, list[str]]:
        """After which operation an activation is read no more, so that it can be let go."""
        last: dict[str, int] = {}
        for index, op in enumerate(self.operations):
            for name in op.inputs:
                last[name] = index
        uses: dict[int, list[str]] = {}
        for name, index in last.items():
            if name not in (INPUT_IDS, LOGITS):
                uses.setdefault(index, []).append(name)
        return uses

    def run(self, op: Operation, inputs: Sequence[Tensor]) -> Tensor:
        """One operation, from its inputs to its output.

        Args:
            op: an operation of this network.
            inputs: the tensors that ``op.inputs`` names, in that order.
        """
        c = self.config
        block: Block | None = None if op.layer is None else self.blocks[op.layer]  # type: ignore[assignment]
        if block is None:
            match op.kind:
                case "embed":
                    return self.embed(inputs[0])
                case "pos_embed":
                    ids_BT = inputs[0]
                    positions = self._positions(ids_BT.shape[1], 0, self.embed.weight)
                    assert positions is not None
                    # A copy: a recorded activation must not follow the parameter that it came from
                    # when the optimiser changes it.
                    return positions.expand(ids_BT.shape[0], -1, -1).clone()
                case "add":
                    return inputs[0] + inputs[1]
                case "norm_scale":
                    return self.ln_final.scale(inputs[0])
                case "norm":
                    return self.ln_final.normalize(inputs[0], inputs[1])
                case "unembed":
                    return self.unembed(inputs[0])
                case "softmax":
                    return inputs[0].softmax(-1)
            raise ValueError(f"{op.output} can't be run: unknown kind {op.kind!r}.")
        match op.kind:
            case "norm_scale" | "norm":
                norm = block.ln1 if ".ln1." in op.output else block.ln2
                assert norm is not None
                if op.kind == "norm_scale":
                    return norm.scale(inputs[0])
                return norm.normalize(inputs[0], inputs[1])
            case "query":
                return block.attn.project(inputs[0], "q")
            case "key":
                return block.attn.project(inputs[0], "k")
            case "value":
                return block.attn.project(inputs[0], "v")
            case "rotate":
                return rotate(inputs[0].transpose(1, 2), 0, c).transpose(1, 2)
            case "scores":
                return attention_scores(inputs[0], inputs[1], c)
            case "pattern":
                return inputs[0].softmax(-1)
            case "mix":
                return mix_values(inputs[0], inputs[1], c)
            case "attn_out":
                return block.attn.out(inputs[0].flatten(-2))
            case "mlp_gate":
                assert block.mlp.gate is not None
                return block.mlp.gate(inputs[0])
            case "mlp_in":
                return block.mlp.up(inputs[0])
            case "mlp_act":
                gate = activate(inputs[0], c.activation)
                return gate * inputs[1] if c.gated else gate
            case "mlp_out":
                return block.mlp.down(inputs[0])
            case "add":
                total = inputs[0] + inputs[1]
                return total + inputs[2] if len(inputs) == 3 else total
        raise ValueError(f"{op.output} can't be run: unknown kind {op.kind!r}.")

    def _positions(self, T: int, start: int, like: Tensor) -> Tensor | None:
        if self.pos_embed is not None:
            return self.pos_embed.weight[start : start + T].unsqueeze(0)
        if self.config.positions == "sinusoidal":
            return sinusoidal_positions(start, T, self.config.d_model, like).unsqueeze(0)
        return None

    def _check_length(self, ids_BT: Tensor, start: int) -> None:
        T = ids_BT.shape[-1]
        if ids_BT.ndim != 2:
            raise ValueError(f"Token ids have shape {tuple(ids_BT.shape)}; [batch, position] fits.")
        if T == 0:
            raise ValueError("There is no token to run: the sequence is empty.")
        if start + T > self.config.n_ctx:
            raise ValueError(
                f"{start + T} tokens are more than the model's context of {self.config.n_ctx}."
            )


def activate(x: Tensor, activation: str) -> Tensor:
    """The MLP's nonlinearity, elementwise."""
    match activation:
        case "gelu_tanh":
            return F.gelu(x, approximate="tanh")
        case "gelu":
            return F.gelu(x)
        case "relu":
            return F.relu(x)
        case "relu2":
            return F.relu(x).square()
        case "silu":
            return F.silu(x)
    raise ValueError(f"Unknown activation {activation!r}.")


def attention_scores(q_BTHK: Tensor, k_BTGK: Tensor, config: TransformerConfig) -> Tensor:
    """Scaled and masked scores, ``[B, H, Q, S]``; masked entries are -inf."""
    q_BHQK = q_BTHK.transpose(1, 2)
    k_BHKS = repeat_heads(k_BTGK, config).permute(0, 2, 3, 1)
    scores_BHQS = (q_BHQK * config.d_head**-0.5) @ k_BHKS
    if config.causal:
        T = scores_BHQS.shape[-1]
        # In place on a tensor that nobody else holds yet: no second copy of the largest one.
        scores_BHQS.masked_fill_(~causal_mask(T, T, scores_BHQS.device), float("-inf"))
    return scores_BHQS


def mix_values(pattern_BHQS: Tensor, v_BTGK: Tensor, config: TransformerConfig) -> Tensor:
    """The mean of the values that each head attends to, ``[B, T, H, K]``."""
    v_BHSK = repeat_heads(v_BTGK, config).transpose(1, 2)
    return (pattern_BHQS @ v_BHSK).transpose(1, 2)


def repeat_heads(x_BTGK: Tensor, config: TransformerConfig) -> Tensor:
    """Each key/value head as often as query heads share it, ``[B, T, H, K]``."""
    times = config.n_heads // config.n_kv_heads
    return x_BTGK if times == 1 else x_BTGK.repeat_interleave(times, dim=2)


def causal_mask(n_queries: int, n_keys: int, device: torch.device) -> Tensor:
    """True where a query may look; the last query stands at the last key. ``[Q, S]``."""
    mask = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return mask.tril(n_keys - n_queries)


def rotate(x_BHTK: Tensor, start: int, config: TransformerConfig) -> Tensor:
    """Rotary position embedding (Su et al. 2021).

    Halves convention: dimension i pairs with i + rotary_dim / 2. The first ``rotary_dim``
    dimensions turn, the others pass.
    """
    half = config.rotary_dim // 2
    T = x_BHTK.shape[2]
    # In float64 on the way: angles of late positions lose digits in float32.
    exponent = torch.arange(half, dtype=torch.float64, device=x_BHTK.device) / half
    frequency = config.rotary_base**-exponent
    position = torch.arange(start, start + T, dtype=torch.float64, device=x_BHTK.device)
    angle_TK = position[:, None] * frequency[None, :]
    cos, sin = angle_TK.cos().to(x_BHTK.dtype), angle_TK.sin().to(x_BHTK.dtype)
    first, second = x_BHTK[..., :half], x_BHTK[..., half : 2 * half]
    rest = x_BHTK[..., 2 * half :]
    return torch.cat((first * cos - second * sin, second * cos + first * sin, rest), dim=-1)


def sinusoidal_positions(start: int, T: int, d_model: int, like: Tensor) -> Tensor:
    """Sines and cosines of geometric wavelengths (Vaswani et al. 2017), ``[T, D]``."""
    position = torch.arange(start, start + T, dtype=torch.float64, device=like.device)[:, None]
    even = torch.arange(0, d_model, 2, dtype=torch.float64, device=like.device)
    angle = position / 10_000 ** (even / d_model)
    table_TD = torch.empty(T, d_model, dtype=torch.float64, device=like.device)
    table_TD[:, 0::2] = angle.sin()
    table_TD[:, 1::2] = angle.cos()[:, : d_model // 2]
    return table_TD.to(like.dtype)
