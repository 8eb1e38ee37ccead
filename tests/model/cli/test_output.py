"""Whatever the output is, a command does its work; what is escaped or lost is said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import main as window
from model.cli import output
from model.cli.app import main

ROOT = Path(__file__).resolve().parents[3]
NO_ROOM = "The output can't be written: No space left on device.\n"
on_linux = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@contextmanager
def into(path: Path | str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard output in a file and an encoding; standard error in UTF-8 beside it."""
    beside = path if path == "/dev/full" else f"{path}.errors"
    with (
        Path(path).open("w", encoding=encoding) as out,
        Path(beside).open("w", encoding="utf-8") as errors,
        monkeypatch.context() as patch,
    ):
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", errors)
        yield


def run(
    arguments: list[object], tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """Standard output and standard error of a command that succeeds."""
    monkeypatch.setattr(sys, "argv", ["model", *map(str, arguments)])
    with into(tmp_path / "out", encoding, monkeypatch), pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0, (tmp_path / "out.errors").read_text(encoding="utf-8")
    return (
        (tmp_path / "out").read_bytes().decode(encoding),
        (tmp_path / "out.errors").read_text(encoding="utf-8"),
    )


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_what_an_output_has_no_code_for_is_escaped_and_that_is_said(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    folder = shutil.copytree(gpt2_folder, tmp_path / "ünï 模型")
    out, errors = run(["info", folder], tmp_path, encoding, monkeypatch)
    assert r"\u6a21\u578b" in out
    assert ("ünï" in out) == (encoding == "cp1252"), "what can be printed is"
    assert f"{encoding} has no code for some characters" in errors
    out, errors = run(
        ["generate", gpt2_folder, "--prompt", "日本", "--max-new-tokens", 2],
        tmp_path,
        encoding,
        monkeypatch,
    )
    assert out.startswith(r"\u65e5\u672c")
    assert "PYTHONIOENCODING=utf-8" in errors


def test_json_is_ascii_and_nothing_is_said_of_it(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(gpt2_folder, tmp_path / "模型")
    out, errors = run(["info", folder, "--json"], tmp_path, "cp1252", monkeypatch)
    assert json.loads(out)["path"] == str(folder)
    assert errors == ""


def test_a_name_that_is_no_text_is_escaped_too(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(gpt2_folder, tmp_path / os.fsdecode(b"caf\xe9"))
    out, _ = run(["info", folder], tmp_path, "utf-8", monkeypatch)
    assert r"caf\udce9" in out


@on_linux
@pytest.mark.parametrize(
    ("verb", "unbuffered"), [("--help", ""), ("info", "1"), ("generate", ""), ("world", "")]
)
def test_a_full_output_is_one_sentence_and_an_exit_code(
    gpt2_folder: Path, tmp_path: Path, verb: str, unbuffered: str
) -> None:
    more: dict[str, list[object]] = {
        "info": [gpt2_folder],
        "generate": [gpt2_folder, "--prompt", "The king"],
        "world": ["--out", tmp_path / "world.txt", "--tokens", "20"],
    }
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "model", verb, *map(str, more.get(verb, ()))],
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            check=False,
        )
    assert (done.returncode, done.stderr) == (output.EXIT_CODE, NO_ROOM)
    if verb == "world":
        assert (tmp_path / "world.txt").exists(), "the work was done before it could not be told"


@on_linux
def test_a_full_standard_error_stops_no_training(
    text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = tmp_path / "run"
    arguments = ["train", "--data", text_file, "--tokenizer", "char", "--steps", 2, "--out"]
    monkeypatch.setattr(sys, "argv", ["model", *map(str, arguments), str(run_dir)])
    with into("/dev/full", "utf-8", monkeypatch), pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == output.EXIT_CODE, "its last sentence found no room"
    assert (run_dir / "metrics.csv").read_text().splitlines()[-1].startswith("2,")


@on_linux
def test_the_window_prints_nothing_that_could_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with into("/dev/full", "utf-8", monkeypatch), pytest.raises(SystemExit) as ended:
        window.main(["--help"])
    assert ended.value.code == output.EXIT_CODE


def test_who_reads_only_the_beginning_is_told_nothing(gpt2_folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "model", "info", str(gpt2_folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_what_is_said_of_a_file_does_not_go_into_it(tmp_path: Path) -> None:
    link = tmp_path / "output"  # of the test's own: a broken writer would replace what is named
    link.symlink_to("/dev/stdout")
    with (tmp_path / "world.txt").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "model", "world", "--out", str(link), "--tokens", "20"],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.PIPE,
            check=True,
        )
    assert link.is_symlink()
    assert b"words and marks" in done.stderr
    assert b"words and marks" not in (tmp_path / "world.txt").read_bytes()
    assert (tmp_path / "world.txt").stat().st_size > 50
