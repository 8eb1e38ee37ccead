"""Given continuations have the probabilities that the whole texts' traces give."""

from __future__ import annotations

import numpy as np
import pytest

from model.interventions import AblateHead
from model.operations import LOGITS
from model.probe.chances.asks import Chances, ChancesFound, tree_of
from model.probe.continuations.asks import ROOT, Continuations
from model.sampling import Sampling
from tests.model.networks import BY_LENGTH
from tests.model.probe.asking import IDS, Asked

PATHS = ((5, 6, 7), (5, 6, 8), (9,), (5, 1))


def path_of(found: ChancesFound, node: int) -> tuple[int, ...]:
    path = list[int]()
    while node != ROOT:
        path.append(int(found.ids[node]))
        node = int(found.parents[node])
    return tuple(reversed(path))


@pytest.mark.parametrize("name", ["learned", "like Llama", "experts", *BY_LENGTH])
@pytest.mark.parametrize("interventions", [(), (AblateHead(0, 1),)], ids=["as it is", "cut"])
def test_each_token_has_its_probability_after_those_before_it(name, interventions):
    position = 6
    found = Asked(name, interventions=interventions).ask(Chances(position, PATHS))
    assert len(found.ids) == 6, "what begins alike is there once"
    for node in range(len(found.ids)):
        path = path_of(found, node)
        joint = 1.0
        for i, token_id in enumerate(path):
            read = Asked(name, (*IDS[: position + 1], *path[:i]), interventions)
            p = float(read.trace[LOGITS][0, -1].double().softmax(-1)[token_id])
            joint *= p
        assert found.probabilities[node] == pytest.approx(p, rel=1e-5)
        assert found.cumulative[node] == pytest.approx(joint, rel=1e-5)


def test_of_its_own_tree_it_says_the_same():
    asked = Asked("learned")
    sampling = Sampling(temperature=1.7)
    tree = asked.ask(Continuations(10, beams=4, depth=3, branches=3, sampling=sampling))
    paths = tuple(tuple(tree.ids[list(tree.path(node))].tolist()) for node in tree.best)
    found = asked.ask(Chances(10, paths, sampling))
    own = {path_of(found, node): float(found.cumulative[node]) for node in range(len(found.ids))}
    for node in tree.best:
        path = tuple(tree.ids[list(tree.path(node))].tolist())
        assert own[path] == pytest.approx(float(tree.cumulative[node]), rel=1e-6)


def test_behind_a_full_context_nothing_is_known():
    asked = Asked("learned")
    length = asked.config.n_ctx - 2
    full = Asked("learned", tuple(at % 30 for at in range(length)))
    found = full.ask(Chances(length - 1, ((1, 2, 3, 4),)))
    assert np.isfinite(found.probabilities).tolist() == [True, True, True, False]


def test_what_can_not_be_drawn_has_no_chance():
    found = Asked("learned").ask(Chances(10, PATHS, Sampling(temperature=0)))
    assert set(found.probabilities.tolist()) <= {0.0, 1.0}


def test_a_token_that_is_none_is_refused():
    with pytest.raises(ValueError, match="There is no token"):
        Asked("learned").ask(Chances(10, ((1, 10**6),)))


def test_a_tree_has_parents_before_their_children():
    ids, parents = tree_of(PATHS)
    assert ids == [5, 9, 6, 1, 7, 8]
    assert parents == [ROOT, ROOT, 0, 0, 2, 2]
    assert tree_of(()) == ([], [])
