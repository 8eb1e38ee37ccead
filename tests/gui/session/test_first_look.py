"""The program begins with something worth seeing, and leaves what a person then chooses."""

from __future__ import annotations

import numpy as np

from gui.session.first_look import FirstLook
from resources import STORY_WORLD
from tests.gui.desk import PROMPT, Desk


def test_the_first_trace_is_entered_at_the_weight_that_is_largest(desk: Desk) -> None:
    store = desk.store
    look = FirstLook(store)
    store.set_prompt(PROMPT)
    store.opening.open(str(STORY_WORLD))
    trace, selection, shown = store.trace, store.selection, store.inspected
    assert trace is not None
    assert shown is not None
    assert selection.position == trace.n_tokens - 1
    assert shown.name == f"blocks.{selection.layer}.attn.hook_pattern"
    assert shown.index == (0, selection.head, selection.position, selection.key)
    assert store.operations[selection.operation].output == shown.name
    patterns_LHS = np.stack(
        [trace.activations[f"blocks.{layer}.attn.hook_pattern"][0, :, -1] for layer in range(4)]
    )
    assert shown.value == patterns_LHS[:, :, 1:-1].max()
    assert shown.value == trace.activations[shown.name][shown.index]
    assert look is not None


def test_later_traces_leave_the_selection_where_it_is(desk: Desk) -> None:
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
    assert store.trace is not None
    assert store.inspected is None
    assert look is not None
