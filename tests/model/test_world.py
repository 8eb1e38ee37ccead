"""The story world's text is repeatable, rich enough, and true to facts that hold together."""

from __future__ import annotations

import hashlib
import math
import re
import subprocess
import sys
from collections import Counter
from itertools import islice, pairwise

import pytest

from model import world
from model.world import frames, stories
from model.world.dice import Dice
from model.world.people import ROLES, spell
from model.world.text import parts


@pytest.fixture(scope="module")
def sample() -> str:
    """A large part of what a model is trained on, from several seeds."""
    return "".join(world.write(150_000, seed) for seed in range(4))


def test_a_seed_gives_the_same_text_on_every_machine() -> None:
    # A change of the world's text changes these; then the bundled model must be trained anew.
    assert hashlib.sha256(world.write(20_000, 0).encode()).hexdigest()[:16] == "99e311e7d8c88512"
    assert hashlib.sha256(world.write(20_000, 7).encode()).hexdigest()[:16] == "a96f23891181d8d2"


def test_another_seed_tells_other_stories_of_the_same_world() -> None:
    one, other = (set(world.write(3_000, seed).splitlines()) for seed in (1, 2))
    assert len(one & other) < 0.2 * len(one)


def test_text_is_as_long_as_asked_and_ends_with_a_whole_document() -> None:
    text = world.write(5_000, 3)
    lines = text.splitlines()
    assert lines == list(islice(world.documents(3), len(lines)))
    assert 5_000 <= world.count_tokens(text) < 5_000 + 200


def test_a_long_text_comes_in_parts_of_whole_documents() -> None:
    written = list(parts(150_000, 3))
    text = "".join(part for part, _ in written)
    lines = text.splitlines()
    assert lines == list(islice(world.documents(3), len(lines)))
    before = world.count_tokens("".join(f"{line}\n" for line in lines[:-1]))
    assert before < 150_000 <= world.count_tokens(text)
    assert len(written) == math.ceil(len(lines) / 1024) > 2
    shares = [share for _, share in written]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(part.endswith("\n") for part, _ in written)


def test_the_vocabulary_is_between_400_and_2000_words(sample: str) -> None:
    words = {word.lower() for word in re.findall(r"[A-Za-z]+", sample)}
    assert 400 <= len(words) <= 2_000


def test_documents_read_like_sentences(sample: str) -> None:
    for line in sample.splitlines():
        assert "{" not in line
        assert "[" not in line
        assert "  " not in line
        assert line.count('"') % 2 == 0, line
        assert re.match(r'["A-Z]', line), line
        assert re.search(r'[.?!]"?$', line), line
        assert not re.search(r"\b[Aa] [aeiou]\w", line.replace(" and ", " ")), line


def test_every_kind_of_story_is_told_in_many_ways() -> None:
    dice = Dice(0)
    for _, tell in stories.STORIES:
        assert len({tell(dice) for _ in range(60)}) > 30, tell.__name__


def test_no_scored_sentence_is_ever_taught(sample: str) -> None:
    for item in (*world.fact_items(), *world.pronoun_items()):
        # Without its first letter, whose case depends on who says it.
        assert (item.prompt + item.answer)[1:] not in sample, item.prompt


def test_every_frame_and_every_fact_is_taught(sample: str) -> None:
    missing = [
        item.sentence
        for relation in (*world.RELATIONS, world.PRONOUNS)
        for fact in range(len(relation.facts))
        for frame in relation.taught(fact)
        # Without first letter and full stop, which depend on who says it.
        if (item := relation.item(fact, frame)).sentence[1:-1] not in sample
    ]
    # With chance as the author, a few of the thousands of sentences may not have come up yet.
    n = sum(len(r.facts) * (len(r.frames) - frames.HELD_OUT) for r in world.RELATIONS)
    assert len(missing) < 0.01 * n, missing[:5]


@pytest.mark.parametrize("relation", [*world.RELATIONS, world.PRONOUNS], ids=lambda r: r.name)
def test_a_frame_held_out_for_one_fact_is_taught_with_others(relation: world.Relation) -> None:
    assert all(len(relation.held_out(i)) == frames.HELD_OUT for i in range(len(relation.facts)))
    taught = {frame for i in range(len(relation.facts)) for frame in relation.taught(i)}
    held_out = {frame for i in range(len(relation.facts)) for frame in relation.held_out(i)}
    # A relation with more frames than facts has some that are held out for none.
    assert held_out <= taught
    assert taught == set(range(len(relation.frames)))


def test_a_question_has_one_answer() -> None:
    answers: dict[str, set[str]] = {}
    for relation in (*world.RELATIONS, world.PRONOUNS):
        for fact in range(len(relation.facts)):
            for frame in range(len(relation.frames)):
                item = relation.item(fact, frame)
                answers.setdefault(item.prompt, set()).add(item.answer)
    assert all(len(found) == 1 for found in answers.values())
    # A prompt that starts another question could be continued either way.
    prompts = sorted(answers)
    for one, other in pairwise(prompts):
        assert not other.startswith(f"{one} "), (one, other)


def test_countries_are_told_apart_by_everything_they_have() -> None:
    for what in ("name", "capital", "language", "dish"):
        values = [getattr(country, what) for country in world.COUNTRIES]
        assert len(set(values)) == len(values) >= 12, what


def test_pairs_share_nothing_but_gender() -> None:
    words = [word for pair in world.GENDERED_PAIRS for word in (pair.male, pair.female)]
    assert len(set(words)) == len(words) >= 28
    for what in ("place", "thing", "does", "quality"):
        values = [getattr(pair, what) for pair in world.GENDERED_PAIRS]
        assert len(set(values)) == len(values), what


def test_both_words_of_a_pair_are_said_equally_often(sample: str) -> None:
    # A story says its words many times: it takes a long text for chance to even out.
    text = sample + "".join(world.write(150_000, seed) for seed in range(4, 12))
    said = Counter(re.findall(r"[a-z]+", text))
    for pair in world.GENDERED_PAIRS:
        assert said[pair.male] == pytest.approx(said[pair.female], rel=0.2), pair


def test_an_athletes_sport_needs_both_names() -> None:
    by_first: dict[str, set[str]] = {}
    by_last: dict[str, set[str]] = {}
    for athlete in world.ATHLETES:
        by_first.setdefault(athlete.first, set()).add(athlete.sport)
        by_last.setdefault(athlete.last, set()).add(athlete.sport)
    assert all(len(sports) == 2 for sports in (*by_first.values(), *by_last.values()))
    assert len({athlete.name for athlete in world.ATHLETES}) == len(world.ATHLETES)


def test_sums_are_right() -> None:
    relation = next(relation for relation in world.RELATIONS if relation.name == "sum")
    value = {word: n for n, word in enumerate(world.NUMBERS)}
    for fields in relation.facts:
        assert value[fields["a"]] + value[fields["b"]] == value[fields["answer"]]


def test_people_are_followed_by_their_own_pronouns() -> None:
    dice = Dice(5)
    for _ in range(300):
        text = stories.portrait(dice)
        role = next(role for role in ROLES if re.search(rf"\b{role.word}\b", text))
        pronouns = set(re.findall(r"\b(?:he|she|his|her|himself|herself)\b", text.lower()))
        if {"he", "his", "himself"} & pronouns:
            assert not {"she", "her", "herself"} & pronouns, text
        assert role.person.gender in ("male", "female")


def test_a_list_is_said_again_word_for_word() -> None:
    for repeated in world.scoring_lists(seed=3, n=50):
        assert repeated.first.count(repeated.again.strip()) == 1
        assert len(set(repeated.words)) == len(repeated.words)
        assert 4 <= len(repeated.words) <= 8


def test_articles_and_capitals() -> None:
    assert spell('a uncle has a hat. "so do I." it is a honest man.') == (
        'An uncle has a hat. "So do I." It is an honest man.'
    )


def test_the_world_needs_neither_torch_nor_a_tokenizer() -> None:
    code = "import sys, model.world; print({'torch', 'numpy', 'tokenizers'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
