"""What the parts of the pane draw, out of answers and the tokens of their own prompt.

Pure functions; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gui.panes.neurons import words
from gui.panes.neurons.bars import NeuronBar
from gui.panes.neurons.curve import CurveContent
from gui.panes.neurons.map_layout import Content
from gui.panes.neurons.tokens import Column, Entry
from gui.panes.neurons.two_sides import OtherRows
from model.config import TransformerConfig
from model.messages import ModelInfo, PromptRead
from model.probe.neurons.asks import Neurons, NeuronsFound
from model.probe.neurons.curve.asks import NeuronCurveFound
from model.probe.neurons.map.asks import NeuronMapFound
from model.probe.question import Answer, Array, Named


def map_content(
    found: NeuronMapFound, model: ModelInfo, read: PromptRead, other: OtherRows | None = None
) -> Content:
    """Neurons by tokens; with the other side of a comparison, B − A.

    Of a mixture, a token that was sent to another expert there has no difference.
    """
    values_RT, title = found.drawn_RT, words.map_title(found)
    if other is not None:
        values_RT, name = other.sides.minus(values_RT, other.drawn_RT), other.sides.difference
        title = (f"{name}: {title[0]}", f"{name}: {title[-1]}", name)
    return Content(
        n_rows=len(found.order_N),
        first=found.asked.first,
        values_RT=values_RT,
        row_labels=tuple(words.name(model.config, int(one)) for one in found.rows_R),
        tokens=tuple(model.token_text(token.id) for token in read.tokens),
        limit=found.limit,
        beyond=found.most > found.limit,
        title=title,
        routed=found.share_RT is not None,
    )


def bars(found: NeuronsFound, config: TransformerConfig) -> list[NeuronBar]:
    """The token's strongest neurons: their activation, or what they write with its sign."""
    asked = found.question
    assert isinstance(asked, Neurons)
    signed = np.copysign(found.write_N, found.activation_N)
    value_N = signed if asked.by == "write" else found.activation_N
    return [
        NeuronBar(int(neuron), words.name(config, int(neuron)), float(value))
        for neuron, value in zip(found.neuron_N, value_N, strict=True)
    ]


def bar_tip(found: NeuronsFound, config: TransformerConfig, neuron: int) -> str:
    """What hovering a bar says."""
    asked = found.question
    assert isinstance(asked, Neurons)
    rows = np.flatnonzero(found.neuron_N == neuron)
    if not len(rows):
        return ""
    row = int(rows[0])
    lines = [
        f"{words.long_name(config, asked.layer, neuron)}, the {words.ordinal(row + 1)} strongest",
        f"activation {found.activation_N[row]:.6g}",
        f"writes a vector of length {found.write_N[row]:.6g} to the stream",
    ]
    if config.experts is None:
        at = asked.position % found.subject.n_tokens
        lines[1] = f"blocks.{asked.layer}.mlp.hook_post[0, {at}, {neuron}] = " + (
            f"{found.activation_N[row]:.6g}"
        )
    return "\n".join(lines)


def columns(found: NeuronsFound, model: ModelInfo) -> list[Column]:
    """Tokens that the neuron raises, lowers and hears."""
    weight = "W_gate" if model.config.gated else "W_in"

    def entries(ids: Array, scores: Array) -> tuple[Entry, ...]:
        return tuple(
            Entry(int(one), model.token_text(int(one)), float(score))
            for one, score in zip(ids, scores, strict=True)
        )

    directly = (
        "by its row of W_out through the unembedding, directly: no later block and no norm "
        "between, for an activation of 1"
    )
    return [
        Column(
            "raises",
            f"Tokens whose scores are raised most {directly}",
            entries(found.promoted_ids, found.promoted_scores),
            found.note,
        ),
        Column(
            "lowers",
            f"Tokens whose scores are lowered most {directly}",
            entries(found.suppressed_ids, found.suppressed_scores),
        ),
        Column(
            f"listens to ({weight})",
            f"Tokens whose embedding alone puts most into the neuron, through {weight}: what "
            "earlier blocks wrote, positions and the norm's scale are left out",
            entries(found.heard_ids, found.heard_scores),
        ),
    ]


def curve(found: NeuronCurveFound, read: PromptRead) -> CurveContent:
    """The nonlinearity with the tokens."""
    return CurveContent(
        x=found.curve_x,
        y=found.curve_y,
        pre_T=found.pre_T,
        post_T=found.post_T,
        linear_T=found.linear_T,
        tokens=tuple(token.text for token in read.tokens),
        name=found.activation.replace("_", " ").replace("relu2", "ReLU²"),
    )


def exported(found: Mapping[str, Answer | None]) -> dict[str, Named]:
    """The arrays of some answers, each under the name of its part."""
    return {
        f"{part}_{name}": named
        for part, one in found.items()
        if one is not None
        for name, named in one.arrays().items()
        if named.values.size
    }
