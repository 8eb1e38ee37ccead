"""Two continuations to choose from: drawn, or refused with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from model import messages as m
from model.engine import Engine
from model.train.preferences import Preference, read_preferences
from resources import STORY_WORLD


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine("cpu", threads=1)
    list(engine.start())
    ask(engine, m.OpenModel(path=str(STORY_WORLD)))
    yield engine
    list(engine.close())


def ask(engine: Engine, request: m.Request) -> list[m.Result]:
    results = list(engine.handle(request))
    while engine.busy:
        results += engine.advance()
    return results


def test_a_pair_is_two_different_texts(engine: Engine):
    drawn = ask(engine, m.DrawPair(text="The queen", max_new_tokens=12))[-1]
    assert isinstance(drawn, m.PairDrawn)
    assert drawn.one != drawn.other


def test_a_prompt_that_fills_the_context_is_refused(engine: Engine):
    failed = ask(engine, m.DrawPair(text="The queen of the north. " * 60))[-1]
    assert isinstance(failed, m.Failed)
    assert failed.message.startswith("The prompt fills the model's context of")


def test_choices_of_an_earlier_run_of_that_name_stay(engine: Engine, tmp_path: Path):
    path = tmp_path / "runs" / "name.choices.jsonl"
    earlier, later = (Preference("The king", chosen, " sang") for chosen in (" lost", " won"))
    places = []
    for choice in (earlier, later):
        written = ask(engine, m.WriteChoices(path=str(path), choices=(choice,)))[-1]
        assert isinstance(written, m.ChoicesWritten)
        places.append(Path(written.path))
    found = [read_preferences(place.read_text(encoding="utf-8"), place.name) for place in places]
    assert found == [[earlier], [later]]
    assert places[0] == path
