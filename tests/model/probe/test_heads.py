"""Kinds of heads: scores are means of the network's own weights; a copier has induction heads."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from model.bench import Bench
from model.config import TransformerConfig
from model.interventions import AblateHead
from model.language_model import LanguageModel
from model.probe.answering import whole_answer
from model.probe.heads.asks import LEAST, SCORES, Heads, HeadsFound
from model.subject import Subject
from model.trace import record
from model.transformer import Transformer
from tests.model.probe.asking import Asked

START = 0


class Words:
    """As much of a tokenizer as is asked.

    Args:
        around: what it puts before and behind a text.
    """

    def __init__(self, *around: int) -> None:
        self._around = around

    def encode(self, text: str, add_special: bool = True) -> SimpleNamespace:
        before, behind = self._around[:1], self._around[1:]
        return SimpleNamespace(ids=[*before, 5, *behind] if add_special else [5])

    special_ids = frozenset({START, 1})
    unknown_id = 2
    start_of_text = START
    vocabulary = (b"<s>", b"</s>", b"?", *(b"%d" % one for one in range(3, 30)), b"", b"")


def asked_of(
    network: Transformer, question: Heads, tokenizer: object = None, bench: Bench | None = None
) -> HeadsFound:
    bench = bench or Bench()
    bench.hold(1, cast("LanguageModel", SimpleNamespace(transformer=network, tokenizer=tokenizer)))
    found = whole_answer(question, Subject(1, None, (3, 4)), bench)
    assert isinstance(found, HeadsFound)
    return found


def read_texts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The texts that are run, as they come."""
    seen: list[tuple[int, ...]] = []
    streaming = Bench.streaming

    def watched(self: Bench, subject: Subject, *args: object) -> object:
        seen.append(subject.ids)
        return streaming(self, subject, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Bench, "streaming", watched)
    return seen


@pytest.mark.parametrize("name", ["learned", "like Llama", "window per layer", "bidirectional"])
def test_scores_are_means_of_the_weights_at_known_places(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    seen = read_texts(monkeypatch)
    asked, n = Asked(name), 9
    found = asked.ask(Heads(n_random=n, n_texts=3))
    texts = list(dict.fromkeys(seen))
    assert len(texts) == 3
    total, causal = 2 * n, asked.config.causal
    expected = {kind: np.zeros((2, 4)) for kind in SCORES}
    patterns = []
    for ids in texts:
        assert ids[:n] == ids[n:]
        assert len(set(ids)) == n
        trace = record(asked.network, torch.tensor([ids]))
        patterns.append(
            np.stack([trace[f"blocks.{at}.attn.hook_pattern"][0].numpy() for at in range(2)])
        )
        p = patterns[-1]
        for layer in range(2):
            for head in range(4):
                w, at = p[layer, head], (layer, head)
                places: dict[str, list[tuple[int, int]]] = {
                    "previous_token": [(q, q - 1) for q in range(2, total)],
                    "itself": [(q, q) for q in range(2, total)],
                    "first_token": [(q, 0) for q in range(2, total)],
                    "duplicate_token": [(q, q - n) for q in range(n, total)],
                    "induction": [(q, q - n + 1) for q in range(n, total)],
                }
                if not causal:
                    places["next_token"] = [(q, q + 1) for q in range(2, total - 1)]
                    places["duplicate_token"] += [(q, q + n) for q in range(n)]
                    places["induction"] += [(q, q + n + 1) for q in range(n - 1)]
                for kind, some in places.items():
                    expected[kind][at] += np.mean([w[place] for place in some]) / 3
                even = [
                    sum(min(one, 1 / (q + 1 if causal else total)) for one in w[q])
                    for q in range(2, n)
                ]
                expected["evenly"][at] += np.mean(even) / 3
    for one, other in pairwise(patterns):
        a, b = one[:, :, 2:n, 1:], other[:, :, 2:n, 1:]
        low, high = np.minimum(a, b).sum((-1, -2)), np.maximum(a, b).sum((-1, -2))
        shared = np.where(high < 0.2 * (n - 2), 0, 2 * low / (low + high))
        expected["positional"] += shared / 2
    for index, kind in enumerate(SCORES):
        assert np.allclose(found.scores_LHS[..., index], expected[kind], atol=1e-6), kind


def test_texts_are_of_tokens_that_stand_for_text(monkeypatch: pytest.MonkeyPatch):
    seen = read_texts(monkeypatch)
    network = Asked("learned").network
    found = asked_of(network, Heads(n_random=8), Words())
    assert found.n_random == 8
    for ids in seen:
        assert ids[0] == START
        assert all(3 <= one < 30 for one in ids[1:])
    once = asked_of(network, Heads(n_random=8), Words()).scores_LHS
    assert np.array_equal(once, found.scores_LHS), "the same seed, the same texts"
    assert not np.array_equal(asked_of(network, Heads(8, seed=1), Words()).scores_LHS, once)


def test_what_a_tokenizer_puts_around_a_text_stands_around_these(
    monkeypatch: pytest.MonkeyPatch,
):
    seen = read_texts(monkeypatch)
    found = asked_of(Asked("bidirectional").network, Heads(), Words(1, START))
    assert found.n_random == 11
    for ids in seen:
        assert (ids[0], ids[-1], len(ids)) == (1, START, 24)
        assert ids[1:12] == ids[12:23]


def test_it_is_measured_once_for_the_weights_and_takes_no_room_from_the_screen(
    monkeypatch: pytest.MonkeyPatch,
):
    seen = read_texts(monkeypatch)
    asked, bench = Asked("learned"), Bench()
    first = asked_of(asked.network, Heads(9), bench=bench)
    n = len(seen)
    cut = Subject(1, None, (5, 6, 7), (AblateHead(0, 0),))
    again = whole_answer(Heads(9), cut, bench)
    assert isinstance(again, HeadsFound)
    assert len(seen) == n
    assert again.subject == cut
    assert np.array_equal(again.scores_LHS, first.scores_LHS)
    assert bench.n_bytes == 0
    bench.hold(1, cast("LanguageModel", SimpleNamespace(transformer=Asked("rms").network)))
    other = whole_answer(Heads(9), cut, bench)
    assert isinstance(other, HeadsFound)
    assert not np.array_equal(other.scores_LHS, first.scores_LHS), "another model, other heads"


def test_a_short_context_has_shorter_texts_and_one_too_short_says_so():
    network = Asked("learned").network  # of 24 tokens
    assert asked_of(network, Heads()).n_random == 12
    assert asked_of(network, Heads(), Words()).n_random == 11
    tiny = Transformer(replace(network.config, n_ctx=4))
    none = asked_of(tiny, Heads())
    assert "too short to tell heads apart" in none.problem
    assert np.isnan(none.scores_LHS).all()
    assert none.label(0, 0) == ""
    with pytest.raises(ValueError, match="2 are the least"):
        asked_of(network, Heads(n_texts=1))


def test_labels_are_what_a_head_does_before_where_it_rests():
    def found(**scores: float) -> HeadsFound:
        row = np.array([[[scores.get(name, 0.0) for name in SCORES]]], np.float32)
        return HeadsFound(
            subject=Subject(1, None, (0,)), question=Heads(), scores_LHS=row, n_random=9
        )

    assert found().label(0, 0) == ""
    assert found(first_token=0.7, induction=0.5).labels(0, 0) == ("induction", "first_token")
    assert found(previous_token=0.5, itself=0.45, positional=0.9).labels(0, 0) == (
        "previous_token",
        "itself",
        "positional",
    )
    assert found(induction=LEAST["induction"] - 0.01).label(0, 0) == ""


CONFIG = TransformerConfig(
    n_layers=2,
    n_heads=2,
    d_model=32,
    d_mlp=32,
    d_vocab=24,
    n_ctx=64,
    positions="rotary",
    tied_embeddings=False,
)


def copier(steps: int = 600) -> Transformer:
    """A network that has learned to copy what is repeated, 2 s of one core."""
    network = Transformer(CONFIG)
    network.initialize(torch.Generator().manual_seed(0), std=0.1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, betas=(0.9, 0.98))
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        n = int(torch.randint(6, 14, (1,), generator=generator))
        once_BT = torch.rand(32, CONFIG.d_vocab, generator=generator).argsort(1)[:, :n]
        ids_BT = torch.cat([once_BT, once_BT], 1)
        logits_BTV = network(ids_BT)[:, n - 1 : -1]
        loss = torch.nn.functional.cross_entropy(
            logits_BTV.reshape(-1, CONFIG.d_vocab), ids_BT[:, n:].reshape(-1)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.1:
            break
    return network.eval().requires_grad_(False)


def test_a_network_that_learned_to_copy_has_induction_heads_and_a_random_one_has_none():
    random = Transformer(CONFIG)
    random.initialize(torch.Generator().manual_seed(0), std=0.1)
    kind = SCORES.index("induction")
    before = asked_of(random.eval(), Heads(n_random=12)).scores_LHS[..., kind]
    assert before.max() < 0.1
    found = asked_of(copier(), Heads(n_random=12))
    scores = found.scores_LHS[..., kind]
    assert scores[1].max() > 0.6
    layer, head = np.unravel_index(scores.argmax(), scores.shape)
    assert layer == 1, "it reads what a head below it has written"
    assert found.label(int(layer), int(head)) == "induction"
    before_it = found.scores_LHS[0, :, SCORES.index("previous_token")]
    assert before_it.max() > LEAST["previous_token"]
