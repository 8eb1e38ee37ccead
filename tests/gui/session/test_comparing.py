"""One comparison: which two sides there are, which is in view, what is asked about the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from gui.session.store import Store
from model.interventions import AblateHead, Intervention
from model.subject import Subject
from resources import STORY_WORLD
from tests.gui.desk import PROMPT, Desk

HEAD = AblateHead(0, 1)
TEXT_B = "The king lost his crown. The duke lost her"


@pytest.fixture
def opened_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.engine.opening.AT_ONCE_SECONDS", 600.0)


def changed_in(subject: Subject | None) -> tuple[Intervention, ...]:
    """What a side is read under."""
    assert subject is not None
    return subject.interventions


def held(store: Store) -> set[int]:
    """Ids of both sides' models."""
    sides = (store.model, store.comparing.model)
    return {side.model_id for side in sides if side is not None}


def test_without_a_choice_before_and_after_are_compared(live_store: Store):
    comparing = live_store.comparing
    assert (comparing.kind, comparing.there, comparing.shows_difference) == (
        "changes",
        False,
        False,
    )
    live_store.intervening.add(HEAD)
    assert comparing.there
    assert live_store.subject is not None
    assert changed_in(live_store.subject) == (HEAD,)
    comparing.set_view("difference")
    assert comparing.subject == live_store.subject.of_clean()
    assert comparing.in_order("in view", "other") == ("other", "in view")
    assert comparing.minus(5, 3) == 2
    assert comparing.other_name == "before"
    comparing.set_view("a")
    assert changed_in(live_store.subject) == ()
    assert comparing.subject is None


def test_another_prompt_is_read_and_stands_beside(live_store: Store, desk: Desk):
    comparing, ids = live_store.comparing, live_store.subject and live_store.subject.ids
    comparing.compare_prompt(TEXT_B)
    assert comparing.shows_difference
    assert comparing.subject is not None
    assert live_store.subject is not None
    assert live_store.subject.ids == ids, "A stays in view"
    assert comparing.subject.ids == tuple(desk.lm.ids(TEXT_B)[0].tolist())
    assert comparing.minus(5, 3) == -2
    assert (comparing.in_view_is_b, comparing.other_name) == (False, "B")


def test_either_prompt_comes_into_view_and_is_edited_there(live_store: Store):
    comparing = live_store.comparing
    comparing.compare_prompt(TEXT_B)
    comparing.set_view("b")
    assert live_store.prompt == TEXT_B
    assert live_store.read is not None
    assert live_store.read.text == TEXT_B
    live_store.set_prompt(TEXT_B + " crown")
    comparing.set_view("a")
    assert live_store.prompt == PROMPT
    live_store.set_prompt(PROMPT + " crown")
    comparing.set_view("b")
    assert live_store.prompt == TEXT_B + " crown"
    comparing.set_view("difference")
    assert live_store.prompt == PROMPT + " crown"
    assert comparing.other is not None
    assert comparing.other.text == TEXT_B + " crown"


def test_prompts_of_other_lengths_are_aligned_and_it_is_said(live_store: Store):
    comparing = live_store.comparing
    comparing.compare_prompt("The old king lost his crown. The queen lost her")
    assert [comparing.other_position(at) for at in (0, 1, 4)] == [0, 2, 5]
    assert "are aligned by edit, 1 of B have no other side" in comparing.words


def test_the_ends_of_two_prompts_belong_together(live_store: Store):
    comparing = live_store.comparing
    comparing.compare_prompt("The king")
    assert live_store.read is not None
    assert comparing.other is not None
    last = live_store.read.n_tokens - 1
    assert comparing.other_position(last) == comparing.other.n_tokens - 1
    assert comparing.other_position(last - 1) is None


def test_two_prompts_are_compared_under_the_same_interventions(live_store: Store):
    live_store.intervening.add(HEAD)
    live_store.comparing.compare_prompt(TEXT_B)
    assert changed_in(live_store.comparing.subject) == (HEAD,)
    live_store.intervening.clear()
    assert changed_in(live_store.comparing.subject) == ()


def test_a_prompt_that_cant_be_read_says_why(live_store: Store):
    comparing = live_store.comparing
    comparing.compare_prompt("")
    assert not comparing.shows_difference
    assert comparing.words.startswith("B can't be read: The prompt is empty.")
    comparing.compare_prompt(TEXT_B)
    assert comparing.shows_difference
    assert comparing.words == ""


def test_choosing_before_or_after_ends_another_comparison(live_store: Store):
    live_store.intervening.add(HEAD)
    live_store.comparing.compare_prompt(TEXT_B)
    live_store.comparing.set_view("b")
    live_store.intervening.set_view("difference")
    assert (live_store.comparing.kind, live_store.comparing.view) == ("changes", "difference")
    assert live_store.prompt == PROMPT


def test_another_model_stands_beside_and_reads_the_same(
    live_store: Store, desk: Desk, rounded: Path, opened_at_once: None
):
    comparing, a = live_store.comparing, live_store.model
    assert a is not None
    live_store.opening.open(str(rounded), beside=True)
    b = comparing.model
    assert b is not None
    assert live_store.model is a, "A stays in view"
    assert (b.name, live_store.opened) == ("story-world-rounded", a)
    assert comparing.subject is not None
    assert live_store.subject is not None
    assert (comparing.subject.model, comparing.subject.ids) == (b.model_id, live_store.subject.ids)
    assert comparing.words == "A and B have the same architecture."
    live_store.set_prompt("The queen")
    assert comparing.subject.ids == live_store.subject.ids
    assert len(desk.engine.place.models) == 2


def test_either_model_comes_into_view(
    live_store: Store, desk: Desk, rounded: Path, opened_at_once: None
):
    comparing, a = live_store.comparing, live_store.model
    live_store.opening.open(str(rounded), beside=True)
    comparing.set_view("b")
    assert live_store.model == comparing.model
    assert desk.lm.path == rounded
    assert live_store.subject is not None
    assert comparing.model is not None
    assert live_store.subject.model == comparing.model.model_id
    assert live_store.opened == a
    comparing.set_view("difference")
    assert live_store.model == a
    assert comparing.view == "difference"
    assert comparing.shows_difference


def test_closing_the_other_model_frees_it(
    live_store: Store, desk: Desk, rounded: Path, opened_at_once: None
):
    comparing, a = live_store.comparing, live_store.model
    live_store.opening.open(str(rounded), beside=True)
    comparing.set_view("b")
    comparing.close()
    assert (comparing.kind, comparing.model, live_store.model) == ("changes", None, a)
    assert set(desk.engine.place.models) == held(live_store)
    assert len(held(live_store)) == 1


def test_a_third_model_takes_the_place_of_the_second(
    live_store: Store, desk: Desk, rounded: Path, opened_at_once: None
):
    comparing, a = live_store.comparing, live_store.model
    live_store.opening.open(str(rounded), beside=True)
    comparing.set_view("b")
    live_store.opening.open(str(STORY_WORLD), beside=True)
    assert comparing.model is not None
    assert comparing.model.path == str(STORY_WORLD)
    assert live_store.model == a
    assert set(desk.engine.place.models) == held(live_store)
    assert comparing.shows_difference


def test_another_a_is_compared_with_the_same_b(
    live_store: Store, desk: Desk, rounded: Path, opened_at_once: None
):
    comparing = live_store.comparing
    live_store.opening.open(str(rounded), beside=True)
    b = comparing.model
    comparing.set_view("b")
    live_store.opening.open(str(STORY_WORLD))
    assert live_store.model is not None
    assert live_store.model.path == str(STORY_WORLD)
    assert comparing.model == b
    assert comparing.shows_difference
    assert set(desk.engine.place.models) == held(live_store)


def test_each_model_is_compared_under_its_own_interventions(
    live_store: Store, rounded: Path, opened_at_once: None
):
    comparing = live_store.comparing
    live_store.intervening.add(HEAD)
    live_store.opening.open(str(rounded), beside=True)
    assert changed_in(comparing.subject) == ()
    comparing.set_view("b")
    live_store.intervening.add(AblateHead(1, 2))
    comparing.set_view("difference")
    assert live_store.interventions == (HEAD,)
    assert changed_in(comparing.subject) == (AblateHead(1, 2),)
