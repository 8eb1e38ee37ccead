"""Curves of others' trainings: a Trainer's log, nanoGPT's checkpoints, and what is wrong there."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from model.slices import finish
from model.train.other_logs import log_beside, reading_log
from model.train.record import RunRecord
from model.train.run_folder import RunError

HISTORY = [
    {"epoch": 0.1, "grad_norm": 1.5, "learning_rate": 5e-05, "loss": 3.25, "step": 10},
    {"epoch": 0.1, "eval_loss": 3.0, "eval_runtime": 1.2, "step": 10},
    {"epoch": 0.2, "grad_norm": float("nan"), "learning_rate": 4e-05, "loss": 2.5, "step": 20},
    {"epoch": 0.2, "eval_loss": 2.25, "step": 20},
    {"epoch": 0.2, "train_loss": 2.9, "train_runtime": 9.0, "step": 20},
]


def trainer_step(folder: Path, step: int, history: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    state = {"log_history": history, "global_step": step, "max_steps": 40}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    return folder


def record_of(path: Path, file_format: str = "safetensors") -> RunRecord:
    found = log_beside(path, file_format)
    assert found is not None
    return finish(reading_log(found))


def test_a_trainers_log_of_all_steps_is_found_from_any_checkpoint(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = trainer_step(out / "checkpoint-10", 10, HISTORY[:2])
    trainer_step(out / "checkpoint-20", 20, HISTORY)
    record = record_of(first)
    assert [(done.step, done.train_loss) for done in record.steps] == [(10, 3.25), (20, 2.5)]
    assert [(at.step, at.val_loss) for at in record.evaluations] == [(10, 3.0), (20, 2.25)]
    assert record.steps[0].lr == 5e-05
    assert record.steps[0].grad_norm == 1.5
    assert math.isnan(record.steps[1].grad_norm)
    assert (record.recipe.name, record.recipe.steps) == ("out", 40)
    assert record.program == "Hugging Face Trainer"
    assert record.is_done
    assert not record.can_resume
    assert "its log ends at step 20" in record.ending
    # The folder above, where the last weights may lie too.
    assert record_of(out).steps == pytest.approx(record.steps, nan_ok=True)
    (out / "trainer_state.json").write_text(
        json.dumps({"log_history": [{"loss": 1.0, "step": 30}], "max_steps": 40})
    )
    assert record_of(first).steps[-1].step == 30


def nanogpt(file: Path, **values: Any) -> Path:
    torch.save({"model": {}, "model_args": {}, "config": {"max_iters": 5000}, **values}, file)
    return file


def test_nanogpts_checkpoints_give_a_point_each(tmp_path: Path) -> None:
    run = tmp_path / "out-shakespeare"
    run.mkdir()
    one = nanogpt(run / "ckpt_250.pt", iter_num=250, best_val_loss=torch.tensor(2.5))
    nanogpt(run / "ckpt_500.pt", iter_num=500, best_val_loss=1.875)
    nanogpt(run / "ckpt_0.pt", iter_num=0, best_val_loss=1e9)  # before anything was measured
    record = record_of(one, "nanoGPT")
    assert [(at.step, at.val_loss) for at in record.evaluations] == [(250, 2.5), (500, 1.875)]
    assert record.steps == ()
    assert (record.recipe.name, record.recipe.steps) == ("out-shakespeare", 5000)
    assert "best validation loss until then" in record.ending
    alone = tmp_path / "alone"
    alone.mkdir()
    ckpt = nanogpt(alone / "ckpt.pt", iter_num=100, best_val_loss=torch.tensor(3.5).double())
    assert [at.val_loss for at in record_of(ckpt, "nanoGPT").evaluations] == [3.5]


def test_a_model_of_no_training_has_no_log(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert log_beside(tmp_path, "safetensors") is None
    assert log_beside(tmp_path / "model.gguf", "GGUF") is None
    assert log_beside(tmp_path / "gone", "safetensors") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "can't be read"),
        ("[]", "has no log_history"),
        ('{"log_history": 3}', "has no log_history"),
        ('{"log_history": []}', "tells no loss of any step"),
        ('{"log_history": [{"loss": 2.0}, 7, {"step": -1, "loss": 2}]}', "tells no loss"),
        ('{"log_history": [{"loss": "2.0", "step": 10}]}', "tells no loss"),
    ],
)
def test_a_log_that_tells_nothing_says_why(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "trainer_state.json").write_text(text)
    with pytest.raises(RunError, match=says):
        record_of(tmp_path)


def test_steps_that_make_no_sense_are_passed_over(tmp_path: Path) -> None:
    history = [{"loss": 2.0, "step": 1.5}, {"loss": 1.5, "step": 20}, {"loss": True, "step": 30}]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    record = record_of(tmp_path)
    assert [done.step for done in record.steps] == [20]
    assert record.recipe.steps == 20
