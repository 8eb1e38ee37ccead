"""A model of a toy task is asked that task's questions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytestqt.qtbot import QtBot

from gui.panes.prompt.pane import PromptPane
from gui.session.state import Notice
from model.train.task_presets import recipe_of_task
from tests.gui.desk import Desk

RECIPE = replace(
    recipe_of_task("modular-addition:11"), d_model=16, d_mlp=16, steps=4, eval_every=2, threads=1
)


def test_the_questions_are_the_tasks_and_one_is_asked(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    store = desk.store
    pane = PromptPane(store)
    qtbot.addWidget(pane)
    notices: list[Notice] = []
    store.notice_posted.connect(notices.append)
    store.set_prompt("The king lost his crown.")
    store.run.start(RECIPE, str(tmp_path / "run"))
    for _ in range(200):
        desk.advance()
    assert store.run.shown is not None
    assert store.run.shown.finished is not None
    assert store.prompt == "3+4="
    assert store.read is not None
    assert [token.text for token in store.read.tokens] == ["3", "+", "4", "="]
    pane.show_examples()
    offered = [action.data() for action in pane._menu.actions()]
    pane._menu.close()
    assert offered == ["3+4=", "10+1=", "5+8="]
    # One that it can read stays when the model is shown again.
    store.set_prompt("7+7=")
    store.run.follow(False)
    store.run.follow(True)
    desk.settle()
    assert store.prompt == "7+7="
    [noted] = [notice for notice in notices if "held out" in notice.message]
    assert noted.message.startswith("Modular addition: 36 of 121 questions to train on, 85 others")
