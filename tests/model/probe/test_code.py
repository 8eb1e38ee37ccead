"""The lines that every answer gives for itself are run: they give the same numbers again.

Over all probes, on the bundled model and on networks of other kinds that were saved to disk, in a
namespace that holds nothing but ``model`` and ``lm = model.open(PATH)``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import model
from model.interventions import AblateHead, Intervention, ScaleHead, SetWeight
from model.probe import PROBES
from model.probe.difference.asks import Difference
from model.probe.metric import Metric
from model.probe.next_token.asks import NextToken
from model.probe.patch.asks import Patch
from model.probe.question import Answer, Named, Question, TokenId
from model.probe.routes.asks import Routes
from model.probe.routes_difference.asks import RoutesDifference
from model.probe.weight_difference.asks import WeightDifference
from model.sampling import Sampling
from model.subject import Subject
from resources import STORY_WORLD
from tests.model.cli.test_probe_questions import TIMED
from tests.small_models import small_bert, small_llama, small_mixtral, small_nanochat

OF_WEIGHTS = "about weights alone: `gui.reading.code` has lines, see tests/gui/test_panes_code.py"

WITHOUT = {
    "neighbours": OF_WEIGHTS,
    "geometry": OF_WEIGHTS,
    "singular_values": OF_WEIGHTS,
    "weights": OF_WEIGHTS,
    "analogy": "measured step by step while a model learns: its weights are gone",
    "score": "a verb of its own, which prints what `model.probe.score.compute.score(lm)` gives",
}
"""Probes that no `Answer` comes of, each with the reason why it has no ``code()``."""

PLACES: dict[str, Any] = {
    "position": 3,
    "layer": 1,
    "head": 1,
    "neuron": 7,
    "query": 3,
    "key": 1,
    "cells": 8,
}
"""What fields without a default are given, by their names."""

NEEDED: dict[str, dict[str, Any]] = {
    "vectors": {"names": ("hook_embed", "blocks.1.attn.hook_z")},
    "tensors": {"names": ("blocks.0.hook_resid_post", "blocks.1.attn.hook_pattern")},
    "number": {"of": "blocks.1.attn.hook_z", "index": (0, 3, 1, 2)},
    "scene": {"of": "blocks.1.attn.hook_q", "head": 1},
    "terms": {"of": "blocks.1.attn.hook_z", "index": (0, 3, 1, 2)},
    "rows": {"of": "blocks.1.attn.hook_pattern"},
    "until": {"condition": "norm", "above": 0.01},
    "patch": {"clean_ids": (2, 9, 13, 7, 18, 6), "layers": (1,), "kind": "v"},
    "facts": {"first": 1, "last": 2, "samples": 2},
    "neuron_texts": {"scan": 300},
    "graph": {"check": 8},
    "chances": {"paths": ((3, 4), (3, 5, 1), (7,))},
    "tokenized": {"written": "the queen"},
    "cost": {"longest": 24, "repeats": 1},
    "difference": {"other": Subject(1, None, (2, 12, 9, 15, 9, 17), (AblateHead(0, 1),))},
    "routes_difference": {
        "position": 3,
        "threshold": 0.001,
        "other": Subject(1, None, (2, 12, 9, 15, 9, 17), (AblateHead(0, 1),)),
    },
    "weight_difference": {"other": 1},
    "landscape": {"grid": 3},
}
"""Fields beside those, and smaller amounts of work."""

IDS = (2, 12, 9, 14, 9, 17)

OF_TWO: dict[str, type[Question]] = {
    "difference": Difference,
    "routes_difference": RoutesDifference,
    "weight_difference": WeightDifference,
}
"""About two models, and asked by `model compare`; a script opens the second as ``lm_b``."""

NETWORKS_OF_NO_RUN = ("bundled", "like Llama", "like nanochat", "encoder", "experts")
REFUSED = {
    ("encoder", "continuations"): "not made to continue",
    ("encoder", "chances"): "not made to continue",
    ("encoder", "batch_losses"): "no loss token by token",
    ("encoder", "landscape"): "no loss token by token",
    ("encoder", "loss_flow"): "no token has a loss",
    # Its own test asks of a run, in test_weights_moved.
    **{(one, "weights_moved"): "No other step of a training" for one in NETWORKS_OF_NO_RUN},
}
"""What a kind of network can't be asked, with the words in which it says so."""


MAKERS = {
    "like Llama": small_llama,
    "encoder": small_bert,
    "experts": small_mixtral,
    "like nanochat": small_nanochat,
}
NETWORKS = ("bundled", *MAKERS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where each network lies on disk."""
    paths = {"bundled": STORY_WORLD}
    for name, maker in MAKERS.items():
        paths[name] = maker(tmp_path_factory.mktemp(name.replace(" ", "_")) / "model")
    return paths


def kind_of(name: str) -> type[Question] | None:
    place = next(probe.question for probe in PROBES if probe.name == name)
    if place is None:
        return OF_TWO.get(name)
    module, _, kind = place.partition(":")
    found: type[Question] = getattr(import_module(module), kind)
    return found


def question_of(name: str) -> Question:
    """One that is asked of a probe; a new field without a default wants a line above."""
    kind = kind_of(name)
    assert kind is not None, f"{name} has no answer with code(): say why in WITHOUT"
    given = dict(NEEDED.get(name, {}))
    for field in fields(kind):
        needs = field.default is MISSING and field.default_factory is MISSING
        if needs and field.name not in given:
            assert field.name in PLACES, f"say in NEEDED what {name}'s {field.name} is"
            given[field.name] = PLACES[field.name]
    return kind(**given)


def run_lines(lines: str, path: Path) -> Answer:
    """What the lines give where nothing but the model has been opened."""
    space: dict[str, Any] = {}
    opening = f"model.open({str(path)!r}, device='cpu')"
    exec(f"import model\nlm = {opening}\nlm_b = {opening}", space)
    *before, last = ast.parse(lines).body
    assert isinstance(last, ast.Expr), "the value of the last line is the answer"
    exec(compile(ast.Module(before, []), "<copied>", "exec"), space)
    found = eval(compile(ast.Expression(last.value), "<copied>", "eval"), space)
    assert isinstance(found, Answer)
    return found


def hold_equal(again: Mapping[str, Named], first: Mapping[str, Named]) -> None:
    assert list(again) == list(first)
    for name, named in first.items():
        other = again[name]
        assert other.axes == named.axes
        if name in TIMED:  # measured anew
            assert other.values.shape == named.values.shape
        else:
            np.testing.assert_array_equal(other.values, named.values, err_msg=name)
        assert list(other.at) == list(named.at)
        for axis, places in named.at.items():
            np.testing.assert_array_equal(other.at[axis], places, err_msg=f"{name}: {axis}")


def check(path: Path, question: Question, some: tuple[Intervention, ...] = ()) -> Answer:
    """An answer's own lines give its subject, its question and, bit for bit, its numbers.

    Asked first, of a model just opened: where another question has left something behind, other
    slices are computed, and rounding differs.
    """
    lm, other = (model.open(path, device="cpu") for _ in range(2))
    first = lm.ask(list(IDS), question, some, beside=(other,))
    lines = first.code()
    assert lines
    again = run_lines(lines, path)
    assert (again.subject.ids, again.subject.interventions) == (IDS, some)
    assert again.question == first.question
    assert first.arrays()
    hold_equal(again.arrays(), first.arrays())
    return first


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", [probe.name for probe in PROBES if probe.name not in WITHOUT])
def test_the_lines_of_every_probe_give_its_numbers_again(
    name: str, network: str, saved: dict[str, Path]
) -> None:
    if (network, name) in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[network, name]):
            check(saved[network], question_of(name))
    else:
        check(saved[network], question_of(name))


def test_probes_without_lines_are_those_that_have_no_answer_about_a_text() -> None:
    assert {probe.name for probe in PROBES if kind_of(probe.name) is None} == set(WITHOUT)


@pytest.mark.parametrize("network", NETWORKS)
def test_they_name_the_interventions(network: str, saved: dict[str, Path]) -> None:
    some = (
        AblateHead(0, 1),
        ScaleHead(1, 0, float("inf")),
        SetWeight("blocks.1.attn.W_V", (0, 2, 1), 1.5),
    )
    plain = model.open(saved[network], device="cpu").ask(list(IDS), question_of("tensors"))
    changed = check(saved[network], question_of("tensors"), some[::2])
    for name, named in changed.arrays().items():
        if name.startswith("blocks.1"):
            assert not np.array_equal(named.values, plain.arrays()[name].values)
    check(saved[network], question_of("routes"), some)


def test_they_name_values_of_every_type(saved: dict[str, Path]) -> None:
    path = saved["bundled"]
    check(path, Routes(np.int64(4), over="heads", heads=((0, 1),), threshold=0.1))  # type: ignore[arg-type]
    check(path, NextToken(-1, Sampling(0.5, 7, 0.9), also=(3,), seed=3))
    check(path, Patch(clean_ids=(3, *IDS[1:]), metric=Metric(target=TokenId(9))))


def test_two_readings_of_one_model_need_no_second(saved: dict[str, Path]) -> None:
    found = check(saved["bundled"], Difference(Subject(0, None, (2, 12, 9, 15, 9, 17))))
    assert "lm_b" not in found.code()
    assert float(found.arrays()["relative_norm"].values.max()) > 0
