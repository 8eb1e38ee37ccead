"""By what points are coloured: kinds, first letters, lengths, counts, clusters, with their legend.

Plain functions from names and numbers of rows to groups and colours. Knows the theme and messages;
no widget, no store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from gui import theme
from gui.panes.space import framing
from gui.panes.space.rows import Rows
from model.messages import VocabularyProjected
from model.space.questions.asks import ClustersFound

BY = (
    ("one", "one colour", "All points alike; in the plane of a sum the fainter, the farther off"),
    ("norm", "vector length", "The length of each vector"),
    ("kind", "kind of token", "Its script, a number, punctuation, a part of a character, special"),
    ("space", "start of a word", "Whether a space stands before it, as at a word's start"),
    ("letter", "first letter", "Its first letter or sign"),
    ("size", "letters", "How many characters it has"),
    ("prompt", "count in prompt", "How often the prompt has it"),
    ("counts", "count in texts", "How often texts have it that you choose"),
    ("ratio", "one text or another", "How many times more often one text has it than another"),
    ("token", "token", "Which token it is: the most frequent of the text have a colour each"),
    ("position", "position", "Its place in the window that the model read it in"),
    ("line", "line", "The line of the text in which it stands"),
    ("cluster", "cluster", "Groups of vectors that point the same way"),
)
OF_COUNTS = ("counts", "ratio")
"""Those for which texts are chosen."""
OF_TEXT = ("token", "position", "line")
"""Those that only a text's rows have."""
MOST_GROUPS = 7
"""With a colour each; what is left is one group, in grey."""
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Group:
    """A line of the legend.

    Attributes:
        name: of it.
        n: how many rows are in it.
        rgb: its colour.
    """

    name: str
    n: int
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Coloured:
    """Points with their colours.

    Attributes:
        rgb_V3: uint8.
        groups: the legend; empty where colours are a scale or one.
        group_V: which group each row is in; empty where there are none.
        scale: what a scale of colours goes from and to, and of what; None for no scale.
    """

    rgb_V3: NDArray[np.uint8]
    groups: tuple[Group, ...] = ()
    group_V: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    scale: tuple[float, float, str] | None = None


def coloured(
    by: str,
    vocabulary: VocabularyProjected,
    rows: Rows,
    ids: Sequence[int] = (),
    clusters: ClustersFound | None = None,
) -> Coloured:
    """Colours by one of `BY`.

    Args:
        by: its key.
        vocabulary: the cloud.
        rows: the names of its rows.
        ids: the prompt's tokens.
        clusters: the clusters, where there are any.
    """
    n = len(vocabulary.points)
    if by == "norm":
        rgb = framing.colors(vocabulary, by_length=True)
        low, high = float(vocabulary.norms.min()), float(vocabulary.norms.max())
        return Coloured(rgb, scale=(low, high, "length"))
    if by == "cluster" and clusters is not None and len(clusters.groups_N) == n:
        named = [", ".join(rows.text(row) for row in some) for some in clusters.central]
        noise = "noise: in no group" if clusters.how else ""
        return _by_number(clusters.groups_N, named, noise)
    if by == "prompt" and vocabulary.source.of_vocabulary:
        counts = np.bincount([row for row in ids if row < n], minlength=n)[:n]
        most = int(counts.max(initial=0))
        names = ["not in the prompt", *(f"{at} ×" for at in range(1, most + 1))]
        return _ordered(counts, names)
    names_of: dict[str, Callable[[int], str]] = {
        "kind": rows.kind,
        "space": rows.start,
        "letter": rows.letter,
    }
    text = vocabulary.text
    if by in OF_TEXT and text is not None and len(text.ids_N) == n:
        if by == "token":
            return _by_name(rows.known("text", rows.text))
        if by == "line" and text.has_lines:
            return _in_parts(text.lines_N, "lines")
        if by == "position":
            return _doubling(text.positions_N)
    if by in names_of:
        return _by_name(rows.known(by, names_of[by]))
    if by == "size":
        sizes = np.minimum(rows.known("size", rows.size), 8).astype(np.int64)
        return _ordered(sizes, [*(str(at) for at in range(8)), "8 or more"])
    return Coloured(framing.colors(vocabulary, by_length=False))


def by_of(vocabulary: VocabularyProjected) -> tuple[tuple[str, str, str], ...]:
    """Those of `BY` that the rows of a table have."""
    text = vocabulary.text
    without = set(OF_TEXT) if text is None else set()
    if text is not None and not text.has_lines:
        without = {"line"}
    if not vocabulary.source.of_vocabulary:
        without.add("prompt")
        without |= set(OF_COUNTS) if text is None else set()
    return tuple(one for one in BY if one[0] not in without)


def _in_parts(numbers: NDArray[np.integer], what: str) -> Coloured:
    """From the first to the last in equal parts, as many as have a colour."""
    low, high = int(numbers.min()), int(numbers.max())
    n = min(MOST_GROUPS, high - low + 1)
    edges = np.linspace(low, high + 1, n + 1).round().astype(int)
    names = [
        f"{what} {a:,} to {b - 1:,}" if b - a > 1 else f"{what[:-1]} {a:,}"
        for a, b in pairwise(edges.tolist())
    ]
    return _ordered(np.searchsorted(edges, numbers, side="right") - 1, names)


def _doubling(positions: NDArray[np.integer]) -> Coloured:
    """The first few places each, then twice as many in every group: what is early matters more."""
    edges = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048]
    names = [
        f"position {a:,}" if b - a == 1 else f"positions {a:,} to {b - 1:,}"
        for a, b in pairwise(edges)
    ]
    return _ordered(np.searchsorted(edges, positions, side="right") - 1, names)


def _by_name(names: NDArray[Any]) -> Coloured:
    """The most frequent names have a colour each."""
    counts = Counter(names.tolist())
    listed = [name for name, _ in counts.most_common(MOST_GROUPS)]
    at = {name: number for number, name in enumerate(listed)}
    group_V = np.array([at.get(name, len(listed)) for name in names.tolist()], np.int64)
    return _grouped(group_V, listed, rest=len(counts) > len(listed))


def _by_number(numbers: NDArray[np.integer], names: Sequence[str], noise: str = "") -> Coloured:
    """Groups that are numbered, the largest first; the last ones are the rest, and so is -1.

    Where -1 has a name it is a group of its own, fainter than the rest.
    """
    shown = min(len(names), MOST_GROUPS)
    group_V = np.where((numbers < 0) | (numbers >= shown), shown, numbers)
    listed = list(names[:shown])
    if not noise or not (numbers < 0).any():
        return _grouped(group_V, listed, rest=bool((group_V == shown).any()))
    t = theme.current()
    tones = [_rgb(QColor(t.series[at])) for at in range(shown)]
    if len(names) > shown:
        listed.append(OTHERS)
        tones.append(_rgb(t.color("dim")))
    group_V[numbers < 0] = len(listed)
    return _told(group_V, [*listed, noise], [*tones, _rgb(t.color("faint"))])


def _grouped(group_V: NDArray[np.int64], names: list[str], *, rest: bool) -> Coloured:
    t = theme.current()
    tones = [_rgb(QColor(t.series[at])) for at in range(len(names))]
    if rest:
        names, tones = [*names, OTHERS], [*tones, _rgb(t.color("faint"))]
    return _told(group_V, names, tones)


def _ordered(group_V: NDArray[np.integer], names: Sequence[str]) -> Coloured:
    """Groups in an order, on the sequential map; groups without rows are left out."""
    filled = np.unique(group_V)
    place = np.searchsorted(filled, group_V)
    shares = 0.25 + 0.75 * np.linspace(0, 1, max(len(filled), 2))[: len(filled)]
    tones = [tuple(rgb) for rgb in theme.sequential_rgb(shares).tolist()]
    return _told(place, [names[at] for at in filled.tolist()], tones)


def _told(group_V: NDArray[Any], names: list[str], tones: Sequence[Any]) -> Coloured:
    counts = np.bincount(group_V, minlength=len(names))
    groups = tuple(
        Group(name, int(n), tone) for name, n, tone in zip(names, counts.tolist(), tones)
    )
    return Coloured(np.array(tones, np.uint8)[group_V], groups, group_V.astype(np.int64))


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()
