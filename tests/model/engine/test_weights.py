"""What the engine answers about weights is the model's own tensor, in slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model import messages as m
from model.device import DeviceChoice
from model.engine import Engine
from model.engine.weights import listed
from model.language_model import LanguageModel
from resources import STORY_WORLD
from tests.model.networks import BASE, VARIANTS, network


@pytest.fixture
def engine() -> Engine:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    ask(engine, m.OpenModel(path=str(STORY_WORLD)))
    return engine


def ask(engine: Engine, *requests: m.Request) -> list[m.Result]:
    """Everything that comes of some requests."""
    results = [result for request in requests for result in engine.handle(request)]
    while engine.busy:
        results.extend(engine.advance())
    return results


def one(results: list[m.Result], kind: type) -> m.Result:
    found = [result for result in results if isinstance(result, kind)]
    assert len(found) == 1, results
    return found[0]


def tensor(engine: Engine, name: str) -> np.ndarray:
    return engine.place.lm.parameter(name).numpy()


def test_every_parameter_is_listed_once_with_its_shape_and_its_name_in_the_file(
    engine: Engine,
) -> None:
    from safetensors import safe_open

    listed = one(ask(engine, m.ListWeights()), m.WeightsListed)
    assert isinstance(listed, m.WeightsListed)
    info = engine.place.info
    assert sum(t.n for t in listed.tensors if not t.tied_to) == info.n_params
    by_part: dict[str, int] = {}
    for t in listed.tensors:
        assert t.shape == tensor(engine, t.name).shape
        by_part[t.part] = by_part.get(t.part, 0) + (0 if t.tied_to else t.n)
    assert by_part == {part: n for part, n in info.parameters.items() if n}
    with safe_open(STORY_WORLD / "model.safetensors", "np") as file:
        named = {name for t in listed.tensors for name in t.in_file.split(", ")}
        assert named == set(file.keys())


def test_a_tied_unembedding_is_listed_as_such_and_has_the_embeddings_name_in_the_file() -> None:
    lm = LanguageModel(network(BASE), None, None, "gpt2", DeviceChoice("cpu", "a test"))
    tensors = {t.name: t for t in listed(lm)}
    assert tensors["W_U"].tied_to == "W_E"
    assert tensors["W_E"].tied_to == ""
    assert tensors["W_E"].in_file == tensors["W_U"].in_file == "transformer.wte.weight"


@pytest.mark.parametrize("kind", VARIANTS)
def test_parts_of_every_architecture_are_those_of_its_config(kind: str) -> None:
    transformer = network(VARIANTS[kind])
    lm = LanguageModel(transformer, None, None, "gpt2", DeviceChoice("cpu", "a test"))
    by_part = dict.fromkeys(transformer.config.parameter_counts(), 0)
    for t in listed(lm):
        by_part[t.part] += 0 if t.tied_to else t.n
    assert by_part == transformer.config.parameter_counts()


def test_figures_of_all_tensors_come_in_the_order_that_was_asked_for(engine: Engine) -> None:
    names = ("ln_final.w", "W_E", "blocks.1.attn.W_O")
    results = ask(engine, m.DescribeWeights(names=names))
    described = [r for r in results if isinstance(r, m.WeightsDescribed)]
    assert tuple(f.name for r in described for f in r.figures) == names
    assert described[-1].done == described[-1].total == 3
    for figures in (f for r in described for f in r.figures):
        numbers = tensor(engine, figures.name).astype(np.float64)
        assert figures.mean == pytest.approx(numbers.mean(), abs=1e-12)
        assert figures.std == pytest.approx(numbers.std())
        assert (figures.low, figures.high) == (numbers.min(), numbers.max())


def test_one_tensor_in_detail(engine: Engine) -> None:
    name = "blocks.1.attn.W_Q"
    found = one(ask(engine, m.ExamineWeight(name=name, most_cells=(50, 64))), m.WeightExamined)
    assert isinstance(found, m.WeightExamined)
    numbers = tensor(engine, name)
    assert found.block == (3, 2)
    assert found.counts.sum() == found.n == numbers.size
    assert (found.low, found.high) == (numbers.min(), numbers.max())
    for row, column in ((0, 0), (10, 3), (42, 63)):
        index = found.layout.index(found.value_rows[row, column], found.value_columns[row, column])
        assert numbers[index] == found.values[row, column]


def test_one_head_of_a_tensor(engine: Engine) -> None:
    name = "blocks.1.attn.W_Q"
    found = one(ask(engine, m.ExamineWeight(name=name, part=2)), m.WeightExamined)
    assert isinstance(found, m.WeightExamined)
    np.testing.assert_array_equal(found.values, tensor(engine, name)[2])
    assert found.n == tensor(engine, name)[2].size
    values = one(ask(engine, m.FindSingularValues(name=name, part=2)), m.SingularValuesFound)
    assert isinstance(values, m.SingularValuesFound)
    expected = np.linalg.svd(tensor(engine, name)[2].astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(values.values, expected, atol=1e-7 * expected[0])


def test_a_newer_question_replaces_an_older_one(engine: Engine) -> None:
    results = ask(engine, m.ExamineWeight(name="W_E"), m.ExamineWeight(name="W_pos"))
    assert one(results, m.WeightExamined).name == "W_pos"  # type: ignore[attr-defined]


def test_a_long_one_tells_how_far_it_is_and_can_be_cancelled(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model.engine import weights as weight_work
    from model.probe.singular_values import compute as sv

    monkeypatch.setattr(weight_work, "TELL_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(weight_work, "BUNDLE_SECONDS", 0.0)
    monkeypatch.setattr(weight_work, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(sv, "DIRECT", 0.0)
    request = m.FindSingularValues(name="W_E")
    results = list(engine.handle(request))
    for _ in range(3):
        results.extend(engine.advance())
    assert any(isinstance(r, m.SingularValuesProgressed) for r in results)
    assert engine.busy
    cancelled = list(engine.handle(m.Cancel(target=request.id)))
    assert [type(r) for r in cancelled] == [m.Cancelled]
    assert not engine.busy


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (m.ExamineWeight(name="blocks.0.attn.W_X"), "W_X"),
        (m.DescribeWeights(names=("W_E", "nothing")), "nothing"),
        (m.ExamineWeight(name="W_E", rows=(0, 10**9)), "rows"),
        (m.FindSingularValues(name="blocks.0.attn.W_Q", part=99), "part 99"),
    ],
)
def test_what_is_not_there_is_a_sentence_and_the_engine_goes_on(
    engine: Engine, request_: m.Request, says: str
) -> None:
    failed = one(ask(engine, request_), m.Failed)
    assert isinstance(failed, m.Failed)
    assert says in failed.message
    assert failed.request is request_
    assert not engine.busy
    one(ask(engine, m.ExamineWeight(name="W_E")), m.WeightExamined)


def test_all_slices_see_the_same_step_of_a_model_that_learns(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from model.engine import weights as weight_work
    from model.probe.weights import compute as weights
    from model.train import PRESETS

    monkeypatch.setattr(weight_work, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(weights, "SLICE", 2**14)
    recipe = replace(PRESETS["minute"], steps=30, max_seconds=600.0)
    results = list(engine.handle(m.StartTraining(recipe=recipe, run_dir=str(tmp_path / "run"))))
    place = engine.place
    while place.run is None or place.run.training.step < 1:
        results.extend(engine.advance())
    run, lm = place.run, place.lm
    name = "blocks.0.mlp.W_in"
    before, step = lm.parameter(name).clone().numpy(), run.training.step
    list(engine.handle(m.ExamineWeight(name=name)))
    found: list[m.WeightExamined] = []
    while not found:
        found = [r for r in engine.advance() if isinstance(r, m.WeightExamined)]
    assert run.training.step > step + 2
    assert found[0].step == step
    np.testing.assert_array_equal(found[0].values, before)
    assert not np.array_equal(lm.parameter(name).numpy(), before)
    list(engine.handle(m.ControlTraining(action="stop")))
    while engine.busy:
        list(engine.advance())


@pytest.mark.parametrize(
    "request_of",
    [
        lambda id: m.ExamineWeight(name="W_E", columns=(0, 9999), model_id=id),
        lambda id: m.DescribeWeights(names=("W_E",), model_id=id),
        lambda id: m.FindSingularValues(name="W_E", model_id=id),
    ],
)
def test_what_waited_while_another_model_came_is_given_up(engine: Engine, request_of: Any) -> None:
    before = engine.place.model_id
    ask(engine, m.OpenModel(path=str(STORY_WORLD)))
    results = ask(engine, request_of(before))
    assert [type(result) for result in results] == [m.Cancelled]
