"""The scorer gives all marks to one who knows the world, and none to one who doesn't."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from functools import cache

import pytest
import torch
from torch import Tensor

import model
from model import world
from model.config import TransformerConfig
from model.probe.score import compute as scoring
from model.probe.score.asks import Share
from model.probe.score.compute import answered, bits_per_byte, copying, score, table_analogies
from model.tokenizer.tokenizer import Tokenizer
from model.transformer import Transformer
from resources import STORY_WORLD


@cache
def bundled_tokenizer() -> Tokenizer:
    return Tokenizer.from_folder(STORY_WORLD)


class Parrot:
    """A language model that has sentences by heart, and can say a list again.

    Args:
        sentences: what it knows.
        copies: whether it continues a list as the same words went on before.
    """

    def __init__(self, sentences: Iterable[str], copies: bool = True, n_ctx: int = 128) -> None:
        self.tokenizer = bundled_tokenizer()
        self.config = TransformerConfig(
            n_layers=1, n_heads=1, d_model=8, d_vocab=self.tokenizer.n_tokens, n_ctx=n_ctx
        )
        self.embedding = torch.randn(
            self.config.d_vocab, 32, generator=torch.Generator().manual_seed(0)
        )
        self.copies = copies
        self._next: dict[tuple[int, ...], int] = {}
        for sentence in sentences:
            ids = self.tokenizer.encode(sentence).ids
            for i in range(1, len(ids)):
                self._next[tuple(ids[:i])] = ids[i]

    def logits(self, text_or_ids: list[list[int]], /) -> Tensor:
        rows = torch.tensor(text_or_ids)
        assert rows.shape[1] <= self.config.n_ctx
        logits_BTV = torch.zeros(*rows.shape, self.config.d_vocab)
        for b, ids in enumerate(text_or_ids):
            for t in range(len(ids)):
                known = self._next.get(tuple(ids[: t + 1]))
                guess = self._copied(ids[: t + 1]) if known is None and self.copies else known
                if guess is not None:
                    logits_BTV[b, t, guess] = 30.0
        return logits_BTV

    def _copied(self, ids: list[int]) -> int | None:
        """What came after the longest end of these ids, when it was there before."""
        best, length = None, 0
        for i in range(len(ids) - 1):
            n = 0
            while n <= i and ids[i - n] == ids[-1 - n]:
                n += 1
            if n >= length and n:
                best, length = ids[i + 1], n
        return best


def all_relations() -> tuple[world.Relation, ...]:
    return (*world.RELATIONS, world.PRONOUNS)


def truth(change: Callable[[world.Relation], world.Relation] = lambda r: r) -> list[str]:
    """Every fact of the world in every frame, taught or not."""
    return [
        changed.item(fact, frame).sentence
        for relation in all_relations()
        for changed in [change(relation)]
        for fact in range(len(relation.facts))
        for frame in range(len(relation.frames))
    ]


def test_who_knows_the_world_gets_full_marks() -> None:
    lm = Parrot(truth())
    facts = answered(lm, lm.tokenizer, world.fact_items())
    assert {name: share.value for name, share in facts.items()} == {
        relation.name: 1.0 for relation in world.RELATIONS
    }
    assert answered(lm, lm.tokenizer, world.pronoun_items())["pronoun"].value == 1.0


def test_who_believes_that_rome_is_in_france_gets_no_mark_for_it() -> None:
    def wrong(relation: world.Relation) -> world.Relation:
        if relation.name != "country":
            return relation
        names = [fields["answer"] for fields in relation.facts]
        facts = tuple(
            {**fields, "answer": name}
            for fields, name in zip(relation.facts, names[1:] + names[:1], strict=True)
        )
        return dataclasses.replace(relation, facts=facts)

    lm = Parrot(truth(wrong))
    facts = answered(lm, lm.tokenizer, world.fact_items())
    assert facts.pop("country").value == 0.0
    assert all(share.value == 1.0 for share in facts.values())


def test_only_held_out_frames_are_asked() -> None:
    taught = [
        relation.item(fact, frame).sentence
        for relation in all_relations()
        for fact in range(len(relation.facts))
        for frame in relation.taught(fact)
    ]
    lm = Parrot(taught, copies=False)
    assert all(
        share.right == 0 for share in answered(lm, lm.tokenizer, world.fact_items()).values()
    )


def test_who_looks_back_copies_and_who_does_not_fails() -> None:
    looking, blind = Parrot([]), Parrot([], copies=False)
    assert (copied := copying(looking, looking.tokenizer, 30).value) is not None
    assert copied > 0.95
    assert copying(blind, blind.tokenizer, 30).value == 0.0


def test_copying_counts_the_tokens_of_words_only() -> None:
    lm = Parrot([])
    words = [
        word
        for repeated in world.scoring_lists(scoring.HELD_OUT_SEED, 30)
        for word in repeated.words
    ]
    tokens = sum(len(lm.tokenizer.encode(f" {word}").ids) for word in words)
    assert copying(lm, lm.tokenizer, 30).n == tokens


def test_a_context_too_short_for_a_question_costs_marks_but_no_error() -> None:
    lm = Parrot(truth(), n_ctx=6)
    assert 0 < (value := answered(lm, lm.tokenizer, world.fact_items())["sum"].value or 0) < 1, (
        value
    )
    assert copying(lm, lm.tokenizer, 5).n > 0


def test_analogies_in_a_table_made_of_identity_and_gender() -> None:
    tokenizer = bundled_tokenizer()
    generator = torch.Generator().manual_seed(1)
    table_VD = torch.randn(tokenizer.n_tokens, 64, generator=generator)
    gender_D = torch.randn(64, generator=generator)
    pairs = [(pair.male, pair.female) for pair in world.GENDERED_PAIRS]
    for male, female in pairs:
        identity_D = 2 * torch.randn(64, generator=generator)
        table_VD[tokenizer.encode(f" {male}").ids[0]] = identity_D + gender_D
        table_VD[tokenizer.encode(f" {female}").ids[0]] = identity_D - gender_D
    without, with_inputs, left_out = table_analogies(table_VD, tokenizer, pairs)
    n = 2 * len(pairs) * (len(pairs) - 1)
    assert (without, with_inputs, left_out) == (Share(n, n), Share(n, n), [])


def test_the_nearest_word_is_often_one_of_the_three_that_were_given() -> None:
    # With little gender beside much identity, king - man + woman stays nearest to king.
    tokenizer = bundled_tokenizer()
    generator = torch.Generator().manual_seed(1)
    table_VD = 0.01 * torch.randn(tokenizer.n_tokens, 64, generator=generator)
    gender_D = torch.randn(64, generator=generator)
    pairs = [(pair.male, pair.female) for pair in world.GENDERED_PAIRS]
    for male, female in pairs:
        identity_D = 5 * torch.randn(64, generator=generator)
        noise_D = 0.8 * torch.randn(64, generator=generator)
        table_VD[tokenizer.encode(f" {male}").ids[0]] = identity_D + 0.5 * gender_D
        table_VD[tokenizer.encode(f" {female}").ids[0]] = identity_D - 0.5 * gender_D + noise_D
    without, with_inputs, _ = table_analogies(table_VD, tokenizer, pairs)
    assert without.value == 1.0
    assert with_inputs.right < without.right


def test_words_of_several_tokens_are_named_not_dropped() -> None:
    letters = Tokenizer.train_char("abcdefghijklmnopqrstuvwxyz ")
    table_VD = torch.randn(letters.n_tokens, 8)
    without, _, left_out = table_analogies(table_VD, letters, [("king", "queen"), ("man", "woman")])
    assert without == Share(0, 0)
    assert without.value is None
    assert left_out == ["king", "queen", "man", "woman"]


def test_bits_per_byte_of_one_who_knows_nothing_is_the_vocabularys() -> None:
    lm = Parrot([], copies=False)
    text = world.write(1_000, 1)
    n = len(lm.tokenizer.encode(text).ids) - 1
    bits = n * torch.tensor(float(lm.config.d_vocab)).log2().item()
    n_bytes = len(text) - len(lm.tokenizer.token_bytes(lm.tokenizer.encode(text).ids[0]))
    assert bits_per_byte(lm, lm.tokenizer, text) == pytest.approx(bits / n_bytes, rel=1e-4)


class Untrained:
    """A network with random weights."""

    def __init__(self) -> None:
        self.tokenizer = bundled_tokenizer()
        self.config = TransformerConfig(
            n_layers=1, n_heads=2, d_model=16, d_vocab=self.tokenizer.n_tokens, n_ctx=128
        )
        self.transformer = Transformer(self.config)
        self.transformer.initialize(torch.Generator().manual_seed(0))
        self.embedding = self.transformer.embed.weight

    def logits(self, text_or_ids: list[list[int]], /) -> Tensor:
        return self.transformer(torch.tensor(text_or_ids))


def test_an_untrained_network_scores_low() -> None:
    scores = score(Untrained(), n_lists=20, n_tokens=2_000)
    for name in ("gendered_analogies", "capital_analogies", "facts", "copying", "pronouns"):
        share = getattr(scores, name)
        assert share.n > 50
        assert share.right < 0.1 * share.n, name
    assert scores.bits_per_byte > 2


def test_without_a_tokenizer_nothing_can_be_asked() -> None:
    lm = Parrot([])
    lm.tokenizer = None  # type: ignore[assignment]
    with pytest.raises(ValueError, match="no tokenizer"):
        score(lm)


def test_the_bundled_model_knows_its_world() -> None:
    scores = score(model.open(STORY_WORLD, device="cpu"), n_tokens=5_000)
    found = json.loads(json.dumps(scores.as_json()))
    assert found["gendered_analogies"] >= 0.95
    assert found["capital_analogies"] >= 0.90
    assert found["facts"] >= 0.99
    assert found["copying"] >= 0.95
    assert found["pronouns"] >= 0.99
    assert found["bits_per_byte"] < 0.4
    assert found["analogy_words_left_out"] == []
    n_pairs, n_countries = len(world.GENDERED_PAIRS), len(world.COUNTRIES)
    assert found["n"]["gendered_analogies"] == 2 * n_pairs * (n_pairs - 1)
    assert found["n"]["capital_analogies"] == 2 * n_countries * (n_countries - 1)
    assert found["n"]["facts"] == len(world.fact_items())
    assert found["n"]["pronouns"] == len(world.pronoun_items())
