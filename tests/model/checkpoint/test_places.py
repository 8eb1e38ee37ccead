"""Folders around a model: the one that is meant opens, or the sentence names those there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.checkpoint import CheckpointError, open_checkpoint, preview
from tests.model.checkpoint.tiny import WEIGHTS, copied, llama, logits, refusal, taken

MAIN, OTHER = "0123456789abcdef" * 2 + "01234567", "89abcdef" * 5


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A model's folder in the hub's cache, with two revisions."""
    repo = tmp_path / "hub" / "models--ada--tiny"
    llama(repo / "snapshots" / MAIN)
    llama(repo / "snapshots" / OTHER, seed=1)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(MAIN)
    (repo / "blobs").mkdir()
    return repo


# The hub's cache


def test_a_models_folder_in_the_cache_opens_at_the_revision_of_main(cache: Path):
    expected = logits(cache / "snapshots" / MAIN)
    for path in (cache, cache / "snapshots", cache / "refs", cache / "blobs"):
        opened = open_checkpoint(path)
        assert opened.path == cache / "snapshots" / MAIN
        assert torch.equal(logits(path), expected)
    (cache / "refs" / "main").write_text(f"{OTHER}\n")
    assert torch.equal(logits(cache), logits(cache / "snapshots" / OTHER))
    assert preview(cache).problem is None


def test_without_main_the_revisions_that_are_there_are_named(cache: Path):
    (cache / "refs" / "main").unlink()
    said = refusal(cache)
    assert "the hub's cache of ada/tiny and does not say which is meant (refs/main)" in said
    assert f"There are {MAIN} and {OTHER}" in said
    assert "run" not in said.replace("runs", "").split()
    (cache / "refs" / "main").write_text("f" * 40)
    assert f"means {'f' * 40!r} (refs/main), which is not there. There are {MAIN}" in refusal(cache)


def test_the_only_revision_needs_no_name(cache: Path):
    (cache / "refs" / "main").unlink()
    (cache / "snapshots" / OTHER).rename(cache.parent.parent / "elsewhere")
    assert open_checkpoint(cache).path.name == MAIN


def test_a_revision_without_weights_is_fetched_by_its_name(cache: Path):
    (cache / "snapshots" / MAIN / WEIGHTS).unlink()
    assert "only a part of ada/tiny, without weights; open it by its name, ada/tiny" in refusal(
        cache
    )


def test_the_whole_cache_opens_its_only_model_and_names_several(cache: Path):
    assert open_checkpoint(cache.parent).path == cache / "snapshots" / MAIN
    copied(cache, cache.parent / "models--ada--other")
    assert "models--ada--other and models--ada--tiny. Choose one" in refusal(cache.parent)


def test_nothing_speaks_of_a_run_where_there_is_none(tmp_path: Path):
    for name in ("snapshots", "refs", "checkpoints"):
        (tmp_path / name / "empty").mkdir(parents=True)
        for path in (tmp_path, tmp_path / name):
            assert " run" not in refusal(path)
            assert "train" not in refusal(path)


def test_snapshots_whose_run_is_gone_open_at_the_last(tmp_path: Path):
    for step in (100, 1000, 200):
        llama(tmp_path / "snapshots" / f"step-{step:06}", seed=step)
    for path in (tmp_path, tmp_path / "snapshots"):
        opened = open_checkpoint(path)
        assert opened.path.name == "step-001000"
        assert "step-000100, step-000200 and step-001000" in opened.notes[0]


# What trainers write, and archives


def test_a_trainers_folder_opens_at_its_last_step_and_says_so(tmp_path: Path):
    for step in (100, 1000, 200):
        llama(tmp_path / f"checkpoint-{step}", seed=step)
    (tmp_path / "runs").mkdir()  # of TensorBoard
    (tmp_path / "checkpoint-3000").mkdir()  # begun and not finished
    opened = open_checkpoint(tmp_path)
    assert opened.path.name == "checkpoint-1000"
    assert opened.notes[0].startswith("Opened is checkpoint-1000, the last of checkpoint-100, ")
    assert torch.equal(logits(tmp_path), logits(tmp_path / "checkpoint-1000"))


@pytest.mark.parametrize("place", ["tiny-main", "tiny-main/tiny-main"])
def test_a_model_in_the_folder_of_an_archive_opens_and_says_so(place: str, tmp_path: Path):
    expected = logits(llama(tmp_path / place))
    assert torch.equal(logits(tmp_path), expected)
    assert (
        f"the model in the folder {Path(place)} of {tmp_path}" in open_checkpoint(tmp_path).notes[0]
    )


def test_several_models_in_a_folder_are_named(tmp_path: Path):
    llama(tmp_path / "one")
    llama(tmp_path / "two")
    assert "there are 2 in it: one and two. Choose one of these folders." in refusal(tmp_path)


# Parts


def in_parts(folder: Path, n: int, ending: str) -> list[Path]:
    tensors = taken(folder)
    names = sorted(tensors)
    files = []
    for i in range(n):
        file = folder / f"model-{i + 1:05}-of-{n:05}{ending}"
        part = {name: tensors[name] for name in names[i::n]}
        if ending == ".safetensors":
            save_file(part, file, {"format": "pt"})
        else:
            torch.save(part, file)
        files.append(file)
    return files


@pytest.mark.parametrize("ending", [".safetensors", ".bin"])
def test_parts_without_an_index_open_if_all_are_there(ending: str, tmp_path: Path):
    folder = llama(tmp_path / "it")
    expected = logits(folder)
    files = in_parts(folder, 3, ending)
    for path in (folder, *files):
        assert torch.equal(logits(path), expected)
    files[1].unlink()
    assert f"lacks {files[1].name} of the 3 parts that {files[0].name} is one of" in refusal(folder)


def test_parts_that_hold_one_name_twice_are_refused(tmp_path: Path):
    folder = llama(tmp_path / "it")
    tensors = taken(folder)
    for i in (1, 2):
        torch.save(tensors, folder / f"model-{i:05}-of-00002.bin")
    with pytest.raises(CheckpointError, match=r"both hold 'lm_head\.weight'"):
        open_checkpoint(folder)
