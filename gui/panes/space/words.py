"""What the embedding space says in words and figures: header, status line, inspector.

Plain functions from messages to sentences; every number is one of the arrays' own.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gui.panes.space.rows import Rows
from gui.panes.space.scene import is_sum
from gui.panes.space.ways import Paths
from gui.reading import code
from gui.reading.inspecting import inspected_parameter
from gui.reading.token_search import Expression
from gui.session.asked import Asking
from gui.session.state import Inspected
from model.config import TransformerConfig
from model.messages import ModelInfo, NeighboursFound, Progress, VocabularyProjected
from model.space.projections.asks import SumPlane, WordAxes

TextOf = Callable[[int], str]

MANUAL = "drag turns, wheel zooms, right drag moves, double click resets, Ctrl+click sums"
MEASURES: dict[str, str] = {
    "cosine": "cosine with",
    "dot": "dot product with",
    "euclidean": "distance from",
}
FLAT_MANUAL = "drag moves, wheel zooms, double click resets, Ctrl+click sums"
PATH_WIDER = "no path: the residual stream is wider than the token vectors"


def why_empty(model: ModelInfo | None, problem: str, doing: str) -> str:
    """Why there is no cloud.

    Args:
        model: that is open.
        problem: why the table that was asked for isn't drawn; empty if it is on its way.
        doing: what is done for it; empty where that isn't known.
    """
    if problem:
        return problem
    if doing:
        return doing
    if model is None:
        return "Open a checkpoint to see its vocabulary in space, or drop a file of vectors here."
    return "Finding the axes along which the vocabulary varies most…"


def doing(progress: Progress | None) -> str:
    """What is done for a table that is to come; empty where that isn't known."""
    if progress is None:
        return ""
    share = f", {progress.done / progress.total:.0%}" if progress.total else ""
    return f"{progress.what[:1].upper()}{progress.what[1:]}{share}…"


def header(vocabulary: VocabularyProjected) -> str:
    """How many tokens, and how much of their variance three axes show."""
    kept = vocabulary.kept
    if not math.isfinite(kept):
        kept = float(np.sum(vocabulary.variance_kept))
    step = "" if vocabulary.step is None else f" · step {vocabulary.step:,}"
    axes = "plane and 1 axis" if vocabulary.plane else "3 axes"
    what = "tokens" if vocabulary.source.of_vocabulary else "vectors"
    counted = f"{len(vocabulary.points):,} {what}"
    if not vocabulary.has_axes:
        return f"{counted} of {vocabulary.matrix}{step}"
    return f"{counted} · {axes} keep {kept:.1%} of the variance of {vocabulary.matrix}{step}"


def caption(vocabulary: VocabularyProjected, text_of: TextOf) -> str:
    """What the picture keeps, and what there is to know of the table."""
    nearest = text_of(vocabulary.nearest) if vocabulary.nearest >= 0 else ""
    said = vocabulary.sentence.replace("{nearest}", nearest)
    if vocabulary.plane:
        said += " The fainter a dot, the farther it lies off the plane."
    return " ".join(filter(None, (said, vocabulary.note)))


def axis_names(vocabulary: VocabularyProjected, text_of: TextOf) -> tuple[str, str, str]:
    """What the axes are called, by the words that they are made of."""
    how, names = vocabulary.how, list(vocabulary.names)
    if isinstance(how, WordAxes):
        for at, direction in enumerate(how.directions[:3]):
            names[at] = _shortened(direction.words) or names[at]
    elif isinstance(how, SumPlane):
        minus = next((row for sign, row in how.terms if sign < 0), None)
        plus = [row for sign, row in how.terms[1:] if sign > 0]
        if minus is not None and plus:
            names[0] = f"{text_of(plus[-1])} − {text_of(minus)}"
        if names[1].startswith("plane"):
            names[1] = "across it"
        if vocabulary.nearest >= 0 and names[2] == "to the nearest":
            names[2] = f"towards {text_of(vocabulary.nearest)}"
    return names[0], names[1], names[2]


def _shortened(text: str, longest: int = 30) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def token(vocabulary: VocabularyProjected, token_id: int, rows: Rows) -> str:
    """One token in one line: name, length, place; of a text the words around it, and where."""
    x, y, z = vocabulary.points[token_id].tolist()
    text, stands = rows.text(token_id), rows.stands(token_id)
    if stands:
        before, after = rows.context(token_id, 8, 6)
        return f"{before}⟨{text}⟩{after}   {stands}   length {vocabulary.norms[token_id]:.4f}"
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


def notes(
    vocabulary: VocabularyProjected,
    *,
    fallback: str,
    hint: str,
    path: str,
    by_length: bool,
    flat: bool,
    thinned: str = "",
    trails: str = "",
    sum_in_map: bool = False,
) -> str:
    """What there is to know below the cloud, in one line.

    Args:
        vocabulary: the cloud.
        fallback: why it is drawn without OpenGL; empty if it isn't.
        hint: what is missing before what is chosen can be drawn.
        path: of `path_note`.
        by_length: whether colours stand for lengths.
        flat: whether two axes are seen alone.
        thinned: what of very many points isn't drawn.
        trails: what is drawn of earlier steps.
        sum_in_map: whether a sum is looked at where there are no directions.
    """
    found = [hint, thinned, f"software view: {fallback}" if fallback else "", path, trails]
    if sum_in_map:
        found.append("a map has no directions: of a sum its words and the nearest are marked")
    found.append(colors(vocabulary) if by_length else "")
    return " · ".join([*filter(None, found), FLAT_MANUAL if flat else MANUAL])


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
        value = found.values[found.ids.index(token_id)]
        measure = MEASURES[found.question.metric]
        note += f" Its {measure} {Expression(found.terms, words)} is {value:.6f}."
    line = code.vector_of(vocabulary.matrix, token_id)
    return inspected_parameter(vocabulary.matrix, (token_id,), None, note, dtype=dtype, line=line)
