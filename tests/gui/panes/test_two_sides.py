"""While B − A is chosen, every pane draws it or says in a sentence why it draws one side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.panes import PANES
from gui.panes.base import Pane
from gui.reading.inspecting import inspected
from gui.session.store import Store
from model.interventions import ScaleOutput
from model.language_model import LanguageModel
from tests.gui.desk import Desk
from tests.small_models import small_llama

ENTRIES = {entry.key: entry for entry in PANES}
OF_NO_SIDE = {
    "prompt": "it is where texts are written",
    "training": "a run is no side",
    "interventions": "it lists what makes the sides",
    "scaling": "runs of many sizes are no sides",
    "finetune": "it is a run's own before and after",
    "preferences": "texts are chosen between, and margins are a run's",
    "curves": "a run is no side",
    "runs": "runs are no sides",
    "landscape": "a surface is of one run",
    "bpe": "a tokenizer is learned from a text of its own",
    "tokenizer": "tokenizers have a comparison of their own",
}
"""Panes of which nothing could be subtracted, each with the reason."""


def shown(key: str, store: Store, qtbot: QtBot) -> Pane:
    pane = ENTRIES[key].load()(store)
    qtbot.addWidget(pane)
    pane.resize(900, 640)
    with qtbot.waitExposed(pane):
        pane.show()
    for _ in range(3):  # what is asked once something is drawn
        pane.invalidate()
        pane.refresh_now()
    return pane


def asks_both(pane: Pane) -> bool:
    """Whether it has an answer of the other side, or one that is about both."""
    store = pane.store
    other = store.comparing.subject
    assert other is not None
    theirs = store.asked._owners[f"{pane.key}: the other side"].slots.values()
    if any(slot.answer is not None and slot.answer.subject == other for slot in theirs):
        return True
    mine = store.asked._owners[pane.key].slots.values()
    return any(hasattr(slot.question, "other") for slot in mine)


def prompts(store: Store, desk: Desk, request: pytest.FixtureRequest) -> None:
    store.comparing.compare_prompt("The old king lost his crown. The queen lost her")


def changes(store: Store, desk: Desk, request: pytest.FixtureRequest) -> None:
    store.intervening.add(ScaleOutput(0, "block"))
    store.intervening.set_view("difference")


def models(store: Store, desk: Desk, request: pytest.FixtureRequest) -> None:
    assert isinstance(request.getfixturevalue("beside"), LanguageModel)


def other_models(store: Store, desk: Desk, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue("tmp_path") / "other"
    store.opening.open(str(small_llama(folder)), beside=True)
    while store.opening.going:
        desk.advance()


KINDS: tuple[Callable[[Store, Desk, pytest.FixtureRequest], None], ...] = (
    prompts,
    changes,
    models,
    other_models,
)


@pytest.mark.parametrize("compare", KINDS)
def test_each_draws_the_difference_or_says_why_not(
    compare: Callable[[Store, Desk, pytest.FixtureRequest], None],
    live_store: Store,
    desk: Desk,
    qtbot: QtBot,
    request: pytest.FixtureRequest,
) -> None:
    compare(live_store, desk, request)
    desk.finish()
    assert live_store.comparing.shows_difference
    assert live_store.model is not None
    assert live_store.read is not None
    number = ("blocks.1.attn.hook_z", (0, 4, 1, 2))
    live_store.inspect(inspected(live_store.model, live_store.read, *number, 0.0))
    alone = []
    for key in ENTRIES:
        pane = shown(key, live_store, qtbot)
        desk.finish()
        if key in OF_NO_SIDE:
            assert not pane.alone
            pane.hide()
            continue
        if pane.alone:
            side, _, why = pane.alone.partition(": ")
            assert side == f"{live_store.comparing.sides.in_view} alone"
            assert why.endswith(".")
            alone.append(key)
        else:
            assert asks_both(pane), key
        pane.hide()
    always = {"patching", "circuit", "cost", "losses"}
    assert always <= set(alone)
    # Two models have a table of vectors each; two texts have their ways in one.
    assert ("space" in alone) == (compare in (models, other_models))
    if compare is models:
        assert set(alone) == always | {"space"}
    if compare is changes:
        assert set(alone) == always | {"model"}


def test_a_side_alone_is_no_news_where_nothing_is_subtracted(
    live_store: Store, qtbot: QtBot
) -> None:
    pane = shown("patching", live_store, qtbot)
    assert pane.alone == ""
    live_store.comparing.compare_prompt("The duke lost his crown")
    assert pane.alone.startswith("A alone: ")
    live_store.comparing.set_view("b")
    assert pane.alone == ""
