"""An opened model is compared with what transformers computes, or with a reference file."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from safetensors.torch import load_file, save_file

from model import messages as m
from model import slices
from model.checkpoint import save_checkpoint, transformers_process, verify
from model.checkpoint.verify import VerifyError
from model.engine import Engine
from model.language_model import LanguageModel, open_model
from tests.model.checkpoint.forked import forked
from tests.model.conftest import make_gpt2

T = TypeVar("T")


def finish(steps: Generator[str, None, T]) -> tuple[T, list[str]]:
    """Go to the end; the result and what was said on the way, each once."""
    said: list[str] = []

    def hear(doing: str) -> None:
        if doing not in said:
            said.append(doing)
        time.sleep(0.01)

    return slices.finish(steps, hear), said


def without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "is_installed", lambda: False)


@pytest.fixture(scope="module")
def with_reference(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with the numbers that transformers computed of it beside it."""
    folder = tmp_path_factory.mktemp("verified") / "checkpoint"
    shutil.copytree(gpt2_folder, folder)
    with forked():
        path, _ = finish(verify.write_reference(open_model(folder, "cpu", torch.float32)))
    assert path == folder / "reference.safetensors"
    return folder


@pytest.fixture
def own(with_reference: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(with_reference, tmp_path / "own"))


def test_a_model_equals_transformers(gpt2_folder: Path):
    found, said = finish(verify.verify(open_model(gpt2_folder, "cpu", torch.bfloat16), seed=3))
    assert found.equal
    assert 0 < found.max_abs_logit_difference < 1e-4
    assert found.n_tokens == 48  # the context is shorter than 64
    # Both from bfloat16 weights, computed in float32: rounding hides nothing.
    assert found.dtype == "float32"
    assert "from the bfloat16 weights" in found.notes[0]
    assert "the model is open, and what is drawn computed, in bfloat16" in found.notes[0]
    assert found.against.startswith("transformers ")
    assert said[-1] == "running the model"
    assert "importing transformers" in said


def test_a_wrong_weight_is_found(with_reference: Path, monkeypatch: pytest.MonkeyPatch):
    without_transformers(monkeypatch)
    lm = open_model(with_reference, "cpu")
    found, _ = finish(verify.verify(lm))
    assert found.equal
    assert found.against.startswith("reference.safetensors (transformers ")
    with torch.no_grad():
        lm.parameter("blocks.1.ln2.b")[3] += 0.01
    found, _ = finish(verify.verify(lm))
    assert not found.equal
    assert found.max_abs_logit_difference > 10 * found.tolerance
    with torch.no_grad():
        lm.parameter("blocks.1.ln2.b")[3] = math.nan
    found, _ = finish(verify.verify(lm))
    assert math.isnan(found.max_abs_logit_difference)
    assert not found.equal


REMEMBERS = """
import pathlib, shutil, sys
shutil.copytree(sys.argv[1], pathlib.Path(__file__).parent / "given")
open(sys.argv[4], "a").write('{"problem": "that was all"}\\n')
"""


def test_formats_that_transformers_does_not_read_are_converted_for_it(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _child(tmp_path, monkeypatch, REMEMBERS)
    lm = open_model(gpt2_folder, "cpu")
    lm.path = gpt2_folder / "model.gguf"
    with pytest.raises(VerifyError, match="that was all"):
        finish(verify.verify(lm))
    given = open_model(tmp_path / "given", "cpu")
    assert torch.equal(given.embedding, lm.embedding)
    folder, notes = verify._for_transformers(lm, tmp_path / "converted")
    assert folder == tmp_path / "converted"
    assert "does not read this format" in notes[0]


def test_what_transformers_reads_is_given_to_it_as_it_is(gpt2_folder: Path, tmp_path: Path):
    for path in (gpt2_folder, gpt2_folder / "model.safetensors"):
        lm = open_model(path, "cpu")
        assert verify._for_transformers(lm, tmp_path / "converted") == (gpt2_folder, ())


def _beside(gpt2_folder: Path, folder: Path) -> Path:
    """Another file of weights beside those that transformers takes from the folder."""
    shutil.copytree(gpt2_folder, folder)
    halved = {name: t * 0.5 for name, t in load_file(folder / "model.safetensors").items()}
    save_file(halved, folder / "tuned.safetensors", {"format": "pt"})
    return folder


def test_the_file_that_was_chosen_is_verified_and_not_the_one_beside_it(
    gpt2_folder: Path, tmp_path: Path
):
    folder = _beside(gpt2_folder, tmp_path / "two")
    lm = open_model(folder / "tuned.safetensors", "cpu")
    assert lm.path == folder / "tuned.safetensors"
    with forked():
        found, _ = finish(verify.verify(lm))
    assert found.equal
    assert found.notes == ()  # transformers read that very file


def test_shards_beside_a_whole_file_are_given_to_transformers_alone(
    gpt2_folder: Path, tmp_path: Path
):
    folder = _beside(gpt2_folder, tmp_path / "two")
    names = list(load_file(folder / "tuned.safetensors"))
    index = folder / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": dict.fromkeys(names, "part-1.bin")}))
    torch.save(load_file(folder / "tuned.safetensors"), folder / "part-1.bin")
    lm = open_model(index, "cpu")
    given, notes = verify._for_transformers(lm, tmp_path / "theirs")
    assert notes == ()
    assert sorted(f.name for f in given.iterdir()) == ["config.json", "part-1.bin", index.name]
    assert torch.equal(open_model(given, "cpu").embedding, lm.embedding)


def test_a_reference_beside_weights_of_any_name_is_not_taken_for_weights(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "named"
    shutil.copytree(gpt2_folder, folder)
    (folder / "model.safetensors").rename(folder / "mine.safetensors")
    lm = open_model(folder, "cpu")
    ids = lm.ids([1, 2, 3])
    save_file({"input_ids": ids, "logits": lm.logits(ids)}, folder / "reference.safetensors")
    without_transformers(monkeypatch)
    found, _ = finish(verify.verify(open_model(folder, "cpu")))
    assert found.equal


def test_nothing_to_compare_with_says_how_to(gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch):
    without_transformers(monkeypatch)
    with pytest.raises(VerifyError, match=r"install transformers .* reference\.safetensors beside"):
        finish(verify.verify(open_model(gpt2_folder, "cpu")))
    with pytest.raises(VerifyError, match="it is not installed"):
        finish(verify.write_reference(open_model(gpt2_folder, "cpu")))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _not_one(path: Path) -> None:
    path.write_bytes(b"no safetensors")


def _no_ids(path: Path) -> None:
    save_file({"logits": torch.zeros(1, 2, 311)}, path)


def _other_width(path: Path) -> None:
    save_file(
        {"input_ids": torch.zeros(1, 2, dtype=torch.long), "logits": torch.ones(1, 2, 9)}, path
    )


def _foreign_ids(path: Path) -> None:
    ids = torch.full((1, 2), 9_999, dtype=torch.long)
    save_file({"input_ids": ids, "logits": torch.ones(1, 2, 311)}, path)


def _too_long(path: Path) -> None:
    ids = torch.zeros(1, 60, dtype=torch.long)
    save_file({"input_ids": ids, "logits": torch.ones(1, 60, 311)}, path)


def _other_dtype(path: Path) -> None:
    save_file(load_file(path), path, {"weights": "bfloat16"})


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut, "can't be read .* write it anew"),
        (_not_one, "can't be read"),
        (_no_ids, "holds no 'input_ids'"),
        (_other_width, r"logits has shape \[1, 2, 9\], but this model gives \[1, 2, 311\]"),
        (_foreign_ids, "tokens can't be run: Token id 9999"),
        (_too_long, "tokens can't be run: 60 tokens are more"),
        (_other_dtype, "open the model in bfloat16"),
    ],
)
def test_a_reference_that_does_not_fit_is_named(
    damage: Callable[[Path], None], says: str, own: Path, monkeypatch: pytest.MonkeyPatch
):
    without_transformers(monkeypatch)
    damage(own / "reference.safetensors")
    with pytest.raises(VerifyError, match=says):
        finish(verify.verify(open_model(own, "cpu")))


def _child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Put another program in the place of the one that runs transformers."""
    path = tmp_path / "child.py"
    path.write_text(program)
    monkeypatch.setattr(transformers_process, "__file__", str(path))


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("raise SystemExit('out of memory')", r"its process ended early \(out of memory\)"),
        ("import os; os._exit(7)", r"ended early \(exit status 7\)"),
        (
            "import sys; open(sys.argv[4], 'a').write('{\"problem\": \"no such model\"}\\n')",
            "transformers can't load this model: no such model",
        ),
        (
            "import sys; open(sys.argv[4], 'a').write('{\"missing\": \"No module x\"}\\n')",
            r"not whole here \(No module x\): install transformers",
        ),
    ],
)
def test_what_goes_wrong_in_the_other_process_is_a_sentence(
    program: str,
    says: str,
    gpt2_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    _child(tmp_path, monkeypatch, program)
    with pytest.raises(VerifyError, match=says):
        finish(verify.verify(open_model(gpt2_folder, "cpu")))


def test_the_file_is_compared_with_where_transformers_fails(
    with_reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _child(tmp_path, monkeypatch, REMEMBERS)
    found, _ = finish(verify.verify(open_model(with_reference, "cpu")))
    assert found.equal
    assert found.against.startswith("reference.safetensors")
    assert found.notes == (
        "Compared with the file, because transformers can't load this model: that was all.",
    )


def test_ids_are_drawn_by_the_seed_and_leave_some_out(gpt2_folder: Path):
    lm = open_model(gpt2_folder, "cpu")
    one = verify.draw_ids(lm, 40, 1, set(range(300)))
    assert one.shape == (1, 40)
    assert 300 <= int(one.min()) <= int(one.max()) < 311
    assert torch.equal(one, verify.draw_ids(lm, 40, 1, set(range(300))))
    assert not torch.equal(one, verify.draw_ids(lm, 40, 2, set(range(300))))


# ------------------------------------------------------------------------------------ engine


@pytest.fixture
def engine(with_reference: Path) -> Engine:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    for result in engine.handle(m.OpenModel(path=str(with_reference))):
        assert not isinstance(result, m.Failed), result
    while engine.busy:
        list(engine.advance())
    return engine


def answers(engine: Engine, request: m.Request) -> list[m.Result]:
    found = list(engine.handle(request))
    while engine.busy:
        found += engine.advance()
    return found


def test_the_engine_answers_with_a_line_for_the_badge(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    without_transformers(monkeypatch)
    request = m.VerifyModel()
    *_, last = answers(engine, request)
    assert isinstance(last, m.ModelVerified)
    assert last.request_id == request.id
    assert last.equal
    assert last.line.startswith("equals reference.safetensors: max |Δ logit| ")
    assert last.line.endswith("e-6 over 48 tokens")


def test_what_cannot_be_verified_is_an_answer_too(
    engine: Engine, with_reference: Path, monkeypatch: pytest.MonkeyPatch, gpt2_folder: Path
):
    without_transformers(monkeypatch)
    answers(engine, m.OpenModel(path=str(gpt2_folder)))
    *_, last = answers(engine, m.VerifyModel())
    assert isinstance(last, m.ModelVerified)
    assert not last.equal
    assert last.line.startswith("not verified: there is nothing to compare with: install")


WAITS = (
    "import sys, time; open(sys.argv[4], 'a').write('{\"what\": \"waiting\"}\\n'); time.sleep(60)"
)


def test_other_requests_are_answered_meanwhile_and_cancel_ends_the_process(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _child(tmp_path, monkeypatch, WAITS)
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def remember(*args: object, **kwargs: object) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **kwargs))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)
    request = m.VerifyModel()
    list(engine.handle(request))
    said: list[m.Result] = []
    deadline = time.monotonic() + 20
    while not any(isinstance(r, m.Progress) and r.what == "waiting" for r in said):
        assert time.monotonic() < deadline
        said += engine.advance()
    (read,) = engine.handle(m.ReadPrompt(text="The king"))
    assert isinstance(read, m.PromptRead)
    (cancelled,) = engine.handle(m.Cancel(target=request.id))
    assert isinstance(cancelled, m.Cancelled)
    assert cancelled.request_id == request.id
    while engine.busy:  # the prompt is run, and nothing else
        assert all(result.request_id == read.request_id for result in engine.advance())
    assert [process.poll() is not None for process in started] == [True]


def test_another_model_ends_the_comparison(
    engine: Engine, tmp_path: Path, gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    _child(tmp_path, monkeypatch, WAITS)
    request = m.VerifyModel()
    list(engine.handle(request))
    found = answers(engine, m.OpenModel(path=str(gpt2_folder)))
    assert [r.request_id for r in found if isinstance(r, m.Cancelled)] == [request.id]
    assert not any(isinstance(r, m.ModelVerified) for r in found)


def test_closing_ends_the_process(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _child(tmp_path, monkeypatch, WAITS)
    list(engine.handle(m.VerifyModel()))
    for _ in range(5):
        list(engine.advance())
    began = time.monotonic()
    list(engine.close())
    assert time.monotonic() - began < 5
    assert not engine.busy


def test_the_reference_program_knows_nothing_of_this_project():
    program = Path(transformers_process.__file__).read_text()
    assert "from model" not in program
    assert "import model" not in program
    assert "trust_remote_code=False" in program


def test_code_in_a_checkpoint_is_not_run(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "evil"
    shutil.copytree(gpt2_folder, folder)
    mark = tmp_path / "it ran"
    for name in ("modeling_evil", "configuration_evil", "values", "torch"):
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "configuration_evil.EvilConfig",
        "AutoModelForCausalLM": "modeling_evil.EvilModel",
    }
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(folder)  # where `python` would look first
    monkeypatch.delenv("PYTHONPATH", raising=False)
    found, _ = finish(verify.verify(open_model(folder, "cpu")))
    assert found.equal
    assert not mark.exists()


def test_an_untied_model_is_compared_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = make_gpt2(tmp_path / "untied", None, tie_word_embeddings=False)
    lm: LanguageModel = open_model(folder, "cpu")
    with torch.inference_mode():
        ids = torch.tensor([[5, 6, 7]])
        save_file(
            {"input_ids": ids, "logits": lm.transformer(ids)}, folder / "reference.safetensors"
        )
    without_transformers(monkeypatch)
    found, _ = finish(verify.verify(lm))
    assert found.max_abs_logit_difference == 0
    assert found.against == "reference.safetensors"


def test_a_model_that_is_open_in_half_precision_is_said_to_be_compared_in_another(
    with_reference: Path, monkeypatch: pytest.MonkeyPatch
):
    without_transformers(monkeypatch)
    engine = Engine("cpu", threads=1)
    results = list(engine.start())
    for request in (m.OpenModel(path=str(with_reference)), m.VerifyModel()):
        results += list(engine.handle(request))
        while engine.busy:
            results += engine.advance()
    same = next(r for r in results if isinstance(r, m.ModelVerified))
    assert (same.dtype, same.opened, same.elsewhere) == ("float32", "float32", False)
    assert "drawn" not in same.line
    list(engine.close())
    half = m.ModelVerified(
        request_id=1,
        model_id=1,
        max_abs_logit_difference=2e-6,
        tolerance=1e-4,
        n_tokens=1,
        dtype="float32",
        opened="float16",
        against="transformers 5.2.0",
    )
    assert half.line == (
        "equals transformers in float32 (drawn: float16): max |Δ logit| 2e-6 over 1 token"
    )


def test_a_reference_holds_for_the_same_weights_in_a_wider_precision(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """On one machine a file in bfloat16 is opened so, on another in float32."""
    narrow = open_model(gpt2_folder, "cpu", torch.bfloat16)
    folder = save_checkpoint(tmp_path / "half", narrow.transformer, None, family="gpt2")
    with forked():
        finish(verify.write_reference(open_model(folder, "cpu")))
    without_transformers(monkeypatch)
    monkeypatch.setattr("model.precision.slowdown", lambda dtype: 44.0)
    lm = open_model(folder, "cpu")
    assert (lm.dtype, lm.digits) == (torch.float32, torch.bfloat16)
    found, _ = finish(verify.verify(lm))
    assert found.equal
    # Float16 weights are other numbers.
    with pytest.raises(VerifyError, match="open the model in bfloat16"):
        finish(verify.verify(open_model(folder, "cpu", torch.float16)))
