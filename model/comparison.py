"""Two models or two texts beside each other: weights, activations, predictions.

The questions are those that the window asks (`model.probe.difference`, `weight_difference`,
`routes_difference`); here they are asked of two models that were opened. Knows
language models and the bench; no engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.alignment import Alignment, aligned
from model.likeness import architecture_words, same_inside
from model.probe.difference.asks import Difference, DifferenceFound
from model.probe.routes_difference.asks import RoutesDifference, RoutesDifferenceFound
from model.probe.weight_difference.asks import WeightDifference, WeightDifferenceFound
from model.subject import Subject

if TYPE_CHECKING:
    from model.interventions import Intervention
    from model.language_model import LanguageModel, TextOrIds

A, B = 1, 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between A and B.

    Attributes:
        words: whether the architectures are the same, or how they differ.
        weights: tensor by tensor; None where both are one model.
        activations: operation by operation, with what is predicted; None without a text.
        routes: edges of attention that differ; None where they weren't asked for, or the networks
            have other layers or heads.
        alignment: which tokens belong together; None without a text.
        ids_a, ids_b: the tokens of either text.
    """

    words: str
    weights: WeightDifferenceFound | None = None
    activations: DifferenceFound | None = None
    routes: RoutesDifferenceFound | None = None
    alignment: Alignment | None = None
    ids_a: tuple[int, ...] = ()
    ids_b: tuple[int, ...] = ()


def compare(
    a: LanguageModel,
    b: LanguageModel,
    text_or_ids: TextOrIds | None = None,
    text_b: TextOrIds | None = None,
    interventions: Iterable[Intervention] = (),
    routes: float | None = None,
) -> Comparison:
    """Compare two models, or one model's reading of two texts.

    Args:
        a: the model that differences are relative to.
        b: the other; it may be the same.
        text_or_ids: what A reads; without it only weights are compared.
        text_b: what B reads; the same if left out.
        interventions: what is changed in B.
        routes: of edges of attention, the least difference; None leaves them out.

    Raises:
        ValueError: more than one sequence; an intervention doesn't fit B; two models of one
            vocabulary of ids can't read the same text.
    """
    from model.bench import Bench
    from model.probe.answering import whole_answer

    bench = Bench()
    bench.hold(A, a)
    bench.hold(B, b)
    words = architecture_words(a.config, b.config)
    weights = None
    if a is not b:
        found = whole_answer(WeightDifference(B), Subject(A, None, (0,)), bench)
        assert isinstance(found, WeightDifferenceFound)
        weights = found
    if text_or_ids is None:
        return Comparison(words, weights)
    some = tuple(interventions)
    for one in some:
        if why := one.refusal(b.config):
            raise ValueError(why)
    ids_a = _ids(a, text_or_ids)
    ids_b = _ids(b, text_or_ids if text_b is None else text_b)
    alignment = aligned(_tokens(a, ids_a, b), _tokens(b, ids_b, a))
    if not alignment.pairs:
        return Comparison(words, weights, None, None, alignment, ids_a, ids_b)
    subject, other = Subject(A, None, ids_a), Subject(B, None, ids_b, some)
    difference = whole_answer(Difference(other, alignment.pairs), subject, bench)
    assert isinstance(difference, DifferenceFound)
    edges = None
    if routes is not None and same_inside(a.config, b.config):
        asked = RoutesDifference(
            position=None, threshold=routes, other=other, pairs=alignment.pairs
        )
        found_routes = whole_answer(asked, subject, bench)
        assert isinstance(found_routes, RoutesDifferenceFound)
        edges = found_routes
    return Comparison(words, weights, difference, edges, alignment, ids_a, ids_b)


def _ids(lm: LanguageModel, text_or_ids: TextOrIds) -> tuple[int, ...]:
    ids_BT = lm.ids(text_or_ids)
    if ids_BT.shape[0] != 1:
        raise ValueError(f"One sequence at a time can be compared, not {ids_BT.shape[0]}.")
    return tuple(ids_BT[0].tolist())


def _tokens(lm: LanguageModel, ids: tuple[int, ...], other: LanguageModel) -> tuple[object, ...]:
    """What is aligned: ids where both mean the same by them, else the tokens' bytes."""
    mine, theirs = lm.tokenizer, other.tokenizer
    if lm is other or mine is None or theirs is None or mine.vocabulary == theirs.vocabulary:
        return ids
    return tuple(mine.vocabulary[one] if one < len(mine.vocabulary) else one for one in ids)
