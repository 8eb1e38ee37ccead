"""The network: one transformer, two paths through the same weights.

`Transformer.forward` is the fast path, with fused attention, for training and generation;
`Transformer.stream` is the same between two blocks, and can be watched.
`Transformer.execute` runs operations of `model.operations` one by one, with explicit attention,
from any activation on; an intervention changes what one writes (a tap) or computes it otherwise.
A test holds the two paths to each other.

Knows nothing of files, tokens or families; checkpoints are mapped to these parameter names by
`model.checkpoint`. Its parts are in `model.network`, whose legend explains the shape suffixes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import TransformerConfig
from model.first_weights import FirstWeights
from model.network import training_kernels
from model.network.attention import KVCache
from model.network.block import Block, MaskedTransform
from model.network.execute import Replace, Tap, execute
from model.network.keep import Keep
from model.network.linear import Embedding, Linear
from model.network.norm import Norm
from model.network.run import run
from model.network.scores import cap as soft_cap
from model.network.span import Span, sinusoidal_positions
from model.operations import (
    INPUT_IDS,
    PROBABILITIES,
    Operation,
    aliases,
    needed,
    operations,
    output_name,
)

__all__ = ["Block", "KVCache", "Keep", "Replace", "Tap", "Transformer"]


class Transformer(nn.Module):
    """A transformer, causal or bidirectional.

    Args:
        config: sizes and choices.
        empty: leave the weights as the memory happens to be: for a loader that sets them all.

    Attributes:
        compute_dtype: in which the fast path computes from the embedding on; None for the
            weights'. Set by `computing_in`, for training in a narrower one.
    """

    def __init__(self, config: TransformerConfig, *, empty: bool = False) -> None:
        super().__init__()
        c = self.config = config
        self.operations = operations(c)
        self.shapes = {op.output: op.shape for op in self.operations}
        self.aliases = aliases(c)
        self._writers = {op.output: op for op in self.operations}
        self.aliases_of: dict[str, list[str]] = {}
        for alias, name in self.aliases.items():
            self.aliases_of.setdefault(name, []).append(alias)
        self.compute_dtype: torch.dtype | None = None
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
        self.mlm_head = MaskedTransform(c) if c.head == "mlm" else None
        self.project_out = (
            Linear(c.d_model, c.d_embed, bias=False) if narrow and c.has_logits else None
        )
        self.unembed = Linear(c.d_embed, c.d_vocab, bias=c.unembed_bias) if c.has_logits else None
        self.tie()
        if not empty:
            self.initialize()

    def tie(self) -> None:
        """Let the unembedding be the embedding's very tensor, where the config says so."""
        if self.unembed is not None and self.config.tied_embeddings:
            self.unembed.weight = self.embed.weight

    @torch.no_grad()
    def initialize(
        self,
        generator: torch.Generator | None = None,
        std: float = 0.02,
        first: FirstWeights | None = None,
    ) -> None:
        """Random weights: as GPT-2 draws them with ``std``, or as ``first`` says."""
        first = FirstWeights(std) if first is None else first
        for name, parameter in self.named_parameters():
            first.draw(name, parameter, self.config, generator)

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
        self.tie()

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
        [resid_BTD] = deque(self.stream(ids_BT, cache), maxlen=1)
        return self.head(resid_BTD[:, -1:] if last_only else resid_BTD)

    @contextmanager
    def computing_in(self, dtype: torch.dtype | None) -> Iterator[None]:
        """Let the fast path compute in another dtype than the weights' meanwhile.

        Gradients come in the weights' dtype. Not for a network with a mixture of experts, which
        writes into tensors of the weights'.
        """
        before, self.compute_dtype = self.compute_dtype, dtype
        try:
            with training_kernels.training() if dtype is not None else nullcontext():
                yield
        finally:
            self.compute_dtype = before

    def stream(
        self, ids_BT: Tensor, cache: KVCache | None = None, keep: Keep | None = None
    ) -> Generator[Tensor, None, None]:
        """The residual stream by the fast path, before the first block and after each.

        Whoever reads it may stop between two blocks: the cache then holds nothing new.

        Args:
            ids_BT: token ids, int64.
            cache: keys and values of earlier positions; ``ids_BT`` holds the new ones only.
            keep: told of what the pass has at hand, for example ``blocks.0.attn.hook_q``.

        Yields:
            ``[B, T, D]``, ``n_layers + 1`` times: the activations that `streams` names.

        Raises:
            ValueError: the sequence is longer than the context, or empty.
        """
        start = 0 if cache is None else cache.length
        self.check_length(ids_BT, start)
        T = ids_BT.shape[1]
        resid_BTD = self._embedded(ids_BT, start)
        if self.compute_dtype is not None:
            resid_BTD = resid_BTD.to(self.compute_dtype)
        like = self.embed.weight if self.compute_dtype is None else resid_BTD
        span = Span(self.config, start, T, like)
        if self.config.dropout and self.training:
            resid_BTD = F.dropout(resid_BTD, self.config.dropout)
        for block in self.blocks:
            yield resid_BTD
            resid_BTD = block(resid_BTD, span, cache, keep)
        if cache is not None:
            cache.length = start + T
        yield resid_BTD

    def head(self, resid_BTD: Tensor) -> Tensor:
        """What the network makes of the last residual stream, at any positions.

        Returns:
            Logits ``[B, T, V]``; without a head the last hidden state, ``[B, T, D]``.
        """
        if self.ln_final is not None:
            resid_BTD = self.ln_final(resid_BTD)
        if self.unembed is None:
            return resid_BTD
        if self.mlm_head is not None:
            resid_BTD = self.mlm_head(resid_BTD)
        if self.project_out is not None:
            resid_BTD = self.project_out(resid_BTD)
        return self.token_scores(resid_BTD)

    def _embedded(self, ids_BT: Tensor, start: int) -> Tensor:
        """The residual stream before the first block."""
        resid_BTD = self.token_vectors(ids_BT)
        if self.project_in is not None:
            resid_BTD = self.project_in(resid_BTD)
        positions = self.position_vectors(ids_BT.shape[1], start, resid_BTD)
        if positions is not None:
            resid_BTD = resid_BTD + positions
        if self.token_type_embed is not None:
            resid_BTD = resid_BTD + self.token_type_embed.weight[0]
        return resid_BTD if self.ln_embed is None else self.ln_embed(resid_BTD)

    def token_vectors(self, ids_BT: Tensor) -> Tensor:
        """Rows of the embedding table, as they enter the network, ``[B, T, E]``."""
        x_BTE: Tensor = self.embed(ids_BT)
        scale = self.config.scales.embedding
        # A tensor in the weights' dtype: families round the factor to it before they multiply.
        return x_BTE if scale == 1 else x_BTE * torch.tensor(scale, dtype=x_BTE.dtype)

    def token_scores(
        self, x_BTE: Tensor, ids: Tensor | None = None, *, capped: bool = True
    ) -> Tensor:
        """Logits from what the unembedding reads, ``[B, T, V]``.

        Args:
            x_BTE: at any positions.
            ids: of the tokens that are scored, ``[V']``; None for the vocabulary.
            capped: whether within the soft cap, where there is one.
        """
        assert self.unembed is not None
        unembed = self.unembed
        if ids is None:
            logits_BTV: Tensor = unembed(x_BTE)
        else:
            bias = None if unembed.bias is None else unembed.bias[ids]
            logits_BTV = F.linear(x_BTE, unembed.weight[ids], bias)
        if self.config.scales.logits != 1:
            logits_BTV = logits_BTV * self.config.scales.logits
        cap = self.config.caps.logits
        return logits_BTV if cap is None or not capped else soft_cap(logits_BTV, cap)

    def traced(self, ids_BT: Tensor, tap: Tap | None = None) -> Tensor:
        """Logits by the explicit path: every operation's output passes through ``tap``.

        Args:
            ids_BT: token ids, int64.
            tap: called as ``tap(name, tensor)`` in the order of `operations`; what it returns is
                what later operations read. An alias (``hook_resid_pre`` of a later block) is
                tapped right after the tensor that it names.

        Returns:
            ``[B, T, V]``; without a head the last hidden state, ``[B, T, D]``.
        """
        self.check_length(ids_BT)
        ops = [op for op in self.operations if op.output != PROBABILITIES]
        name = output_name(self.config)
        return self.execute(ops, {INPUT_IDS: ids_BT}, (name,), tap)[name]

    def execute(
        self,
        operations: Sequence[Operation],
        values: Mapping[str, Tensor],
        wanted: Collection[str] | None = None,
        tap: Tap | None = None,
        replace: Replace | None = None,
        span: Span | None = None,
    ) -> dict[str, Tensor]:
        """Run operations of this network, from any activation on, for any window of positions.

        What is read no more is let go. Where neither a tap nor a replacement looks, the steps
        towards the softmax are written over each other, with the digits that they have one by one.

        Args:
            operations: in the order in which they run.
            values: what they read and none of them writes, by name; aliases too.
            wanted: names of what is given back, aliases too; None for what no operation reads.
            tap: called as ``tap(name, tensor)`` after every operation and for every alias; what it
                returns is what later operations read.
            replace: called as ``replace(op, inputs, run)`` before every operation but the tokens;
                what it returns is the output. None: the operation runs as usual, as
                ``run(inputs)`` does.
            span: the window of positions that ``values`` hold (keys and values: all positions
                that have keys); None for a whole sequence.

        Returns:
            The wanted activations, in the order in which they were computed.

        Raises:
            KeyError: a wanted name is neither given nor written.
            ValueError: an operation reads what is not there, or other positions than the span's.
        """
        return execute(self, operations, values, wanted, tap, replace, span)

    def compute(
        self,
        wanted: Collection[str],
        have: Mapping[str, Tensor],
        tap: Tap | None = None,
        replace: Replace | None = None,
        span: Span | None = None,
    ) -> dict[str, Tensor]:
        """Activations from others, by the fewest operations.

        Args:
            wanted: their names, aliases too.
            have: what is there, for example the residual stream that a block reads.
            tap, replace, span: as of `execute`.

        Raises:
            KeyError: there is no such activation.
            ValueError: what is there does not suffice.
        """
        real = self.aliases
        ops = needed(
            self.operations,
            {real.get(name, name) for name in wanted},
            {real.get(name, name) for name in have},
        )
        return self.execute(ops, have, wanted, tap, replace, span)

    def run(self, op: Operation, inputs: Sequence[Tensor], span: Span | None = None) -> Tensor:
        """One operation of this network, from the tensors that ``op.inputs`` names."""
        return run(self, op, inputs, span)

    def operation(self, name: str) -> Operation:
        """The operation that writes an activation, under its own name or an alias.

        Raises:
            KeyError: there is none.
        """
        own = self.aliases.get(name, name)
        if own not in self._writers:
            raise KeyError(f"No activation is called {name!r}.")
        return self._writers[own]

    def table(self, matrix: Literal["W_E", "W_U"]) -> Tensor:
        """One row per token, ``[V, E]``: the embedding, or the unembedding transposed."""
        unembeds = matrix == "W_U" and self.unembed is not None
        rows: Tensor = self.unembed.weight if unembeds else self.embed.weight  # type: ignore[union-attr]
        return rows.detach()

    def norm_of(self, name: str) -> Norm:
        """A norm by the name that its operations and parameters have, ``blocks.0.ln1``."""
        return cast("Norm", self.get_submodule("ln_embed" if name == "embed.ln" else name))

    def position_vectors(self, T: int, start: int, like: Tensor) -> Tensor | None:
        """What is added to the embedding for the positions from ``start`` on, ``[1, T, D]``."""
        if self.pos_embed is not None:
            first = start + self.config.position_offset
            return self.pos_embed.weight[first : first + T].unsqueeze(0)
        if self.config.positions == "sinusoidal":
            return sinusoidal_positions(start, T, self.config.d_model, like).unsqueeze(0)
        return None

    def check_length(self, ids_BT: Tensor, start: int = 0) -> None:
        """Raise ValueError for a sequence that is empty or longer than the context."""
        T = ids_BT.shape[-1]
        if ids_BT.ndim != 2:
            raise ValueError(f"Token ids have shape {tuple(ids_BT.shape)}; [batch, position] fits.")
        if T == 0:
            raise ValueError("There is no token to run: the sequence is empty.")
        if start + T > self.config.n_ctx:
            raise ValueError(
                f"{start + T} tokens are more than the model's context of {self.config.n_ctx}."
            )
