"""An activation at the positions of a subject, as a table."""

from __future__ import annotations

from collections.abc import Generator

from torch import Tensor

from model.config import TransformerConfig
from model.space.registry import SpaceError
from model.space.sources.asks import BY_HEAD, InContext, TextInContext
from model.space.sources.place import Place
from model.space.table import VectorTable


def of_head(values: Tensor, source: InContext | TextInContext, config: TransformerConfig) -> Tensor:
    """``[T, D]``: one head's, where each has its own; of keys and values its group's.

    Raises:
        SpaceError: there is no such head.
    """
    if source.part not in BY_HEAD:
        return values
    if not 0 <= source.head < config.n_heads:
        raise SpaceError(f"There is no head {source.head}; the model has {config.n_heads}.")
    return values[:, source.head * values.shape[1] // config.n_heads]


def table(source: InContext, place: Place) -> Generator[tuple[int, int], None, VectorTable]:
    """A row a position. The stream of the subject is run first where it isn't there.

    Raises:
        SpaceError: no model is open, or it has no such activation.
    """
    if place.bench is None:
        raise SpaceError("No model is open. Open a checkpoint first.")
    subject, bench = source.subject, place.bench
    config = bench.network(subject).config
    if not 0 <= source.layer < config.n_layers:
        raise SpaceError(f"There is no layer {source.layer}; the model has {config.n_layers}.")
    for share in bench.streaming(subject):
        yield int(100 * share), 100
    try:
        values = bench.values(subject, (source.activation,))[source.activation][0]
    except KeyError:
        raise SpaceError(f"This model has no {source.activation}.") from None
    values = of_head(values, source, config)
    words = [place.words.get(token, f"‹{token}›") for token in subject.ids]
    labels = [f"{word} {at}" for at, word in enumerate(words)]
    return VectorTable(values.clone(), source.title, labels)
