"""What the axes of a tensor are, and what an index means, in words.

Works on the letters of shapes (`model.operations`), so that another architecture reads itself.
Knows the model's names and tokens; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Sequence

from gui.reading.inspecting import operation_of
from model import messages as m
from model.config import TransformerConfig
from model.operations import parameter_letters, parameter_sizes

AXES = {
    "B": "batch",
    "T": "position",
    "Q": "query",
    "S": "key",
    "P": "position",
    "D": "dimension",
    "H": "head",
    "G": "key/value head",
    "K": "dimension",
    "M": "neuron",
    "V": "token",
    "E": "dimension",
    "X": "expert",
    "A": "chosen expert",
    "Y": "token type",
    "1": "",
}
"""What a place on the axis of a letter is: "head" 3."""

SIZES = {**AXES, "D": "d_model", "E": "d_embed", "K": "d_head", "1": "scale"}
"""What the axis of a letter is called where its size is meant."""


def letters_of(config: TransformerConfig, name: str) -> str | None:
    """The letters of the shape of an activation or a parameter, None if it is unknown."""
    op = operation_of(config, name)
    return parameter_letters(config, name) if op is None else op.shape


def index_words(
    model: m.ModelInfo, ids: Sequence[int], name: str, index: tuple[int, ...]
) -> list[str]:
    """What each number of an index means: ``batch 0``, ``head 3``, ``query 4 ·golden``.

    Args:
        model: whose tensor it is.
        ids: the tokens that were read (``subject.ids``); empty for a parameter.
        name: of the tensor.
        index: in it.
    """
    letters = letters_of(model.config, name)
    if letters is None or len(letters) != len(index):
        return [str(i) for i in index]
    return [place_words(model, ids, letter, at) for letter, at in zip(letters, index)]


def place_words(model: m.ModelInfo, ids: Sequence[int], letter: str, at: int) -> str:
    """One place on the axis of a letter: ``query 4 ·golden``."""
    text = ""
    if letter in "TQS" and 0 <= at < len(ids):
        text = model.token_text(ids[at])
    elif letter == "V":
        text = model.token_text(at)
    return " ".join(part for part in (AXES[letter], f"{at:,}", text) if part)


def parameter_shape(config: TransformerConfig, name: str) -> tuple[tuple[int, ...], str]:
    """Sizes of a parameter, in TransformerLens' layout, and what its axes are in words."""
    words = {**SIZES, "M": "d_mlp"}
    letters = parameter_letters(config, name) or ""
    return parameter_sizes(config, name), " × ".join(words[i] for i in letters)
