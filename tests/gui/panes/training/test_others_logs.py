"""The curve of a model that another program has trained: drawn, named as its, and not steered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pytestqt.qtbot import QtBot

from gui.panes.training.pane import TrainingPane
from gui.session.conditions import can_start_again, can_take_up
from resources import STORY_WORLD
from tests.gui.desk import PROMPT, Desk


def test_a_trainers_log_is_drawn_as_the_run_of_its_checkpoint(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    history = [{"loss": 4.0 - n / 10, "learning_rate": 1e-3, "step": 10 * n} for n in range(1, 21)]
    history.append({"eval_loss": 2.5, "step": 200})
    for step in (100, 200):
        folder = tmp_path / "finetuned" / f"checkpoint-{step}"
        shutil.copytree(STORY_WORLD, folder)
        state = {"log_history": history[: step // 10], "max_steps": 300}
        (folder / "trainer_state.json").write_text(json.dumps(state))
    state = {"log_history": history, "max_steps": 300}
    (tmp_path / "finetuned" / "checkpoint-200" / "trainer_state.json").write_text(json.dumps(state))
    pane = TrainingPane(desk.store)
    qtbot.addWidget(pane)
    before = pane.form.recipe()
    pane.resize(900, 500)
    with qtbot.waitExposed(pane):
        pane.show()
    desk.store.set_prompt(PROMPT)
    desk.store.opening.open(str(tmp_path / "finetuned" / "checkpoint-100"))
    while desk.engine.busy:
        desk.advance()
    pane.invalidate()
    pane.refresh_now()
    run = desk.store.run.shown
    assert run is not None
    assert desk.store.run.in_view(run)
    x, y = pane.plots.loss.train.getOriginalDataset()
    assert x.tolist() == [10.0 * n for n in range(1, 21)]
    assert y.tolist() == [event["loss"] for event in history[:20]]
    assert pane.plots.loss.marks.here.value() == 100  # the checkpoint that is open
    assert pane.header_note().startswith("finetuned · Hugging Face Trainer · step ")
    assert "Trained by Hugging Face Trainer" in pane.status.text()
    shown = {figure.label: figure.value for figure in pane.figures.figures}
    assert shown["train"] == f"{history[9]['loss']:.4f}"  # there, not at the log's end
    assert not {"tokens", "elapsed", "tokens/s"} & set(shown)  # its log has none
    # Nothing of it goes on here, and the form keeps what a person has chosen.
    assert not can_take_up(desk.store)
    assert not can_start_again(desk.store)
    assert pane.form.recipe() == before
    space: dict[str, object] = {}
    exec(compile(pane.code(), "<clipboard>", "exec"), space)
    assert space["val_loss"] == [(200, 2.5)]
