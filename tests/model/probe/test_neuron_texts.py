"""The texts that excite a neuron: held to whole traces of the same windows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import model
from model.bench import Bench
from model.interventions import SetNeuron
from model.language_model import LanguageModel
from model.probe.answering import answering, whole_answer
from model.probe.neurons.asks import Neurons, NeuronsFound
from model.probe.neurons.scanning import Scan, pieces_of, texts, windows
from model.probe.neurons.texts.asks import NeuronTexts, NeuronTextsFound
from model.probe.question import Question
from model.subject import Subject
from resources import STORY_WORLD
from tests.model.conftest import CARROLL

LAYER = 2


@pytest.fixture(scope="module")
def story() -> LanguageModel:
    return model.open(STORY_WORLD, device="cpu")


@pytest.fixture
def bench(story: LanguageModel) -> Bench:
    bench = Bench()
    bench.hold(1, story)
    return bench


@pytest.fixture
def carroll(tmp_path: Path) -> str:
    path = tmp_path / "carroll.txt"
    path.write_text(CARROLL, encoding="utf-8")
    return str(path)


def asked(bench: Bench, question: Question, *interventions: SetNeuron) -> NeuronTextsFound:
    found = whole_answer(question, Subject(1, None, (5, 6, 7), interventions), bench)
    assert isinstance(found, NeuronTextsFound)
    return found


def traced(story: LanguageModel, path: str, neuron: int) -> list[np.ndarray]:
    """The neuron in every window of a file."""
    assert story.tokenizer is not None
    cut = windows(texts(path, 0), story.tokenizer, story.config)
    name = f"blocks.{LAYER}.mlp.hook_post"
    return [story.trace(list(ids))[name][0, :, neuron].numpy() for ids in cut]


@pytest.mark.parametrize("neuron", [0, 100, 511])
def test_histogram_mean_and_share_are_those_of_every_token(
    story: LanguageModel, bench: Bench, carroll: str, neuron: int
):
    found = asked(bench, NeuronTexts(LAYER, neuron, scan=10_000, file=carroll))
    every = np.concatenate(traced(story, carroll, neuron))
    assert found.at_end
    assert found.n_scanned == found.n_seen == len(every)
    assert found.active == pytest.approx((every > 0).mean())
    assert found.mean == pytest.approx(every.mean(), abs=1e-5)
    assert found.deviation == pytest.approx(every.std(), abs=1e-5)
    assert found.counts_B.sum() == len(every)
    below, _ = np.histogram(every, found.edges)
    assert np.abs(below - found.counts_B).sum() <= 4, "but for activations at an edge, by rounding"
    assert 0 in found.edges, "no bin holds both signs"


@pytest.mark.parametrize("end", ["highest", "lowest"])
def test_each_token_of_a_text_has_its_own_activation(
    story: LanguageModel, bench: Bench, carroll: str, end: str
):
    sign = 1 if end == "highest" else -1
    question = NeuronTexts(LAYER, 100, n=4, scan=10_000, file=carroll, end=end)  # type: ignore[arg-type]
    found = asked(bench, question)
    every = sorted(traced(story, carroll, 100), key=lambda own: -(sign * own).max())
    for own, snippet, value, around in zip(
        every, found.snippets, found.activation_K, found.around_KS
    ):
        at = int((sign * own).argmax())
        assert value == pytest.approx(own[at], abs=1e-5)
        assert around[snippet.at] == pytest.approx(value, abs=1e-6)
        first = at - snippet.at
        np.testing.assert_allclose(
            around[: len(snippet.pieces)], own[first : first + len(snippet.pieces)], atol=1e-5
        )
        assert np.isnan(around[len(snippet.pieces) :]).all()


def test_one_reading_is_for_all_neurons_of_the_layer(
    bench: Bench, carroll: str, monkeypatch: pytest.MonkeyPatch
):
    asked(bench, NeuronTexts(LAYER, 7, scan=10_000, file=carroll))

    def refused(*_: object) -> Iterator[None]:
        raise AssertionError("it is read again")
        yield

    monkeypatch.setattr(Scan, "read", refused)
    other = asked(bench, NeuronTexts(LAYER, 8, scan=10_000, file=carroll))
    assert other.n_scanned > 300
    known = asked(bench, NeuronTexts(LAYER, 9, scan=0, file=carroll))
    assert known.n_scanned == other.n_scanned
    # Another layer, file or intervention has nothing yet.
    for question, ways in (
        (NeuronTexts(LAYER + 1, 8, scan=0, file=carroll), ()),
        (NeuronTexts(LAYER, 8, scan=0), ()),
        (NeuronTexts(LAYER, 8, scan=0, file=carroll), (SetNeuron(0, 1, 1.0),)),
    ):
        none = asked(bench, question, *ways)
        assert (none.n_scanned, none.snippets, none.n_seen) == (0, (), 0)
        assert np.isnan(none.active)


def test_reading_that_was_left_goes_on_where_it_was(bench: Bench, story: LanguageModel):
    question = NeuronTexts(LAYER, 7, scan=3000)
    subject = Subject(1, None, (5, 6, 7))
    steps = answering(question)(question, subject, bench)
    for _ in range(11):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    so_far = asked(bench, NeuronTexts(LAYER, 7, scan=0)).n_scanned
    assert 0 < so_far < 3000
    gone_on = asked(bench, question)
    other = Bench()
    other.hold(1, LanguageModel(story.transformer, story.tokenizer, None, "", story.device))
    at_once = asked(other, question)
    assert gone_on.n_scanned == at_once.n_scanned
    np.testing.assert_array_equal(gone_on.counts_B, at_once.counts_B)
    np.testing.assert_array_equal(gone_on.around_KS, at_once.around_KS)
    assert gone_on.snippets == at_once.snippets


def test_two_who_read_the_same_count_it_once(bench: Bench, story: LanguageModel):
    subject = Subject(1, None, (5, 6, 7))
    asked(bench, NeuronTexts(LAYER, 3, scan=200))  # from here on both go on with the same
    some = [NeuronTexts(LAYER, neuron, scan=1500) for neuron in (3, 4)]
    running = [answering(one)(one, subject, bench) for one in some]
    last: dict[int, NeuronTextsFound] = {}
    while running:
        for steps in list(running):
            try:
                found = next(steps)
            except StopIteration:
                running.remove(steps)
                continue
            if isinstance(found, NeuronTextsFound):
                last[found.asked.neuron] = found
    assert last[3].n_scanned == last[4].n_scanned == int(last[3].counts_B.sum())
    other = Bench()
    other.hold(1, story)
    alone = asked(other, some[0])
    assert alone.n_scanned == last[3].n_scanned
    np.testing.assert_array_equal(alone.counts_B, last[3].counts_B)
    np.testing.assert_array_equal(alone.edges, last[3].edges)


def test_a_text_that_comes_twice_is_shown_once(bench: Bench, tmp_path: Path):
    path = tmp_path / "twice.txt"
    path.write_text((CARROLL + "\n") * 12, encoding="utf-8")
    found = asked(bench, NeuronTexts(LAYER, 100, n=8, scan=4000, file=str(path)))
    shown = ["".join(one.pieces[: one.at + 1]) for one in found.snippets]
    assert len(shown) == len(set(shown)) == 8


def test_a_file_that_was_missing_or_changed_is_read_again(bench: Bench, tmp_path: Path):
    path = tmp_path / "late.txt"
    question = NeuronTexts(LAYER, 1, scan=50, file=str(path))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"late\.txt can't be read"):
            asked(bench, question)
    path.write_text("The king lost his crown.", encoding="utf-8")
    few = asked(bench, question).n_scanned
    assert few > 0
    path.write_text("The king lost his crown. The queen lost hers.", encoding="utf-8")
    assert asked(bench, question).n_scanned > few


def test_the_verb_of_neurons_reads_the_same_texts(bench: Bench, carroll: str):
    found = whole_answer(
        Neurons(layer=LAYER, neuron=100, n=5, scan=10_000, file=carroll),
        Subject(1, None, (5, 6, 7)),
        bench,
    )
    assert isinstance(found, NeuronsFound)
    own = asked(bench, NeuronTexts(LAYER, 100, n=5, scan=0, file=carroll))
    assert found.texts == tuple(one.text for one in own.snippets)
    assert [row["text"] for row in own.as_rows()["texts"]] == list(found.texts)


def test_pieces_of_a_text_are_the_text(story: LanguageModel):
    tokenizer = story.tokenizer
    assert tokenizer is not None
    ids = tuple(tokenizer.encode("The café’s 日本 queen", add_special=False).ids)
    pieces = pieces_of(ids, tokenizer)
    assert len(pieces) == len(ids)
    assert "".join(pieces).replace("�", "") == tokenizer.decode(ids)
    assert all(pieces), "a part of a character is seen as one"
