"""A tokenizer in a process of its own answers as one in this process does, and can be given up."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model import messages as m
from model.engine import Engine
from model.slices import finish
from model.tokenizer.client import TokenizerApart, building
from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from tests.small_models import word_pieces


def built(constructor: str, *arguments: Any) -> Tokenizer | None:
    return finish(building(constructor, arguments))


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Popen[bytes]]:
    """Those that were started."""
    started: list[Popen[bytes]] = []

    def start(*arguments: Any, **options: Any) -> Popen[bytes]:
        started.append(Popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr("model.tokenizer.client.subprocess.Popen", start)
    return started


@pytest.fixture(params=["byte level", "word pieces"], scope="module")
def folder(
    request: pytest.FixtureRequest, bpe: Tokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    if request.param == "byte level":
        bpe.save(folder)
    else:
        word_pieces(folder)
    return folder


@pytest.fixture(scope="module")
def here(folder: Path) -> Tokenizer:
    return Tokenizer.from_folder(folder)


@pytest.fixture(scope="module")
def apart(folder: Path) -> Iterator[Tokenizer]:
    tokenizer = built("from_folder", folder)
    assert isinstance(tokenizer, TokenizerApart)
    yield tokenizer
    tokenizer._process.end()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(), add_special=st.booleans())
def test_any_text_is_cut_as_in_this_process(
    here: Tokenizer, apart: Tokenizer, text: str, add_special: bool
):
    one, other = here.encode(text, add_special), apart.encode(text, add_special)
    assert one.ids == other.ids
    assert one.tokens == other.tokens
    assert one.text == other.text
    assert one.notes == other.notes
    assert here.decode(one.ids) == apart.decode(one.ids)


def test_lone_surrogates_are_noted(apart: Tokenizer):
    assert "lone surrogate" in apart.encode("a\ud800").notes[0]


def test_every_public_attribute_is_the_same(here: Tokenizer, apart: Tokenizer, tmp_path: Path):
    asked: dict[str, Callable[[Tokenizer], Any]] = {
        "decode_after": lambda t: t.decode_after([5], [6, 7]),
        "piece": lambda t: [t.piece(id) for id in range(t.n_tokens + 2)],
        "token_bytes": lambda t: [t.token_bytes(id) for id in range(t.n_tokens + 2)],
        "to_json": lambda t: t.to_json(),
        "settings": lambda t: t.settings(),
        "encode": lambda t: t.encode("The king").ids,
        "decode": lambda t: t.decode([5, 6]),
        "replay": lambda t: t.replay("The king"),
        "save": lambda t: _saved(t, tmp_path),
    }
    methods = {
        name: member
        for name, member in vars(Tokenizer).items()
        if not name.startswith("_") and not isinstance(member, classmethod | staticmethod)
    }
    for name, member in methods.items():
        if isinstance(member, property | cached_property):
            assert getattr(here, name) == getattr(apart, name), name
        else:
            assert inspect.isfunction(member)
            ask = asked[name]  # a new method needs a line above, and an answer apart
            assert ask(here) == ask(apart), name
    assert here.notes == apart.notes


def _saved(tokenizer: Tokenizer, folder: Path) -> dict[str, str]:
    tokenizer.save(folder)
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def test_a_negative_id_is_refused(apart: Tokenizer):
    with pytest.raises(ValueError, match="-3 is negative"):
        apart.decode([1, -3])


def test_a_damaged_file_gives_the_same_sentence(bpe: Tokenizer, tmp_path: Path):
    bpe.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text(encoding="utf-8")[:-200], encoding="utf-8")
    with pytest.raises(TokenizerError) as one:
        Tokenizer.from_folder(tmp_path)
    with pytest.raises(TokenizerError) as other:
        built("from_folder", tmp_path)
    assert str(one.value) == str(other.value)


def test_metadata_that_name_no_tokenizer_give_none(processes: list[Popen[bytes]]):
    assert built("from_gguf", {"general.name": "x"}, "a.gguf") is None
    assert processes[0].poll() is not None


def test_giving_up_ends_the_process(processes: list[Popen[bytes]], bpe: Tokenizer, tmp_path: Path):
    bpe.save(tmp_path)
    steps = building("from_folder", (tmp_path,))
    next(steps)
    assert len(processes) == 1
    steps.close()
    assert processes[0].poll() is not None


def test_the_process_ends_with_the_tokenizer(
    processes: list[Popen[bytes]], bpe: Tokenizer, tmp_path: Path
):
    bpe.save(tmp_path)
    tokenizer = built("from_folder", tmp_path)
    assert processes[0].poll() is None
    del tokenizer
    gc.collect()
    assert processes[0].poll() is not None


def test_what_a_library_prints_there_is_no_answer(
    bpe: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    chatty = """
import os
from model.tokenizer.tokenizer import Tokenizer

build = Tokenizer.from_folder

def from_folder(folder):
    os.write(1, b"100 % of the vocabulary")
    return build(folder)

Tokenizer.from_folder = from_folder
"""
    (tmp_path / "sitecustomize.py").write_text(chatty, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    bpe.save(tmp_path)
    tokenizer = built("from_folder", tmp_path)
    assert isinstance(tokenizer, TokenizerApart)
    assert tokenizer.encode("king").ids == bpe.encode("king").ids


def test_a_process_that_dies_is_told_in_a_sentence(
    processes: list[Popen[bytes]], bpe: Tokenizer, tmp_path: Path
):
    bpe.save(tmp_path)
    tokenizer = built("from_folder", tmp_path)
    assert tokenizer is not None
    processes[0].kill()
    processes[0].wait()
    for _ in range(2):
        with pytest.raises(TokenizerError, match="process has ended"):
            tokenizer.encode("king")


def test_where_no_process_can_be_started_it_is_built_here(
    bpe: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*arguments: Any, **options: Any) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("model.tokenizer.client.subprocess.Popen", refuse)
    bpe.save(tmp_path)
    tokenizer = built("from_folder", tmp_path)
    assert tokenizer is not None
    assert not isinstance(tokenizer, TokenizerApart)
    assert tokenizer.encode("king").ids == bpe.encode("king").ids


def test_the_engine_opens_a_large_one_apart_and_can_be_told_to_stop(
    processes: list[Popen[bytes]], gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    engine = Engine("cpu", threads=1)
    list(engine.start())
    list(engine.handle(m.OpenModel(path=str(gpt2_folder))))
    assert not processes  # it is small
    list(engine.handle(m.ReadPrompt(text="The king")))
    while engine.busy:
        list(engine.advance())

    monkeypatch.setattr("model.checkpoint.sources.source.LARGE_BYTES", 0)
    monkeypatch.setattr("model.engine.opening.AT_ONCE_BYTES", 0)
    request = m.OpenModel(path=str(gpt2_folder))
    list(engine.handle(request))
    while not processes:
        list(engine.advance())
    # Others are answered meanwhile, and it is given up within a slice.
    [read] = engine.handle(m.ReadPrompt(text="The king"))
    assert isinstance(read, m.PromptRead)
    list(engine.handle(m.Cancel(target=request.id)))
    assert processes[0].poll() is not None
    while engine.busy:  # the prompt is run
        list(engine.advance())

    list(engine.handle(m.OpenModel(path=str(gpt2_folder))))
    while engine.busy:
        list(engine.advance())
    [again] = engine.handle(m.ReadPrompt(text="The king"))
    assert isinstance(again, m.PromptRead)
    assert processes[1].poll() is None
    assert [token.bytes for token in again.tokens] == [token.bytes for token in read.tokens]
    list(engine.close())
    del engine, again, read
    gc.collect()
    assert processes[1].poll() is not None
