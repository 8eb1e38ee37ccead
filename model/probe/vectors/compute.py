"""Vectors out of activations: the operations of each block run at one position."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import TypeAlias

from model.bench import Bench
from model.config import TransformerConfig
from model.operations import LOGITS, PROBABILITIES, aliases
from model.probe.question import Answer, read_only
from model.probe.tensors.compute import to_array
from model.probe.vectors.asks import Index, Vector, Vectors, VectorsFound, index_of
from model.sampling import probabilities
from model.subject import Subject

Local: TypeAlias = tuple[int | slice, ...]


def answer(question: Vectors, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """Block by block; whole at the end."""
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
    for names, start, stop in ((here, at, at + 1), (everywhere, 0, subject.n_tokens)):
        places: dict[str, tuple[Index, Local]] = {}  # by letters: a network has many names alike
        for some in bench.by_block(subject, names):
            values = bench.values(subject, some, start, stop)
            for name in some:
                if letters[name] not in places:
                    places[letters[name]] = _place(question, letters[name], config, at, start)
                index, local = places[letters[name]]
                vector = read_only(to_array(values[name])[local].copy())
                found[name] = Vector(name, letters[name], index, vector)
            yield None
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


def _place(
    question: Vectors, letters: str, config: TransformerConfig, at: int, start: int
) -> tuple[Index, Local]:
    """Where the vector stands in the whole activation, and in the positions from ``start`` on."""
    along = question.along_positions
    index = index_of(letters, config, at, question.head, along_positions=along)
    local = tuple(
        slice(None) if i is None else i - start if letter in "TQ" else i
        for i, letter in zip(index, letters)
    )
    return index, local
