"""The tree of continuations, held to probabilities of a NumPy forward and of the full trace."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from model.interventions import AblateHead
from model.operations import LOGITS
from model.probe.continuations.asks import ROOT, Continuations, ContinuationsFound
from model.sampling import Sampling
from tests.model.networks import BY_LENGTH
from tests.model.numpy_forward import forward
from tests.model.probe.asking import IDS, Asked

ROUNDED = 1e-5  # logits cross the border as float32


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    scaled = logits / temperature
    p = np.exp(scaled - scaled.max())
    return p / p.sum()


def texts(found: ContinuationsFound) -> dict[tuple[int, ...], float]:
    """Every continuation in the tree with its probability."""
    return {
        tuple(found.ids[list(found.path(node))].tolist()): float(found.cumulative[node])
        for node in range(len(found.ids))
    }


def test_probabilities_are_those_of_a_forward_in_numpy():
    asked = Asked("learned")
    found = asked.ask(Continuations(10, beams=5, depth=4, branches=3))
    assert found.depths.tolist() == [1] * 3 + [2] * 5 + [3] * 5 + [4] * 5
    for node in range(len(found.ids)):
        path = found.ids[list(found.path(node))].tolist()
        joint = 1.0
        for i, token_id in enumerate(path):
            p = softmax(forward(asked.network, (*IDS, *path[:i]))[-1])
            joint *= p[token_id]
        assert found.probabilities[node] == pytest.approx(p[path[-1]], rel=ROUNDED)
        assert found.cumulative[node] == pytest.approx(joint, rel=ROUNDED)


def test_with_room_for_all_the_best_continuation_is_the_likeliest_of_all_texts():
    asked = Asked("learned", ids=IDS[:4])
    V = asked.config.d_vocab
    found = asked.ask(Continuations(3, beams=V, depth=2, branches=V))
    first = softmax(forward(asked.network, IDS[:4])[-1])
    second = {i: softmax(forward(asked.network, (*IDS[:4], i))[-1]) for i in range(V)}
    joint = {(i, j): first[i] * second[i][j] for i, j in product(range(V), repeat=2)}
    likeliest = sorted(joint, key=lambda path: -joint[path])[:V]
    got = [tuple(found.ids[list(found.path(node))].tolist()) for node in found.best]
    assert got == likeliest
    assert found.cumulative[list(found.best)] == pytest.approx([joint[path] for path in got])


@pytest.mark.parametrize(
    "name", ["like Llama", "like Gemma 2", "alibi", "window per layer", "experts", *BY_LENGTH]
)
@pytest.mark.parametrize("interventions", [(), (AblateHead(0, 1),)], ids=["as it is", "cut"])
@pytest.mark.parametrize("position", [10, 5])
def test_every_kind_of_network_goes_on_as_its_trace_says(name, interventions, position):
    asked = Asked(name, interventions=interventions)
    found = asked.ask(Continuations(position, beams=3, depth=3, branches=2))
    for path, cumulative in texts(found).items():
        read = Asked(name, (*IDS[: position + 1], *path), interventions)
        p = read.trace[LOGITS][0].double().softmax(-1).numpy()
        steps = [p[position + i, token_id] for i, token_id in enumerate(path)]
        # Where rotations ask for the length, each token was said of the text as long as it was.
        if name not in BY_LENGTH:
            assert cumulative == pytest.approx(np.prod(steps), rel=ROUNDED)
    for node in range(len(found.ids)):
        path = found.ids[list(found.path(node))].tolist()
        before = Asked(name, (*IDS[: position + 1], *path[:-1]), interventions)
        own = before.trace[LOGITS][0, -1].double().softmax(-1)[path[-1]]
        assert found.probabilities[node] == pytest.approx(float(own), rel=ROUNDED)


def test_continuations_that_have_no_room_together_are_the_same(monkeypatch: pytest.MonkeyPatch):
    question = Continuations(10, beams=5, depth=3, branches=3)
    together = Asked("like Llama").ask(question)
    monkeypatch.setattr("model.probe.continuations.compute.CACHE_BYTES", 1)
    alone = Asked("like Llama").ask(question)
    assert texts(alone).keys() == texts(together).keys()
    assert alone.cumulative == pytest.approx(together.cumulative, rel=ROUNDED)


def test_the_tree_has_the_probabilities_with_which_tokens_are_drawn():
    asked = Asked("learned")
    sampling = Sampling(temperature=2.0, top_k=2)
    found = asked.ask(Continuations(10, beams=9, depth=2, branches=5, sampling=sampling))
    assert len(found.children(ROOT)) == 2, "what is left out can't be said"
    p = softmax(forward(asked.network, IDS)[-1], 2.0)
    two = np.sort(p)[::-1][:2]
    assert found.probabilities[list(found.children(ROOT))] == pytest.approx(two / two.sum())
    greedy = asked.ask(Continuations(10, beams=9, depth=3, sampling=Sampling(temperature=0)))
    assert greedy.cumulative.tolist() == [1, 1, 1]


def test_nothing_follows_a_token_that_ends_the_text(monkeypatch: pytest.MonkeyPatch):
    asked = Asked("learned")
    plain = asked.ask(Continuations(10, beams=4, depth=3, branches=3))
    first = int(plain.ids[0])
    monkeypatch.setattr(asked.bench, "ends", lambda model: frozenset({first}))
    found = asked.ask(Continuations(10, beams=4, depth=3, branches=3))
    assert found.ends.tolist() == (found.ids == first).tolist()
    assert found.ends[0]
    assert found.children(0) == ()
    assert 0 in found.best, "a text that has ended is a whole continuation"


def test_at_the_end_of_the_context_one_token_is_said_and_no_more():
    n_ctx = Asked("learned").config.n_ctx
    ids = tuple(i % 33 for i in range(n_ctx))
    found = Asked("learned", ids).ask(Continuations(n_ctx - 1, depth=3))
    assert found.full
    assert set(found.depths.tolist()) == {1}


def test_the_tree_comes_a_depth_at_a_time():
    answers = Asked("learned").answers(Continuations(10, beams=3, depth=4))
    assert [answer.share for answer in answers] == [0.25, 0.5, 0.75, 1.0]
    depths = [int(answer.depths.max()) for answer in answers]  # type: ignore[attr-defined]
    assert depths == [1, 2, 3, 4]


def test_the_screens_streams_stay_while_texts_are_tried():
    for interventions in ((), (AblateHead(0, 1),)):
        asked = Asked("learned", interventions=interventions)
        asked.bench.stream(asked.subject)
        before = list(asked.bench._streams)
        asked.ask(Continuations(10, beams=4, depth=4))
        assert list(asked.bench._streams) == before


def test_who_fills_masks_continues_nothing():
    with pytest.raises(ValueError, match="mask"):
        Asked("masked").ask(Continuations(10))


def test_a_network_that_diverged_says_where():
    asked = Asked("learned")
    with torch.no_grad():
        asked.network.get_parameter("blocks.1.mlp.down.weight").fill_(float("nan"))
    found = asked.ask(Continuations(10))
    assert len(found.ids) == 0
    assert "NaN" in found.problem
    assert "blocks.1" in found.problem


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (Continuations(10, beams=0), "beams is 0"),
        (Continuations(10, depth=65), "depth is 65"),
        (Continuations(10, branches=-1), "branches is -1"),
    ],
)
def test_numbers_out_of_range_are_refused(question: Continuations, says: str):
    with pytest.raises(ValueError, match=says):
        Asked("learned").ask(question)


def test_as_rows_it_is_a_list_of_texts():
    found = Asked("learned").ask(Continuations(10, beams=3, depth=3))
    rows = found.as_rows()["continuations"]
    assert len(rows) == 3
    assert [row["probability"] for row in rows] == sorted(
        (row["probability"] for row in rows), reverse=True
    )
    assert all(len(row["tokens"]) == 3 for row in rows)


def test_its_line_of_python_asks_it_again():
    asked = Asked("learned", interventions=(AblateHead(0, 1),))
    question = Continuations(10, depth=2, sampling=Sampling(temperature=0.7, min_p=0.1))
    code = asked.ask(question).code()
    given: list[object] = []
    *imports, line = code.splitlines()
    names: dict[str, object] = {"lm": type("Lm", (), {"ask": lambda _, *all: given.extend(all)})()}
    exec("\n".join(imports), names)
    eval(line, names)
    assert given == [list(IDS), question, (AblateHead(0, 1),)]
