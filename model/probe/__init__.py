"""What is computed from a trace or from the weights: one question a folder.

    __init__.py     what it is; free of torch
    asks.py         the question and its answer: frozen, free of torch
    compute.py      how the answer comes out of tensors
    cli.py          its verb, if it has one: ``command``, as in `model.cli`

A probe is such a folder and a line in `PROBES`. It knows tensors, the network and the tokenizer;
no engine, no window, and of other probes only their ``compute``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """What is told of a probe before it is imported.

    Attributes:
        name: of its folder, and under `python -m model probe`.
        title: for people.
        sentence: what it finds out.
        verb: the module with its ``command``; None where the command line can't ask it.
    """

    name: str
    title: str
    sentence: str
    verb: str | None = None


PROBES = (
    Probe(
        "neighbours",
        "Neighbours",
        "Tokens near a word or a sum of words.",
        "model.probe.neighbours.cli",
    ),
    Probe("score", "Score", "What a model knows of the story world.", "model.cli.score"),
    Probe("analogy", "Analogies", "How far king − man + woman is queen, while a model learns."),
    Probe("geometry", "Geometry", "The table of token vectors on its principal axes."),
    Probe("singular_values", "Singular values", "All singular values of a weight matrix."),
    Probe("weights", "Weights", "Figures, histogram and picture of one parameter tensor."),
)
