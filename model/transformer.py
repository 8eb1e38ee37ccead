"""The network: one transformer, two paths through the same weights.

`Transformer.forward` is the fast path, with fused attention, for training and generation.
`Transformer.traced` executes `model.operations` one by one, with explicit attention, and passes
every output through a tap: a recording is one tap, an intervention another.
A test holds the two paths to each other.

Knows nothing of files, tokens or families; checkpoints are mapped to these parameter names by
`model.checkpoint`. Its parts are in `model.network`, whose legend explains the shape suffixes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import TransformerConfig
from model.network.attention import KVCache, attention_scores, mix_values, soft_cap
from model.network.block import Block, MaskedHead
from model.network.linear import Embedding, Linear
from model.network.mlp import MLP, Mixture, activate
from model.network.norm import Norm
from model.network.rotary import rotate
from model.network.span import Span, sinusoidal_positions
from model.operations import (
    INPUT_IDS,
    LOGITS,
    PROBABILITIES,
    Operation,
    aliases,
    operations,
    output_name,
)

__all__ = ["Block", "KVCache", "Tap", "Transformer"]

Tap = Callable[[str, Tensor], Tensor]
"""Called with the name and the tensor of every operation; returns the tensor to go on with."""


class Transformer(nn.Module):
    """A transformer, causal or bidirectional.

    Args:
        config: sizes and choices.
        empty: leave the weights as the memory happens to be: for a loader that sets them all.
    """

    def __init__(self, config: TransformerConfig, *, empty: bool = False) -> None:
        super().__init__()
        c = self.config = config
        self.operations = operations(c)
        self._output = output_name(c)
        self._last_use = self._find_last_uses()
        self._aliases_of: dict[str, list[str]] = {}
        for alias, name in aliases(c).items():
            self._aliases_of.setdefault(name, []).append(alias)
        narrow = c.d_embed != c.d_model
        self.embed = Embedding(c.d_vocab, c.d_embed)
        self.project_in = Linear(c.d_embed, c.d_model, bias=False) if narrow else None
        self.pos_embed = (
            Embedding(c.n_ctx + c.position_offset, c.d_model) if c.positions == "learned" else None
        )
        self.token_type_embed = Embedding(c.n_token_types, c.d_model) if c.n_token_types else None
        self.ln_embed = Norm(c) if c.norms.embedding else None
        self.blocks = nn.ModuleList(Block(c, layer) for layer in range(c.n_layers))
        self.ln_final = Norm(c) if c.norms.final else None
        self.mlm_head = MaskedHead(c) if c.head == "mlm" else None
        self.project_out = (
            Linear(c.d_model, c.d_embed, bias=False) if narrow and c.has_logits else None
        )
        self.unembed = Linear(c.d_embed, c.d_vocab, bias=c.unembed_bias) if c.has_logits else None
        self._tie()
        if not empty:
            self.initialize()

    def _tie(self) -> None:
        if self.unembed is not None and self.config.tied_embeddings:
            self.unembed.weight = self.embed.weight

    @torch.no_grad()
    def initialize(self, generator: torch.Generator | None = None, std: float = 0.02) -> None:
        """Random weights as GPT-2 draws them (Radford et al. 2019).

        Normal with ``std``; what writes to the residual stream is scaled by 1/√(2 n_layers);
        biases zero, norms one.
        """
        for name, parameter in self.named_parameters():
            if name.endswith(".w"):
                parameter.fill_(1 - self.config.norms.offset)
            elif parameter.ndim < 2:
                parameter.zero_()
            else:
                writes = name.endswith((".out.weight", ".down.weight"))
                scaled = std / math.sqrt(2 * self.config.n_layers) if writes else std
                parameter.normal_(0.0, scaled, generator=generator)

    def adopt(self, state: Mapping[str, Tensor]) -> None:
        """Take tensors as the weights, without copying them.

        Args:
            state: every parameter by its name in `state_dict`; the unembedding's weight may be
                left out where it is tied.

        Raises:
            RuntimeError: a name or a shape does not fit.
        """
        state = dict(state)
        if self.unembed is not None and self.config.tied_embeddings:
            state["unembed.weight"] = state["embed.weight"]
        self.load_state_dict(state, assign=True)
        self._tie()

    def forward(
        self, ids_BT: Tensor, cache: KVCache | None = None, last_only: bool = False
    ) -> Tensor:
        """Logits by the fast path; the last hidden state where there is no head.

        Args:
            ids_BT: token ids, int64.
            cache: keys and values of earlier positions; ``ids_BT`` holds the new ones only.
            last_only: score the last position alone; the vocabulary is by far the widest
                product, and generation reads only its last row.

        Returns:
            ``[B, T, V]`` in the weights' dtype, or ``[B, 1, V]``; without a head ``[B, T, D]``.

        Raises:
            ValueError: the sequence is longer than the context, or empty.
        """
        start = 0 if cache is None else cache.length
        self._check_length(ids_BT, start)
        T = ids_BT.shape[1]
        span = Span(self.config, start, T, self.embed.weight)
        resid_BTD = self._embedded(ids_BT, start)
        if self.config.dropout and self.training:
            resid_BTD = F.dropout(resid_BTD, self.config.dropout)
        for block in self.blocks:
            resid_BTD = block(resid_BTD, span, cache)
        if cache is not None:
            cache.length = start + T
        if last_only:
            resid_BTD = resid_BTD[:, -1:]
        if self.ln_final is not None:
            resid_BTD = self.ln_final(resid_BTD)
        if self.unembed is None:
            return resid_BTD
        if self.mlm_head is not None:
            resid_BTD = self.mlm_head(resid_BTD)
        if self.project_out is not None:
            resid_BTD = self.project_out(resid_BTD)
        return self._logits(resid_BTD)

    def _embedded(self, ids_BT: Tensor, start: int) -> Tensor:
        """The residual stream before the first block."""
        resid_BTD = self._token_vectors(ids_BT)
        if self.project_in is not None:
            resid_BTD = self.project_in(resid_BTD)
        positions = self._positions(ids_BT.shape[1], start, resid_BTD)
        if positions is not None:
            resid_BTD = resid_BTD + positions
        if self.token_type_embed is not None:
            resid_BTD = resid_BTD + self.token_type_embed.weight[0]
        return resid_BTD if self.ln_embed is None else self.ln_embed(resid_BTD)

    def _token_vectors(self, ids_BT: Tensor) -> Tensor:
        x_BTE: Tensor = self.embed(ids_BT)
        scale = self.config.scales.embedding
        # A tensor in the weights' dtype: families round the factor to it before they multiply.
        return x_BTE if scale == 1 else x_BTE * torch.tensor(scale, dtype=x_BTE.dtype)

    def _logits(self, x_BTE: Tensor) -> Tensor:
        assert self.unembed is not None
        logits_BTV: Tensor = self.unembed(x_BTE)
        if self.config.scales.logits != 1:
            logits_BTV = logits_BTV * self.config.scales.logits
        cap = self.config.caps.logits
        return logits_BTV if cap is None else soft_cap(logits_BTV, cap)

    def traced(self, ids_BT: Tensor, tap: Tap) -> Tensor:
        """Logits by the explicit path: every operation's output passes through ``tap``.

        Args:
            ids_BT: token ids, int64.
            tap: called as ``tap(name, tensor)`` in the order of `operations`; what it returns is
                what later operations read. An alias (``hook_resid_pre`` of a later block) is
                tapped right after the tensor that it names.

        Returns:
            ``[B, T, V]``; without a head the last hidden state, ``[B, T, D]``.
        """
        self._check_length(ids_BT, 0)
        span = Span(self.config, 0, ids_BT.shape[1], self.embed.weight)
        values: dict[str, Tensor] = {}
        for index, op in enumerate(self.operations):
            if op.output == PROBABILITIES:
                break
            inputs = [values[name] for name in op.inputs]
            output = tap(op.output, ids_BT if op.kind == "tokens" else self.run(op, inputs, span))
            for alias in self._aliases_of.get(op.output, ()):
                output = tap(alias, output)
            values[op.output] = output
            for name in self._last_use.get(index, ()):
                del values[name]
            del inputs
        return values[self._output]

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

    def run(self, op: Operation, inputs: Sequence[Tensor], span: Span | None = None) -> Tensor:
        """One operation, from its inputs to its output.

        Args:
            op: an operation of this network.
            inputs: the tensors that ``op.inputs`` names, in that order.
            span: rotations and masks of the pass, where several operations share them.
        """
        if op.kind in ("norm_scale", "norm"):
            return self._run_norm(op, inputs)
        if op.kind == "add":
            total = inputs[0] + inputs[1]
            return total + inputs[2] if len(inputs) == 3 else total
        if op.layer is None:
            return self._run_end(op, inputs[0])
        block = cast("Block", self.blocks[op.layer])
        if op.kind in ("rotate", "scores"):
            span = span or Span(self.config, 0, inputs[0].shape[1], inputs[0])
            return self._run_positions(op, inputs, span, op.layer)
        if op.group == "mlp":
            return self._run_mlp(op, inputs, block.mlp)
        match op.kind:
            case "query":
                return block.attn.project(inputs[0], "q")
            case "key":
                return block.attn.project(inputs[0], "k")
            case "value":
                return block.attn.project(inputs[0], "v")
            case "pattern":
                return inputs[0].softmax(-1)
            case "mix":
                return mix_values(inputs[0], inputs[1], self.config)
            case "attn_out":
                return self._scaled(block.attn.out(inputs[0].flatten(-2)))
        raise ValueError(f"{op.output} can't be run: unknown kind {op.kind!r}.")

    def _run_end(self, op: Operation, x: Tensor) -> Tensor:
        """An operation outside the blocks."""
        match op.kind:
            case "embed":
                return self._token_vectors(x)
            case "project_in":
                assert self.project_in is not None
                return cast("Tensor", self.project_in(x))
            case "pos_embed":
                positions = self._positions(x.shape[1], 0, self.embed.weight)
                assert positions is not None
                # A copy: a recorded activation must not follow the parameter that it came from
                # when the optimiser changes it.
                return positions.expand(x.shape[0], -1, -1).clone()
            case "token_type_embed":
                assert self.token_type_embed is not None
                return self.token_type_embed.weight[0].expand(*x.shape, -1).clone()
            case "head_dense":
                assert self.mlm_head is not None
                return cast("Tensor", self.mlm_head.dense(x))
            case "head_act":
                assert self.mlm_head is not None
                return activate(x, self.mlm_head.activation)
            case "project_out":
                assert self.project_out is not None
                return cast("Tensor", self.project_out(x))
            case "unembed":
                return self._logits(x)
            case "softmax":
                return x.softmax(-1)
        raise ValueError(f"{op.output} can't be run: unknown kind {op.kind!r}.")

    def _run_norm(self, op: Operation, inputs: Sequence[Tensor]) -> Tensor:
        if op.kind == "norm_scale":
            return self.norm_of(op.output.removesuffix(".hook_scale")).scale(inputs[0])
        norm = self.norm_of(op.parameters[0].removesuffix(".w"))
        return norm.normalize(inputs[0], inputs[1])

    def norm_of(self, name: str) -> Norm:
        """A norm by the name that its operations and parameters have, ``blocks.0.ln1``."""
        return cast("Norm", self.get_submodule("ln_embed" if name == "embed.ln" else name))

    def _run_positions(
        self, op: Operation, inputs: Sequence[Tensor], span: Span, layer: int
    ) -> Tensor:
        if op.kind == "scores":
            return attention_scores(inputs[0], inputs[1], span, layer)
        rotary = self.config.rotary_at(layer)
        assert rotary is not None
        cos_TK, sin_TK = span.rotation(rotary)
        turned = rotate(inputs[0].transpose(1, 2), cos_TK, sin_TK, rotary.interleaved)
        return turned.transpose(1, 2)

    def _run_mlp(self, op: Operation, inputs: Sequence[Tensor], mlp: MLP | Mixture) -> Tensor:
        if op.kind == "mlp_act":
            gate = activate(inputs[0], self.config.activation)
            return gate * inputs[1] if self.config.gated else gate
        if isinstance(mlp, Mixture):
            return self._run_mixture(op, inputs, mlp)
        match op.kind:
            case "mlp_gate":
                assert mlp.gate is not None
                return cast("Tensor", mlp.gate(inputs[0]))
            case "mlp_in":
                return cast("Tensor", mlp.up(inputs[0]))
            case "mlp_out":
                return self._scaled(mlp.down(inputs[0]))
        raise ValueError(f"{op.output} can't be run: unknown kind {op.kind!r}.")

    def _run_mixture(self, op: Operation, inputs: Sequence[Tensor], mlp: Mixture) -> Tensor:
        match op.kind:
            case "router":
                return cast("Tensor", mlp.router(inputs[0]))
            case "expert_weights":
                return mlp.weigh(inputs[0])
            case "expert_indices":
                return mlp.choose(inputs[0])
            case "expert_shares":
                return mlp.share(inputs[0], inputs[1])
            case "mlp_gate":
                return mlp.hidden(inputs[0], inputs[1], "gate")
            case "mlp_in":
                return mlp.hidden(inputs[0], inputs[1], "up")
            case "mlp_out":
                return self._scaled(mlp.join(inputs[0], inputs[1], inputs[2]))
        raise ValueError(f"{op.output} can't be run: unknown kind {op.kind!r}.")

    def _scaled(self, x_BTD: Tensor) -> Tensor:
        scale = self.config.scales.residual
        return x_BTD if scale == 1 else x_BTD * scale

    def _positions(self, T: int, start: int, like: Tensor) -> Tensor | None:
        if self.pos_embed is not None:
            first = start + self.config.position_offset
            return self.pos_embed.weight[first : first + T].unsqueeze(0)
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
