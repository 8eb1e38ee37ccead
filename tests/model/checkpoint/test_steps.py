"""Which steps of a training lie beside an opened checkpoint, ours and others'."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.checkpoint.sources.step_names import step_name
from model.checkpoint.steps import steps_beside


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint-500", 500),
        ("ckpt_1000.pt", 1000),
        ("ckpt-20.pt", 20),
        ("iter_0001000", 1000),
        ("step1000", 1000),
        ("step-000100", 100),
        ("global_step2000", 2000),
        ("stage1-step1000-tokens5B", 1000),
        ("stage2-ingredient1-step23852-tokens51B", 23852),
        ("epoch=3-step=1200.ckpt", 1200),
    ],
)
def test_the_step_is_the_first_number_after_the_word(name: str, step: int) -> None:
    found = step_name(name)
    assert found is not None
    assert found.step == step


@pytest.mark.parametrize(
    "name", ["gpt2", "ckpt.pt", "model-00001-of-00003.bin", "model_2.pt", "v1.0", "steps"]
)
def test_other_names_have_no_step(name: str) -> None:
    assert step_name(name) is None


def test_stages_are_trainings_of_their_own_and_epochs_are_not() -> None:
    one, two = step_name("stage1-step10-tokens1B"), step_name("stage2-step10-tokens9B")
    assert one is not None
    assert two is not None
    assert one.series != two.series
    first, next_one = step_name("epoch=0-step=10"), step_name("epoch=1-step=20")
    assert first is not None
    assert next_one is not None
    assert first.series == next_one.series


def _model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def test_a_trainers_folders_are_one_training(tmp_path: Path) -> None:
    for step in (500, 1000, 100):
        _model(tmp_path / f"checkpoint-{step}")
    (tmp_path / "checkpoint-2000").mkdir()  # not yet written
    _model(tmp_path / "other")
    found = steps_beside(tmp_path / "checkpoint-1000")
    assert [place.step for place in found.places] == [100, 500, 1000]
    assert [place.name for place in found.places] == [
        "checkpoint-100",
        "checkpoint-500",
        "checkpoint-1000",
    ]
    assert found.own == 1000
    assert steps_beside(tmp_path / "other").places == ()


def test_files_of_nanogpt_in_a_folder_are_one_training(tmp_path: Path) -> None:
    for name in ("ckpt_250.pt", "ckpt_500.pt", "ckpt.pt", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    found = steps_beside(tmp_path / "ckpt_500.pt")
    assert ([place.step for place in found.places], found.own) == ([250, 500], 500)
    beside = steps_beside(tmp_path / "ckpt.pt")
    assert ([place.step for place in beside.places], beside.own) == ([250, 500], None)


def test_revisions_in_the_hubs_cache_go_by_their_names(tmp_path: Path) -> None:
    cache = tmp_path / "models--owner--name"
    commits = {"step1000": "a" * 40, "step2000": "b" * 40, "main": "b" * 40, "step3000": "c" * 40}
    for name, commit in commits.items():
        (cache / "refs").mkdir(parents=True, exist_ok=True)
        (cache / "refs" / name).write_text(commit)
    for commit in ("a" * 40, "b" * 40):
        _model(cache / "snapshots" / commit)
    found = steps_beside(cache / "snapshots" / ("b" * 40))
    assert [(place.step, place.name) for place in found.places] == [
        (1000, "step1000"),
        (2000, "step2000"),
    ], "step3000 was not fetched"
    assert found.own == 2000


def test_only_the_stage_of_the_opened_one_is_travelled(tmp_path: Path) -> None:
    names = ("stage1-step10-tokens1B", "stage1-step20-tokens2B", "stage2-step10-tokens3B")
    for name in names:
        _model(tmp_path / name)
    found = steps_beside(tmp_path / names[0])
    assert [place.name for place in found.places] == [*names[:2]]
    assert steps_beside(tmp_path / names[2]).places == (), "one step is no way"
