"""The store on a real engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gui.session.feature import Feature
from gui.session.state import Notice
from gui.session.store import Store
from model import messages as m
from model.train import PRESETS
from resources import STORY_WORLD
from tests.gui.desk import PROMPT, Desk
from tests.gui.session.unanswered import Unanswered, comes_into_view


def test_a_model_opens_and_its_prompt_is_read_and_run(desk: Desk, live_store: Store) -> None:
    read = live_store.read
    assert read is not None
    assert read.text == PROMPT
    text = b"".join(token.bytes for token in read.tokens).decode()
    assert text == PROMPT
    assert read.subject.ids == tuple(desk.lm.ids(PROMPT)[0].tolist())
    assert live_store.ran is not None
    assert live_store.ran.subject == read.subject
    assert live_store.vocabulary is not None
    assert live_store.selection.position == read.n_tokens - 1


def test_a_prompt_that_is_no_longer_wanted_is_dropped(desk: Desk, live_store: Store) -> None:
    old = live_store.read
    assert old is not None
    live_store.set_prompt("The boy saw")
    newer = live_store.read
    live_store.receive(old)
    assert live_store.read is newer


def test_a_failure_is_a_notice_and_the_model_stays(desk: Desk, live_store: Store) -> None:
    notices: list[Notice] = []
    live_store.notice_posted.connect(notices.append)
    before = live_store.model
    live_store.opening.open("/no/such/folder")
    assert live_store.model is before
    assert "/no/such/folder" in notices[0].message
    assert not live_store.opening.going


def test_a_device_that_cannot_be_used_is_a_warning(live_store: Store) -> None:
    notices: list[Notice] = []
    live_store.notice_posted.connect(notices.append)
    ready = m.EngineReady(
        request_id=0, torch_version="2", device="cpu", device_why="", threads=1, seconds=0.0
    )
    live_store.receive(ready)
    assert notices == []
    live_store.receive(replace(ready, device_problem="There is no CUDA GPU."))
    assert notices == [Notice("There is no CUDA GPU. Models run on CPU.", level="warning")]


def test_an_empty_prompt_says_what_to_do(live_store: Store) -> None:
    live_store.set_prompt("")
    assert live_store.read is None
    assert "empty" in live_store.prompt_problem


def test_a_selection_stays_inside_the_model_and_the_prompt(live_store: Store) -> None:
    assert live_store.model is not None
    assert live_store.read is not None
    live_store.select(layer=99, head=-3, position=1000, operation=10_000)
    chosen = live_store.selection
    config = live_store.model.config
    assert (chosen.layer, chosen.head) == (config.n_layers - 1, 0)
    assert chosen.position == live_store.read.n_tokens - 1
    assert chosen.operation == len(live_store.operations) - 1


def test_neighbours_in_a_model_that_is_no_longer_in_view_are_dropped(
    desk: Desk, live_store: Store, tmp_path: Path
) -> None:
    live_store.find_neighbours(((1, 1200),))
    answer = live_store.neighbours
    assert answer is not None
    desk.hold()
    live_store.find_neighbours(((1, 1200),))
    held, desk.held = desk.held, None
    assert held
    live_store.run.start(PRESETS["tiny"], str(tmp_path / "run"))
    while live_store.run.current is None:
        desk.advance()
    model = live_store.model
    assert model is not None
    assert model.config.d_vocab < 1200
    live_store.receive(replace(answer, request_id=held[0].id))  # as if it were the newest
    assert live_store.neighbours is None
    # The question, too, may reach an engine whose view has changed meanwhile.
    desk._take(desk.engine.handle(held[0]))
    assert live_store.neighbours is None
    assert not [r for r in desk.results if isinstance(r, m.Failed)]


def test_a_run_that_diverges_gives_the_open_model_back(
    desk: Desk, live_store: Store, tmp_path: Path
) -> None:
    before = live_store.model
    assert before is not None
    recipe = replace(PRESETS["tiny"], lr=1e30, min_lr=0.0, warmup_steps=0, grad_clip=0.0)
    live_store.run.start(recipe, str(tmp_path / "run"))
    desk.finish()
    run = live_store.run.current
    assert run is not None
    assert run.finished is not None
    assert run.finished.reason == "diverged"
    assert run.steps
    assert live_store.model is not None
    assert live_store.model.path == before.path
    assert live_store.read is not None
    assert not [r for r in desk.results if isinstance(r, m.Failed)]


def test_a_text_that_grows_ends_when_another_model_is_opened(desk: Desk, live_store: Store) -> None:
    live_store.generating.start(200, seed=1)
    desk.advance(3)
    assert live_store.generating.going
    live_store.opening.open(str(STORY_WORLD))
    desk.finish()
    assert not live_store.generating.going
    assert not desk.engine.busy


class Counted(Feature):
    """A feature that a test adds: what it needs is this class and a line in `Store`."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.n = 0

    def take(self, result: m.Result) -> bool:
        if not isinstance(result, Count):
            return False
        self.n += 1
        self.changed.emit()
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        self.n = 0
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(m.Result):
    """Its result."""


class Counting(Unanswered):
    def __init__(self) -> None:
        super().__init__()
        self.counted = Counted(self)
        self._features = (*self._features, self.counted)


def test_a_result_goes_to_the_feature_that_it_belongs_to() -> None:
    store = Counting()
    store.receive(Count(request_id=0))
    assert store.counted.n == 1


def test_every_feature_forgets_before_anyone_hears_of_another_model() -> None:
    store = Counting()
    store.receive(Count(request_id=0))
    heard: list[str] = []
    store.model_changed.connect(lambda: heard.append(f"model, {store.counted.n}"))
    store.counted.changed.connect(lambda: heard.append(f"feature, {store.counted.n}"))
    comes_into_view(store, 1)
    assert heard == ["model, 0", "feature, 0"]


def test_every_feature_of_the_store_is_asked() -> None:
    """An attribute is enough: none is left out of the dispatch."""
    store = Store(lambda _: None)
    features = [part for part in vars(store).values() if isinstance(part, Feature)]
    assert store.opening in features
    assert list(store._features) == features


def test_a_failure_of_no_feature_is_a_notice_and_a_result_of_none_an_error() -> None:
    store = Unanswered()
    store.set_threads(1)
    store.fail(store.last(m.SetThreads))
    assert [notice.message for notice in store.notices] == ["No memory is left."]
    with pytest.raises(TypeError, match="Count"):
        store.receive(Count(request_id=0))


def test_what_was_saved_is_told_with_its_path() -> None:
    store = Unanswered()
    heard: list[object] = []
    store.saving.saved.connect(heard.append)
    store.saving.save("/models/copy")
    request = store.last(m.SaveModel)
    assert request.path == "/models/copy"
    store.receive(m.Saved(request_id=request.id, path="/models/copy"))
    assert heard == ["/models/copy"]
    assert "/models/copy" in store.notices[0].message
    store.fail(request, "The disk is full.")
    assert [notice.level for notice in store.notices] == ["info", "error"]
