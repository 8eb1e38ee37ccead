"""What is computed from a subject or from the weights: one question a folder.

    __init__.py     what it is; free of torch
    asks.py         the question and its answer: frozen, free of torch
    compute.py      how the answer comes out of tensors
    cli.py          a verb of its own: ``command``, as in `model.cli`

A probe is such a folder and a line in `PROBES`. A question about a subject (`question.Question`)
needs no verb of its own: `python -m model probe NAME` is made of its fields and of what every
answer has. A probe knows tensors, the bench, the network and the tokenizer; no engine, no window,
and of other probes only their ``compute``.
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
        verb: the module with its own ``command``; None where it has none.
        question: the class that is asked about a subject, as ``package.module:Class``; None for
            what is asked otherwise.
    """

    name: str
    title: str
    sentence: str
    verb: str | None = None
    question: str | None = None


def _about_a_subject(name: str, question: str, title: str, sentence: str) -> Probe:
    return Probe(name, title, sentence, question=f"model.probe.{name}.asks:{question}")


PROBES = (
    _about_a_subject("vectors", "Vectors", "Vectors", "A vector out of each of some activations."),
    _about_a_subject("tensors", "Tensors", "Tensors", "Whole activations."),
    _about_a_subject("number", "Number", "Number", "One exact number out of an activation."),
    _about_a_subject(
        "scene", "Scene", "Scene", "One operation: what it reads, its weights, what it writes."
    ),
    _about_a_subject("terms", "Terms", "Terms", "What one number of an activation is made of."),
    _about_a_subject(
        "rows", "Rows", "Rows", "An activation's vectors at many positions, a row each."
    ),
    _about_a_subject(
        "until",
        "Until",
        "Run until",
        "The first operation at which a weight, a token, a norm or a kind is as wanted.",
    ),
    _about_a_subject("pattern", "Pattern", "Pattern", "One head's matrix of weights or scores."),
    _about_a_subject("mosaic", "Mosaic", "All heads", "All heads of all layers, as block maxima."),
    _about_a_subject("routes", "Routes", "Routes", "Which earlier tokens a position is fed from."),
    _about_a_subject(
        "edge",
        "Edge",
        "Heads of an edge",
        "The heads that read one position from another, and the tokens that each promotes there.",
    ),
    _about_a_subject(
        "strongest_head",
        "StrongestHead",
        "Strongest head",
        "The head that reads one earlier token most.",
    ),
    _about_a_subject(
        "on_key", "OnKey", "On a key", "How much every head reads one token from another."
    ),
    _about_a_subject(
        "why_attends",
        "WhyAttends",
        "Why a head attends",
        "The score of a query and a key, by what wrote both sides of it.",
    ),
    _about_a_subject(
        "writes", "Writes", "Writes", "How much attention and MLP of every block add to the stream."
    ),
    _about_a_subject(
        "norms", "Norms", "Lengths", "How long the stream, or what is added, is at every position."
    ),
    _about_a_subject(
        "stream_at",
        "StreamAt",
        "Residual stream",
        "One position: its length after every half block, what is added, and how that turns it.",
    ),
    _about_a_subject(
        "next_token", "NextToken", "Next token", "The likeliest tokens after a position."
    ),
    _about_a_subject(
        "continuations",
        "Continuations",
        "Continuations",
        "The likeliest continuations of a text, as a tree.",
    ),
    _about_a_subject(
        "chances",
        "Chances",
        "Chances",
        "How likely given continuations are, token by token.",
    ),
    _about_a_subject(
        "not_finite",
        "NotFinite",
        "Not finite",
        "The first operation whose numbers are not all finite.",
    ),
    _about_a_subject("surprisal", "Surprisal", "Surprisal", "How much each token surprised."),
    _about_a_subject(
        "tokenized", "Tokenized", "Tokenized", "How a text is cut into tokens, without running it."
    ),
    _about_a_subject(
        "path", "Path", "Path", "Where positions are after each layer, on the vocabulary's axes."
    ),
    _about_a_subject(
        "path_near",
        "PathNear",
        "Neighbours through the layers",
        "Which tokens' vectors are near a position's residual stream after each layer.",
    ),
    _about_a_subject(
        "lens", "Lens", "Logit lens", "What the stream would say at every border of a block."
    ),
    _about_a_subject(
        "attribution",
        "Attribution",
        "Why this token",
        "A token's logit as a sum of what each part wrote.",
    ),
    _about_a_subject(
        "heads",
        "Heads",
        "Kinds of heads",
        "Previous token, duplicate, induction, sink: a score for every head.",
    ),
    _about_a_subject(
        "patch",
        "Patch",
        "Activation patching",
        "What it changes that one activation is as in a clean text: layer by position.",
    ),
    _about_a_subject(
        "facts",
        "Facts",
        "Causal tracing",
        "Where a fact is held: what restores it once its subject is hidden by noise.",
    ),
    _about_a_subject(
        "graph",
        "Graph",
        "Attribution graph",
        "Which heads and MLPs made a token likely, and through which others.",
    ),
    _about_a_subject(
        "neurons",
        "Neurons",
        "Neurons",
        "The strongest neurons of a token, the tokens they promote, the texts that excite one.",
    ),
    _about_a_subject(
        "cache",
        "Cache",
        "Cache",
        "What the cache of keys and values holds of a text, and how many bytes it takes.",
    ),
    _about_a_subject(
        "cost",
        "Cost",
        "Cost of context",
        "Time and memory of reading and continuing a text, measured on this machine.",
    ),
    _about_a_subject(
        "batch_losses",
        "BatchLosses",
        "Loss of a batch",
        "What every token of a batch of training or validation text costs.",
    ),
    _about_a_subject(
        "loss_flow",
        "LossFlow",
        "Gradient of the loss",
        "What flows back from one token's loss through every operation into the embeddings.",
    ),
    _about_a_subject(
        "weights_moved",
        "WeightsMoved",
        "What a step moved",
        "How far every weight tensor is from where it was at an earlier step of the training.",
    ),
    _about_a_subject(
        "landscape",
        "Landscape",
        "Cost surface",
        "The loss of a batch over a plane through the current weights, and the run's path on it.",
    ),
    Probe(
        "difference",
        "Difference",
        "How far two subjects are apart, by operation and in what they predict: `model compare`.",
    ),
    Probe(
        "routes_difference",
        "Difference of routes",
        "Where the attention of two subjects differs, as edges of heads: `model compare`.",
    ),
    Probe(
        "weight_difference",
        "Difference of weights",
        "How far the weights of two models are apart, tensor by tensor: `model compare`.",
    ),
    Probe(
        "neuron_map",
        "Neurons by tokens",
        "A layer's neurons at every token, the strongest first.",
        question="model.probe.neurons.map.asks:NeuronMap",
    ),
    Probe(
        "neuron_curve",
        "A neuron's curve",
        "What goes into one neuron's nonlinearity at every token, and what comes out.",
        question="model.probe.neurons.curve.asks:NeuronCurve",
    ),
    Probe(
        "neuron_texts",
        "A neuron in texts",
        "The texts that excite one neuron, and how often it is active in them.",
        question="model.probe.neurons.texts.asks:NeuronTexts",
    ),
    Probe(
        "neighbours",
        "Neighbours",
        "Tokens near a word or a sum of words.",
        "model.probe.neighbours.cli",
    ),
    Probe(
        "angles",
        "Angles",
        "How the angles between token vectors are distributed.",
        question="model.probe.angles.asks:TableAngles",
    ),
    Probe("score", "Score", "What a model knows of the story world.", "model.cli.score"),
    Probe("analogy", "Analogies", "How far king − man + woman is queen, while a model learns."),
    Probe("geometry", "Geometry", "The table of token vectors on its principal axes."),
    Probe("singular_values", "Singular values", "All singular values of a weight matrix."),
    Probe("weights", "Weights", "Figures, histogram and picture of one parameter tensor."),
)
