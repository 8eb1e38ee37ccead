"""Vectors out of activations: the operations of each block run at one position."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from model.bench import Bench
from model.operations import LOGITS, PROBABILITIES, aliases
from model.probe.question import Answer, Array, read_only
from model.probe.tensors.compute import to_array
from model.probe.vectors.asks import Index, Vector, Vectors, VectorsFound, index_of
from model.sampling import probabilities
from model.subject import Subject

Local: TypeAlias = tuple[int | slice, ...]

WINDOW = 128
"""Positions that are computed in a slice, where a vector goes along all of them."""


def answer(question: Vectors, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Block by block, and by windows of positions; whole at the end."""
    network = bench.network(subject)
    config = network.config
    letters = {op.output: op.shape for op in network.operations}
    letters |= {alias: letters[name] for alias, name in aliases(config).items()}
    known = [name for name in question.names if name in letters]
    at = min(question.position, subject.n_tokens - 1)
    everywhere = [name for name in known if letters[name] == "BT1" and question.along_positions] + [
        name for name in known if letters[name] == "BT"
    ]
    here = [name for name in known if name not in everywhere and name != PROBABILITIES]
    found: dict[str, Vector] = {}
    places: dict[str, Index] = {}  # by letters: a network has many names alike

    def place(name: str) -> Index:
        along = question.along_positions
        if letters[name] not in places:
            places[letters[name]] = index_of(
                letters[name], config, at, question.head, along_positions=along
            )
        return places[letters[name]]

    locals_here: dict[str, Local] = {}
    for some in bench.by_block(subject, here):
        values = bench.values(subject, some, at, at + 1)
        for name in some:
            index = place(name)
            if letters[name] not in locals_here:
                locals_here[letters[name]] = _local(index, letters[name], at)
            vector = to_array(values[name])[locals_here[letters[name]]].copy()
            found[name] = Vector(name, letters[name], index, read_only(vector))
        yield None
    for some in bench.by_block(subject, everywhere):
        pieces: dict[str, list[Array]] = {name: [] for name in some}
        for start in range(0, subject.n_tokens, WINDOW):
            values = bench.values(subject, some, start, start + WINDOW)
            for name in some:
                local = _local(place(name), letters[name], start)
                pieces[name].append(to_array(values[name])[local])
            yield None
        for name, parts in pieces.items():
            found[name] = Vector(name, letters[name], place(name), read_only(np.concatenate(parts)))
    if PROBABILITIES in known:
        logits_V = to_array(bench.values(subject, (LOGITS,), at, at + 1)[LOGITS][0, 0])
        try:
            chances_V = read_only(probabilities(logits_V, question.sampling))
        except ValueError:  # of a network that diverged: there is no distribution
            pass
        else:
            index = (0, at, None)
            found[PROBABILITIES] = Vector(PROBABILITIES, "BTV", index, chances_V)
    ordered = {name: found[name] for name in question.names if name in found}
    yield VectorsFound(subject=subject, question=question, vectors=MappingProxyType(ordered))


def _local(index: Index, letters: str, start: int) -> tuple[int | slice, ...]:
    """The same index in a tensor that begins at a position."""
    return tuple(
        slice(None) if i is None else i - start if letter in "TQ" else i
        for i, letter in zip(index, letters)
    )
