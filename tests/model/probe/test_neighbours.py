"""Neighbours of a sum of words, from the command line and in numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import model
from model.probe.neighbours.sums import SumError, pieces_of, terms_of, token_named
from resources import STORY_WORLD
from tests.model.cli.commands import CliRunner, make_app

ROOT = Path(__file__).resolve().parents[3]
VOCABULARY = (b"king", b" king", b" man", b"", b" woman", b"-")


def test_queen_is_what_the_bundled_model_finds() -> None:
    asked = ["probe", "neighbours", str(STORY_WORLD), "king - man + woman", "--k", "5"]
    result = CliRunner().invoke(make_app(), [*asked, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout.splitlines()[-1])
    first = next(near for near in found["neighbours"] if not near["own"])
    assert (first["token"], first["rank_without_own"]) == ("·queen", 1)
    assert [near["rank"] for near in found["neighbours"]] == [1, 2, 3, 4, 5]
    # The cosine is that of the tensor's own rows.
    table = model.open(STORY_WORLD, device="cpu").embedding.detach().double()
    total = sum(term["sign"] * table[term["id"]] for term in found["terms"])
    expected = torch.nn.functional.cosine_similarity(total, table[first["id"]], dim=0)
    assert first["cosine"] == pytest.approx(float(expected), abs=1e-6)
    shown = CliRunner().invoke(make_app(), asked).stdout
    assert len(shown.splitlines()) == 5
    assert any("·king" in line and "in the sum" in line for line in shown.splitlines())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("king - unicorn", "“unicorn” is not one token of this model."),
        ("king -", "type the next word"),
        ("king - man woman", "Put + or − before “woman”."),
        ("", "The sum goes on"),
    ],
)
def test_what_can_not_be_asked_is_said_in_a_sentence(words: str, says: str) -> None:
    asked = ["probe", "neighbours", str(STORY_WORLD), words]
    result = CliRunner().invoke(make_app(), asked)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    result = CliRunner().invoke(make_app(), [*asked[:3], "king", "--matrix", "W_X"])
    assert result.exit_code == 2
    assert "There is no table 'W_X'" in result.stderr


def test_the_unembedding_has_neighbours_of_its_own(untied_folder: Path) -> None:
    lm = model.open(untied_folder, device="cpu")
    for matrix in ("W_E", "W_U"):
        asked = ["neighbours", str(untied_folder), "#7", "--matrix", matrix, "--k", "2", "--json"]
        found = json.loads(CliRunner().invoke(make_app(), asked).stdout.splitlines()[-1])
        itself, other = found["neighbours"]
        assert (itself["own"], other["own"]) == (True, False)
        assert itself["cosine"] == pytest.approx(1, abs=1e-5)
        assert (itself["rank_without_own"], other["rank_without_own"]) == (None, 1)
        weights = lm.parameter(matrix).detach().double()
        table = weights if matrix == "W_E" else weights.T
        expected = torch.nn.functional.cosine_similarity(table[7], table[other["id"]], dim=0)
        assert other["cosine"] == pytest.approx(float(expected), abs=1e-6)


def test_a_word_is_meant_with_a_space_before_it_and_a_gap_is_no_token() -> None:
    def token(word: str) -> int | None:
        return token_named(word, VOCABULARY, len(VOCABULARY))

    assert terms_of(pieces_of("king−man + WOMAN"), token) == ((1, 1), (-1, 2), (1, 4))
    assert terms_of(pieces_of('"king" + #4 - "-"'), token) == ((1, 0), (1, 4), (-1, 5))
    for gap in ('""', "#6", "4"):
        with pytest.raises(SumError) as refused:
            terms_of(pieces_of(f"king + {gap}"), token)
        assert refused.value.word == gap
    assert token_named("4", (), 5) == 4


def test_the_list_of_probes_and_what_is_asked_load_no_torch() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from importlib import import_module\n"
            "from model.probe import PROBES\n"
            "places = [probe.question for probe in PROBES if probe.question]\n"
            "names = [place.partition(':')[0] for place in places]\n"
            "names += [f'model.probe.{p.name}' for p in PROBES if not p.question]\n"
            "names += [probe.verb for probe in PROBES if probe.verb]\n"
            "from model.space import projections, questions, sources\n"
            "lists = (projections.PROJECTIONS, questions.QUESTIONS, sources.SOURCES)\n"
            "names += [e.asks.partition(':')[0] for entries in lists for e in entries]\n"
            "names += ['model.probe.neighbours.sums', 'model.space.words', 'model.space.files']\n"
            "names += ['model.probe.score.asks', 'model.probe.weights.matrix_layout']\n"
            "for name in names: import_module(name)\n"
            "assert 'torch' not in sys.modules",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_help_says_what_each_probe_finds_out() -> None:
    shown = " ".join(CliRunner().invoke(make_app(), ["probe", "--help"]).stdout.split())
    assert "Tokens near a word or a sum of words." in shown
    assert "What a model knows of the story world." in shown
