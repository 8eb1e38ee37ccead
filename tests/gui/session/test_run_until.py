"""Running on to where a condition holds: one gets there, or is told that it never holds."""

from __future__ import annotations

import pytest

from gui.reading.quoting import quoted
from gui.reading.until import stop_words
from gui.session.store import Store
from model.probe.lens.asks import Lens, LensFound
from model.probe.until.asks import Until
from tests.gui.desk import Desk


def said(store: Store) -> str:
    found, model = store.run_until.found, store.model
    assert found is not None
    assert model is not None
    return stop_words(found[0], model, found[1])


def test_it_stops_where_the_top_token_changes(live_store: Store, desk: Desk) -> None:
    position = live_store.selection.position
    read = live_store.read
    assert read is not None
    lens = desk.lm.ask(list(read.subject.ids), Lens(positions=(position,)))
    assert isinstance(lens, LensFound)
    ids = lens.ids_LP[:, 0].tolist()
    first = next(i for i in range(1, len(ids)) if ids[i] != ids[i - 1])
    live_store.select(operation=0)
    live_store.run_until.start(Until("token_changes", position))
    op = live_store.operations[live_store.selection.operation]
    assert op.output == lens.names[first]
    model = live_store.model
    assert model is not None
    name = model.token_text(ids[first])
    probability = float(lens.probabilities_LP[first, 0])
    assert said(live_store) == (
        f"Block {op.layer}, {op.label}: the likeliest token becomes {quoted(name)} "
        f"({probability:.2f})."
    )
    assert not live_store.run_until.going


def test_again_goes_on_to_the_next(live_store: Store) -> None:
    live_store.select(operation=0)
    live_store.run_until.start(Until("kind", 0, kind="pattern"))
    assert live_store.selection.layer == 0
    assert live_store.run_until.again()
    assert live_store.operations[live_store.selection.operation].kind == "pattern"
    assert live_store.selection.layer == 1
    for _ in range(3):
        live_store.run_until.again()
    assert live_store.selection.layer == 3
    assert said(live_store).startswith("It never holds from here on")


def test_one_can_go_back_to_where_it_began(live_store: Store) -> None:
    live_store.select(operation=4)
    before = live_store.walking.place
    live_store.run_until.start(Until("kind", 0, kind="mlp_act"))
    assert live_store.walking.place != before
    live_store.walking.go_back()
    assert live_store.walking.place == before


def test_a_weight_selects_its_head_and_its_key(live_store: Store) -> None:
    live_store.select(operation=0)
    live_store.run_until.start(Until("weight", 0, key=0, above=0.3))
    found = live_store.run_until.found
    assert found is not None
    assert found[0].holds
    selected = live_store.selection
    assert (selected.head, selected.key) == (found[0].head, 0)
    assert f"head {selected.head} of" in said(live_store)


def test_what_was_said_is_gone_once_one_is_elsewhere(live_store: Store) -> None:
    live_store.select(operation=0)
    live_store.run_until.start(Until("kind", 0, kind="mix"))
    assert live_store.run_until.found is not None
    live_store.walking.forward()
    assert live_store.run_until.found is None


@pytest.mark.parametrize("how", ["step", "cancel", "prompt"])
def test_who_does_something_else_meanwhile_has_taken_over(
    live_store: Store, desk: Desk, how: str
) -> None:
    live_store.select(operation=0)
    desk.hold()
    live_store.run_until.start(Until("kind", 0, kind="mix"))
    assert live_store.run_until.going
    if how == "step":
        live_store.walking.forward()
    elif how == "cancel":
        live_store.run_until.cancel()
    else:
        live_store.set_prompt("Another text")
    place = live_store.selection.operation
    desk.release()
    assert not live_store.run_until.going
    assert live_store.selection.operation == place
    assert live_store.run_until.found is None


def test_cancelling_everything_ends_it_too(live_store: Store, desk: Desk) -> None:
    live_store.select(operation=0)
    desk.hold()
    live_store.run_until.start(Until("kind", 0, kind="mix"))
    live_store.asked.cancel()
    desk.release()
    assert not live_store.run_until.going
    assert live_store.run_until.problem == "Cancelled."
    assert live_store.selection.operation == 0


def test_what_cannot_be_asked_is_said(live_store: Store) -> None:
    live_store.select(operation=0)
    live_store.run_until.start(Until("kind", 0, kind="router"))
    assert not live_store.run_until.going
    assert "router" in live_store.run_until.problem
    assert live_store.selection.operation == 0
