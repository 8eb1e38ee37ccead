"""Long texts that are kept, listed and deleted from a terminal; tasks and folders by the verb."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.train import data
from model.train.run_folder import read_recipe
from tests.model.cli.test_cli import refusal, run, run_json
from tests.model.conftest import CARROLL


def test_a_folder_is_trained_on_kept_listed_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "MOST_HELD", 100)
    folder = tmp_path / "books"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.txt").write_text(CARROLL * 2, encoding="utf-8")
    options = ("--preset", "tiny", "--steps", 2, "--tokenizer", "characters", "--threads", 1)
    result = run_json("train", "--data", folder, *options, "--out", tmp_path / "run")
    assert result["steps"] == 2
    assert read_recipe(tmp_path / "run").tokenizer == "char"
    kept = run_json("token-cache")
    assert [entry["text"] for entry in kept["kept"]] == [str(folder)]
    assert kept["kept"][0]["tokens"] == 4 * len(CARROLL) + 2
    assert "1 text" in run("token-cache")
    assert "1 text deleted" in run("token-cache", "--delete")
    assert run_json("token-cache")["kept"] == []


def test_a_task_has_its_own_preset(tmp_path: Path) -> None:
    result = run_json(
        "train", "--task", "addition:1", "--steps", 3, "--threads", 1, "--out", tmp_path / "run"
    )
    assert result["steps"] == 3
    recipe = read_recipe(tmp_path / "run")
    assert (recipe.data, recipe.tokenizer, recipe.n_ctx) == ("task:addition:1", "task", 5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--task", "chess"), "There is no task 'chess'; known are sorting"),
        (("--task", "sorting", "--data", "world"), "give --task or --data, not both"),
        (("--tokenizer", "open"), "this recipe names none in weights"),
    ],
)
def test_what_does_not_go_together_says_so(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    assert says in refusal("train", *options, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()
