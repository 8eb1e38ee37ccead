"""The command line: what scripts parse, and what a person is told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.control import strip_control_codes
from safetensors.torch import load_file, save_file

import model
from model.checkpoint import save_checkpoint
from model.operations import activation_names
from tests.model.cli.commands import CliRunner, make_app
from tests.model.conftest import PROMPT, TEXT
from tests.model.networks import overflowing

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


def run(*arguments: object) -> str:
    """Standard output of a command that succeeds."""
    result = CliRunner().invoke(make_app(), [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: object) -> dict[str, Any]:
    """The object that a command prints last."""
    printed = json.loads(run(*arguments, "--json").splitlines()[-1])
    assert isinstance(printed, dict)
    return printed


def refusal(*arguments: object) -> str:
    """The sentence with which a command is refused, on standard error alone."""
    result = CliRunner().invoke(make_app(), [str(argument) for argument in arguments])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    *progress, sentence = result.stderr.splitlines()
    assert not progress or arguments[0] == "train"
    return sentence


def test_help_answers_without_torch():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "model", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    commands = ("info", "trace", "generate", "verify", "convert", "train", "world", "score")
    for command in commands:
        assert command in done.stdout
    assert "typer" in done.stderr
    assert not re.search(r"\| +(torch|tokenizers|safetensors|PySide6)$", done.stderr, re.MULTILINE)


def test_a_refusal_has_no_traceback_and_exit_code_2(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "model", "info", str(tmp_path / "nowhere"), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path / 'nowhere'} does not exist; check the path.\n"
    assert done.stdout == ""


def test_info_describes_a_checkpoint(gpt2_folder: Path):
    info = run_json("info", gpt2_folder)
    assert (info["family"], info["title"]) == ("gpt2", "GPT-2")
    assert info["config"]["n_layers"] == 3
    assert info["config"]["d_mlp"] == 56
    assert list(info["parameters"]) == ["embedding", "attention", "mlp", "norm", "unembedding"]
    assert sum(info["parameters"].values()) == info["n_params"]
    assert info["parameters"]["embedding"] == (311 + 48) * 24
    assert info["parameters"]["unembedding"] == 0
    weights = load_file(gpt2_folder / "model.safetensors")
    assert info["n_params"] == sum(tensor.numel() for tensor in weights.values())
    assert info["tokenizer"]["kind"] == "byte-level BPE"
    text = run("info", gpt2_folder)
    assert f"{info['n_params']:,}" in text
    assert "GPT-2 (gpt2)" in text
    assert "byte-level BPE" in text


def test_info_describes_what_is_too_large_to_open(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = run_json("info", gpt2_folder)
    monkeypatch.setattr("model.checkpoint.opening.free_bytes", lambda device: 1_000)
    info = run_json("info", gpt2_folder)
    [note] = info.pop("notes")
    assert re.match(r"Its weights were not read: \S+ needs .* and 1 kB are free; close other", note)
    del whole["notes"]
    assert info == whole
    assert "close other programs" in refusal("generate", gpt2_folder, "--ids", "1")


def test_info_counts_an_untied_unembedding(untied_folder: Path):
    assert run_json("info", untied_folder)["parameters"]["unembedding"] == 311 * 24


def test_trace_writes_every_activation_of_a_batch(gpt2_folder: Path, tmp_path: Path):
    out = tmp_path / "trace.safetensors"
    printed = run_json("trace", gpt2_folder, "--ids", "1,2,3;4,5,6", "--out", out)
    tensors = load_file(out)
    lm = model.open(gpt2_folder, device="cpu")
    assert set(tensors) == set(activation_names(lm.config)) == set(printed["names"])
    assert tensors["input_ids"].tolist() == [[1, 2, 3], [4, 5, 6]]
    expected = lm.trace([[1, 2, 3], [4, 5, 6]])
    for name, tensor in tensors.items():
        assert torch.equal(tensor, expected[name]), name
    assert printed["shape"] == [2, 3]


@pytest.mark.parametrize("apart", [True, False], ids=["repeated", "one after another"])
def test_trace_keeps_the_names_that_are_asked_for(apart: bool, gpt2_folder: Path, tmp_path: Path):
    out = tmp_path / "trace.safetensors"
    globs = ["*.attn.hook_pattern", "blocks.0.resid_post"]
    names = ["--names", globs[0], *(["--names"] if apart else []), globs[1]]
    run("trace", gpt2_folder, "--text", PROMPT, "--out", out, "--dtype", "float64", *names)
    tensors = load_file(out)
    assert set(tensors) == {
        "input_ids",
        "logits",
        "blocks.0.hook_resid_post",
        *(f"blocks.{layer}.attn.hook_pattern" for layer in range(3)),
    }
    assert tensors["logits"].dtype == torch.float64


def test_generate_continues_a_prompt(gpt2_folder: Path):
    common = ("generate", gpt2_folder, "--prompt", PROMPT, "--max-new-tokens", 8)
    greedy = run_json(*common, "--temperature", 0)
    lm = model.open(gpt2_folder, device="cpu")
    assert greedy["ids"] == list(lm.stream(PROMPT, max_new_tokens=8, temperature=0))
    assert greedy["completion"] == lm.generate(PROMPT, max_new_tokens=8, temperature=0)
    assert greedy["text"] == PROMPT + greedy["completion"]
    assert greedy["prompt_ids"] == lm.ids(PROMPT)[0].tolist()
    assert greedy["ended"] == "max_new_tokens"
    assert run_json(*common, "--temperature", 0, "--no-cache")["ids"] == greedy["ids"]

    drawn = run_json(*common, "--temperature", 0.9, "--top-k", 20, "--top-p", 0.9, "--seed", 5)
    expected = list(lm.stream(PROMPT, 8, temperature=0.9, top_k=20, top_p=0.9, seed=5))
    assert drawn["ids"] == expected != greedy["ids"]
    shown = run(*common, "--temperature", 0)
    # A terminal must not obey what a random network writes: rich leaves out backspaces and bells.
    assert shown == strip_control_codes(greedy["text"]) + "\n"


@pytest.fixture
def without_tokenizer(gpt2_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "bare"
    shutil.copytree(gpt2_folder, folder, ignore=shutil.ignore_patterns("tokenizer*"))
    return folder


def test_generate_continues_ids_where_there_is_no_tokenizer(
    gpt2_folder: Path, without_tokenizer: Path
):
    common = ("--ids", "3,1,4", "--max-new-tokens", 5, "--temperature", 0)
    printed = run_json("generate", without_tokenizer, *common)
    lm = model.open(gpt2_folder, device="cpu")
    assert printed["prompt_ids"] == [3, 1, 4]
    assert printed["ids"] == list(lm.stream([3, 1, 4], max_new_tokens=5, temperature=0))
    assert printed["text"] is None
    shown = run("generate", without_tokenizer, *common)
    assert [int(id) for id in shown.split(",")] == [3, 1, 4, *printed["ids"]]
    # With a tokenizer the same ids are shown as the text that they stand for.
    same = run_json("generate", gpt2_folder, *common)
    assert same["ids"] == printed["ids"]
    assert lm.tokenizer is not None
    assert same["text"] == lm.tokenizer.decode([3, 1, 4, *printed["ids"]])


@pytest.mark.parametrize(("command", "option"), [("generate", "--prompt"), ("trace", "--text")])
def test_a_text_without_a_tokenizer_is_answered_by_the_option_that_takes_ids(
    command: str, option: str, without_tokenizer: Path, tmp_path: Path
):
    out = ("--out", tmp_path / "out") if command == "trace" else ()
    said = refusal(command, without_tokenizer, option, "The king", *out)
    assert said.startswith(f"{without_tokenizer} has no tokenizer")
    assert f"instead of {option}, for example --ids 1,2,3" in said


def test_what_is_not_in_the_alphabet_is_said_beside_the_result(tmp_path: Path):
    data, out = tmp_path / "text.txt", tmp_path / "run"
    data.write_text(TEXT)
    start = ("--data", data, "--tokenizer", "char", "--preset", "tiny", "--steps", 1)
    run("train", *start, "--out", out, "--device", "cpu", "--threads", 1)
    traced = ("trace", out, "--text", "The Ωing", "--out", tmp_path / "trace.safetensors")
    for command in (traced, ("generate", out, "--prompt", "The Ωing", "--max-new-tokens", 1)):
        result = CliRunner().invoke(make_app(), [str(argument) for argument in command])
        assert result.exit_code == 0
        assert "Not in the model's alphabet: 'Ω'" in result.stderr
        assert "alphabet" not in result.stdout


def test_world_writes_its_text(tmp_path: Path):
    out = tmp_path / "world.txt"
    printed = run_json("world", "--tokens", 500, "--seed", 3, "--out", out)
    text = out.read_text()
    assert printed == {
        "out": str(out),
        "tokens": printed["tokens"],
        "bytes": len(text.encode()),
        "seed": 3,
    }
    assert 500 <= printed["tokens"] < 700
    run("world", "--tokens", 500, "--seed", 3, "--out", tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_text() == text
    run("world", "--tokens", 500, "--seed", 4, "--out", tmp_path / "other.txt")
    assert (tmp_path / "other.txt").read_text() != text


def test_train_leaves_a_run_that_the_other_commands_open(tmp_path: Path):
    data, out = tmp_path / "text.txt", tmp_path / "run"
    data.write_text(TEXT)
    printed = run_json(
        *("train", "--data", data, "--tokenizer", "char", "--preset", "tiny", "--out", out),
        *("--steps", 3, "--seed", 1, "--device", "cpu", "--threads", 1),
    )
    assert {"val_loss", "steps", "seconds", "n_params", "tokens_per_second"} <= set(printed)
    assert printed["steps"] == 3
    assert printed["val_loss"] > 0
    info = run_json("info", out)
    assert info["n_params"] == printed["n_params"]
    assert info["tokenizer"]["kind"] == "characters"
    assert Path(info["path"]).name == "step-000003"


def test_score_prints_the_shares(gpt2_folder: Path):
    printed = run_json("score", gpt2_folder)
    assert {
        "gendered_analogies",
        "gendered_analogies_all_words",
        "capital_analogies",
        "facts",
        "copying",
        "pronouns",
        "bits_per_byte",
    } <= set(printed)
    # A network that has learned nothing answers next to nothing.
    assert printed["facts"] < 0.05
    assert printed["bits_per_byte"] > 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trace", "PATH", "--out", "OUT"), "Give either --text or --ids."),
        (("trace", "PATH", "--out", "OUT", "--text", "a", "--ids", "1"), "Give either --text or"),
        (("trace", "PATH", "--out", "OUT", "--ids", "1,x"), "--ids '1,x' are no token ids"),
        (("trace", "PATH", "--out", "OUT", "--ids", "1,2;3"), "different lengths"),
        (("trace", "PATH", "--out", "OUT", "--ids", "999"), "Token id 999 is outside"),
        (("trace", "PATH", "--out", "OUT", "--text", ""), "There is no token to run"),
        (("trace", "PATH", "--out", "OUT", "--ids", "1", "stray"), "What is 'stray'?"),
        (("trace", "PATH", "--out", "OUT", "--ids", "1", "--names", "x"), "matches 'x'"),
        (("trace", "PATH", "--out", "OUT/no/where", "--ids", "1"), "can't be written: No such"),
        (("generate", "PATH", "--prompt", ""), "There is no token to run"),
        (("generate", "PATH"), "Give either --prompt or --ids."),
        (("generate", "PATH", "--ids", "1;2"), "One prompt at a time"),
        (("generate", "PATH", "--prompt", "a", "--temperature", "-1"), "temperature is -1.0"),
        (("generate", "PATH", "--prompt", "a", "--top-p", "2"), "top_p is 2.0"),
        (("generate", "PATH", "--prompt", "a", "--device", "tpu"), "There is no device 'tpu'"),
        (("generate", "PATH", "--prompt", "a", "--dtype", "int8"), "There is no dtype 'int8'"),
        (
            ("world", "--out", "OUT/no/where"),
            "OUT/no/where can't be written: No such file or directory.",
        ),
        (("score", "OUT"), "does not exist"),
        (("train", "--preset", "huge", "--out", "OUT"), "huge"),
        (("train", "--data", "OUT", "--preset", "tiny", "--out", "OUT"), "OUT"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_can_not_be_done_is_said_in_a_sentence(
    arguments: tuple[str, ...], says: str, gpt2_folder: Path, tmp_path: Path
):
    out = str(tmp_path / "out")
    real = [a.replace("PATH", str(gpt2_folder)).replace("OUT", out) for a in arguments]
    assert says.replace("OUT", out) in refusal(*real)
    assert not (tmp_path / "out").exists()


def test_a_bug_keeps_its_traceback(gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("model.language_model.opening_model", broken)
    result = CliRunner().invoke(make_app(), ["info", str(gpt2_folder)])
    assert isinstance(result.exception, ZeroDivisionError)


def test_convert_without_room_offers_a_smaller_dtype(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: whole._replace(free=1_000))
    said = refusal("convert", gpt2_folder, tmp_path / "out")
    assert re.search(r"The weights take \S+ kB, and 1 kB are free in .* A smaller --dtype", said)


def test_convert_writes_what_transformers_and_verify_take(gpt2_folder: Path, tmp_path: Path):
    out = tmp_path / "out"
    found = run_json("convert", gpt2_folder, out, "--dtype", "bfloat16")
    assert found["family"] == "gpt2"
    assert found["dtype"] == "bfloat16"
    assert set(found["files"]) == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert run_json("info", out)["dtype"] == "bfloat16"
    assert (
        refusal("convert", gpt2_folder, out)
        == f"{out} exists and is not empty; choose a new folder."
    )


def test_verify_prints_the_largest_difference(gpt2_folder: Path, tmp_path: Path):
    folder = tmp_path / "own"
    shutil.copytree(gpt2_folder, folder)
    lm = model.open(folder, device="cpu")
    ids = lm.ids("The queen")
    save_file({"input_ids": ids, "logits": lm.logits(ids) + 0.25}, folder / "reference.safetensors")
    result = CliRunner().invoke(make_app(), ["verify", str(folder), "--json"])
    # transformers is installed here, so that it is what counts, and the file is left alone.
    found = json.loads(result.stdout.splitlines()[-1])
    assert result.exit_code == 0
    assert found["max_abs_logit_difference"] < 1e-4
    assert found["against"].startswith("transformers ")
    assert found["n_tokens"] == 48
    assert found["versions"]["transformers"]


def test_verify_ends_with_1_where_models_differ(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("model.checkpoint.verify.is_installed", lambda: False)
    assert "there is nothing to compare with: install transformers" in refusal(
        "verify", gpt2_folder
    )
    folder = tmp_path / "own"
    shutil.copytree(gpt2_folder, folder)
    lm = model.open(folder, device="cpu")
    ids = lm.ids("The queen")
    save_file({"input_ids": ids, "logits": lm.logits(ids) + 0.25}, folder / "reference.safetensors")
    result = CliRunner().invoke(make_app(), ["verify", str(folder)])
    assert result.exit_code == 1
    assert "differs from reference.safetensors: the largest difference of a logit is 0.25" in (
        result.stdout
    )


def test_a_run_that_is_being_trained_is_refused(tmp_path: Path):
    from model.train.claim import Claim
    from model.train.loop import train
    from model.train.presets import PRESETS

    run = tmp_path / "run"
    list(train(replace(PRESETS["tiny"], steps=2), run))
    claim = Claim.of_run(run)
    try:
        for how in (["--resume"], ["--preset", "tiny"]):
            said = refusal("train", "--out", run, *how)
            assert re.match(r"This program trains the run .* already\.", said)
    finally:
        claim.release()


@pytest.mark.parametrize(
    ("option", "word", "says"),
    [
        (
            "--tokenizer",
            "bogus",
            "no tokenizer 'bogus': give char, bpe:SIZE (for example bpe:1024)",
        ),
        (
            "--data",
            "bogus",
            "There is no file bogus. Give a text file, a folder of them, 'world' or a task.",
        ),
        ("--preset", "bogus", "There is no preset 'bogus'; known are minute"),
    ],
)
def test_a_word_that_is_nothing_is_answered_by_what_there_is(
    tmp_path: Path, option: str, word: str, says: str
):
    assert says in refusal("train", "--preset", "tiny", option, word, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


# Numbers that are not finite


@pytest.fixture
def beyond_float16(tmp_path: Path) -> Path:
    """A model in float16 whose first MLP passes float16's largest number; no tokenizer."""
    place = tmp_path / "beyond"
    return save_checkpoint(place, overflowing(), None, family="llama", dtype=torch.float16)


OVERFLOW = (
    "blocks.0.hook_mlp_out (MLP down) is the first that is not finite, at position 0. The model is "
    "open in float16, whose largest number is 65,504: open it in float32."
)


def test_what_can_not_be_generated_says_where_it_overflows_and_what_to_do(beyond_float16: Path):
    said = refusal("generate", beyond_float16, "--ids", "3,7,1", "--max-new-tokens", 2, "--json")
    assert said.startswith("The model gave NaN as a logit; there is no distribution to sample.")
    assert said.endswith(OVERFLOW)
    run("generate", beyond_float16, "--ids", "3,7,1", "--max-new-tokens", 2, "--dtype", "float32")


def test_a_trace_says_what_is_not_finite_and_in_which_precision_it_was_computed(
    beyond_float16: Path, tmp_path: Path
):
    out = tmp_path / "t.safetensors"
    command = ["trace", str(beyond_float16), "--ids", "3,7,1;4,4,2", "--out", str(out)]
    done = CliRunner().invoke(make_app(), command)
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [OVERFLOW]
    assert "of 2 × 3 tokens, computed in float16, in" in done.stdout
    found = run_json(*command)
    assert (found["dtype"], found["not_finite"]) == ("float16", OVERFLOW)
    # Also where what overflowed is none of the names that were asked for.
    found = run_json(*command, "--names", "blocks.1.attn.hook_pattern")
    assert found["not_finite"] == OVERFLOW
    # In float32 all is finite: what the mask made -inf does not count.
    wide = CliRunner().invoke(make_app(), [*command, "--dtype", "float32"])
    assert wide.stderr == ""
    assert "computed in float32" in wide.stdout
    assert load_file(out)["blocks.1.attn.hook_attn_scores"].isneginf().any()


def test_a_trace_of_one_token_is_counted_in_the_singular(beyond_float16: Path, tmp_path: Path):
    said = run("trace", beyond_float16, "--ids", "3", "--out", tmp_path / "t", "--dtype", "float32")
    assert "activations of 1 token, computed" in said


def test_what_is_opened_in_another_precision_than_its_files_is_told(
    beyond_float16: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("model.precision.slowdown", lambda dtype: 81.1)
    note = "Stored in float16, at which this processor is 81 × slower than float32 (measured)"
    found = run_json("info", beyond_float16)
    assert found["dtype"] == "float32"
    assert found["notes"] == [f"{note}: opened in float32."]
    assert note in " ".join(run("info", beyond_float16).split())
    command = ["generate", str(beyond_float16), "--ids", "3,7,1", "--max-new-tokens", "2"]
    done = CliRunner().invoke(make_app(), command)
    assert done.exit_code == 0
    assert note in done.stderr
    # A conversion writes what the file held, in the precision that it held it in.
    converted = run_json("convert", beyond_float16, tmp_path / "out")
    assert converted["dtype"] == "float16"
    before, after = (
        load_file(folder / "model.safetensors") for folder in (beyond_float16, tmp_path / "out")
    )
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_tokenizer_is_learnt_and_its_history_written(tmp_path: Path):
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    out, history = tmp_path / "tokenizer.json", tmp_path / "merges.json"
    options = ("--data", text, "--vocab-size", 300, "--out", out, "--history", history)
    told = run_json("train-tokenizer", *options)
    rows = json.loads(history.read_text(encoding="utf-8"))
    assert len(rows) == told["merges"]
    assert {"pair", "count", "text_length"} <= rows[0].keys()
    assert rows[-1]["text_length"] == told["n_tokens"]
    cut = run_json("tokenize", out, "char", "bytes", "--text", TEXT)
    learnt, characters, raw = cut["tokenizers"]
    assert learnt["n_tokens"] == told["n_tokens"] < characters["n_tokens"] == raw["n_tokens"]
    assert learnt["attention_pairs"] == told["n_tokens"] ** 2
    assert told["bytes_per_token"] == learnt["bytes_per_token"] == len(TEXT) / told["n_tokens"]


def test_tokenizers_that_cannot_be_made_or_read_are_refused_in_a_sentence(tmp_path: Path):
    out = tmp_path / "tokenizer.json"
    assert "need 257" in refusal(
        "train-tokenizer", "--data", "world", "--vocab-size", 200, "--out", out
    )
    assert "There is no file" in refusal("train-tokenizer", "--data", "none.txt", "--out", out)
    assert not out.exists()
    assert "char or bytes" in refusal("tokenize", "nowhere", "--text", "a")
    assert "--text is empty" in refusal("tokenize", "bytes", "--text", "")
