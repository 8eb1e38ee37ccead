"""The list of what is measured: its lines are all that files and the command line know."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from pathlib import Path

import pytest
from rich.console import Console

from model.cli.training_display import run_from_command_line
from model.train import metrics
from model.train.events import Evaluated, StepDone
from model.train.metrics import MEASURES, columns, measured, sayings
from model.train.run_folder import read_metrics

STEP = StepDone(1200, 76_800, 8.25, 2.34567, 0.00061803, 0.98765, 12_345.6)
EVALUATED = Evaluated(1200, 76_800, 8.5, 2.5, 1.75)
WATCHED = replace(EVALUATED, old_loss=3.25)
"""Of a run that follows the loss on a text that the model knew before."""


def test_every_number_of_a_step_is_measured_once() -> None:
    for event in (STEP, WATCHED):
        found = {measure.name: value for measure, value in measured(event)}
        assert found == {field.name: getattr(event, field.name) for field in fields(event)}
    plain = {measure.name for measure, _ in measured(EVALUATED)}
    assert plain == found.keys() - {"old_loss"}
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert columns() == (
        *("step", "tokens", "seconds", "train_loss", "val_loss"),
        *("lr", "grad_norm", "tokens_per_second"),
    )
    assert columns(["old_loss"])[4:6] == ("val_loss", "old_loss")


def test_numbers_are_said_with_their_units() -> None:
    assert sayings(STEP) == ["loss 2.3457", "12,346 tokens/s"]
    assert sayings(EVALUATED) == [
        "validation loss 2.5000 nats per token",
        "1.7500 bits per byte",
    ]
    assert sayings(WATCHED)[-1] == "on the older text 3.2500"
    texts = {measure.name: measure.text(value) for measure, value in measured(STEP)}
    assert (texts["step"], texts["lr"], texts["grad_norm"]) == ("1,200", "0.000618", "0.988")


def test_a_line_makes_a_column_and_a_word(
    text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = tuple(
        replace(measure, kept=True, said="{} bits") if measure.name == "bits_per_byte" else measure
        for measure in MEASURES
    )
    monkeypatch.setattr(metrics, "MEASURES", changed)
    out = io.StringIO()
    run_from_command_line(
        out=tmp_path / "run",
        data=str(text_file),
        preset_name="tiny",
        steps=2,
        threads=1,
        console=Console(file=out, width=100),
    )
    found = read_metrics(tmp_path / "run")
    assert "bits_per_byte" in found
    assert found["bits_per_byte"][-1] == pytest.approx(
        found["val_loss"][-1] / found["val_loss"][0] * found["bits_per_byte"][0]
    )
    assert f"{found['bits_per_byte'][-1]:.4f} bits\n" in out.getvalue()
