"""Runs that are killed for real, by every signal, are the run that was left alone."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from model.train.loop import train
from model.train.presets import PRESETS
from model.train.run_folder import snapshots
from tools.kills import differences, main


@pytest.mark.skipif(sys.platform == "win32", reason="only POSIX sends signals so")
def test_a_few_kills_by_every_signal_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["4", "--seed", "21", "--signals", "KILL,TERM,INT", "--steps", "400"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "seed 21" in said.splitlines()[0]
    assert "the same" in said
    assert "every curve, sample and weight" in said.splitlines()[-1]


def test_what_differs_is_named(tmp_path: Path) -> None:
    list(train(PRESETS["tiny"], tmp_path / "whole"))
    run = tmp_path / "run"
    shutil.copytree(tmp_path / "whole", run)
    assert differences(run, tmp_path / "whole") == []
    metrics = run / "metrics.csv"
    lines = metrics.read_text(encoding="utf-8").splitlines()
    metrics.write_text("\n".join(lines[:50] + lines[51:]) + "\n", encoding="utf-8")
    weights = snapshots(run)[-1][1] / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    (run / "samples.jsonl").write_bytes(b"")
    (run / "snapshots" / ".step-000025.part").mkdir()
    found = differences(run, tmp_path / "whole")
    assert [sentence.split(" ")[0] for sentence in found] == [
        "metrics.csv",
        "samples.jsonl",
        "the",
        "left",
    ]
    assert "50," in found[0]
