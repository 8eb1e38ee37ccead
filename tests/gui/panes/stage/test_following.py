"""Numbers are followed back to what they are made of, down to the token, and on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.panes.stage.following import selected_at
from gui.panes.stage.marks import Grid
from gui.panes.stage.pane import StagePane
from gui.panes.stage.pieces import Target, feeds
from gui.session.store import Store
from model.probe.terms.asks import Terms, TermsFound
from tests.gui.mouse import leave, move_to
from tests.gui.panes.stage.staging import click, here, select, settle, shown


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> StagePane:
    return shown(qtbot, live_store, (1200, 420))


def links(pane: StagePane) -> list[Target]:
    return [target for _, target in pane.terms.links]


def press(pane: StagePane, name: str) -> None:
    """Click the first link that leads to an activation."""
    box = next(box for box, target in pane.terms.links if target.name == name)
    click(pane.terms, box.center())
    settle(pane)


def test_what_it_feeds_is_what_reads_it(pane: StagePane) -> None:
    ops = pane.store.operations
    for op in ops:
        wanted = [other.output for other in ops if op.output in other.inputs]
        assert [p.to.name for p in feeds(op, ops) if p.to is not None] == wanted
    select(pane, "blocks.1.attn.hook_pattern")
    assert "feeds Weighted values →" in pane.terms.text


def test_a_click_on_what_it_feeds_goes_there_and_keeps_position_and_head(pane: StagePane) -> None:
    pane.store.select(position=4, head=2)
    select(pane, "blocks.1.attn.hook_q")
    press(pane, links(pane)[-1].name)
    ops = pane.store.operations
    wanted = next(op.output for op in ops if "blocks.1.attn.hook_q" in op.inputs)
    assert here(pane) == wanted
    assert (pane.store.selection.position, pane.store.selection.head) == (4, 2)


def test_a_term_leads_to_the_number_that_it_is_made_of(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_q")
    found = pane.answered("terms", TermsFound)
    assert found is not None
    factor = found.terms[0].factors[0]
    press(pane, factor.name)
    assert here(pane) == factor.name == "blocks.1.ln1.hook_normalized"
    found = pane.answered("terms", TermsFound)
    assert found is not None
    assert found.question == Terms(factor.name, factor.index)
    assert found.value == pytest.approx(factor.value, rel=1e-5)
    assert pane.view.place_of(factor.name, factor.index) is not None


def test_a_value_at_another_token_brings_that_token(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_z")
    found = pane.answered("terms", TermsFound)
    assert found is not None
    term = next(t for t in found.terms if t.at != pane.store.selection.position)
    value = term.factors[-1]
    pane.follow(Target(value.name, value.index))
    settle(pane)
    assert here(pane) == "blocks.1.attn.hook_v"
    assert pane.store.selection.position == term.at
    found = pane.answered("terms", TermsFound)
    assert found is not None
    assert found.value == pytest.approx(value.value, rel=1e-5)


def test_every_number_leads_down_to_the_id_of_a_token(pane: StagePane) -> None:
    """From a query to the tokens, by links of the line alone."""
    select(pane, "blocks.0.attn.hook_q")
    seen = [here(pane)]
    for _ in range(12):
        order = ["input_ids", "hook_embed", "hook_pos_embed"]
        back = [t.name for t in links(pane) if t.index]
        name = next((n for n in order if n in back), back[0] if back else None)
        assert name is not None, seen
        press(pane, name)
        seen.append(here(pane))
        if seen[-1] == "input_ids":
            break
    assert seen[-1] == "input_ids"
    assert "hook_embed" in seen
    assert seen[-2] == "hook_embed"
    model, read = pane.store.model, pane.store.read
    assert model is not None
    assert read is not None
    # And all the way back.
    for wanted in reversed(seen[:-1]):
        pane.store.walking.go_back()
        assert here(pane) == wanted


def test_the_embedding_names_the_token_whose_row_it_is(pane: StagePane) -> None:
    select(pane, "hook_embed")
    model, read = pane.store.model, pane.store.read
    assert model is not None
    assert read is not None
    id = read.subject.ids[pane.store.selection.position]
    assert f"token {id:,} {model.token_text(id)}" in pane.terms.text
    press(pane, "input_ids")
    assert here(pane) == "input_ids"


def test_keys_go_from_link_to_link_and_follow_one(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_q")
    pane.terms.setFocus()
    first, second = links(pane)[:2]
    QTest.keyClick(pane.terms, Qt.Key.Key_Right)
    QTest.keyClick(pane.terms, Qt.Key.Key_Right)
    assert pane.terms._lit == 1
    QTest.keyClick(pane.terms, Qt.Key.Key_Left)
    QTest.keyClick(pane.terms, Qt.Key.Key_Return)
    assert here(pane) == first.name
    assert second in links(pane) or pane.terms._lit is None


def test_a_link_under_the_mouse_has_the_hand(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_q")
    box, _ = pane.terms.links[0]
    move_to(pane.terms, box.center().toPoint())
    assert pane.terms.cursor().shape() == Qt.CursorShape.PointingHandCursor
    move_to(pane.terms, pane.terms.rect().topLeft())
    assert pane.terms.cursor().shape() == Qt.CursorShape.ArrowCursor


def told(pane: StagePane) -> Terms:
    """Of which number the line tells."""
    found = pane.answered("terms", TermsFound)
    assert found is not None
    assert isinstance(found.question, Terms)
    return found.question


def test_a_number_that_was_clicked_stays_in_the_line_so_that_its_terms_can_be_followed(
    pane: StagePane,
) -> None:
    select(pane, "blocks.1.attn.hook_q")
    position, head = pane.store.selection.position, pane.store.selection.head
    wanted = Terms("blocks.1.attn.hook_q", (0, position, head, 3))
    assert told(pane) != wanted
    place = pane.view.place_of(wanted.of, wanted.index)
    assert place is not None
    click(pane.view.viewport(), place.center())
    leave(pane.view.viewport())
    settle(pane)
    assert told(pane) == wanted
    pane.store.walking.forward()
    pane.store.walking.back()
    settle(pane)
    assert told(pane) != wanted, "elsewhere it is forgotten"


def test_a_click_on_a_number_that_is_read_goes_to_where_it_was_written(pane: StagePane) -> None:
    select(pane, "blocks.1.attn.hook_attn_scores")
    key = next(
        mark.panel
        for mark in pane.view.marks
        if isinstance(mark, Grid) and mark.panel.name == "blocks.1.attn.hook_k"
    )
    index = key.place(1, 4)
    place = pane.view.place_of(key.name, index)
    assert place is not None
    assert "go to where it was written" in pane.view.tooltip(place.center().toPoint())
    click(pane.view.viewport(), place.center())
    leave(pane.view.viewport())
    settle(pane)
    assert here(pane) == key.name
    assert pane.store.selection.position == index[1]
    assert told(pane) == Terms(key.name, index)


def test_of_heads_that_share_keys_the_selected_one_stays(opened: Callable[..., Store]) -> None:
    store = opened("mixtral")
    assert store.model is not None
    config, ops = store.model.config, store.operations
    assert config.n_kv_heads < config.n_heads
    key = next(op.output for op in ops if op.kind == "key")
    share = config.n_heads // config.n_kv_heads
    kept = selected_at(Target(key, (0, 1, 0, 2)), ops, config, share - 1)
    assert kept is not None
    assert "head" not in kept
    other = selected_at(Target(key, (0, 1, 1, 2)), ops, config, 0)
    assert other is not None
    assert (other["head"], other["position"]) == (share, 1)
    assert selected_at(Target("nothing"), ops, config, 0) is None


def test_a_norm_without_a_weight_multiplies_with_none(
    qtbot: QtBot, opened: Callable[..., Store]
) -> None:
    pane = shown(qtbot, opened("nanochat"), (1200, 420))
    for op in pane.store.operations:
        select(pane, op.output)
        if op.kind != "norm":
            continue
        made_of, _, _ = pane.terms.text.partition("; feeds")
        assert "÷" in made_of, op.output
        assert "×" not in made_of, op.output
