"""What the embedding space says in words and figures: header, status line, inspector.

Plain functions from messages to sentences; every number is one of the arrays' own.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gui.panes.space.scene import Paths, is_sum
from gui.reading import code
from gui.reading.inspecting import inspected_parameter
from gui.reading.token_search import Expression
from gui.session.asked import Asking
from gui.session.state import Inspected
from model.config import TransformerConfig
from model.messages import ModelInfo, NeighboursFound, VocabularyProjected

TextOf = Callable[[int], str]

MANUAL = "drag turns, wheel zooms, right drag moves, double click resets"
NO_SUM = "plane: type a sum of words, such as king - man + woman"
PATH_WIDER = "no path: the residual stream is wider than the token vectors"


def why_empty(model: ModelInfo | None) -> str:
    """Why there is no cloud."""
    if model is None:
        return "Open a checkpoint to see its vocabulary in space."
    return "Finding the axes along which the vocabulary varies most…"


def header(vocabulary: VocabularyProjected) -> str:
    """How many tokens, and how much of their variance three axes show."""
    kept = float(np.sum(vocabulary.variance_kept))
    step = "" if vocabulary.step is None else f" · step {vocabulary.step:,}"
    axes = "plane and 1 axis" if vocabulary.plane else "3 axes"
    return (
        f"{len(vocabulary.points):,} tokens · {axes} keep {kept:.1%} of the variance of "
        f"{vocabulary.matrix}{step}"
    )


def plane(vocabulary: VocabularyProjected, text_of: TextOf) -> str:
    """How much of the distances that a sum is about is left in the picture."""
    said = f"plane: keeps {vocabulary.own_kept:.0%} of the distances between the words and the sum"
    if vocabulary.nearest < 0:
        return said
    nearest = text_of(vocabulary.nearest)
    return f"{said}, {vocabulary.nearest_kept:.0%} of that from the sum to {nearest}"


def token(vocabulary: VocabularyProjected, token_id: int, text: str) -> str:
    """One token in one line: name, length, place."""
    x, y, z = vocabulary.points[token_id].tolist()
    return (
        f"{text}   {vocabulary.matrix}[{token_id}]   "
        f"length {vocabulary.norms[token_id]:.4f}   axes ({x:.4f}, {y:.4f}, {z:.4f})"
    )


def path(vocabulary: VocabularyProjected, paths: Paths) -> str:
    """Whether residual vectors are as long as they are, and how long that is."""
    mean = float(vocabulary.norms.mean())
    if not math.isfinite(paths.longest):
        return "path: drawn up to where the stream is not finite"
    if paths.scaled_to is None:
        return (
            f"path: true lengths, up to {paths.longest:.1f}; "
            f"the mean of {vocabulary.matrix} is {mean:.2f}"
        )
    return (
        f"path: lengths set to {paths.scaled_to:.2f}, the mean of {vocabulary.matrix} "
        f"(really up to {paths.longest:.1f})"
    )


def path_note(
    vocabulary: VocabularyProjected,
    problem: str,
    waits: Asking | None,
    paths: Paths | None,
    *,
    wider: bool,
) -> str:
    """What there is to say of the paths: why there are none, that they come, how long they are."""
    if problem:
        return f"path: {problem}"
    if waits is not None:
        return path_waits(waits.share)
    if paths is not None:
        return path(vocabulary, paths)
    return PATH_WIDER if wider else ""


def is_wider(config: TransformerConfig) -> bool:
    """Whether the residual stream has no place among the vectors of the table."""
    return config.d_embed != config.d_model


def path_waits(share: float) -> str:
    """That the next path is being found, and how far."""
    return f"path: being found, {share:.0%}" if share else "path: being found"


def colors(vocabulary: VocabularyProjected) -> str:
    """What the colours of the points stand for."""
    low, high = vocabulary.norms.min(), vocabulary.norms.max()
    return f"colour: length from {low:.2f} to {high:.2f}"


def inspected(
    vocabulary: VocabularyProjected,
    found: NeighboursFound | None,
    token_id: int,
    text_of: TextOf,
    dtype: str,
) -> Inspected:
    """A token's vector for the inspector, with the Python that fetches it."""
    x, y, z = vocabulary.points[token_id].tolist()
    note = (
        f"The vector of “{text_of(token_id)}” is {vocabulary.norms[token_id]:.6f} long and "
        f"lies at ({x:.6f}, {y:.6f}, {z:.6f}) on the three axes."
    )
    if found is not None and is_sum(found.terms) and token_id in found.ids:
        words = tuple(text_of(i) for _, i in found.terms)
        cosine = found.cosines[found.ids.index(token_id)]
        note += f" Its cosine with {Expression(found.terms, words)} is {cosine:.6f}."
    line = code.vector_of(vocabulary.matrix, token_id)
    return inspected_parameter(vocabulary.matrix, (token_id,), None, note, dtype=dtype, line=line)
