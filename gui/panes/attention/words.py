"""What is said about attention weights: in tooltips, captions, headers and sentences.

Says what answers hold, about the tokens and the question that they belong to; measures nothing.
Knows answers and tokens; no store, no widget.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gui.panes.attention import head_kinds
from gui.panes.attention.head_kinds import GROUPS
from gui.panes.attention.units import Unit, Units
from gui.reading.quoting import quoted
from gui.widgets.text import counted
from model.config import TransformerConfig
from model.messages import PromptRead
from model.operations import usual_scale
from model.probe.heads.asks import HeadsFound
from model.probe.mosaic.asks import KINDS, Mosaic, MosaicFound
from model.probe.not_finite.asks import NO_NUMBER
from model.probe.pattern.asks import Pattern, PatternFound, Shares
from model.probe.routes.asks import Routes, RoutesFound
from model.tokenizer.tokens import Token

if TYPE_CHECKING:
    from gui.panes.attention.mosaic import MosaicCell


def reads(shares: Shares, why: str = "") -> str:
    """The shares as a line.

    Args:
        shares: of a head.
        why: which operation wrote the first number that is none; empty where all are finite.
    """
    if math.isnan(shares.first + shares.previous + shares.itself):
        return f"{NO_NUMBER} in its weights · {why}" if why else f"{NO_NUMBER} in its weights"
    if shares.following is not None:
        return (
            f"reads first token {percent(shares.first)} · previous {percent(shares.previous)} · "
            f"itself {percent(shares.itself)} · next {percent(shares.following)} · "
            f"mean over {counted(shares.n_queries, 'position')}"
        )
    over = "at position 1" if shares.n_queries == 1 else f"mean over positions 1–{shares.n_queries}"
    return (
        f"reads first token {percent(shares.first)} · previous {percent(shares.previous)} · "
        f"itself {percent(shares.itself)} · {over}"
    )


def row_reads(head: PatternFound, tokens: Sequence[Token], query: int) -> str:
    """Of which token the selected one reads most in this head; empty where its row isn't known.

    Args:
        head: the matrix in view.
        tokens: of its prompt.
        query: position of the selected token.
    """
    question = head.question
    assert isinstance(question, Pattern)
    row = query - head.rows[0]
    whole = head.block == (1, 1) and head.columns == (0, len(tokens))
    if question.tensor != "pattern" or not question.is_tensor or not whole:
        return ""
    if not 0 <= row < len(head.values):
        return ""
    weights = np.where(head.masked[row], -1.0, head.values[row])
    if not np.isfinite(weights).all():
        return ""
    key = int(weights.argmax())
    of = "itself" if key == query else named(tokens, key)
    return f"{named(tokens, query)} reads most of {of}: {percent(float(head.values[row, key]))}"


def header(head: PatternFound, kinds: HeadsFound | None = None) -> str:
    """Which head it is, of which kind, and where it looks, for the pane's header."""
    question, shares = head.question, head.shares
    assert isinstance(question, Pattern)
    note = f"layer {question.layer} · head {question.head}"
    if kind := head_kinds.short(kinds, question.layer, question.head):
        note += f" · {kind}"
    if shares is None:
        return note
    if math.isnan(shares.first + shares.previous):
        return f"{note} · {NO_NUMBER}"
    note += f" · first token {percent(shares.first)} · previous {percent(shares.previous)}"
    return note if shares.following is None else f"{note} · next {percent(shares.following)}"


def percent(share: float) -> str:
    """A share of attention, with a decimal where it is small."""
    if math.isnan(share):
        return NO_NUMBER
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def exact(value: float) -> str:
    """A float32 with just the digits that tell it from its neighbours."""
    if math.isnan(value):
        return f"{NO_NUMBER} (NaN)"
    return str(np.float32(value)).replace("-", "−").replace("inf", "∞")


def named(tokens: Sequence[Token] | Units, position: int) -> str:
    """A token or word with its position, as it stands in sentences: ``“·queen” (1)``."""
    one = tokens[position]
    return f"{quoted(one.text)} ({one.place if isinstance(one, Unit) else position})"


def weight_sentence(read: PromptRead, index: tuple[int, ...], value: float) -> str:
    """What one weight of a pattern means; its index is (batch, head, query, key)."""
    tokens, (_, _, query, key) = read.tokens, index
    if math.isnan(value):
        return (
            f"{NO_NUMBER.capitalize()}: how much of {named(tokens, key)} this head reads at "
            f"{named(tokens, query)} is not known."
        )
    return (
        f"{percent(value)} of what this head reads at {named(tokens, query)} "
        f"is the value of {named(tokens, key)}."
    )


@dataclass(frozen=True, slots=True)
class ScoreSentence:
    """What one score means in a layer of a network; its index as above.

    Attributes:
        config: of the network: what a query and a key are made into.
        layer: of which block.
    """

    config: TransformerConfig
    layer: int

    def __call__(self, read: PromptRead, index: tuple[int, ...], value: float) -> str:
        tokens, (_, _, query, key) = read.tokens, index
        pair = f"{named(tokens, query)} and {named(tokens, key)}"
        if math.isnan(value):
            return f"{NO_NUMBER.capitalize()}: the score of {pair} is not known."
        if np.isneginf(value) and (masked := self._masked(query, key)):
            return f"Masked: {named(tokens, key)} {masked} {named(tokens, query)}."
        if math.isinf(value):
            return f"The score of {pair} is beyond the largest number of its precision."
        steps = (*self._steps(), "softmax over each query's scores makes them weights.")
        made = f"The query of {named(tokens, query)} times the key of {named(tokens, key)}"
        return f"{', '.join((made, *steps[:-1]))}; {steps[-1]}"

    def _masked(self, query: int, key: int) -> str:
        """Why a query may not look at a key; empty if it may."""
        c, window = self.config, self.config.window_at(self.layer)
        if c.causal and key > query:
            return "comes after"
        reach = None if window is None else window - 1 if c.causal else window // 2
        return "is farther than this layer looks from" if _is_far(query, key, reach) else ""

    def _steps(self) -> Iterator[str]:
        """What is done to the product of a query and a key before the softmax."""
        c = self.config
        if c.score_scale(self.layer) != 1:
            usual = usual_scale(c, self.layer)
            yield f"over {usual}" if usual else f"times {c.score_scale(self.layer):.4g}"
        if c.alibi is not None:
            yield "less a share of how far apart they are"
        if c.caps.scores is not None:
            yield f"kept softly within ±{c.caps.scores:g}"


def _is_far(query: int, key: int, reach: int | None) -> bool:
    return reach is not None and abs(query - key) > reach


# ------------------------------------------------------------------------------ tooltips


def cell(found: PatternFound, tokens: Units, place: tuple[int, int]) -> str:
    """A cell of a matrix: its number, where that stands, its name and index.

    Args:
        found: the matrix.
        tokens: or words of the prompt that it is about.
        place: in its arrays.
    """
    question = found.question
    assert isinstance(question, Pattern)
    query, key = int(found.value_rows[place]), int(found.value_columns[place])
    value = exact(float(found.values[place]))
    if found.masked[place]:  # in a row of NaN a masked weight is NaN, too: that is not what it is
        value = "masked" if np.isnan(found.values[place]) else f"{value} · masked"
    if max(found.block) > 1:
        value += f" · largest of {found.block[0]} × {found.block[1]}"
    where = f"{question.activation}[0, {question.head}, {query}, {key}]"
    if question.words:
        where = f"layer {question.layer} · head {question.head} · {_BY_WORDS}"
    elif question.valued:
        where += f" · ‖{question.value_name} · W_O‖"
    return f"{value}\n{between(tokens, query, key)}\n{where}"


_BY_WORDS = "sum over the key's tokens, mean over the query's"


def tile(
    found: MosaicFound, tokens: Units, at: MosaicCell, labels: HeadsFound | None = None
) -> str:
    """A cell of a head's tile: which head, its weight, where that stands, where the head looks.

    Args:
        found: all heads.
        tokens: of the prompt that they are about.
        at: the cell, by its first query and key.
        labels: what kind of head each is, once that is there.
    """
    block = found.block
    weight = found.maxima[at.layer, at.head, at.query // block, at.key // block]
    masked = found.masked[at.layer, at.query // block, at.key // block]
    lines = [f"layer {at.layer} · head {at.head}"]
    if at.layer >= found.n_layers_there:
        return f"{lines[0]}: still to come"
    value = "masked" if masked else exact(float(weight))
    if block == 1:
        lines += [f"{value} · {between(tokens, at.query, at.key)}"]
    else:
        last = len(tokens) - 1
        queries = f"{at.query}–{min(at.query + block - 1, last)}"
        keys = f"{at.key}–{min(at.key + block - 1, last)}"
        if tokens.merged:
            queries, keys = f"of words {queries}", f"of words {keys}"
        lines += [f"{value} · largest of queries {queries} × keys {keys}"]
    if isinstance(found.question, Mosaic) and found.question.valued and not masked:
        lines[-1] = f"‖A·v·W_O‖ {lines[-1]}"
    lines.append(kinds(found, at.layer, at.head))
    lines.append(measures(found, at.layer, at.head))
    return "\n".join(filter(None, [*lines, head_kinds.line(labels, at.layer, at.head)]))


def kinds(found: MosaicFound, layer: int, head: int) -> str:
    """Where a head looks, as shares of its attention."""
    if np.isnan(found.shares[layer, head]).any():
        return f"where it reads is {NO_NUMBER}"
    shares = zip(KINDS, found.shares[layer, head].tolist(), strict=True)
    return "reads " + " · ".join(f"{GROUPS[kind]} {percent(share)}" for kind, share in shares)


def measures(found: MosaicFound, layer: int, head: int) -> str:
    """How sharp a head is and how much it writes; empty where nobody measured it."""
    entropy, strength = float(found.entropy[layer, head]), float(found.strength[layer, head])
    if math.isnan(entropy):
        return ""
    return f"entropy {entropy:.2f} nats (like {math.exp(entropy):.1f} keys) · writes {strength:.3g}"


def edge(found: RoutesFound, tokens: Units, index: int, n_heads: int) -> str:
    """An edge of the graph: its weight, whose it is, and between which tokens."""
    question = found.question
    assert isinstance(question, Routes)
    layer, head = int(found.layer_E[index]), int(found.head_E[index])
    query, key = int(found.query_E[index]), int(found.key_E[index])
    value, name = exact(float(found.weight_E[index])), f"blocks.{layer}.attn.hook_pattern"
    if head < 0:
        value += f" · mean of {counted(n_heads, 'head')}"
        place = f"{name}[0, :, {query}, {key}].mean()"
    else:
        value += f" · layer {layer} · head {head}"
        value += f", largest of {n_heads}" if question.over == "max" else ""
        place = f"{name}[0, {head}, {query}, {key}]"
    if question.valued:
        value = f"writes {value} of the stream's length"
    if question.words:
        place = _BY_WORDS
    return f"{value}\n{between(tokens, query, key)}\n{place}"


def between(tokens: Sequence[Token] | Units, query: int, key: int) -> str:
    """Which token reads which."""
    return f"query {named(tokens, query)} → key {named(tokens, key)}"


# ------------------------------------------------------------------------------ captions


def no_room_for(missing: Sequence[str]) -> str:
    """Which views are left out where there is little room."""
    return f"no room for the {' and the '.join(missing)}"


def routes(found: RoutesFound, tokens: Units, n_heads: int, sink: float = math.nan) -> str:
    """What a graph shows, and what it leaves out.

    Args:
        found: its edges.
        tokens: or words of the prompt.
        n_heads: of a layer.
        sink: the first token's share of all attention; NaN where nobody measured it.
    """
    question = found.question
    assert isinstance(question, Routes)
    if question.over == "heads" and not question.heads:
        return "No head is chosen: Ctrl+click heads in the mosaic."
    if question.over != "heads":
        what = f"{'largest' if question.over == 'max' else 'mean'} of {counted(n_heads, 'head')}"
    elif len(question.heads) == 1:
        what = f"layer {question.heads[0][0]} · head {question.heads[0][1]}"
    else:
        what = counted(len(question.heads), "head")
    number = counted_edges(len(found))
    if found.total > len(found):
        number = f"strongest {len(found):,} of {counted_edges(found.total)}"
    text = f"{what} · {number} {at_least(question.threshold)}"
    if question.valued:
        text += " of the stream's length (‖A·v·W_O‖)"
    if question.hide_first:
        held = "" if math.isnan(sink) else f" (it holds {percent(sink)} of all attention)"
        text += f" · {found.hidden:,} to the first token hidden{held}"
    if (question.hide_first or question.valued) and len(found):
        text += f" · ink to {float(np.nanmax(found.weight_E)):.2g}"
    if question.words:
        text += " · by words"
    if found.no_number:
        text = f"{NO_NUMBER} in {counted(found.no_number, 'row')} of weights · {text}"
    if question.position is None:
        return f"all positions · {text}"
    position = min(question.position, len(tokens) - 1)
    return f"routes to {named(tokens, position)} · {text}"


def counted_edges(n: int) -> str:
    """A number of edges."""
    return counted(n, "edge")


def at_least(weight: float) -> str:
    """A threshold, as it stands beside the slider."""
    return f"≥ {weight:.2f}" if weight >= 0.1 else f"≥ {weight:.3f}"
