"""Learning a byte-pair encoding in the worker: slice by slice, given up, refused, written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model import messages as m
from model.engine import Engine
from model.tokenizer.bpe_history import BpeSettings
from model.tokenizer.bpe_training import learn_bpe, words_of
from model.tokenizer.tokenizer import Tokenizer
from tests.model.conftest import TEXT


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    yield engine
    list(engine.close())


def ask(engine: Engine, request: m.Request) -> list[m.Result]:
    results = list(engine.handle(request))
    while engine.busy:
        results += engine.advance()
    return results


def test_the_history_and_how_the_text_begins_come_back(engine: Engine, tmp_path: Path):
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    for request in (m.LearnBpe(text=TEXT), m.LearnBpe(path=str(file))):
        learnt = ask(engine, request)[-1]
        assert isinstance(learnt, m.BpeLearnt)
        assert learnt.history.counts.tolist() == learn_bpe(TEXT).counts.tolist()
        assert learnt.words == words_of(TEXT)


def test_it_is_given_up_where_nobody_waits(engine: Engine):
    request = m.LearnBpe(world_tokens=10**7)
    results = list(engine.handle(request))
    for _ in range(3):
        results += engine.advance()
    assert any(isinstance(r, m.Progress) for r in results)
    results = ask(engine, m.Cancel(target=request.id))
    assert any(isinstance(r, m.Cancelled) and r.request_id == request.id for r in results)
    assert not engine.busy


def test_a_newer_text_replaces_the_one_that_is_learnt(engine: Engine):
    long = m.LearnBpe(world_tokens=10**7)
    list(engine.handle(long))
    results = ask(engine, m.LearnBpe(text=TEXT))
    assert [type(r) for r in results if r.request_id == long.id] == [m.Cancelled]
    assert isinstance(results[-1], m.BpeLearnt)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (m.LearnBpe(), "The text is empty"),
        (m.LearnBpe(path="nowhere.txt"), "There is no file nowhere.txt"),
        (m.LearnBpe(text="a", settings=BpeSettings(100)), "is too small"),
    ],
)
def test_what_cannot_be_learnt_is_a_sentence(engine: Engine, request_: m.LearnBpe, sentence: str):
    failed = ask(engine, request_)[-1]
    assert isinstance(failed, m.Failed)
    assert sentence in failed.message


def test_the_tokenizer_is_written_whole(engine: Engine, tmp_path: Path):
    history = learn_bpe(TEXT, BpeSettings(300))
    path, text = tmp_path / "t.json", tmp_path / "t.txt"
    written = ask(
        engine,
        m.WriteTokenizer(
            history=history, n_merges=5, path=str(path), text=TEXT, text_path=str(text)
        ),
    )[-1]
    assert isinstance(written, m.TokenizerWritten)
    assert written.vocab_size == Tokenizer.from_file(path).n_tokens == 262
    assert text.read_text(encoding="utf-8") == TEXT
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.json", "t.txt"]


def test_a_text_that_lies_where_the_tokenizers_text_belongs_stays(engine: Engine, tmp_path: Path):
    (tmp_path / "corpus.txt").write_text("a person's own", encoding="utf-8")
    request = m.WriteTokenizer(
        history=learn_bpe(TEXT, BpeSettings(300)),
        n_merges=5,
        path=str(tmp_path / "corpus.json"),
        text=TEXT,
        text_path=str(tmp_path / "corpus.txt"),
    )
    for _ in range(2):  # the second time its own text is there already
        written = ask(engine, request)[-1]
        assert isinstance(written, m.TokenizerWritten)
        assert written.text_path == str(tmp_path / "corpus-2.txt")
    assert (tmp_path / "corpus.txt").read_text(encoding="utf-8") == "a person's own"
    assert (tmp_path / "corpus-2.txt").read_text(encoding="utf-8") == TEXT
    assert len(list(tmp_path.iterdir())) == 3
