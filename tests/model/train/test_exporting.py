"""A run for others: TensorBoard reads its numbers, transformers its network of any step."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from model.slices import finish
from model.train.exporting import exporting_model, write_csv, writing_events
from model.train.kept_states import kept_states
from model.train.loop import train
from model.train.recipe import Recipe
from model.train.run_folder import RunError, read_metrics
from model.train.state import load_state_file
from tests.model.cli.commands import CliRunner, make_app


@pytest.fixture
def run(recipe: Recipe, tmp_path: Path) -> Path:
    list(train(replace(recipe, steps=8, eval_every=4, snapshot_every=4), tmp_path / "run"))
    return tmp_path / "run"


def events_of(folder: Path) -> list[dict[int, Any]]:
    """TensorBoard's records, read by their published layout: length, crc, bytes, crc."""
    (file,) = folder.iterdir()
    assert "tfevents" in file.name
    raw, found, at = file.read_bytes(), [], 0
    while at < len(raw):
        (n,) = struct.unpack_from("<Q", raw, at)
        found.append(dict(fields_of(raw[at + 12 : at + 12 + n])))
        at += 12 + n + 4
    return found


def fields_of(raw: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer: varints, doubles, floats and bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(raw):
        key = varint()
        if key & 7 == 0:
            value: Any = varint()
        elif key & 7 == 1:
            value, at = struct.unpack_from("<d", raw, at)[0], at + 8
        elif key & 7 == 5:
            value, at = struct.unpack_from("<f", raw, at)[0], at + 4
        else:
            n = varint()
            value, at = raw[at : at + n], at + n
        yield key >> 3, value


def test_tensorboard_reads_every_number_at_its_step(run: Path, tmp_path: Path) -> None:
    finish(writing_events(run, tmp_path / "events"))
    first, *events = events_of(tmp_path / "events")
    assert first[3] == b"brain.Event:2"
    scalars: dict[str, dict[int, float]] = {}
    texts: dict[str, list[int]] = {}
    times = []
    for event in events:
        value = dict(fields_of(dict(fields_of(event[5]))[1]))
        tag, step = value[1].decode(), event.get(2, 0)
        times.append(event[1])
        if 2 in value:
            scalars.setdefault(tag, {})[step] = value[2]
        else:
            texts.setdefault(tag, []).append(step)
    metrics = read_metrics(run)
    for name, tag in (("train_loss", "loss/train_loss"), ("lr", "run/lr")):
        expected = dict(zip(metrics["step"].tolist(), metrics[name].tolist(), strict=True))
        del expected[0]
        assert scalars[tag] == pytest.approx(expected)
    assert list(scalars["loss/val_loss"]) == [0, 4, 8]
    assert texts["recipe/text_summary"] == [0]
    assert texts["sample/text_summary"] == [8]
    assert times == sorted(times)


def test_without_the_package_it_says_what_to_install(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX.event_file_writer", None)
    with pytest.raises(RunError, match="pip install tensorboardX"):
        finish(writing_events(run, tmp_path / "events"))
    assert not (tmp_path / "events").exists()


def test_the_network_of_a_step_that_has_no_snapshot_is_had_by_repeating(
    run: Path, recipe: Recipe, tmp_path: Path
) -> None:
    every = tmp_path / "every"
    list(train(replace(recipe, steps=8, eval_every=4, snapshot_every=1), every))
    note = finish(exporting_model(run, 6, tmp_path / "model"))
    assert "repeated" in note
    exported = load_file(tmp_path / "model" / "model.safetensors")  # GPT-2's, as transformers reads
    its = load_state_file(kept_states(every)[6], "cpu").transformer
    assert torch.equal(exported["transformer.wte.weight"], its["embed.weight"])
    up = exported["transformer.h.0.mlp.c_fc.weight"].T
    assert torch.equal(up, its["blocks.0.mlp.up.weight"])


def test_the_numbers_are_a_table(run: Path, tmp_path: Path) -> None:
    with (run / "metrics.csv").open("a", encoding="utf-8") as file:
        file.write("9,4,half a r")
    out = write_csv(run, tmp_path / "out.csv")
    header, *rows = out.read_text(encoding="utf-8").splitlines()
    assert header.startswith("step,")
    assert len(rows) == 9


def test_the_command_line_writes_what_is_asked_for(run: Path, tmp_path: Path) -> None:
    def said(*arguments: str) -> Any:
        return CliRunner().invoke(make_app(), ["export-run", str(run), *arguments])

    out = tmp_path / "model"
    found = said("--csv", str(tmp_path / "n.csv"), "--model", str(out), "--step", "4", "--json")
    assert json.loads(found.stdout)["written"].keys() == {"csv", "model"}
    assert json.loads((out / "config.json").read_text(encoding="utf-8"))["training_step"] == 4
    assert "Say what to write" in said().output
    assert said("--step", "4", "--csv", str(tmp_path / "m.csv")).exit_code == 2
    assert "exists and is not empty" in said("--model", str(out)).output
