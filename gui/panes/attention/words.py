"""What is said about attention weights: in tooltips, captions, headers and sentences.

Says what answers hold, about the tokens and the question that they belong to; measures nothing.
Knows answers and tokens; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gui.widgets.text import counted
from model.messages import PromptRead
from model.probe.mosaic.asks import KINDS, MosaicFound
from model.probe.pattern.asks import Pattern, PatternFound, Shares
from model.probe.routes.asks import Routes, RoutesFound
from model.tokenizer.tokens import Token

if TYPE_CHECKING:
    from gui.panes.attention.mosaic import MosaicCell

KIND_NAMES = {
    "first": "first token",
    "previous": "previous token",
    "itself": "itself",
    "elsewhere": "elsewhere",
}


def reads(shares: Shares) -> str:
    """The shares as a line."""
    if shares.following is not None:
        return (
            f"reads first token {percent(shares.first)} · previous {percent(shares.previous)} · "
            f"itself {percent(shares.itself)} · next {percent(shares.following)} · "
            f"mean over {shares.n_queries} positions"
        )
    over = "at position 1" if shares.n_queries == 1 else f"mean over positions 1–{shares.n_queries}"
    return (
        f"reads first token {percent(shares.first)} · previous {percent(shares.previous)} · "
        f"itself {percent(shares.itself)} · {over}"
    )


def header(head: PatternFound) -> str:
    """Which head it is and where it looks, for the pane's header."""
    question, shares = head.question, head.shares
    assert isinstance(question, Pattern)
    note = f"layer {question.layer} · head {question.head}"
    if shares is None:
        return note
    note += f" · first token {percent(shares.first)} · previous {percent(shares.previous)}"
    return note if shares.following is None else f"{note} · next {percent(shares.following)}"


def percent(share: float) -> str:
    """A share of attention, with a decimal where it is small."""
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def exact(value: float) -> str:
    """A float32 with just the digits that tell it from its neighbours."""
    return str(np.float32(value)).replace("-", "−").replace("inf", "∞")


def named(tokens: Sequence[Token], position: int) -> str:
    """A token with its position, as it stands in sentences: ``“·queen” (1)``."""
    return f"“{tokens[position].text}” ({position})"


def weight_sentence(read: PromptRead, index: tuple[int, ...], value: float) -> str:
    """What one weight of a pattern means; its index is (batch, head, query, key)."""
    tokens, (_, _, query, key) = read.tokens, index
    return (
        f"{percent(value)} of what this head reads at {named(tokens, query)} "
        f"is the value of {named(tokens, key)}."
    )


def score_sentence(read: PromptRead, index: tuple[int, ...], value: float) -> str:
    """What one score means; its index as above."""
    tokens, (_, _, query, key) = read.tokens, index
    if np.isneginf(value):
        why = "comes after" if key > query else "is farther than this layer looks from"
        return f"Masked: {named(tokens, key)} {why} {named(tokens, query)}."
    return (
        f"The query of {named(tokens, query)} times the key of {named(tokens, key)}, "
        "over √d_head; softmax over each query's scores makes them weights."
    )


# ------------------------------------------------------------------------------ tooltips


def cell(found: PatternFound, tokens: Sequence[Token], place: tuple[int, int]) -> str:
    """A cell of a matrix: its number, where that stands, its name and index.

    Args:
        found: the matrix.
        tokens: of the prompt that it is about.
        place: in its arrays.
    """
    question = found.question
    assert isinstance(question, Pattern)
    query, key = int(found.value_rows[place]), int(found.value_columns[place])
    value = exact(float(found.values[place])) + (" · masked" if found.masked[place] else "")
    if max(found.block) > 1:
        value += f" · largest of {found.block[0]} × {found.block[1]}"
    return (
        f"{value}\n{between(tokens, query, key)}\n"
        f"{question.activation}[0, {question.head}, {query}, {key}]"
    )


def tile(found: MosaicFound, tokens: Sequence[Token], at: MosaicCell) -> str:
    """A cell of a head's tile: which head, its weight, where that stands, where the head looks.

    Args:
        found: all heads.
        tokens: of the prompt that they are about.
        at: the cell, by its first query and key.
    """
    block = found.block
    weight = found.maxima[at.layer, at.head, at.query // block, at.key // block]
    masked = found.masked[at.layer, at.query // block, at.key // block]
    lines = [f"layer {at.layer} · head {at.head}"]
    if np.isnan(found.shares[at.layer, at.head]).all() and not found.is_whole:
        return f"{lines[0]}: still to come"
    value = "masked" if masked else exact(float(weight))
    if block == 1:
        lines += [f"{value} · {between(tokens, at.query, at.key)}"]
    else:
        last = len(tokens) - 1
        queries = f"{at.query}–{min(at.query + block - 1, last)}"
        keys = f"{at.key}–{min(at.key + block - 1, last)}"
        lines += [f"{value} · largest of queries {queries} × keys {keys}"]
    return "\n".join([*lines, kinds(found, at.layer, at.head)])


def kinds(found: MosaicFound, layer: int, head: int) -> str:
    """Where a head looks, as shares of its attention."""
    shares = zip(KINDS, found.shares[layer, head].tolist(), strict=True)
    return "reads " + " · ".join(f"{KIND_NAMES[kind]} {percent(share)}" for kind, share in shares)


def edge(found: RoutesFound, tokens: Sequence[Token], index: int, n_heads: int) -> str:
    """An edge of the graph: its weight, whose it is, and between which tokens."""
    question = found.question
    assert isinstance(question, Routes)
    layer, head = int(found.layer_E[index]), int(found.head_E[index])
    query, key = int(found.query_E[index]), int(found.key_E[index])
    value, name = exact(float(found.weight_E[index])), f"blocks.{layer}.attn.hook_pattern"
    if head < 0:
        value += f" · mean of {n_heads} heads"
        place = f"{name}[0, :, {query}, {key}].mean()"
    else:
        value += f" · layer {layer} · head {head}"
        value += f", largest of {n_heads}" if question.over == "max" else ""
        place = f"{name}[0, {head}, {query}, {key}]"
    return f"{value}\n{between(tokens, query, key)}\n{place}"


def between(tokens: Sequence[Token], query: int, key: int) -> str:
    """Which token reads which."""
    return f"query {named(tokens, query)} → key {named(tokens, key)}"


# ------------------------------------------------------------------------------ captions


def no_room_for(missing: Sequence[str]) -> str:
    """Which views are left out where there is little room."""
    return f"no room for the {' and the '.join(missing)}"


def routes(found: RoutesFound, tokens: Sequence[Token], n_heads: int) -> str:
    """What a graph shows, and what it leaves out."""
    question = found.question
    assert isinstance(question, Routes)
    if question.over == "heads" and not question.heads:
        return "No head is chosen: Ctrl+click heads in the mosaic."
    if question.over != "heads":
        what = f"{'largest' if question.over == 'max' else 'mean'} of {n_heads} heads"
    elif len(question.heads) == 1:
        what = f"layer {question.heads[0][0]} · head {question.heads[0][1]}"
    else:
        what = counted(len(question.heads), "head")
    number = counted_edges(len(found))
    if found.total > len(found):
        number = f"strongest {len(found):,} of {counted_edges(found.total)}"
    text = f"{what} · {number} {at_least(question.threshold)}"
    if question.hide_first:
        text += f" · {found.hidden:,} to the first token hidden"
    if question.position is None:
        return f"all positions · {text}"
    position = min(question.position, len(tokens) - 1)
    return f"routes to {named(tokens, position)} · {text}"


def counted_edges(n: int) -> str:
    """A number of edges."""
    return f"{n:,} {'edge' if n == 1 else 'edges'}"


def at_least(weight: float) -> str:
    """A threshold, as it stands beside the slider."""
    return f"≥ {weight:.2f}" if weight >= 0.1 else f"≥ {weight:.3f}"
