"""The worker thread: order, replacement, cancelling, failing and ending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.session.backend import BUNDLE_SECONDS, Backend, Mailbox
from gui.session.store import Store
from model import messages as m
from model.probe.attribution.asks import Attribution
from model.probe.lens.asks import Lens
from model.probe.next_token.asks import NextToken
from model.subject import Subject
from model.train import PRESETS
from resources import STORY_WORLD
from tests.samples.counting_job import Count, CountAnew


@pytest.fixture
def backend(qtbot: QtBot) -> Iterator[Backend]:
    backend = Backend("cpu", threads=1)
    yield backend
    backend.stop()
    assert backend.wait(20)


@pytest.fixture
def store(backend: Backend) -> Store:
    store = Store(backend.submit)
    backend.result_ready.connect(store.receive)
    return store


def test_the_newest_preview_replaces_one_that_has_not_begun() -> None:
    mailbox = Mailbox()
    mailbox.put(m.ReadPrompt(text="a"))
    mailbox.put(m.SetThreads(n=1))
    mailbox.put(m.ReadPrompt(text="b"))
    taken = [mailbox.take(wait=False) for _ in range(3)]
    assert isinstance(taken[0], m.SetThreads)
    assert isinstance(taken[1], m.ReadPrompt)
    assert taken[1].text == "b"
    assert taken[2] is None


def test_questions_wait_in_order_until_each_is_given_up_by_name() -> None:
    mailbox = Mailbox()
    subject = Subject(1, None, (4, 5))
    asks = [m.Ask(subject=subject, question=NextToken(position=at)) for at in (0, 1, 0)]
    for ask in asks:
        mailbox.put(ask)
    mailbox.put(m.Cancel(target=asks[1].id))
    taken = []
    while (request := mailbox.take(wait=False)) is not None:
        taken.append(request)
    assert taken[:2] == [asks[0], asks[2]]
    assert isinstance(taken[2], m.Cancel)


def test_what_is_looked_at_later_lets_other_questions_go_first_but_nothing_else() -> None:
    mailbox = Mailbox()
    subject = Subject(1, None, (4, 5))
    lens, why = (
        m.Ask(subject=subject, question=question)
        for question in (Lens(positions=(1,)), Attribution(position=1))
    )
    first, last = (m.Ask(subject=subject, question=NextToken(position=at)) for at in (0, 1))
    opening = m.OpenModel(path="somewhere")
    for request in (lens, why, first, opening, last):
        mailbox.put(request)
    taken = [mailbox.take(wait=False) for _ in range(5)]
    assert taken == [first, lens, why, opening, last]


def test_what_is_drawn_next_is_answered_after_the_first_and_before_what_is_later() -> None:
    mailbox = Mailbox()
    subject = Subject(1, None, (4, 5))
    lens = m.Ask(subject=subject, question=Lens(positions=(1,)))
    following = [m.Ask(subject=subject, question=NextToken(at), next=True) for at in (0, 1)]
    first = m.Ask(subject=subject, question=NextToken(position=1, n=3))
    for request in (lens, *following, first):
        mailbox.put(request)
    taken = [mailbox.take(wait=False) for _ in range(4)]
    assert taken == [first, *following, lens]


def test_the_class_of_a_request_says_whether_it_is_replaced_while_it_waits() -> None:
    mailbox = Mailbox()
    kept, old, new = Count(to=1), CountAnew(to=1), CountAnew(to=2)
    for request in (kept, old, Count(to=3), new):
        mailbox.put(request)
    waiting = [mailbox.take(wait=False) for _ in range(4)]
    assert [r.to if isinstance(r, Count) else r for r in waiting] == [1, 3, 2, None]


def test_of_models_that_wait_to_be_opened_only_the_last_is() -> None:
    mailbox = Mailbox()
    for path in ("one", "two"):
        mailbox.put(m.OpenModel(path=path))
        mailbox.put(m.SaveModel(path=f"{path}-saved"))
    waiting = []
    while (request := mailbox.take(wait=False)) is not None:
        waiting.append(request)
    # What is saved is what is in view, not what was about to be.
    assert [r.path for r in waiting if isinstance(r, m.OpenModel | m.SaveModel)] == [
        "one-saved",
        "two",
        "two-saved",
    ]


def test_a_cancelled_command_is_never_begun() -> None:
    mailbox = Mailbox()
    opening = m.OpenModel(path="somewhere")
    mailbox.put(opening)
    mailbox.put(m.Cancel(target=opening.id))
    assert isinstance(mailbox.take(wait=False), m.Cancel)
    assert mailbox.take(wait=False) is None


def test_many_edits_end_with_the_newest_prompt(
    qtbot: QtBot, backend: Backend, store: Store
) -> None:
    store.opening.open(str(STORY_WORLD))
    backend.start()
    qtbot.waitUntil(lambda: store.read is not None or bool(store.prompt_problem), timeout=30_000)
    text = "The king lost his crown"
    for end in range(1, len(text) + 1):
        store.set_prompt(text[:end])
    qtbot.waitUntil(lambda: store.read is not None and store.read.text == text, timeout=10_000)


def test_the_worker_says_that_it_works_before_it_does_and_that_it_is_idle_after(
    qtbot: QtBot, backend: Backend, store: Store
) -> None:
    said: list[str] = []
    store.opening.open(str(STORY_WORLD))
    backend.start()
    qtbot.waitUntil(
        lambda: store.vocabulary is not None and store.activity.what == "idle", timeout=30_000
    )
    store.activity.changed.connect(lambda: said.append(store.activity.what))
    store.neighbours_changed.connect(lambda: said.append("answered"))
    store.find_neighbours(((1, 5),))
    qtbot.waitUntil(lambda: said[-1:] == ["idle"], timeout=10_000)
    assert said == ["working", "answered", "idle"]


def test_a_failed_request_leaves_the_worker_alive(
    qtbot: QtBot, backend: Backend, store: Store
) -> None:
    notices: list[object] = []
    store.notice_posted.connect(notices.append)
    store.opening.open("/no/such/place")
    backend.start()
    qtbot.waitUntil(lambda: bool(notices), timeout=30_000)
    store.opening.open(str(STORY_WORLD))
    qtbot.waitUntil(lambda: store.model is not None, timeout=30_000)


def test_stopping_while_training_saves_the_run(
    qtbot: QtBot, backend: Backend, store: Store, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    backend.start()
    store.run.start(PRESETS["tiny"], str(run), follow=False)
    qtbot.waitUntil(
        lambda: store.run.current is not None and len(store.run.current.steps) > 2, timeout=60_000
    )
    backend.stop()
    assert backend.wait(20)
    assert (run / "metrics.csv").is_file()
    assert list((run / "snapshots").glob("step-*/model.safetensors"))


def test_it_has_caught_up_once_the_last_request_was_dealt_with(
    qtbot: QtBot, backend: Backend, store: Store
) -> None:
    assert backend.caught_up
    store.opening.open(str(STORY_WORLD))
    assert not backend.caught_up
    backend.start()
    qtbot.waitUntil(lambda: backend.caught_up, timeout=30_000)
    qtbot.waitUntil(lambda: store.model is not None, timeout=5_000)


# -------------------------------------------------------------------------- handing over


def test_results_of_one_moment_are_handed_over_together_and_in_order(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[m.Result] = []
    bundles: list[int] = []
    backend.result_ready.connect(told.append)
    backend._bundle_ready.connect(lambda bundle: bundles.append(len(bundle)))
    working, idle = (m.Activity(request_id=0, what=what) for what in ("working", "idle"))
    refused = m.PromptRefused(request_id=1, message="No.")
    backend._tell(working)
    assert told == []
    backend._tell(refused)  # somebody waits for this one
    assert told == [working, refused]
    backend._tell(idle)
    assert len(told) == 2
    backend._hand_over()
    backend._hand_over()  # there is nothing more
    assert told == [working, refused, idle]
    assert bundles == [2, 1]


def test_what_may_wait_for_others_waits_for_a_moment_at_most(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("gui.session.backend.time.monotonic", lambda: now)
    told: list[m.Result] = []
    backend.result_ready.connect(told.append)
    first, second = (m.Activity(request_id=0, what=what) for what in ("a", "b"))
    backend._tell(first)
    now += BUNDLE_SECONDS / 2
    backend._hand_over_if_old()
    assert told == []
    now += BUNDLE_SECONDS
    backend._hand_over_if_old()
    assert told == [first]
    now += 60
    backend._tell(second)  # the moment begins with it
    assert told == [first]
