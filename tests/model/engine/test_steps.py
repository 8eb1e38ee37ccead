"""Travelling through a training: any step that was saved is asked like a model of its own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest
import torch

import model.probe
from model import messages as m
from model.engine import Engine
from model.probe.answering import fitted
from model.probe.heads.asks import SCORES, Heads, HeadsFound
from model.probe.landscape.asks import Landscape
from model.probe.loss_flow.asks import LossFlow
from model.probe.next_token.asks import NextToken
from model.probe.pattern.asks import Pattern
from model.probe.question import Answer, Named, Question
from model.probe.weights_moved.asks import WeightsMoved
from model.subject import Subject
from model.train import PRESETS, Recipe, train
from model.train.snapshot_plan import Thrift
from resources import STORY_WORLD

TINY = replace(
    PRESETS["tiny"],
    steps=20,
    eval_every=0,
    sample_every=0,
    snapshot_every=5,
    data_tokens=4_000,
)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    list(train(TINY, folder))
    return folder


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    yield engine
    list(engine.close())


def drive(engine: Engine) -> list[m.Result]:
    results: list[m.Result] = []
    while engine.busy:
        results += engine.advance()
    return results


def ask(engine: Engine, request: m.Request) -> list[m.Result]:
    return [*engine.handle(request), *drive(engine)]


def only(results: list[m.Result], kind: type[m.Result]) -> m.Result:
    (found,) = [result for result in results if isinstance(result, kind)]
    return found


def opened(engine: Engine, path: Path) -> m.ModelInfo:
    result = only(ask(engine, m.OpenModel(path=str(path))), m.ModelOpened)
    assert isinstance(result, m.ModelOpened)
    return result.info


def read(engine: Engine, text: str = "the queen") -> Subject:
    result = only(ask(engine, m.ReadPrompt(text=text)), m.PromptRead)
    assert isinstance(result, m.PromptRead)
    return result.subject


def answer(engine: Engine, subject: Subject, question: Question) -> Answer:
    results = ask(engine, m.Ask(subject=subject, question=question))
    failed = [result.message for result in results if isinstance(result, m.Failed)]
    assert not failed, failed
    return [result.answer for result in results if isinstance(result, m.Answered)][-1]


def answer_or_why(
    engine: Engine, subject: Subject, question: Question
) -> tuple[Mapping[str, Named], str]:
    """The arrays of an answer, or the sentence on why there is none."""
    results = ask(engine, m.Ask(subject=subject, question=question))
    failed = [result.message for result in results if isinstance(result, m.Failed)]
    if failed:
        return {}, failed[0]
    return [r.answer for r in results if isinstance(r, m.Answered)][-1].arrays(), ""


LESS: dict[str, dict[str, Any]] = {"landscape": {"grid": 5}}
"""Smaller amounts of work than a question's own."""


def questions() -> list[Question]:
    """One of every kind that can be asked without saying anything."""
    found: dict[type[Question], Question] = {}
    for package in iter_modules(model.probe.__path__):
        if not package.ispkg or find_spec(f"model.probe.{package.name}.asks") is None:
            continue
        for kind in vars(import_module(f"model.probe.{package.name}.asks")).values():
            if not (isinstance(kind, type) and issubclass(kind, Question)) or not kind.name:
                continue
            needs = [
                f.name
                for f in fields(kind)
                if f.init and f.default is MISSING and f.default_factory is MISSING
            ]
            if set(needs) <= {"layer", "head", "position"}:
                found[kind] = kind(**dict.fromkeys(needs, 0), **LESS.get(kind.name, {}))
    return list(found.values())


# ------------------------------------------------------------------------------ which there are


def test_a_run_folder_is_one_model_with_steps(engine: Engine, run_dir: Path) -> None:
    info = opened(engine, run_dir)
    assert [at.step for at in info.steps] == [0, 5, 10, 15, 20]
    assert [at.name for at in info.steps][:2] == ["step-000000", "step-000005"]
    assert info.step == 20
    assert read(engine).step == 20, "the subject says which step it is about"


def test_a_trainers_folder_is_one_model_with_steps(
    engine: Engine, run_dir: Path, tmp_path: Path
) -> None:
    for step in (5, 10, 20):
        shutil.copytree(run_dir / "snapshots" / f"step-{step:06}", tmp_path / f"checkpoint-{step}")
    info = opened(engine, tmp_path)
    assert ([at.step for at in info.steps], info.step) == ([5, 10, 20], 20)
    assert opened(engine, tmp_path / "checkpoint-10").step == 10


def test_nanogpts_checkpoints_in_a_folder_are_one_model_with_steps(
    engine: Engine, tmp_path: Path
) -> None:
    sizes = {"n_layer": 1, "n_head": 2, "n_embd": 8, "block_size": 16, "vocab_size": 20}
    for step in (100, 200):
        torch.manual_seed(step)
        torch.save(
            {
                "model": _nanogpt(8, 20, 16),
                "model_args": {**sizes, "bias": False},
                "iter_num": step,
            },
            tmp_path / f"ckpt_{step}.pt",
        )
    info = opened(engine, tmp_path)
    assert ([at.step for at in info.steps], info.step) == ([100, 200], 200)
    ids = ask(engine, m.ReadPrompt(ids=(1, 2, 3)))
    late = only(ids, m.PromptRead)
    assert isinstance(late, m.PromptRead)
    early = replace(late.subject, step=100)
    question = Pattern(layer=0, head=0)
    one, other = (answer(engine, s, question).arrays() for s in (late.subject, early))
    assert any(not np.array_equal(one[name].values, other[name].values) for name in one)


def _nanogpt(d: int, v: int, t: int) -> dict[str, torch.Tensor]:
    block = "transformer.h.0."
    shapes = {
        "transformer.wte.weight": (v, d),
        "transformer.wpe.weight": (t, d),
        block + "ln_1.weight": (d,),
        block + "attn.c_attn.weight": (3 * d, d),
        block + "attn.c_proj.weight": (d, d),
        block + "ln_2.weight": (d,),
        block + "mlp.c_fc.weight": (4 * d, d),
        block + "mlp.c_proj.weight": (d, 4 * d),
        "transformer.ln_f.weight": (d,),
    }
    tensors = {name: torch.randn(shape) for name, shape in shapes.items()}
    tensors["lm_head.weight"] = tensors["transformer.wte.weight"]
    return tensors


def test_a_model_alone_has_no_steps(engine: Engine, run_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(run_dir / "snapshots" / "step-000010", tmp_path / "mine")
    info = opened(engine, tmp_path / "mine")
    assert (info.steps, info.step) == ((), None)
    assert read(engine).step is None


# ---------------------------------------------------------------------------------- asking


def test_weights_that_are_read_while_something_is_looked_at_serve_gradients_too(
    engine: Engine, run_dir: Path
) -> None:
    """A step that was let go is read again by whoever asks first, mostly without gradients."""
    info = opened(engine, run_dir)
    bench = engine.place.bench
    with torch.inference_mode():
        network = bench.network_at(info.model_id, 5)
    tensors = [*network.parameters(), *network.buffers()]
    assert tensors
    assert not any(tensor.is_inference() for tensor in tensors)
    subject = replace(read(engine), step=5)
    found, refused = answer_or_why(engine, subject, LossFlow(position=1))
    assert found, refused


@pytest.mark.parametrize("question", questions(), ids=lambda q: type(q).__name__)
def test_every_question_about_a_step_is_answered_as_by_that_snapshot_opened_alone(
    question: Question, engine: Engine, run_dir: Path, tmp_path: Path
) -> None:
    # In a run folder of its own: what it is trained on is said there.
    name = "step-000005"
    shutil.copytree(run_dir / "snapshots" / name, tmp_path / "alone" / "snapshots" / name)
    shutil.copy(run_dir / "run.toml", tmp_path / "alone")
    info = opened(engine, run_dir)
    question = fitted(question, info.config, 9)
    subject = replace(read(engine), step=5)
    of_step, refused = answer_or_why(engine, subject, question)
    alone = replace(subject, model=opened(engine, tmp_path / "alone").model_id, step=None)
    own, own_refused = answer_or_why(engine, alone, question)
    if isinstance(question, WeightsMoved):  # of two steps: alone there is no other
        assert ("" if refused else own_refused).startswith("No other step of a training")
        return
    assert refused == own_refused
    if isinstance(question, Landscape):  # has the other steps on its plane
        of_step = {name: array for name, array in of_step.items() if "path" not in name}
    assert own.keys() == of_step.keys()
    for name, array in own.items():
        if "seconds" not in name:
            np.testing.assert_array_equal(array.values, of_step[name].values, name)


def test_a_step_that_was_not_saved_is_not_answered(engine: Engine, run_dir: Path) -> None:
    opened(engine, run_dir)
    results = ask(
        engine, m.Ask(subject=replace(read(engine), step=7), question=NextToken(position=0))
    )
    assert any(isinstance(result, m.Cancelled) for result in results)
    assert not any(isinstance(result, m.Answered) for result in results)


def test_a_snapshot_that_was_deleted_says_so_and_the_others_go_on(
    engine: Engine, run_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(run_dir, tmp_path / "run")
    info = opened(engine, tmp_path / "run")
    subject = read(engine)
    shutil.rmtree(tmp_path / "run" / "snapshots" / "step-000010")
    failed = only(ask(engine, m.ShowStep(model_id=info.model_id, step=10)), m.Failed)
    assert isinstance(failed, m.Failed)
    assert "does not exist" in failed.message
    assert read(engine).step == 20, "what was in view stays"
    answer(engine, replace(subject, step=5), NextToken(position=0))


def test_few_steps_are_kept_in_memory(engine: Engine, run_dir: Path) -> None:
    info = opened(engine, run_dir)
    subject = read(engine)
    bench = engine.place.bench
    before = bench.n_bytes
    bench.set_budget(1)
    for step in (0, 5, 10, 15):
        answer(engine, replace(subject, step=step), NextToken(position=0))
    assert bench.n_bytes < before + 3 * 4 * info.n_params


def test_another_model_in_view_frees_what_was_read_of_the_run(
    engine: Engine, tmp_path: Path
) -> None:
    results = list(engine.handle(m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "run"))))
    results += drive(engine)
    model_id = engine.place.trained
    assert model_id is not None
    ask(engine, m.ProjectVocabulary())
    subject = read(engine)
    asked = NextToken(position=0)
    before = [
        answer(engine, replace(subject, step=step), asked).arrays() for step in (0, 5, 10, 15)
    ]
    bench = engine.place.bench
    one = engine.place.info.n_params * 4
    assert bench.held(model_id).steps.n_bytes == 4 * one
    opened(engine, STORY_WORLD)
    assert bench.held(model_id).steps.n_bytes == 2 * one
    assert not [kept for kept in bench._streams if kept.model == model_id]
    assert not [frame for frame in bench._frames if frame[0] == model_id]
    ask(engine, m.FollowTraining(follow=True))
    for step, arrays in zip((0, 5, 10, 15), before, strict=True):
        again = answer(engine, replace(subject, step=step), asked).arrays()
        for name in arrays:
            np.testing.assert_array_equal(again[name].values, arrays[name].values)


# ----------------------------------------------------------------------------- what is in view


def test_showing_a_step_brings_the_prompt_and_the_cloud_of_that_step(
    engine: Engine, run_dir: Path
) -> None:
    info = opened(engine, run_dir)
    read(engine)
    ask(engine, m.ProjectVocabulary())
    results = ask(engine, m.ShowStep(model_id=info.model_id, step=5))
    shown, prompt = only(results, m.StepShown), only(results, m.PromptRead)
    cloud = only(results, m.VocabularyProjected)
    assert isinstance(shown, m.StepShown)
    assert isinstance(prompt, m.PromptRead)
    assert isinstance(cloud, m.VocabularyProjected)
    assert shown.step == prompt.subject.step == cloud.step == 5
    assert read(engine, "the king").step == 5, "another prompt is read at that step too"


def test_weights_samples_and_neighbours_are_of_the_step_in_view(
    engine: Engine, run_dir: Path
) -> None:
    info = opened(engine, run_dir)
    read(engine)
    step = engine.place.bench.network_at(info.model_id, 5).embed.weight
    ask(engine, m.ShowStep(model_id=info.model_id, step=5))
    assert engine.place.lm.transformer.embed.weight is step
    described = ask(engine, m.DescribeWeights(names=("W_E",)))
    (told,) = [result for result in described if isinstance(result, m.WeightsDescribed)]
    assert told.step == 5
    near = only(ask(engine, m.FindNeighbours(terms=((1, 3),))), m.NeighboursFound)
    assert isinstance(near, m.NeighboursFound)
    assert near.step == 5


def test_the_model_in_view_is_saved_as_it_is_at_that_step(
    engine: Engine, run_dir: Path, tmp_path: Path
) -> None:
    info = opened(engine, run_dir)
    ask(engine, m.ShowStep(model_id=info.model_id, step=5))
    only(ask(engine, m.SaveModel(path=str(tmp_path / "saved"))), m.Saved)
    saved = (tmp_path / "saved" / "model.safetensors").read_bytes()
    assert saved == (run_dir / "snapshots" / "step-000005" / "model.safetensors").read_bytes()


def test_none_goes_back_to_what_was_opened(engine: Engine, run_dir: Path) -> None:
    info = opened(engine, run_dir)
    ask(engine, m.ShowStep(model_id=info.model_id, step=5))
    ask(engine, m.ShowStep(model_id=info.model_id, step=None))
    assert read(engine).step == 20


# ------------------------------------------------------------------------- while it trains


def advanced(engine: Engine, at: int) -> list[m.Result]:
    results: list[m.Result] = []
    while engine.place.run is not None and engine.place.run.training.step < at:
        results += engine.advance()
    return results


def test_an_early_step_is_looked_at_while_the_run_goes_on(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.engine.training.LIVE_SECONDS", 0.0)
    monkeypatch.setattr("model.engine.training.LIVE_SHARE", 1e9)
    monkeypatch.setattr(Thrift, "allows", lambda *_: True)
    recipe = replace(TINY, steps=60, snapshot_every=30, snapshot_early=True)
    results = list(engine.handle(m.StartTraining(recipe=recipe, run_dir=str(tmp_path / "run"))))
    while engine.place.run is None or engine.place.run.model_id is None:
        results += engine.advance()
    model_id = engine.place.run.model_id
    results += engine.handle(m.ReadPrompt(text="the queen"))
    advanced(engine, 10)
    engine.place.run.pause()
    subject = only(ask(engine, m.ShowStep(model_id=model_id, step=3)), m.PromptRead)
    assert isinstance(subject, m.PromptRead)
    assert subject.subject.step == 3
    before = answer(engine, subject.subject, NextToken(position=0)).arrays()
    engine.place.run.resume()
    later = advanced(engine, 30)
    assert not [r for r in later if isinstance(r, m.PromptRead)], "the view stays where it is"
    engine.place.run.pause()
    after = answer(engine, subject.subject, NextToken(position=0)).arrays()
    for name in before:
        np.testing.assert_array_equal(before[name].values, after[name].values)
    live = only(ask(engine, m.ShowStep(model_id=model_id, step=None)), m.PromptRead)
    assert isinstance(live, m.PromptRead)
    assert live.subject.step == engine.place.run.training.step
    engine.place.run.resume()
    assert [r for r in drive(engine) if isinstance(r, m.PromptRead)], "it is followed again"


def test_who_looks_at_an_early_step_when_the_run_ends_goes_on_to(
    engine: Engine, tmp_path: Path
) -> None:
    list(engine.handle(m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "run"))))
    while engine.place.run is None or engine.place.run.model_id is None:
        list(engine.advance())
    list(engine.handle(m.ReadPrompt(text="the queen")))
    advanced(engine, 12)
    list(engine.handle(m.ShowStep(model_id=engine.place.run.model_id, step=5)))
    ended = only(drive(engine), m.TrainingEnded)
    assert isinstance(ended, m.TrainingEnded)
    assert ended.info is not None
    assert [at.step for at in ended.info.steps] == [0, 5, 10, 15, 20]
    assert ended.info.step == 20
    assert read(engine).step == 5


def test_a_step_of_another_size_is_refused_in_a_sentence(
    engine: Engine, run_dir: Path, tmp_path: Path
) -> None:
    wider: Recipe = replace(TINY, d_model=16, steps=1, snapshot_every=0)
    list(train(wider, tmp_path / "wider"))
    shutil.copytree(run_dir / "snapshots" / "step-000020", tmp_path / "mix" / "checkpoint-20")
    shutil.copytree(
        tmp_path / "wider" / "snapshots" / "step-000001", tmp_path / "mix" / "checkpoint-1"
    )
    info = opened(engine, tmp_path / "mix" / "checkpoint-20")
    failed = only(ask(engine, m.ShowStep(model_id=info.model_id, step=1)), m.Failed)
    assert isinstance(failed, m.Failed)
    assert "other sizes" in failed.message


def test_a_step_is_there_in_a_twentieth_of_a_second(engine: Engine, run_dir: Path) -> None:
    info = opened(engine, run_dir)
    read(engine)
    took = []
    for step in (0, 5, 10, 15):
        began = time.perf_counter()
        ask(engine, m.ShowStep(model_id=info.model_id, step=step))
        took.append(time.perf_counter() - began)
    assert min(took) < 0.05


# ------------------------------------------------------------------------------ measures


def test_each_step_is_measured_as_that_snapshot_alone(engine: Engine, run_dir: Path) -> None:
    info = opened(engine, run_dir)
    results = ask(engine, m.MeasureSteps(model_id=info.model_id, steps=(20, 5)))
    measured = [result for result in results if isinstance(result, m.StepMeasured)]
    assert [result.step for result in measured] == [20, 5]
    for found in measured:
        subject = replace(read(engine), step=found.step)
        heads = answer(engine, subject, Heads())
        assert isinstance(heads, HeadsFound)
        scores = heads.scores_LHS[:, :, SCORES.index("induction")]
        assert found.induction == pytest.approx(float(scores.max()))
        assert scores[found.layer, found.head] == scores.max()
    assert np.isnan(measured[0].rank), "characters have no token for queen"


def test_the_rank_of_queen_and_the_facts_are_those_of_the_bundled_model(
    engine: Engine, tmp_path: Path
) -> None:
    for step in (1, 2):
        shutil.copytree(STORY_WORLD, tmp_path / f"checkpoint-{step}")
    info = opened(engine, tmp_path)
    results = ask(engine, m.MeasureSteps(model_id=info.model_id, steps=(1,)))
    found = only(results, m.StepMeasured)
    assert isinstance(found, m.StepMeasured)
    table = engine.place.lm.embedding.detach().numpy().astype(np.float64)
    tokens = [info.find_token(word) for word in ("king", "man", "woman", "queen")]
    king, man, woman, queen = (table[token] for token in tokens if token is not None)
    wanted = king - man + woman
    cosine = table @ wanted / np.linalg.norm(table, axis=1)
    others = [i for i in range(len(table)) if i not in tokens[:3]]
    assert found.rank == 1 + sum(cosine[i] > cosine[tokens[3]] for i in others)
    assert queen.shape == wanted.shape
    assert found.facts > 0.5
    assert found.n_facts > 50


def test_questions_go_before_measuring_and_a_run_is_not_held_up(
    engine: Engine, run_dir: Path, tmp_path: Path
) -> None:
    info = opened(engine, run_dir)
    subject = read(engine)
    results = list(engine.handle(m.MeasureSteps(model_id=info.model_id, steps=(0, 5, 10))))
    results += answer_results(engine, subject)
    kinds = [type(result) for result in results]
    assert kinds.index(m.Answered) < kinds.index(m.StepMeasured)
    list(engine.handle(m.StartTraining(recipe=TINY, run_dir=str(tmp_path / "run"), follow=False)))
    results = ask(engine, m.MeasureSteps(model_id=info.model_id, steps=(0,)))
    kinds = [type(result) for result in results]
    assert kinds.index(m.TrainingEnded) < kinds.index(m.StepMeasured)


def answer_results(engine: Engine, subject: Subject) -> list[m.Result]:
    """All that comes until nothing goes on, a question among it."""
    return ask(engine, m.Ask(subject=subject, question=NextToken(position=0)))
