"""What is said about neurons: names, a sentence about what is seen here, how far texts are read.

Knows answers and tokens; no store, no widget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gui.reading.quoting import quoted
from model.config import TransformerConfig
from model.counting import ordinal as ordinal
from model.interventions import SetNeuron
from model.probe.neurons.asks import Neurons, NeuronsFound
from model.probe.neurons.curve.asks import NeuronCurveFound
from model.probe.neurons.map.asks import NeuronMapFound
from model.probe.neurons.texts.asks import NeuronTextsFound


def name(config: TransformerConfig, neuron: int) -> str:
    """A neuron as its row is called: its number, after that of its expert if there are experts."""
    if config.experts is None:
        return str(neuron)
    expert, place = divmod(neuron, config.d_mlp)
    return f"e{expert}·{place}"


def long_name(config: TransformerConfig, layer: int, neuron: int) -> str:
    """The same as a heading."""
    if config.experts is None:
        return f"Neuron {neuron} of layer {layer}"
    expert, place = divmod(neuron, config.d_mlp)
    return f"Neuron {place} of expert {expert}, layer {layer}"


def here(config: TransformerConfig, found: NeuronsFound, token: str, texts: Sequence[str]) -> str:
    """What the neuron does at the token, in a sentence.

    Args:
        config: of the network.
        found: about the neuron and the token.
        token: its text.
        texts: of the tokens that the neuron raises, strongest first.
    """
    asked = found.question
    assert isinstance(asked, Neurons)
    own = f"neuron {name(config, found.neuron)}"
    if found.rank is None:
        expert = found.neuron // config.d_mlp
        return f"{quoted(token)} is not sent to expert {expert}, so {own} is not asked there."
    value = found.activation
    if math.isnan(value):
        return f"At {quoted(token)} {own} has no number (NaN)."
    clamped = [
        one.value
        for one in found.subject.interventions
        if isinstance(one, SetNeuron) and (one.layer, one.neuron) == (asked.layer, found.neuron)
    ]
    if clamped and clamped[-1] == 0:
        return (
            f"Neuron {name(config, found.neuron)} is cut: it is 0 at every token, writes nothing."
        )
    if value == 0:
        return f"At {quoted(token)} {own} is at 0: it writes nothing there."
    n = config.d_mlp * (1 if config.experts is None else config.experts.n_active)
    strongest = "the strongest" if found.rank == 1 else f"the {ordinal(found.rank)} strongest"
    by = "by what it writes" if asked.by == "write" else "by its activation"
    how = "is clamped to" if clamped else "is at"
    said = f"At {quoted(token)} {own} {how} {value:.3g}, {strongest} of {n:,} {by}"
    if texts:
        # A neuron below zero does the opposite of what its row says.
        does = "raises" if value >= 0 else "lowers"
        said += f"; directly, that {does} {', '.join(map(quoted, texts))}"
    return f"{said}.".replace("-", "−")


def cell(
    config: TransformerConfig, found: NeuronMapFound, row: int, position: int, token: str
) -> str:
    """The tooltip of a cell of the map."""
    asked = found.asked
    neuron = int(found.rows_R[row])
    value = float(found.values_RT[row, position])
    head = f"{long_name(config, asked.layer, neuron)} at {quoted(token)}, position {position}"
    index = found.index_of(row, position)
    if not index:
        return f"{head}\nnot sent to this expert"
    place = ", ".join(map(str, index))
    lines = [head, f"blocks.{asked.layer}.mlp.hook_post[{place}] = {value:.6g}"]
    share = 1.0 if found.share_RT is None else float(found.share_RT[row, position])
    written = abs(value) * float(found.length_R[row]) * share
    lines.append(f"writes a vector of length {written:.4g} to the stream")
    return "\n".join(lines)


def map_title(found: NeuronMapFound) -> tuple[str, ...]:
    """What the colours of the map are, longest first."""
    if found.asked.by == "activation":
        return ("activation (mlp.hook_post)", "activation")
    return (
        "length of what it writes, with the activation's sign",
        "written length, signed",
        "written",
    )


def bars_caption(asked: Neurons, token: str) -> str:
    """What the bars are."""
    what = "length written, signed" if asked.by == "write" else "activation"
    return f"strongest at {quoted(token)} · {what}"


def tokens_caption(found: NeuronsFound) -> str:
    """What the scores of the tokens are; or of what is left out."""
    if found.note and len(found.promoted_ids):
        return found.note
    return "directly, for an activation of 1, no norm between"


def curve_caption(found: NeuronCurveFound) -> str:
    """What the curve shows."""
    n, there = len(found.post_T), sum(post == post for post in found.post_T.tolist())
    if there < n:
        return f"{there:,} of {n:,} tokens are sent to its expert"
    return "what goes in and what comes out, at every token"


def progress(found: NeuronTextsFound | None, source: str, reading: bool) -> str:
    """How much was read.

    Args:
        found: what is known.
        source: of the texts.
        reading: whether they are being read just now.
    """
    if found is None or not found.n_scanned:
        return f"Reading {source}…" if reading else f"Nothing of {source} is read yet."
    if found.at_end:
        return f"All of {source} is read: {found.n_scanned:,} tokens."
    said = f"{found.n_scanned:,} tokens of {source} read"
    return f"{said}, {found.share:.0%}" if reading else f"{said}."


def activity(found: NeuronTextsFound, gated: bool) -> str:
    """How often the neuron is active in what was read."""
    if not found.n_seen:
        return "None of them is sent to its expert."
    what = "Its gate is above zero" if gated else "It is above zero"
    of = "them" if found.n_seen == found.n_scanned else f"the {found.n_seen:,} sent to its expert"
    return f"{what} at {found.active:.1%} of {of}; mean {found.mean:.3g}.".replace("-", "−")
