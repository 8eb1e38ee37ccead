"""Every pane by key: its title, a sentence on it, and where its class is.

Data only: the window draws its docks from this before a single pane is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class PaneEntry:
    """What is known of a pane before it is made.

    Attributes:
        key: objectName of the pane's dock, stable across versions: layouts are saved by it.
        title: on the dock's header.
        hint: one sentence for the header's tooltip and for screen readers.
        class_name: of the `Pane` in ``gui.panes.<key>.pane``.
    """

    key: str
    title: str
    hint: str
    class_name: str

    @property
    def module(self) -> str:
        return f"gui.panes.{self.key}.pane"


_ENTRIES = (
    PaneEntry(
        "prompt",
        "Prompt",
        "The text that goes through the network; every pane follows as you type",
        "PromptPane",
    ),
    PaneEntry(
        "tokens",
        "Tokens",
        "What the network reads: the prompt cut into tokens, each with its id and bytes",
        "TokensPane",
    ),
    PaneEntry(
        "layers",
        "Layers",
        "Every operation of the network in order. Left and Right step, Up and Down go a block "
        "further, Space plays.",
        "LayersPane",
    ),
    PaneEntry(
        "attention",
        "Attention",
        "Which tokens each token reads, in every head of every layer. Arrow keys move through "
        "heads in the mosaic, through cells in the matrix; Ctrl+click adds heads to the graph.",
        "AttentionPane",
    ),
    PaneEntry(
        "space",
        "Embedding space",
        "Every token's vector on the three axes that keep most of the variance. Drag to turn, "
        "click a token for its nearest neighbours, type a word or a sum of words.",
        "SpacePane",
    ),
    PaneEntry(
        "prediction",
        "Next token",
        "The probability of every token that might come next, or stand in the place of a mask, and "
        "drawing one of them",
        "PredictionPane",
    ),
    PaneEntry(
        "training",
        "Training",
        "Train a model here and watch what it learns, step by step.",
        "TrainingPane",
    ),
    PaneEntry(
        "inspector",
        "Inspector",
        "The exact value, index and tensor of whatever is selected, and the current operation",
        "InspectorPane",
    ),
    PaneEntry(
        "model",
        "Model",
        "Every parameter tensor: figures, histogram, image, singular values, share of the whole",
        "ModelPane",
    ),
)

PANES: Mapping[str, PaneEntry] = MappingProxyType({entry.key: entry for entry in _ENTRIES})
"""In the order in which they are made."""
