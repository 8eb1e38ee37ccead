"""One line for the list of recent files."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.preview import Preview, checkpoint_name, file_size, short_count


def test_gpt2_small_in_one_line():
    preview = Preview(
        path="/models/gpt2",
        format="safetensors",
        family="gpt2",
        title="GPT-2",
        n_params=124_439_808,
        n_layers=12,
        n_heads=12,
        tokenizer="byte-level BPE",
        dtypes=("float32",),
        file_bytes=497_774_208,
    )
    assert preview.line == (
        "GPT-2 · 124M · 12 layers × 12 heads · byte-level BPE · float32 · 498 MB"
    )


def test_what_is_not_known_is_left_out():
    assert Preview(path="x").line == ""
    assert Preview(path="x", family="zamba", file_bytes=999).line == "zamba · 999 bytes"
    assert Preview(path="x", n_layers=1, n_heads=1).line == "1 layer × 1 head"
    assert Preview(path="x", dtypes=("Q4_K", "Q6_K", "float32")).line == "Q4_K + Q6_K + float32"


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1k"),
        (860_160, "860k"),
        (999_949, "1M"),
        (1_235_814_400, "1.24B"),
        (46_702_792_704, "46.7B"),
        (99_960_000, "100M"),
        (175_181_291_520, "175B"),
    ],
)
def test_counts_have_three_digits(n: int, text: str):
    assert short_count(n) == text


def test_sizes_are_decimal_as_in_file_managers():
    assert [file_size(n) for n in (1, 999, 1000, 2_471_000_000, 9_999_000)] == [
        "1 byte",
        "999 bytes",
        "1 kB",
        "2.47 GB",
        "10 MB",
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/models/gpt2", "gpt2"),
        ("/models/gpt2/model.safetensors", "gpt2"),
        ("/models/gpt2/tuned.safetensors", "tuned.safetensors"),
        ("/runs/minute-2/snapshots/step-001200", "minute-2 · step 1,200"),
        ("/runs/snapshots/best", "best"),
        ("snapshots/step-000003", "step-000003"),
    ],
)
def test_a_snapshot_is_called_by_its_run_and_step(path: str, name: str) -> None:
    assert checkpoint_name(Path(path)) == name
