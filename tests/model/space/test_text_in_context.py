"""A text file's tokens in context are what the model holds for them, window by window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import model
from model import messages as m
from model.bench import Bench
from model.engine import Engine
from model.interventions import ScaleOutput
from model.language_model import LanguageModel
from model.slices import finish
from model.space.asking import opening
from model.space.registry import SpaceError
from model.space.sources import text as reading
from model.space.sources.asks import TextInContext
from model.space.sources.place import Place
from model.space.table import VectorTable
from resources import STORY_WORLD
from tests.model.probe.asking import Asked
from tests.small_models import small_bert

LINES = "The old king lost his crown.\nThe queen of the north saw the king.\n"


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return model.open(STORY_WORLD)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "story.txt"
    path.write_text(LINES * 20, "utf-8")
    return path


def table_of(lm: LanguageModel, source: TextInContext) -> VectorTable:
    bench = Bench()
    bench.hold(1, lm)
    tokenizer = lm.tokenizer
    assert tokenizer is not None
    return finish(opening(source, Place(bench, 1, None, {}, tokenizer.piece)))


@pytest.mark.parametrize(("part", "head"), [("resid_post", 0), ("q", 1), ("k", 1), ("v", 0)])
def test_each_window_is_read_as_a_text_of_its_own(
    lm: LanguageModel, file: Path, part: str, head: int
) -> None:
    source = TextInContext(str(file), 1, part=part, layer=1, head=head, most=200)
    table = table_of(lm, source)
    assert lm.tokenizer is not None
    ids = [token.id for token in lm.tokenizer.encode(LINES * 20, add_special=False).tokens][:200]
    window = lm.config.n_ctx
    assert table.text is not None
    assert table.text.ids_N.tolist() == ids
    assert table.text.window == window < 200
    for start in (0, window):
        some = ids[start : start + window]
        expected = lm.trace(torch.tensor([some]))[source.activation][0]
        if expected.ndim == 3:
            expected = expected[:, head * expected.shape[1] // lm.config.n_heads]
        assert np.allclose(table.rows_ND[start : start + len(some)], expected, atol=1e-4)
    assert table.text.positions_N.tolist() == [at % window for at in range(200)]
    assert table.note == f"The first 200 tokens of story.txt, read in windows of {window}."


def test_each_token_has_its_word_and_its_line(lm: LanguageModel, file: Path) -> None:
    table = table_of(lm, TextInContext(str(file), 1, most=60))
    text = table.text
    assert text is not None
    assert text.has_lines
    assert lm.tokenizer is not None
    words = [lm.tokenizer.piece(token) for token in text.ids_N.tolist()]
    assert list(table.labels) == words
    line = 1
    for at, token in enumerate(text.ids_N.tolist()):
        assert text.lines_N[at] == line
        line += lm.tokenizer.token_bytes(token).count(b"\n")
    before, after = text.around(1, 3, 2)
    assert (list(before), list(after)) == ([0], [2, 3])


def test_a_short_text_is_read_whole_and_that_is_said(lm: LanguageModel, tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("The old king", "utf-8")
    table = table_of(lm, TextInContext(str(path), 1))
    assert (len(table), table.note) == (3, "All 3 tokens of short.txt.")


def test_of_wide_vectors_there_are_fewer_and_that_is_said(
    lm: LanguageModel, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 50 * 4 * lm.config.d_model)
    table = table_of(lm, TextInContext(str(file), 1))
    assert len(table) == 50
    assert "of vectors this wide more would take over" in table.note


def test_the_beginning_is_the_same_however_little_is_read_at_first(
    lm: LanguageModel, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = table_of(lm, TextInContext(str(file), 1, most=30))
    monkeypatch.setattr(reading, "BYTES_A_TOKEN", 1)
    again = table_of(lm, TextInContext(str(file), 1, most=30))
    assert again.labels == first.labels
    assert torch.equal(again.rows_ND, first.rows_ND)


def test_tokens_around_a_text_are_read_but_have_no_row(tmp_path: Path) -> None:
    lm = model.open(small_bert(tmp_path / "bert"))
    path = tmp_path / "words.txt"
    path.write_text("the king and the queen\nthe king", "utf-8")
    source = TextInContext(str(path), 1, layer=0)
    table = table_of(lm, source)
    assert lm.tokenizer is not None
    framed = lm.tokenizer.encode("the king and the queen\nthe king")
    ids = [token.id for token in framed.tokens]
    expected = lm.trace(torch.tensor([ids]))[source.activation][0, 1:-1]
    assert np.allclose(table.rows_ND, expected, atol=1e-4)
    assert table.text is not None
    assert not table.text.has_lines  # its tokenizer drops what ends a line


def test_first_tokens_that_are_far_longer_have_no_row_and_that_is_said(
    lm: LanguageModel, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a model with attention sinks: here every first token is made one."""
    inner = reading._values

    def with_sink(*given: object) -> torch.Tensor:
        values = inner(*given).clone()  # type: ignore[arg-type]
        values[0] *= 100 * values.norm(dim=1).median() / values[0].norm()
        return values

    whole = table_of(lm, TextInContext(str(file), 1, most=200))
    monkeypatch.setattr(reading, "_values", with_sink)
    table = table_of(lm, TextInContext(str(file), 1, most=200))
    window = lm.config.n_ctx
    kept = [at for at in range(200) if at not in (0, window)]
    assert torch.equal(table.rows_ND, whole.rows_ND[kept])
    assert list(table.labels) == [whole.labels[at] for at in kept]
    assert whole.text is not None
    assert table.text is not None
    assert table.text.positions_N.tolist() == whole.text.positions_N[kept].tolist()
    assert table.text.lines_N.tolist() == whole.text.lines_N[kept].tolist()
    said = "Without the 2 first tokens of windows, 97 times as long as the others."
    assert table.note.endswith(said)


def test_interventions_are_in_force(lm: LanguageModel, file: Path) -> None:
    some = (ScaleOutput(0, "block"),)
    table = table_of(lm, TextInContext(str(file), 1, interventions=some, most=20))
    clean = table_of(lm, TextInContext(str(file), 1, most=20))
    assert not torch.equal(table.rows_ND, clean.rows_ND)


def test_what_cant_be_read_is_refused_in_a_sentence(lm: LanguageModel, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n", "utf-8")
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"a\0b")
    for path, says in (
        (empty, "is empty; there are no tokens in it"),
        (tmp_path / "gone.txt", "There is no file"),
        (binary, "is no text"),
    ):
        with pytest.raises(SpaceError, match=says):
            table_of(lm, TextInContext(str(path), 1))
    with pytest.raises(SpaceError, match="There is no layer 99"):
        table_of(lm, TextInContext(str(empty), 1, layer=99))
    with pytest.raises(SpaceError, match="No model is open"):
        finish(opening(TextInContext(str(empty), 1), Place()))
    with pytest.raises(SpaceError, match="no tokenizer"):
        finish(opening(TextInContext(str(empty), 1), Place(Asked().bench, 1)))


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    yield engine
    list(engine.close())


def test_it_is_read_in_slices_that_tell_how_far_and_can_be_given_up(
    engine: Engine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.engine.space.TELL_SECONDS", 0.0)
    opened = list(engine.handle(m.OpenModel(path=str(STORY_WORLD))))
    while engine.busy:
        opened += engine.advance()
    (info,) = [one.info for one in opened if isinstance(one, m.ModelOpened)]
    request = m.ProjectVocabulary(source=TextInContext(str(file), info.model_id, most=300))
    results = list(engine.handle(request))
    while not any(isinstance(one, m.Progress) and one.done for one in results):
        results += engine.advance()
    told = [one for one in results if isinstance(one, m.Progress)]
    assert told[-1].what == "reading story.txt L0 resid_post"
    assert told[-1].total == 300
    list(engine.handle(m.Cancel(target=request.id)))
    rest: list[m.Result] = []
    while engine.busy:
        rest += engine.advance()
    assert not any(isinstance(one, m.VocabularyProjected) for one in rest)
    again = m.ProjectVocabulary(source=request.source)
    results = list(engine.handle(again))
    while engine.busy:
        results += engine.advance()
    (drawn,) = [one for one in results if isinstance(one, m.VocabularyProjected)]
    assert drawn.text is not None
    assert drawn.points.shape == (300, 3)
    assert drawn.model_id == info.model_id
