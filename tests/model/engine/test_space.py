"""Tables of vectors, asked of the worker: a model's, the prompt's in context, a file's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest

from model import messages as m
from model.engine import Engine
from model.space.files import found as limits
from model.space.maps import client
from model.space.projections.asks import TSNE, PrincipalAxes, SumPlane
from model.space.questions.asks import Suite, SuiteFound
from model.space.sources.asks import InContext, TableFile, TokenTable
from resources import STORY_WORLD
from tests.optional import needs


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    yield engine
    list(engine.close())


def ask(engine: Engine, request: m.Request) -> list[m.Result]:
    """All that comes of a request."""
    results = list(engine.handle(request))
    while engine.busy:
        results += engine.advance()
    return results


@pytest.fixture
def table(tmp_path: Path) -> TableFile:
    rows = np.random.default_rng(0).standard_normal((90, 8)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    return TableFile(str(tmp_path / "rows.npy"))


def test_a_file_is_drawn_and_asked_where_no_model_is_open(engine: Engine, table: TableFile) -> None:
    (drawn,) = ask(engine, m.ProjectVocabulary(source=table))
    assert isinstance(drawn, m.VocabularyProjected)
    rows = np.load(table.path)
    assert drawn.points.shape == (90, 3)
    assert np.allclose(drawn.norms, np.linalg.norm(rows, axis=1), atol=1e-5)
    assert drawn.labels[3] == "row 3"
    (near,) = ask(engine, m.FindNeighbours(terms=((1, 4),), source=table, metric="euclidean"))
    assert isinstance(near, m.NeighboursFound)
    away = np.linalg.norm(rows - rows[4], axis=1)
    assert list(near.ids) == np.argsort(away, kind="stable")[:12].tolist()
    question = Suite(((1, 2, 3, 4),))
    (answered,) = ask(engine, m.AskTable(source=table, question=question))
    assert isinstance(answered, m.TableAnswered)
    assert isinstance(answered.answer, SuiteFound)
    assert answered.answer.question == question


def test_a_file_is_read_once_while_it_is_looked_at(engine: Engine, table: TableFile) -> None:
    ask(engine, m.ProjectVocabulary(source=table))
    Path(table.path).unlink()
    (drawn,) = ask(engine, m.ProjectVocabulary(source=table, how=PrincipalAxes((5, 6, 7))))
    assert isinstance(drawn, m.VocabularyProjected)
    (failed,) = ask(engine, m.ProjectVocabulary(source=TableFile(table.path, 2)))
    assert isinstance(failed, m.Failed)
    assert failed.message == "rows.npy is no file."


def test_of_a_file_that_is_too_large_a_sample_is_offered(
    engine: Engine, table: TableFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_ROWS", 50)
    monkeypatch.setattr(limits, "SAMPLE_ROWS", 30)
    (large,) = ask(engine, m.ProjectVocabulary(source=table))
    assert isinstance(large, m.TableTooLarge)
    assert (large.sample, large.source) == (3, table)
    (drawn,) = ask(engine, m.ProjectVocabulary(source=TableFile(table.path, large.sample)))
    assert isinstance(drawn, m.VocabularyProjected)
    assert len(drawn.points) == 30


def test_a_newer_question_of_a_kind_takes_the_place_of_the_older(
    engine: Engine, table: TableFile
) -> None:
    first = m.AskTable(source=table, question=Suite(((1, 2, 3, 4),) * 9))
    other = m.AskTable(source=table, question=Suite(((1, 2, 3, 5),)))
    ask(engine, m.ProjectVocabulary(source=table))
    results = [*engine.handle(first), *engine.handle(other)]
    while engine.busy:
        results += engine.advance()
    assert [r.request_id for r in results if isinstance(r, m.TableAnswered)] == [other.id]


@needs("openTSNE")
def test_a_map_is_stopped_at_once_and_what_came_of_it_is_not_taken_back(
    engine: Engine, table: TableFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Popen[bytes]] = []
    start = client.start

    def noted(module: str) -> Popen[bytes]:
        started.append(start(module))
        return started[-1]

    monkeypatch.setattr(client, "start", noted)
    request = m.ProjectVocabulary(source=table, how=TSNE(steps=100_000))
    results = list(engine.handle(request))
    while not any(isinstance(r, m.VocabularyProjected) for r in results):
        assert engine.busy, results
        results += engine.advance()
    frame = results[-1]
    assert isinstance(frame, m.VocabularyProjected)
    assert 0 < frame.share < 1
    assert frame.axes.shape == (3, 0), "a map has no axes"
    near = list(engine.handle(m.FindNeighbours(terms=((1, 4),), source=table)))
    assert isinstance(near[-1], m.NeighboursFound), "what is asked meanwhile is answered"
    assert [type(r) for r in engine.handle(m.Cancel(target=request.id))] == [m.Cancelled]
    assert not engine.busy
    assert started[0].poll() is not None, "its process has ended"


def test_a_model_is_drawn_in_the_plane_of_a_sum_and_in_context(engine: Engine) -> None:
    (opened,) = [
        r for r in ask(engine, m.OpenModel(path=str(STORY_WORLD))) if isinstance(r, m.ModelOpened)
    ]
    king, man, woman, queen = (opened.info.find_token(w) for w in ("king", "man", "woman", "queen"))
    assert None not in (king, man, woman, queen)
    how = SumPlane(((1, king), (-1, man), (1, woman)))  # type: ignore[arg-type]
    drawn = ask(engine, m.ProjectVocabulary(source=TokenTable(), how=how))[-1]
    assert isinstance(drawn, m.VocabularyProjected)
    assert drawn.nearest == queen
    assert drawn.measures["look_nearer"] == 0
    read = ask(engine, m.ReadPrompt(text="The king lost his crown."))
    subject = next(r.subject for r in read if isinstance(r, m.PromptRead))
    source = InContext(subject, "k", 2, 1)
    (within,) = ask(engine, m.ProjectVocabulary(source=source))
    assert isinstance(within, m.VocabularyProjected)
    assert within.labels[1] == "·king 1"
    keys = engine.place.lm.trace("The king lost his crown.")["blocks.2.attn.hook_k"][0, :, 1]
    assert np.allclose(within.norms, keys.norm(dim=-1), atol=1e-4)
    # The vocabulary is what is drawn again while a model learns, whatever is looked at now.
    assert engine.place.matrix is not None
    assert engine.place.matrix.source == TokenTable()
