"""The verbs of a queue: planned, trained, fitted, and what scripts read of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.model.cli.commands import CliRunner, make_app

SMALL = """
[plan]
widths = [4, 8, 12, 16, 20]
d_head = 4
tokens = [640]
[recipe]
n_ctx = 8
batch_size = 2
eval_batches = 2
data_tokens = 4000
threads = 1
"""


def run_json(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(make_app(), [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout.splitlines()[-1])
    assert isinstance(printed, dict)
    return printed


def refusal(*arguments: object) -> str:
    result = CliRunner().invoke(make_app(), [*map(str, arguments)])
    assert result.exit_code == 2, result.output
    return result.stderr.splitlines()[-1]


def test_a_queue_is_planned_trained_and_fitted(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    folder = tmp_path / "queue"
    planned = run_json(
        "scaling", "plan", folder, "--plan", tmp_path / "small.toml", "--lr", 0.02, "--no-probe"
    )
    assert [size["width"] for size in planned["sizes"]] == [4, 8, 12, 16, 20]
    assert {size["state"] for size in planned["sizes"]} == {"waiting"}
    assert planned["sizes"][0]["lr"] == pytest.approx(0.02 * 64 / 4)
    assert "at least 5 sizes that are done; there are 0" in refusal("scaling", "fit", folder)
    trained = run_json("scaling", "run", folder, "--threads", 1)
    assert trained["is_done"]
    for size in trained["sizes"]:
        assert size["step"] == 40
        assert size["six_nd"] == 6 * size["n_params"] * size["tokens"]
        assert 0 < size["n_params_blocks"] < size["n_params"]
    fitted = run_json("scaling", "fit", folder, "--resamples", 20, "--count", "all")
    assert [point["N"] for point in fitted["points"]] == [s["n_params"] for s in trained["sizes"]]
    assert [point["loss"] for point in fitted["points"]] == [
        size["val_loss"] for size in trained["sizes"]
    ]
    assert fitted["alpha"]["low"] <= fitted["alpha"]["high"]
    assert {law["alpha"] for law in fitted["published"]} == {0.076, 0.34, 0.3478}
    said = CliRunner().invoke(make_app(), ["scaling", "fit", str(folder), "--resamples", "20"])
    assert "never E, A or the loss itself" in said.stdout
    table = CliRunner().invoke(make_app(), ["scaling", "run", str(folder)]).stdout
    assert table.count("done") >= 5


def test_what_can_not_be_planned_is_one_sentence(tmp_path: Path) -> None:
    plan = ("scaling", "plan", tmp_path / "queue", "--no-probe")
    assert "at least 5 different widths" in refusal(*plan, "--widths", "8,16")
    assert "are no numbers" in refusal(*plan, "--widths", "eight")
    assert "one, or at least three" in refusal(*plan, "--tokens", "500000,1000000")
    assert "holds no queue" in refusal("scaling", "fit", tmp_path)
    assert not (tmp_path / "queue").exists()
