"""Training from a terminal: what is returned, what is said, and what Ctrl+C does."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest
from rich.console import Console

from model.cli.training_display import _Display, run_from_command_line
from model.end_signals import END_SIGNALS
from model.train.events import Event, StepDone
from model.train.recipe import RecipeError
from model.train.run_folder import read_metrics, read_recipe
from model.train.state import load_state


def said() -> tuple[io.StringIO, Console]:
    out = io.StringIO()
    return out, Console(file=out, width=100)


def test_the_result_is_what_the_folder_says(text_file: Path, tmp_path: Path) -> None:
    out, console = said()
    result = run_from_command_line(
        out=tmp_path / "run",
        data=str(text_file),
        tokenizer="bpe:300",
        preset_name="tiny",
        steps=12,
        seed=4,
        threads=1,
        console=console,
    )
    metrics = read_metrics(tmp_path / "run")
    assert result["steps"] == metrics["step"][-1] == 12
    assert result["val_loss"] == metrics["val_loss"][-1]
    assert result["seconds"] >= metrics["seconds"][-1]
    assert result["tokens_per_second"] > 0
    recipe = read_recipe(tmp_path / "run")
    assert (recipe.seed, recipe.tokenizer, recipe.threads) == (4, "bpe:300", 1)
    assert f"{result['n_params']:,} parameters on cpu, 1 thread;" in out.getvalue()
    assert f"validation loss {result['val_loss']:.4f}" in out.getvalue()


def test_a_target_ends_the_run(text_file: Path, tmp_path: Path) -> None:
    result = run_from_command_line(
        out=tmp_path / "run",
        data=str(text_file),
        preset_name="tiny",
        target_val_loss=3.5,
        threads=1,
        console=said()[1],
    )
    assert result["reason"] == "target"
    assert result["val_loss"] <= 3.5
    assert result["steps"] < 100


def test_a_condition_stops_the_run_with_all_saved_and_it_goes_on_later(
    text_file: Path, tmp_path: Path
) -> None:
    out, console = said()
    result = run_from_command_line(
        out=tmp_path / "run",
        data=str(text_file),
        preset_name="tiny",
        steps=30,
        threads=1,
        watched=("blocks.0.mlp.W_in.grad",),
        stop_when=("blocks.1.attn entropy > 0", "step > 12"),
        console=console,
    )
    # Before the first step is measured too, and what holds then stops it.
    assert (result["reason"], result["steps"]) == ("stopped", 0)
    assert "entropy of blocks.1.attn is" in result["message"]
    assert "It was to stop when blocks.1.attn entropy > 0." in out.getvalue()
    again = run_from_command_line(out=tmp_path / "run", resume=True, threads=1, console=said()[1])
    # The one that held already is not waited for again; the other one is met now.
    assert again["steps"] == 13
    assert "step is 13, above 12." in again["message"]
    last = run_from_command_line(out=tmp_path / "run", resume=True, threads=1, console=said()[1])
    assert (last["reason"], last["steps"]) == ("steps", 30)
    assert "blocks.0.mlp.W_in.grad,norm," in (tmp_path / "run" / "curves.csv").read_text()


def test_a_wrong_condition_is_told_before_anything_is_written(
    text_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="There is no curve 'wal_loss'"):
        run_from_command_line(
            out=tmp_path / "run",
            data=str(text_file),
            preset_name="tiny",
            stop_when=("wal_loss < 2",),
            console=said()[1],
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("heard_signals")
@pytest.mark.parametrize("number", END_SIGNALS, ids=lambda n: signal.Signals(n).name)
def test_a_signal_to_end_saves_and_the_run_goes_on_later(
    text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    show = _Display.show

    def send(self: _Display, event: Event) -> None:
        show(self, event)
        if isinstance(event, StepDone) and event.step == 7:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(_Display, "show", send)
    before = signal.getsignal(number)
    run = tmp_path / "run"
    stopped = run_from_command_line(
        out=run, data=str(text_file), preset_name="tiny", steps=10, threads=1, console=said()[1]
    )
    assert (stopped["reason"], stopped["steps"]) == ("stopped", 7)
    assert load_state(run, "cpu").step == 7
    assert signal.getsignal(number) is before
    monkeypatch.undo()
    resumed = run_from_command_line(out=run, threads=1, resume=True, console=said()[1])
    assert (resumed["reason"], resumed["steps"]) == ("steps", 10)


@pytest.mark.usefixtures("heard_signals")
def test_a_second_ctrl_c_interrupts_at_once(
    text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = _Display.show

    def send(self: _Display, event: Event) -> None:
        show(self, event)
        if isinstance(event, StepDone):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(_Display, "show", send)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_from_command_line(
                out=tmp_path / "run",
                data=str(text_file),
                preset_name="tiny",
                steps=10,
                threads=1,
                console=said()[1],
            )
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_preset_without_a_text_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="give a text file, or 'world'"):
        run_from_command_line(out=tmp_path / "run", preset_name="shakespeare-cpu", threads=1)
