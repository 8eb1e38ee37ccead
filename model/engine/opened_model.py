"""A language model as the window looks at it.

What it is, what it makes of a prompt, and what of its activations fits through the thread border.

Turns tensors into read-only arrays; knows nothing of requests, training or Qt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from model.hub import cached_name
from model.language_model import LanguageModel
from model.messages import Array, ModelInfo
from model.operations import PROBABILITIES, Operation, aliases, shape_of
from model.preview import checkpoint_name
from model.tokenizer.tokens import Token

TRACE_BUDGET = 384 * 2**20
"""Bytes of activations that a trace carries to the window; the rest is fetched one by one."""

DROPPED_FIRST = (
    "dot",
    "scale",
    "bias",
    "cap",
    "mask",
    "mlp_in",
    "mlp_gate",
    "mlp_act",
    "key",
    "query",
    "rotate",
    "value",
    "mix",
    "norm",
    "pattern",
    "attn_out",
    "mlp_out",
)
"""Kinds of operation in the order in which a trace that is too large leaves them out."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as it will be run.

    Attributes:
        ids: at least one, at most ``n_ctx``.
        tokens: one per id.
        notes: what a person should know: what was replaced, where it was cut.
        truncated_at: index of the first character that was cut off, or None.
        n_bytes: UTF-8 bytes of what is run.
    """

    ids: list[int]
    tokens: tuple[Token, ...]
    notes: tuple[str, ...]
    truncated_at: int | None
    n_bytes: int


class ModelView:
    """A model that is open, or that is training.

    Args:
        lm: the model; it is not copied.
        model_id: unique among the models of this process.
        training: whether its weights still change.
        saved: whether the weights are those that its path holds.
    """

    def __init__(
        self, lm: LanguageModel, model_id: int, *, training: bool, saved: bool = True
    ) -> None:
        self.lm = lm
        self.saved = saved
        self.path = lm.path or Path()
        tokenizer = lm.tokenizer
        self.info = ModelInfo(
            model_id=model_id,
            name=cached_name(self.path) or checkpoint_name(self.path) or "unnamed",
            path=str(self.path),
            family=lm.family,
            config=lm.config,
            n_params=lm.n_params,
            parameters=MappingProxyType(lm.config.parameter_counts()),
            tokenizer="none: type token ids" if tokenizer is None else tokenizer.kind,
            vocabulary=() if tokenizer is None else tokenizer.vocabulary,
            special_ids=frozenset() if tokenizer is None else tokenizer.special_ids,
            device=lm.device.name,
            device_why=lm.device.why,
            dtype=str(lm.dtype).removeprefix("torch."),
            training=training,
            format=lm.format,
            notes=lm.notes,
            continuing_ids=frozenset() if tokenizer is None else tokenizer.continuing,
            mask_id=None if tokenizer is None else tokenizer.mask_id,
        )

    def learned(self, model_id: int, *, saved: bool) -> ModelView:
        """The same model, now that its training has ended."""
        self.lm.transformer.eval()
        return ModelView(self.lm, model_id, training=False, saved=saved)

    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        return all(bool(p.isfinite().all()) for p in self.lm.transformer.parameters())

    def has(self, matrix: Literal["W_E", "W_U"]) -> bool:
        """Whether a table of token vectors is one of its own."""
        return matrix == "W_E" or not self.lm.config.tied_embeddings

    def table(self, matrix: Literal["W_E", "W_U"]) -> Tensor:
        """One row per token, ``[V, D]``: the embedding, or the unembedding transposed."""
        network = self.lm.transformer
        if matrix == "W_E" or network.unembed is None:
            return network.embed.weight.detach()
        return network.unembed.weight.detach()

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Dropout is off inside, and as it was afterwards."""
        network = self.lm.transformer
        if not network.training:  # the usual case; telling every module takes a millisecond
            yield
            return
        network.eval()
        try:
            yield
        finally:
            network.train()

    def read_prompt(self, text: str, ids: tuple[int, ...] | None) -> Prompt | str:
        """A text or ids as what will be run, cut to the context; or a sentence on why not."""
        if ids is None and self.lm.tokenizer is None:
            try:
                ids = tuple(int(word) for word in text.replace(",", " ").split())
            except ValueError:
                return (
                    f"No tokenizer: type token ids from 0 to {self.lm.config.d_vocab - 1}, "
                    f"for example {self._some_ids}."
                )
        if ids is not None:
            return self._read_ids(ids)
        tokenizer = self.lm.tokenizer
        assert tokenizer is not None
        encoding = tokenizer.encode(text)
        if not encoding.ids:
            return "The prompt is empty. Type a word, or choose an example."
        n_ctx = self.lm.config.n_ctx
        tokens = encoding.tokens[:n_ctx]
        notes = encoding.notes
        cut = None
        if len(encoding.ids) > n_ctx:
            cut = tokens[-1].char_end
            notes = (
                *notes,
                f"The prompt has {len(encoding.ids):,} tokens and the model's context {n_ctx:,}: "
                f"cut after character {cut:,}, the rest is not read.",
            )
        # A lone surrogate is run as U+FFFD: three bytes, as many as it takes here.
        n_bytes = len(text[:cut].encode("utf-8", "surrogatepass"))
        return Prompt(list(encoding.ids[:n_ctx]), tokens, notes, cut, n_bytes)

    @property
    def _some_ids(self) -> str:
        """Three ids that this model has, as they are typed."""
        d_vocab = self.lm.config.d_vocab
        return " ".join(str(d_vocab // part) for part in (7, 3, 2))

    def _read_ids(self, ids: tuple[int, ...]) -> Prompt | str:
        if not ids:
            return f"The prompt is empty. Type token ids, for example {self._some_ids}."
        d_vocab, n_ctx = self.lm.config.d_vocab, self.lm.config.n_ctx
        for token_id in ids:
            if not 0 <= token_id < d_vocab:
                return f"There is no token {token_id}: ids go from 0 to {d_vocab - 1}."
        notes: tuple[str, ...] = ()
        if len(ids) > n_ctx:
            notes = (
                f"{len(ids):,} ids were given and the model's context is {n_ctx:,}: "
                "the rest is not read.",
            )
        tokens = []
        for index, token_id in enumerate(ids[:n_ctx]):
            known = token_id < len(self.info.vocabulary)
            raw = self.info.vocabulary[token_id] if known else b""
            tokens.append(Token(token_id, raw or f"‹{token_id}›".encode(), index, index + 1))
        return Prompt(list(ids[:n_ctx]), tuple(tokens), notes, None, 0)

    def what_fits(
        self, n_tokens: int, budget: int = TRACE_BUDGET
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Which activations of a prompt of that length fit, and which are left out.

        Left out are whole kinds of operation, the largest and least looked at first, so that a
        pane has all layers or none.

        Returns:
            Names to record, names left out; aliases count nothing and go with their tensor.
        """
        network = self.lm.transformer
        ops = [op for op in network.operations if op.output != PROBABILITIES]

        def size(op: Operation) -> int:
            return 4 * prod(shape_of(op, self.lm.config, 1, n_tokens))

        dropped: set[str] = set()
        total = sum(size(op) for op in ops)
        for kind in DROPPED_FIRST:
            if total <= budget:
                break
            dropped |= {op.output for op in ops if op.kind == kind}
            total = sum(size(op) for op in ops if op.output not in dropped)
        names = [op.output for op in ops if op.output not in dropped]
        same = aliases(self.lm.config)
        names += [alias for alias, name in same.items() if name not in dropped]
        left_out = [op.output for op in ops if op.output in dropped]
        left_out += [alias for alias, name in same.items() if name in dropped]
        return tuple(names), tuple(left_out)


def to_array(tensor: Tensor) -> Array:
    """A tensor as a read-only NumPy array; float32 where it was bfloat16 or float16.

    Shares memory with a CPU tensor: it must be one that nothing writes to, an activation or a
    result, never a live parameter.
    """
    tensor = tensor.detach()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    array = tensor.cpu().numpy()
    array = array.view()
    array.flags.writeable = False
    return array
