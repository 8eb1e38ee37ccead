"""A run goes on wherever its folder and its text lie today; the text itself decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from model.train import events as e
from model.train.loop import train
from model.train.recipe import WORLD, Recipe
from model.train.run_folder import RunError, read_metrics, read_recipe


@pytest.fixture
def project(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a text and a run of it, begun there by relative paths."""
    folder = tmp_path / "project"
    folder.mkdir()
    Path(recipe.data).rename(folder / "text.txt")
    monkeypatch.chdir(folder)
    list(train(replace(recipe, data="text.txt", steps=5), Path("run")))
    monkeypatch.chdir(tmp_path)
    return folder


def goes_on(run: Path, **changes: object) -> bool:
    """Whether a run can be made longer."""
    own = read_recipe(run)
    recipe = replace(own, steps=own.steps + 1, **changes)  # type: ignore[arg-type]
    *_, end = train(recipe, run, resume=True)
    assert isinstance(end, e.Finished)
    assert read_metrics(run)["step"][-1] == recipe.steps
    return end.reason == "steps"


def test_a_run_goes_on_from_another_folder(project: Path) -> None:
    assert read_recipe(project / "run").data == str(project / "text.txt")
    assert goes_on(project / "run")


def test_a_run_goes_on_where_it_was_moved_to_with_its_text(project: Path, tmp_path: Path) -> None:
    moved = project.rename(tmp_path / "renamed")
    assert goes_on(moved / "run")
    assert read_recipe(moved / "run").data == str(moved / "text.txt")  # and says so from now on


def test_of_two_texts_the_one_with_the_runs_words_is_taken(project: Path, tmp_path: Path) -> None:
    old = project / "text.txt"
    moved = project.rename(tmp_path / "renamed")
    old.parent.mkdir()
    old.write_text("Another text lies in the old place. " * 40, encoding="utf-8")
    assert goes_on(moved / "run")


def test_a_text_that_was_moved_is_asked_for_and_taken(project: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = (project / "text.txt").rename(tmp_path / "elsewhere" / "words.txt")
    with pytest.raises(RunError, match=r"no longer at .*text\.txt\. Give its new place \(--data"):
        list(train(None, project / "run", resume=True))
    before = read_metrics(project / "run")["train_loss"].tolist()
    assert goes_on(project / "run", data=str(moved))
    assert read_metrics(project / "run")["train_loss"].tolist()[:6] == pytest.approx(
        before, nan_ok=True
    )
    assert goes_on(project / "run")  # its new place is remembered


def test_the_same_words_in_another_encoding_are_the_same_text(project: Path) -> None:
    text = (project / "text.txt").read_text(encoding="utf-8")
    (project / "text.txt").write_text(text, encoding="utf-16")
    assert goes_on(project / "run")


@pytest.mark.parametrize("other", ["a text", WORLD])
def test_another_text_stays_refused(project: Path, tmp_path: Path, other: str) -> None:
    if other != WORLD:
        (tmp_path / "other.txt").write_text("Another text. " * 100, encoding="utf-8")
        other = str(tmp_path / "other.txt")
    before = (project / "run" / "metrics.csv").read_bytes()
    with pytest.raises(RunError, match=r"or is another one, so|can't go on with 'world'"):
        goes_on(project / "run", data=other)
    assert (project / "run" / "metrics.csv").read_bytes() == before


def test_a_run_of_an_older_version_finds_its_text_beside_it(project: Path) -> None:
    toml = project / "run" / "run.toml"
    lines = [
        'data = "text.txt"' if line.startswith("data =") else line
        for line in toml.read_text(encoding="utf-8").splitlines()
        if not line.startswith("path_from_run")
    ]
    toml.write_text("\n".join(lines), encoding="utf-8")
    assert goes_on(project / "run")


def test_a_tokenizer_may_be_named_again_but_not_changed(recipe: Recipe, tmp_path: Path) -> None:
    from model.tokenizer.tokenizer import Tokenizer

    text = Path(recipe.data).read_text(encoding="utf-8")
    for name, size in (("a", 300), ("same", 300), ("other", 310)):
        (tmp_path / name).mkdir()
        Tokenizer.train_bpe(text, size).save(tmp_path / name)
    run = tmp_path / "run"
    list(train(replace(recipe, tokenizer=str(tmp_path / "a"), steps=3), run))
    assert goes_on(run, tokenizer=str(tmp_path / "same" / "tokenizer.json"))
    with pytest.raises(RunError, match="another tokenizer than that of"):
        goes_on(run, tokenizer=str(tmp_path / "other"))
    with pytest.raises(RunError, match="can't go on with 'char'"):
        goes_on(run, tokenizer="char")
