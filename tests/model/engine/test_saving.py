"""The engine saves in slices: others are answered meanwhile, and nothing half is left behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from model import messages as m
from model.checkpoint import open_checkpoint
from model.engine import Engine
from model.engine import saving as saving_work
from model.tensor_file import SLICE_BYTES, writing_tensors


@pytest.fixture
def engine(gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """One with a model open, whose slices are single tensors."""
    monkeypatch.setattr(saving_work, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(saving_work, "SAY_SECONDS", 0.0)
    engine = Engine("cpu", threads=1)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(gpt2_folder))))
    while engine.busy:
        list(engine.advance())
    return engine


def to_the_end(engine: Engine) -> list[m.Result]:
    found: list[m.Result] = []
    while engine.busy:
        found += engine.advance()
    return found


def test_it_goes_on_slice_by_slice_and_others_are_answered(engine: Engine, tmp_path: Path):
    out = tmp_path / "out"
    request = m.SaveModel(path=str(out))
    (began,) = engine.handle(request)
    assert isinstance(began, m.Activity)
    (progress,) = engine.advance()
    assert isinstance(progress, m.Progress)
    assert 0 < progress.done < progress.total
    assert not out.exists()
    (traced,) = engine.handle(m.ReadPrompt(text="The king"))
    assert isinstance(traced, m.PromptRead)
    *_, saved = to_the_end(engine)
    assert saved == m.Saved(request_id=request.id, path=str(out))
    assert open_checkpoint(out).tokenizer is not None


def test_cancelled_it_leaves_nothing(engine: Engine, tmp_path: Path):
    request = m.SaveModel(path=str(tmp_path / "out"))
    list(engine.handle(request))
    list(engine.advance())
    assert list(tmp_path.glob(".out.*.part"))
    (cancelled,) = engine.handle(m.Cancel(target=request.id))
    assert isinstance(cancelled, m.Cancelled)
    assert not engine.busy
    assert not list(tmp_path.glob("*out*"))


def test_closing_finishes_it(engine: Engine, tmp_path: Path):
    out = tmp_path / "out"
    list(engine.handle(m.SaveModel(path=str(out))))
    list(engine.advance())
    found = list(engine.close())
    assert isinstance(found[-1], m.Saved)
    assert open_checkpoint(out).transformer is not None


def test_a_second_one_waits_for_the_first(engine: Engine, tmp_path: Path):
    first, second = (m.SaveModel(path=str(tmp_path / name)) for name in ("one", "two"))
    list(engine.handle(first))
    found = [*engine.handle(second), *to_the_end(engine)]
    assert [r.request_id for r in found if isinstance(r, m.Saved)] == [first.id, second.id]
    progress = [r.request_id for r in found if isinstance(r, m.Progress)]
    assert progress == sorted(progress)  # never both at a time
    for path in (first.path, second.path):
        assert open_checkpoint(path).tokenizer is not None


def test_one_that_waits_can_be_cancelled_and_others_are_answered(engine: Engine, tmp_path: Path):
    first, second = (m.SaveModel(path=str(tmp_path / name)) for name in ("one", "two"))
    list(engine.handle(first))
    list(engine.handle(second))
    assert not Path(first.path).exists()
    (traced,) = engine.handle(m.ReadPrompt(text="The king"))
    assert isinstance(traced, m.PromptRead)
    assert list(engine.handle(m.Cancel(target=second.id))) == [m.Cancelled(request_id=second.id)]
    found = to_the_end(engine)
    assert [r.request_id for r in found if isinstance(r, m.Saved)] == [first.id]
    assert [path.name for path in tmp_path.glob("*")] == ["one"]


def test_a_disk_that_is_too_small_is_known_before(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import shutil

    whole = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: whole._replace(free=1_000))
    list(engine.handle(m.SaveModel(path=str(tmp_path / "out"))))
    (failed,) = to_the_end(engine)
    assert isinstance(failed, m.Failed)
    assert re.search(r"The weights take \d\S+ [kM]B, and 1 kB are free in", failed.message)
    assert "dtype" not in failed.message  # none can be chosen here
    assert not list(tmp_path.glob("*out*"))


def test_a_disk_that_fills_is_told(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("model.checkpoint.saving.writing_tensors", full)
    out = tmp_path / "out"
    list(engine.handle(m.SaveModel(path=str(out))))
    (failed,) = to_the_end(engine)
    assert isinstance(failed, m.Failed)
    assert failed.message == f"{out} can't be written: No space left on device."
    assert not list(tmp_path.glob("*out*"))


# ------------------------------------------------------------------------------ the writer


@pytest.mark.parametrize("dtype", [None, torch.float16, torch.bfloat16])
def test_the_file_is_what_the_library_would_read_and_write(
    dtype: torch.dtype | None, tmp_path: Path
):
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(5, 7, generator=generator)
    tensors = {
        "plain": base,
        "turned": base.T,
        "part": base[1:3, 2:],
        "empty": torch.zeros(0, 4),
        "one": torch.tensor(2.5),
        "numbers": torch.arange(3),
        "long": torch.randn(SLICE_BYTES // 4 + 10, generator=generator),
    }
    tensors = tensors if dtype is None else {n: t for n, t in tensors.items() if n != "numbers"}
    path = tmp_path / "ours.safetensors"
    written = list(writing_tensors(path, tensors, {"format": "pt"}, dtype))
    read = load_file(path)
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        expected = tensor if dtype is None else tensor.to(dtype)
        assert read[name].dtype == expected.dtype
        assert torch.equal(read[name], expected)
    assert sum(written) == sum(t.numel() * t.element_size() for t in read.values())
    assert max(written) <= SLICE_BYTES
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
    raw = path.read_bytes()
    n_header = int.from_bytes(raw[:8], "little")
    assert (8 + n_header) % 64 == 0
    for name, about in json.loads(raw[8 : 8 + n_header]).items():
        if name != "__metadata__":
            assert about["data_offsets"][0] % read[name].element_size() == 0
    umask_made = tmp_path / "ordinary"
    umask_made.touch()
    assert path.stat().st_mode == umask_made.stat().st_mode
