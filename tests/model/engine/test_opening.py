"""Opening by the engine: in slices, with answers in between, given up when cancelled."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from model import messages as m
from model.checkpoint import weights
from model.engine import Engine
from model.engine import opening as opening_work


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    yield engine
    list(engine.close())


@pytest.fixture
def in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small checkpoints are read in many slices, as large ones are."""
    monkeypatch.setattr(opening_work, "AT_ONCE_BYTES", 0)
    monkeypatch.setattr(weights, "SLICE_BYTES", 4_000)
    monkeypatch.setattr(weights, "_CHUNK_BYTES", 1_000)


def drive(engine: Engine) -> list[m.Result]:
    results: list[m.Result] = []
    while engine.busy:
        results += engine.advance()
    return results


def test_what_is_small_is_open_at_once(engine: Engine, gpt2_folder: Path):
    request = m.OpenModel(path=str(gpt2_folder))
    results = list(engine.handle(request))
    assert [type(result) for result in results] == [m.Activity, m.ModelOpened]
    opened = results[-1]
    assert isinstance(opened, m.ModelOpened)
    assert opened.info.format == "safetensors"
    assert opened.seconds > 0
    assert not engine.busy


@pytest.mark.usefixtures("in_slices")
def test_what_is_large_comes_in_slices_and_others_are_answered_between(
    engine: Engine, gpt2_folder: Path, untied_folder: Path
):
    list(engine.handle(m.OpenModel(path=str(untied_folder))))
    drive(engine)
    request = m.OpenModel(path=str(gpt2_folder))
    first = list(engine.handle(request))
    assert engine.busy
    assert not any(isinstance(result, m.ModelOpened) for result in first)
    progress = [r for r in first if isinstance(r, m.OpeningProgressed)]
    while True:
        # The model that was open answers.
        *_, read = engine.handle(m.ReadPrompt(text="the king"))
        assert isinstance(read, m.PromptRead)
        assert read.subject.model == 1
        results = list(engine.advance())
        progress += [r for r in results if isinstance(r, m.OpeningProgressed)]
        if any(isinstance(result, m.ModelOpened) for result in results):
            break
    assert len(progress) > 10
    done = [step.done_bytes for step in progress]
    assert done == sorted(done)
    total = sum(p.numel() for p in _network(gpt2_folder).parameters()) * 4
    assert {step.total_bytes for step in progress} == {total}
    assert done[-1] == total
    assert "reading model.safetensors" in {step.what for step in progress}
    (opened,) = [result for result in results if isinstance(result, m.ModelOpened)]
    assert opened.request_id == request.id
    *_, read = engine.handle(m.ReadPrompt(text="the king"))
    assert isinstance(read, m.PromptRead)
    assert read.subject.model == opened.info.model_id


def _network(folder: Path) -> torch.nn.Module:
    from model.checkpoint import open_checkpoint

    return open_checkpoint(folder).transformer


@pytest.mark.usefixtures("in_slices")
def test_cancel_stops_within_a_slice_and_the_open_model_stays(
    engine: Engine, gpt2_folder: Path, untied_folder: Path
):
    list(engine.handle(m.OpenModel(path=str(untied_folder))))
    drive(engine)
    request = m.OpenModel(path=str(gpt2_folder))
    list(engine.handle(request))
    list(engine.advance())
    assert engine.busy
    assert list(engine.handle(m.Cancel(target=request.id))) == [m.Cancelled(request_id=request.id)]
    assert not engine.busy
    *_, read = engine.handle(m.ReadPrompt(text="the king"))
    assert isinstance(read, m.PromptRead)
    assert read.subject.model == 1


@pytest.mark.usefixtures("in_slices")
def test_a_newer_opening_takes_the_place_of_an_older(
    engine: Engine, gpt2_folder: Path, untied_folder: Path
):
    older, newer = m.OpenModel(path=str(gpt2_folder)), m.OpenModel(path=str(untied_folder))
    list(engine.handle(older))
    results = [*engine.handle(newer), *drive(engine)]
    assert results[0] == m.Cancelled(request_id=older.id)
    opened = [result for result in results if isinstance(result, m.ModelOpened)]
    assert [result.request_id for result in opened] == [newer.id]


@pytest.mark.usefixtures("in_slices")
def test_a_file_that_changes_while_it_is_read_fails_and_the_open_model_stays(
    engine: Engine, own_folder: Path, untied_folder: Path
):
    list(engine.handle(m.OpenModel(path=str(untied_folder))))
    drive(engine)
    for change in ("cut short", "overwritten", "replaced"):
        copy = own_folder.parent / change
        shutil.copytree(own_folder, copy)
        file = copy / "model.safetensors"
        request = m.OpenModel(path=str(copy))
        list(engine.handle(request))
        for _ in range(4):  # past the tokenizer: the file is open
            list(engine.advance())
        if change == "cut short":
            with file.open("r+b") as open_file:
                open_file.truncate(9_000)
        elif change == "overwritten":
            with file.open("r+b") as open_file:
                open_file.seek(9_000)
                open_file.write(b"\1" * 100)
        else:
            # Whoever writes beside and renames leaves us the old file: what is open stays whole.
            shutil.copy(file, copy / "new")
            (copy / "new").replace(file)
        last = drive(engine)[-1]
        if change == "replaced":
            assert isinstance(last, m.ModelOpened)
            continue
        assert isinstance(last, m.Failed)
        assert last.request == request
        assert "model.safetensors changed while it was read" in last.message or (
            "model.safetensors ends before all of its contents" in last.message
        )
        *_, read = engine.handle(m.ReadPrompt(text="the king"))
        assert isinstance(read, m.PromptRead)
        assert read.subject.model == 1


def test_what_cannot_be_opened_fails_with_its_sentence(engine: Engine, tmp_path: Path):
    request = m.OpenModel(path=str(tmp_path / "nowhere"))
    last = list(engine.handle(request))[-1]
    assert isinstance(last, m.Failed)
    assert "nowhere does not exist; check the path." in last.message
    assert not engine.busy
    wrong = m.OpenModel(path=str(tmp_path), dtype="int3")
    last = list(engine.handle(wrong))[-1]
    assert isinstance(last, m.Failed)
    assert "no dtype 'int3'" in last.message


def test_a_cancel_of_something_that_waits_no_more_is_answered(engine: Engine):
    assert list(engine.handle(m.Cancel(target=77))) == [m.Cancelled(request_id=77)]


def test_a_preview_tells_and_opens_nothing(engine: Engine, gpt2_folder: Path, tmp_path: Path):
    request = m.PreviewModel(path=str(gpt2_folder))
    [previewed] = engine.handle(request)
    assert isinstance(previewed, m.ModelPreviewed)
    assert previewed.request_id == request.id
    assert previewed.preview.problem is None
    [previewed] = engine.handle(m.PreviewModel(path=str(tmp_path / "no")))
    assert isinstance(previewed, m.ModelPreviewed)
    assert previewed.preview.problem == f"{tmp_path / 'no'} does not exist; check the path."
    [refused] = engine.handle(m.ReadPrompt(text="a"))
    assert isinstance(refused, m.Failed)  # nothing is open


def test_memory_goes_back_to_the_system_once_after_a_model_was_closed(
    engine: Engine, gpt2_folder: Path, untied_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    given: list[int] = []
    monkeypatch.setattr("model.device.give_back_freed_memory", lambda: given.append(1))
    list(engine.handle(m.OpenModel(path=str(gpt2_folder))))
    drive(engine)
    engine.rest()
    assert not given  # nothing was closed
    list(engine.handle(m.OpenModel(path=str(untied_folder))))
    drive(engine)
    engine.rest()
    engine.rest()  # there is nothing more to give
    assert given == [1]
