"""What of a recipe makes training fast or slow, in words: for a form, and for who turns one off.

Each says what it does; what it gave on tinyshakespeare is in docs/decisions.md. Knows the recipe's
names; no torch, no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from model.config import NormKind, Positions
from model.train.recipe import Optimiser, Precision, Schedule


@dataclass(frozen=True, slots=True)
class Switch:
    """A choice of a recipe.

    Attributes:
        name: of the recipe's field.
        label: what a form calls it.
        says: what it does, a sentence or two.
        choices: its values, where it is one of several words.
    """

    name: str
    label: str
    says: str
    choices: tuple[str, ...] = ()


SWITCHES = (
    Switch(
        "precision",
        "Precision",
        "In which numbers an update is computed; weights stay in float32. auto takes bfloat16 "
        "where the device multiplies faster in it: four times on processors that have it.",
        get_args(Precision),
    ),
    Switch(
        "optimiser",
        "Optimiser",
        "adamw for all weights, or muon for the matrices of blocks: it moves every direction of a "
        "matrix equally far, and learns much more in a few hundred steps.",
        get_args(Optimiser),
    ),
    Switch("matrix_lr", "Matrix rate", "Highest learning rate of the matrices that Muon moves"),
    Switch(
        "momentum",
        "Momentum",
        "Of Muon: the share that an update keeps of those before. A short run wants less of it.",
    ),
    Switch(
        "schedule",
        "Schedule",
        "How the rate falls after the warm-up; a short run gains most while it falls to zero.",
        get_args(Schedule),
    ),
    Switch(
        "positions",
        "Positions",
        "How order enters. Rotary turns queries and keys, so that scores depend on distance.",
        get_args(Positions),
    ),
    Switch(
        "head_offsets",
        "Heads look back",
        "How many tokens back the heads of every block look before they have learned anything, "
        "for example 1,2,3; empty for nowhere in particular. What they would have to find out "
        "first is there from the start. Needs rotary positions and QK norm.",
    ),
    Switch(
        "rotary_base",
        "Rotary base",
        "How slowly the slowest pair of dimensions turns: small for a short context.",
    ),
    Switch(
        "qk_norm",
        "QK norm",
        "Queries and keys are brought to one length before they meet: a high rate can't blow "
        "scores up.",
    ),
    Switch(
        "norm",
        "Norm",
        "layer takes mean and length away, rms the length only.",
        get_args(NormKind),
    ),
    Switch("norm_weights", "Norm weights", "Norms multiply with weights that are learned."),
    Switch(
        "embedding_norm",
        "Embedding norm",
        "Token vectors are brought to one length before the first block.",
    ),
    Switch(
        "activation",
        "Activation",
        "Of the MLP. relu2, the square of what is above zero, is cheap and learns as well as gelu.",
        ("gelu", "gelu_tanh", "relu", "relu2", "silu"),
    ),
    Switch(
        "tied_embeddings",
        "Tied",
        "The unembedding is the embedding's own table; off, it is one of its own.",
    ),
    Switch(
        "zero_outputs",
        "Outputs at zero",
        "At first blocks add nothing and all tokens are as likely: no noise is to be undone.",
    ),
    Switch("logit_cap", "Logit cap", "Logits are kept softly below it; 0 leaves them as they are."),
)
