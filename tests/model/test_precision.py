"""A file in half precision is opened in float32 where the processor is slow at it; never unsaid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from model import messages as m
from model import open as open_model
from model import precision
from model.checkpoint import opening, previewing, save_checkpoint
from model.checkpoint.errors import CheckpointError
from model.engine import Engine
from model.precision import slowdown  # the real one: another stands for it in tests
from tests.model.networks import overflowing

GB = 10**9
Speed = Callable[..., None]


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> Speed:
    """Sets how many times as long each half precision takes."""

    def set_speed(**factors: float) -> None:
        monkeypatch.setattr(precision, "slowdown", factors.__getitem__)

    return set_speed


def stored_in(folder: Path, dtype: torch.dtype) -> Path:
    return save_checkpoint(folder, overflowing(), None, family="llama", dtype=dtype)


HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@pytest.mark.parametrize("name", HALVES)
def test_a_half_precision_is_kept_where_the_processor_is_fast_at_it(
    name: str, tmp_path: Path, speed: Speed
) -> None:
    speed(**{name: 0.4})
    lm = open_model(stored_in(tmp_path / "it", HALVES[name]), "cpu")
    assert lm.dtype == lm.stored == HALVES[name]
    assert (lm.notes, lm.widened) == ((), False)


@pytest.mark.parametrize("name", HALVES)
def test_a_half_precision_is_widened_where_the_processor_is_slow_at_it_and_that_is_said(
    name: str, tmp_path: Path, speed: Speed
) -> None:
    speed(**{name: 44.4})
    folder = stored_in(tmp_path / "it", HALVES[name])
    lm = open_model(folder, "cpu")
    note = (
        f"Stored in {name}, at which this processor is 44 × slower than float32 (measured): "
        "opened in float32."
    )
    assert (lm.dtype, lm.stored, lm.notes) == (torch.float32, HALVES[name], (note,))
    found = previewing.preview(folder)
    assert (found.dtype, found.stored, found.notes) == ("float32", name, (note,))
    file = load_file(folder / "model.safetensors")
    assert torch.equal(lm.embedding, file["model.embed_tokens.weight"].float())


@pytest.mark.parametrize("name", HALVES)
def test_the_precision_that_is_asked_for_always_wins(
    name: str, tmp_path: Path, speed: Speed
) -> None:
    speed(bfloat16=500.0, float16=500.0)
    folder = stored_in(tmp_path / "it", HALVES[name])
    for asked, dtype in HALVES.items():
        lm = open_model(folder, "cpu", asked)
        assert (lm.dtype, lm.notes, lm.widened) == (dtype, (), False)


def test_a_file_in_float32_is_never_measured_for(tmp_path: Path, speed: Speed) -> None:
    speed()  # a question for any dtype fails
    assert open_model(stored_in(tmp_path / "it", torch.float32), "cpu").dtype == torch.float32


def test_where_float32_does_not_fit_the_half_stays_and_why_it_is_slow_is_said(
    tmp_path: Path, speed: Speed, monkeypatch: pytest.MonkeyPatch
) -> None:
    speed(bfloat16=44.0)
    folder = stored_in(tmp_path / "it", torch.bfloat16)
    needed = previewing.preview(folder).needed
    free = (needed["float32"] + needed["bfloat16"]) // 2
    for module in (opening, previewing):
        monkeypatch.setattr(module, "free_bytes", lambda device="cpu": free)
    lm = open_model(folder, "cpu")
    assert lm.dtype == torch.bfloat16
    assert "44 × slower than float32 (measured); that needs" in lm.notes[0]
    assert "are free." in lm.notes[0]
    with pytest.raises(CheckpointError, match="open it in bfloat16"):
        open_model(folder, "cpu", "float32")


def test_what_was_widened_unasked_is_saved_as_its_file_was(tmp_path: Path, speed: Speed) -> None:
    speed(bfloat16=44.0)
    folder = stored_in(tmp_path / "it", torch.bfloat16)
    engine = Engine("cpu", threads=1)
    list(engine.start())

    def saved(dtype: str | None, name: str) -> set[torch.dtype]:
        requests = (
            m.OpenModel(path=str(folder), dtype=dtype),
            m.SaveModel(path=str(tmp_path / name)),
        )
        for request in requests:
            list(engine.handle(request))
            while engine.busy:
                list(engine.advance())
        return {t.dtype for t in load_file(tmp_path / name / "model.safetensors").values()}

    assert saved(None, "unasked") == {torch.bfloat16}
    assert engine.place.info.stored == "bfloat16"
    # Who asks for float32 gets it, in the file too.
    assert saved("float32", "asked") == {torch.float32}
    list(engine.close())
    first, second = (
        load_file(place / "model.safetensors") for place in (folder, tmp_path / "unasked")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_measurement_times_products_of_both_precisions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[torch.dtype] = []
    clock = {"at": 0.0}
    seconds = {torch.float32: 0.001, torch.bfloat16: 0.03}

    def linear(x: torch.Tensor, w: torch.Tensor) -> None:
        assert x.dtype == w.dtype
        asked.append(x.dtype)
        clock["at"] += seconds[x.dtype] * (10 if asked.count(x.dtype) == 1 else 1)

    slowdown.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.functional, "linear", linear)
        patch.setattr("model.precision.time.perf_counter", lambda: clock["at"])
        assert slowdown("bfloat16") == pytest.approx(30.0)
        n = len(asked)
        assert slowdown("bfloat16") == pytest.approx(30.0)
        assert len(asked) == n, "measured once in a process"
    slowdown.cache_clear()
    # A slow one is not run more often than it must be.
    assert asked.count(torch.bfloat16) == 3


def test_the_real_measurement_gives_a_factor() -> None:
    took = precision._product_seconds("float32")
    assert 0 < took < 1
