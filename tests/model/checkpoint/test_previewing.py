"""What a preview says before anything is opened, and what is chosen by the memory that is free."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.checkpoint import (
    CheckpointError,
    memory,
    open_checkpoint,
    opening,
    preview,
    previewing,
)

GB = 10**9


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What is free, to be set."""
    found = {"bytes": 100 * GB}

    def free_bytes(_: str = "cpu") -> int:
        return found["bytes"]

    monkeypatch.setattr(opening, "free_bytes", free_bytes)
    monkeypatch.setattr(previewing, "free_bytes", free_bytes)
    return found


def test_a_preview_says_what_will_be_opened(gpt2_folder: Path, free: dict[str, int]):
    found = preview(gpt2_folder)
    opened = open_checkpoint(gpt2_folder)
    config = opened.transformer.config
    assert found.problem is None
    assert (found.format, found.family, found.device) == ("safetensors", "gpt2", "cpu")
    assert (found.n_layers, found.n_heads, found.n_kv_heads) == (3, 4, 4)
    assert (found.d_model, found.n_ctx, found.d_vocab) == (24, 48, 311)
    assert found.n_params == config.n_params == sum(found.parts.values())
    assert found.parts == config.parameter_counts()
    assert opened.tokenizer is not None
    assert found.tokenizer == opened.tokenizer.kind
    assert found.file_bytes == (gpt2_folder / "model.safetensors").stat().st_size
    working = 64 * 2**20
    assert found.needed == {
        "float32": 4 * config.n_params + working,
        "bfloat16": 2 * config.n_params + working,
        "float16": 2 * config.n_params + working,
    }
    assert (found.free_bytes, found.dtype, found.dtypes) == (100 * GB, "float32", ("float32",))
    assert found.line.startswith("GPT-2 · ")
    assert "3 layers × 4 heads · byte-level BPE · float32 · " in found.line


def test_a_preview_of_what_does_not_fit_says_what_is_known(own_folder: Path):
    path = own_folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"n_layer": 4}))
    found = preview(own_folder)
    assert found.problem is not None
    assert "lack 'transformer.h.3." in found.problem
    assert (found.n_layers, found.title, found.format) == (4, "GPT-2", "safetensors")
    path.write_text("{")
    found = preview(own_folder)
    assert found.problem is not None
    assert "config.json is no JSON" in found.problem
    assert (found.family, found.n_params) == ("", 0)


def test_a_preview_reads_headers_only(gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch):
    def reads(*_: Any) -> None:
        raise AssertionError("a weight was read")

    monkeypatch.setattr(opening, "read_weights", reads)
    assert preview(gpt2_folder).problem is None


# Memory


def test_the_files_dtype_is_kept_where_it_fits(own_folder: Path, free: dict[str, int]):
    tensors = load_file(own_folder / "model.safetensors")
    save_file({n: t.half() for n, t in tensors.items()}, own_folder / "model.safetensors")
    assert preview(own_folder).dtype == "float16"
    assert open_checkpoint(own_folder).dtype == torch.float16
    assert open_checkpoint(own_folder, torch.bfloat16).dtype == torch.bfloat16


def test_where_it_does_not_fit_a_smaller_dtype_is_taken_and_said(
    gpt2_folder: Path, free: dict[str, int]
):
    needed = preview(gpt2_folder).needed
    free["bytes"] = needed["float32"] - 1
    found = preview(gpt2_folder)
    assert (found.problem, found.dtype) == (None, "bfloat16")
    assert "were free: opened in bfloat16" in found.notes[-1]
    opened = open_checkpoint(gpt2_folder)
    assert opened.dtype == torch.bfloat16
    assert opened.notes == found.notes
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(gpt2_folder, torch.float32)
    assert "needs 67.2 MB of memory in float32" in str(caught.value)
    assert "open it in bfloat16, which needs 67.2 MB" in str(caught.value)


def test_where_nothing_fits_it_is_refused_before_reading(gpt2_folder: Path, free: dict[str, int]):
    free["bytes"] = 1000
    found = preview(gpt2_folder)
    assert found.problem is not None
    assert "and 1 kB are free; close other programs, or take a smaller model" in found.problem
    assert found.dtype == ""
    assert found.needed
    with pytest.raises(CheckpointError, match="close other programs"):
        open_checkpoint(gpt2_folder)


def test_free_memory_is_no_more_than_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if sys.platform != "linux":
        return
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = 1024 * int(next(li.split()[1] for li in lines if li.startswith("MemAvailable")))
    assert 0 < memory.free_bytes() < 1.05 * available
    group = tmp_path / "some" / "group"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group.parent / "memory.max").write_text("3000000\n")
    (group.parent / "memory.current").write_text("2500000\n")
    (group.parent / "memory.stat").write_text("anon 5\ninactive_file 400000\n")
    assert memory._group_free(group, "memory.max", "memory.current", "inactive_file") > 2**59
    assert (
        memory._group_free(group.parent, "memory.max", "memory.current", "inactive_file") == 900_000
    )


def test_a_limit_of_the_process_counts(gpt2_folder: Path):
    if sys.platform != "linux":
        return
    code = (
        "import resource, sys; import model.checkpoint as c; "
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize(); "
        "resource.setrlimit(resource.RLIMIT_AS, (now + 10**7, now + 10**7)); "
        "print(c.preview(sys.argv[1]).problem)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(gpt2_folder)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert "close other programs" in done.stdout


def test_memory_that_is_gone_when_it_is_taken_is_a_refusal_too(gpt2_folder: Path):
    if sys.platform != "linux":
        return
    code = (
        "import resource, sys, torch; from model.checkpoint import opening, weights; "
        "from model.checkpoint import open_checkpoint, CheckpointError\n"
        "opening.free_bytes = lambda device: 10**15\n"
        "weights._CHUNK_BYTES = 10**11  # the buffer of the reading takes far too much\n"
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + 10**9, now + 10**9))\n"
        "try: open_checkpoint(sys.argv[1], torch.bfloat16)\n"
        "except CheckpointError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(gpt2_folder)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert "needs more memory than was given on cpu; close other programs" in done.stdout


# Weights that are no numbers


def test_weights_that_are_no_numbers_open_with_a_note(own_folder: Path):
    tensors = load_file(own_folder / "model.safetensors")
    tensors["transformer.h.1.mlp.c_fc.weight"][2, 3] = torch.nan
    tensors["transformer.h.1.mlp.c_fc.weight"][2, 4] = -torch.inf
    tensors["transformer.ln_f.bias"][0] = 1e30
    save_file(tensors, own_folder / "model.safetensors")
    [note] = open_checkpoint(own_folder).notes
    assert note.startswith(
        "Tensor 'transformer.h.1.mlp.c_fc.weight' in model.safetensors holds 2 numbers that are "
        "not finite"
    )
    notes = open_checkpoint(own_folder, torch.float16).notes
    assert len(notes) == 2
    assert (
        "'transformer.ln_f.bias' in model.safetensors holds 1 number that is not finite" in notes[1]
    )
    assert "too large for float16" in notes[1]


def test_a_network_that_diverged_is_told_in_a_few_sentences(own_folder: Path):
    tensors = load_file(own_folder / "model.safetensors")
    save_file({n: t * torch.nan for n, t in tensors.items()}, own_folder / "model.safetensors")
    notes = open_checkpoint(own_folder).notes
    assert all("numbers that are not finite" in note for note in notes[:3])
    assert notes[3:] == (f"So do {len(tensors) - 3} more tensors.",)


def test_large_numbers_whose_sum_overflows_are_no_reason_for_a_note(own_folder: Path):
    tensors = load_file(own_folder / "model.safetensors")
    tensors["transformer.ln_f.bias"][:] = 3e38
    save_file(tensors, own_folder / "model.safetensors")
    assert open_checkpoint(own_folder).notes == ()


def test_quantised_by_another_tool_is_refused(own_folder: Path):
    path = own_folder / "config.json"
    extra = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    path.write_text(json.dumps(json.loads(path.read_text()) | extra))
    with pytest.raises(CheckpointError, match=r"quantised \(quantization_config\)"):
        open_checkpoint(own_folder)


def test_a_sentence_transformers_folder_of_old_is_found(gpt2_folder: Path, tmp_path: Path):
    shutil.copytree(gpt2_folder, tmp_path / "st" / "0_Transformer")
    (tmp_path / "st" / "modules.json").write_text("[]")
    assert preview(tmp_path / "st").problem is None
    assert open_checkpoint(tmp_path / "st").path == tmp_path / "st" / "0_Transformer"


def test_opening_is_a_generator_that_can_be_given_up(gpt2_folder: Path):
    steps = opening.opening(gpt2_folder)
    first = next(steps)
    assert (first.done_bytes, first.what) == (0, "reading the tokenizer")
    assert next(steps).what == f"reading {gpt2_folder.name}"
    steps.close()
