"""The program begins with something worth seeing, and leaves what a person then chooses."""

from __future__ import annotations

import numpy as np
import pytest

from gui.reading.quoting import quoted
from gui.session.first_look import FirstLook
from model import messages as m
from resources import STORY_WORLD
from tests.gui.desk import PROMPT, Desk
from tests.gui.recorded import Recorded


def test_the_first_prompt_is_entered_at_the_weight_that_is_largest(desk: Desk) -> None:
    store = desk.store
    look = FirstLook(store)
    store.set_prompt(PROMPT)
    store.opening.open(str(STORY_WORLD))
    selection, shown = store.selection, store.inspected
    assert store.read is not None
    assert shown is not None
    assert selection.position == store.read.n_tokens - 1
    assert shown.name == f"blocks.{selection.layer}.attn.hook_pattern"
    assert shown.index == (0, selection.head, selection.position, selection.key)
    assert store.operations[selection.operation].output == shown.name
    recorded = Recorded(desk)
    patterns_LHS = np.stack(
        [recorded[f"blocks.{layer}.attn.hook_pattern"][0, :, -1] for layer in range(4)]
    )
    assert shown.value == pytest.approx(patterns_LHS[:, :, 1:-1].max(), rel=1e-5)
    assert shown.value == pytest.approx(recorded[shown.name][shown.index], rel=1e-5)
    assert selection.key is not None
    tokens = store.read.tokens
    assert f"{quoted(tokens[selection.position].text)} reads" in shown.note
    assert f"is {quoted(tokens[selection.key].text)}" in shown.note
    assert look is not None


def test_later_prompts_leave_the_selection_where_it_is(desk: Desk) -> None:
    store = desk.store
    look = FirstLook(store)
    store.set_prompt(PROMPT)
    store.opening.open(str(STORY_WORLD))
    store.select(layer=0, head=3)
    store.inspect(None)
    store.set_prompt(PROMPT + " crown")
    assert (store.selection.layer, store.selection.head) == (0, 3)
    assert store.inspected is None
    assert look is not None


def test_a_prompt_of_two_tokens_is_left_alone(desk: Desk) -> None:
    store = desk.store
    look = FirstLook(store)
    store.set_prompt("The")
    store.opening.open(str(STORY_WORLD))
    assert store.read is not None
    assert store.inspected is None
    assert look is not None


def test_whoever_selects_something_first_is_left_there(desk: Desk) -> None:
    store = desk.store
    look = FirstLook(store)
    store.set_prompt(PROMPT)
    held: list[m.Result] = []
    take = store.receive

    def receive(result: m.Result) -> None:
        (held.append if isinstance(result, m.Answered) else take)(result)

    store.receive = receive  # type: ignore[method-assign]
    store.opening.open(str(STORY_WORLD))
    assert held, "the strongest head was not asked for"
    store.select(layer=2, head=1)
    chosen = store.selection
    for result in held:
        take(result)
    assert store.selection == chosen
    assert store.inspected is None
    assert not store.asked.is_waiting
    assert look is not None


def test_a_prompt_that_is_typed_on_meanwhile_is_looked_at_instead(desk: Desk) -> None:
    store = desk.store
    look = FirstLook(store)
    store.set_prompt(PROMPT)
    take = store.receive

    def receive(result: m.Result) -> None:
        if not isinstance(result, m.Answered):
            take(result)

    store.receive = receive  # type: ignore[method-assign]
    store.opening.open(str(STORY_WORLD))
    store.receive = take  # type: ignore[method-assign]
    store.set_prompt(PROMPT + " crown. The king")
    assert store.inspected is not None
    assert store.inspected.subject == store.subject
    assert store.selection.position == len(Recorded(desk).ids) - 1
    assert look is not None
