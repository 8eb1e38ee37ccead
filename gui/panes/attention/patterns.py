"""The attention patterns of one trace: all heads, the mask, and edges drawn from them.

Knows arrays and tokens; no store, no widget. Shape suffixes: H heads, Q queries, S keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gui.panes.attention import words
from gui.panes.attention.edges import (
    Edges,
    Reduction,
    edges_of_heads,
    edges_over_heads,
    over_heads,
)
from model.config import TransformerConfig
from model.messages import Array
from model.tokenizer.tokens import Token


def tensor_name(layer: int, tensor: str = "pattern") -> str:
    """The trace's name of a layer's ``pattern`` or ``attn_scores``."""
    return f"blocks.{layer}.attn.hook_{tensor}"


def mask(n_tokens: int, window: int | None, *, causal: bool) -> NDArray[np.bool_]:
    """Where a query may not look, ``[Q, S]``.

    Args:
        n_tokens: of the prompt.
        window: how far a layer looks (`TransformerConfig.window`).
        causal: whether it looks back only.
    """
    at = np.arange(n_tokens)
    behind_QS = at[:, None] - at[None, :]
    if causal:
        masked_QS = behind_QS < 0
        return masked_QS if window is None else masked_QS | (behind_QS >= window)
    if window is None:
        return np.zeros_like(behind_QS, np.bool_)
    far_QS: NDArray[np.bool_] = np.abs(behind_QS) > window // 2
    return far_QS


class AttentionPatterns:
    """What the attention views draw.

    Args:
        config: of the model.
        tokens: one a position.
        activation: gives an activation with its batch dimension, None if it isn't here.

    Attributes:
        layers_HQS: the pattern of each layer, None where it was left out of the trace.
        masked_LQS: where a query may not look, in each layer; layers that look equally far share
            an array.
        labels: the tokens as they are written.
    """

    def __init__(
        self,
        config: TransformerConfig,
        tokens: Sequence[Token],
        activation: Callable[[str], Array | None],
    ) -> None:
        self.n_heads = config.n_heads
        self.tokens = tuple(tokens)
        self.labels = tuple(token.text for token in tokens)
        arrays = [activation(tensor_name(layer)) for layer in range(config.n_layers)]
        self.layers_HQS = tuple(None if array is None else array[0] for array in arrays)
        n = len(self.tokens)
        windows = [config.window_at(layer) for layer in range(config.n_layers)]
        masks = {window: mask(n, window, causal=config.causal) for window in set(windows)}
        self.masked_LQS = tuple(masks[window] for window in windows)
        self._reduced: dict[Reduction, tuple[NDArray[Any] | None, ...]] = {}

    @property
    def n_layers(self) -> int:
        return len(self.layers_HQS)

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)

    def masked_for_mosaic(self, hide_first: bool) -> tuple[NDArray[np.bool_], ...]:
        """The masks, with the first key if it is to be hidden."""
        if not hide_first:
            return self.masked_LQS
        hidden = {}
        for masked_QS in self.masked_LQS:
            if id(masked_QS) not in hidden:
                hidden[id(masked_QS)] = masked_QS.copy()
                hidden[id(masked_QS)][:, 0] = True
        return tuple(hidden[id(masked_QS)] for masked_QS in self.masked_LQS)

    def edges(self, mode: str, heads: Sequence[tuple[int, int]], threshold: float) -> Edges:
        """Edges of some heads (modes ``head`` and ``chosen``) or of all (``max``, ``mean``)."""
        if mode not in ("max", "mean"):
            return edges_of_heads(self.layers_HQS, heads, threshold)
        reduction: Reduction = "max" if mode == "max" else "mean"
        if reduction not in self._reduced:
            self._reduced[reduction] = over_heads(self.layers_HQS, reduction)
        return edges_over_heads(self.layers_HQS, self._reduced[reduction], reduction, threshold)

    def caption(self, edges: Edges, mode: str, heads: Sequence[tuple[int, int]], least: str) -> str:
        """What a graph of these edges shows, and what it leaves out."""
        if mode == "chosen" and not heads:
            return "No head is chosen: Ctrl+click heads in the mosaic."
        what = {
            "head": "".join(f"layer {layer} · head {head}" for layer, head in heads[:1]),
            "chosen": "1 head" if len(heads) == 1 else f"{len(heads)} heads",
            "max": f"largest of {self.n_heads} heads",
            "mean": f"mean of {self.n_heads} heads",
        }[mode]
        number = f"{len(edges):,} {'edge' if len(edges) == 1 else 'edges'}"
        if edges.total > len(edges):
            number = f"strongest {len(edges):,} of {edges.total:,} edges"
        missing = sum(pattern is None for pattern in self.layers_HQS)
        left_out = f" · {missing} layers left out of the trace" if missing else ""
        return f"{what} · {number} {least}{left_out}"

    # --------------------------------------------------------------------- in words

    def describe(self, name: str, head: int, query: int, key: int, value: float) -> str:
        """One number of a tensor: value, where it stands, its name and index."""
        layer = int(name.split(".")[1])
        masked = " · masked" if self.masked_LQS[layer][query, key] else ""
        return (
            f"{words.exact(value)}{masked}\n{self._between(query, key)}\n"
            f"{name}[0, {head}, {query}, {key}]"
        )

    def describe_in_layer(self, layer: int, head: int, query: int, key: int) -> str:
        """The same for a pattern's number, or that it isn't here."""
        pattern_HQS = self.layers_HQS[layer]
        if pattern_HQS is None:
            return f"layer {layer} · head {head}: left out of the trace"
        value = float(pattern_HQS[head, query, key])
        return self.describe(tensor_name(layer), head, query, key, value)

    def describe_edge(self, edges: Edges, index: int, mode: str) -> str:
        """An edge of the graph: its weight, whose it is, and between which tokens."""
        layer, head = int(edges.layer_E[index]), int(edges.head_E[index])
        query, key = int(edges.query_E[index]), int(edges.key_E[index])
        if head >= 0:
            note = " (largest of all heads)" if mode == "max" else ""
            return self.describe_in_layer(layer, head, query, key) + note
        return (
            f"{words.exact(float(edges.weight_E[index]))} · mean of {self.n_heads} heads\n"
            f"{self._between(query, key)}\n"
            f"{tensor_name(layer)}[0, :, {query}, {key}].mean()"
        )

    def _between(self, query: int, key: int) -> str:
        return f"query {words.named(self.tokens, query)} → key {words.named(self.tokens, key)}"
