"""The list of interventions: what is on the screen follows it, and every change can be undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gui.session.intervening import Entry
from gui.session.state import Notice
from gui.session.store import Store
from model import messages as m
from model.interventions import (
    AblateHead,
    CutEdge,
    PatchActivation,
    RemoveMask,
    RemoveResidual,
    ScaleHead,
    Steer,
)
from model.train.recipe import Recipe
from resources import STORY_WORLD
from tests.gui.desk import Desk

HEAD, MASK = AblateHead(0, 1), RemoveMask(2)


@pytest.fixture
def told(live_store: Store) -> list[Notice]:
    notices: list[Notice] = []
    live_store.notice_posted.connect(notices.append)
    return notices


def under(store: Store) -> tuple[object, ...]:
    """What the prompt in view is read under."""
    assert store.subject is not None
    assert store.subject.interventions == store.interventions == store.intervening.applied
    return store.subject.interventions


def test_what_is_on_is_done_in_its_order(live_store: Store):
    changing = live_store.intervening
    changing.add(HEAD, MASK)
    assert under(live_store) == (HEAD, MASK)
    changing.switch(0, on=False)
    assert under(live_store) == (MASK,)
    changing.switch(0, on=True)
    changing.remove(1)
    assert under(live_store) == (HEAD,)
    changing.clear()
    assert under(live_store) == ()


def test_toggling_does_it_and_takes_it_back(live_store: Store):
    changing = live_store.intervening
    changing.toggle(HEAD)
    assert under(live_store) == (HEAD,)
    changing.toggle(HEAD)
    assert changing.entries == ()
    changing.add(HEAD)
    changing.switch(0, on=False)
    changing.toggle(HEAD)  # it is there, and off: now it is on, and once
    assert list(changing.entries) == [Entry(HEAD)]


def test_every_change_is_undone_and_done_again(live_store: Store):
    changing = live_store.intervening
    seen = [changing.entries]
    for change in (
        lambda: changing.add(HEAD),
        lambda: changing.add(MASK),
        lambda: changing.switch(0, on=False),
        lambda: changing.exchange(0, ScaleHead(0, 1, 0.5)),
        lambda: changing.remove(1),
        changing.clear,
    ):
        change()
        seen.append(changing.entries)
    for entries in seen[-2::-1]:
        changing.undo()
        assert changing.entries == entries
        under(live_store)
    assert not changing.can_undo
    changing.undo()  # nothing more
    for entries in seen[1:]:
        changing.redo()
        assert changing.entries == entries
    assert not changing.can_redo
    changing.undo()
    changing.add(CutEdge(0, 3, 1, 0))
    assert not changing.can_redo, "another way was taken"


def test_a_slider_that_was_moved_is_one_step(live_store: Store):
    changing = live_store.intervening
    changing.add(HEAD)
    for factor in (0.1, 0.2, 0.3):
        changing.exchange(0, ScaleHead(0, 1, factor), moving=True)
    assert under(live_store) == (ScaleHead(0, 1, 0.3),)
    changing.settle()
    changing.exchange(0, ScaleHead(0, 1, 0.4), moving=True)
    changing.undo()
    assert under(live_store) == (ScaleHead(0, 1, 0.3),)
    changing.undo()
    assert under(live_store) == (HEAD,)


def test_before_shows_the_model_as_it_is_and_keeps_the_list(live_store: Store):
    changing = live_store.intervening
    changing.add(HEAD)
    changing.flip()
    assert (changing.view, under(live_store)) == ("before", ())
    changing.flip()
    assert (changing.view, under(live_store)) == ("after", (HEAD,))
    changing.set_view("difference")
    assert under(live_store) == (HEAD,)
    changing.set_view("before")
    changing.add(MASK)
    assert changing.view == "after", "nobody would see what was done"
    assert under(live_store) == (HEAD, MASK)


def test_what_does_not_fit_is_said_and_not_done(live_store: Store, told: list[Notice]):
    assert not live_store.intervening.add(HEAD, AblateHead(9, 0))
    assert told[-1].message == "There is no layer 9; there are 0 to 3."
    assert live_store.intervening.entries == ()


def test_another_text_is_cut_and_its_activation_put_in(live_store: Store, desk: Desk):
    text = "The queen lost her crown. The king lost his"
    live_store.intervening.add_of_texts(
        (text,), lambda ids: PatchActivation("blocks.3.hook_resid_post", ids[0], text=text)
    )
    (patch,) = live_store.intervening.on
    ids = tuple(desk.lm.ids(text)[0].tolist())
    assert isinstance(patch, PatchActivation)
    assert patch.ids == ids
    n = min(len(ids), live_store.read.n_tokens)  # type: ignore[union-attr]
    found = desk.engine.place.bench.logits(live_store.subject, n - 1, n)  # type: ignore[arg-type]
    theirs = desk.lm.logits([ids])[0, n - 1]
    torch.testing.assert_close(found[0], theirs, rtol=0, atol=1e-4)


def test_a_direction_needs_one_text_or_two(live_store: Store, desk: Desk):
    for texts in ((" queen", " king"), (" queen", "")):
        live_store.intervening.add_of_texts(texts, lambda ids: Steer(1, ids[0], ids[1]))
        steer = live_store.intervening.on[-1]
        expected = tuple(tuple(desk.lm.ids(t)[0].tolist()) if t else () for t in texts)
        assert isinstance(steer, Steer)
        assert (steer.plus, steer.minus) == expected


def test_a_text_that_can_not_be_read_is_said_and_nothing_done(
    live_store: Store, told: list[Notice], monkeypatch: pytest.MonkeyPatch
):
    live_store.intervening.add_of_texts((" ",), lambda ids: Steer(0, ids[0]))
    assert told[-1].message == "The text to steer to is empty."
    monkeypatch.setattr("model.engine.asking.read_prompt", lambda *_: "It can't be read.")
    live_store.intervening.add_of_texts((" queen",), lambda ids: Steer(0, ids[0]))
    assert told[-1].message == "It can't be read."
    monkeypatch.undo()
    live_store.intervening.add_of_texts((" queen",), lambda ids: Steer(0, ids[0]))
    assert len(live_store.intervening.entries) == 1


def test_each_model_has_its_own_list(live_store: Store, desk: Desk):
    changing, first = live_store.intervening, live_store.model
    changing.add(HEAD)
    live_store.opening.open(str(STORY_WORLD))
    while live_store.opening.going:
        desk.advance()
    assert live_store.model is not first
    assert changing.entries == ()
    assert not changing.can_undo
    assert under(live_store) == ()
    assert first is not None
    live_store.show_model(first)
    assert changing.on == (HEAD,)


def test_a_list_is_kept_in_a_file_and_taken_from_it(
    live_store: Store, told: list[Notice], tmp_path: Path
):
    changing, path = live_store.intervening, tmp_path / "cuts.toml"
    changing.add(HEAD, MASK)
    changing.switch(1, on=False)
    before = changing.entries
    changing.save(str(path))
    assert told[-1].message == f"Wrote {path}."
    changing.clear()
    changing.set_view("before")
    changing.load(str(path))
    assert changing.entries == before
    assert under(live_store) == (HEAD,)
    changing.undo()
    assert changing.entries == ()


def test_a_file_that_does_not_fit_leaves_the_list(
    live_store: Store, told: list[Notice], tmp_path: Path
):
    changing, path = live_store.intervening, tmp_path / "cuts.toml"
    changing.add(HEAD)
    for text, says in (
        ("version = 1\n[[intervention]]\nkind = 'remove_mask'\nlayer = 40\n", "no layer 40"),
        ("x", "no TOML file"),
    ):
        path.write_text(text)
        changing.load(str(path))
        assert says in told[-1].message
        assert changing.on == (HEAD,)
    changing.load(str(tmp_path / "gone.toml"))
    assert "gone.toml can't be read: No such file" in told[-1].message
    changing.save(str(tmp_path / "no" / "where.toml"))
    assert "where.toml can't be written" in told[-1].message


def test_text_is_generated_by_the_changed_model(live_store: Store, desk: Desk):
    from dataclasses import replace

    live_store.set_sampling(replace(live_store.sampling, temperature=0.0))
    live_store.intervening.add(RemoveResidual(1, "mlp"), MASK, HEAD)
    desk.advance()
    ids = list(live_store.subject.ids)  # type: ignore[union-attr]
    live_store.generating.start(6)
    while live_store.generating.going:
        desk.advance()
    generated = live_store.generating.current
    assert generated is not None
    assert len(generated.steps) == 6
    for step in generated.steps:
        trace = desk.lm.trace([ids], "logits", interventions=live_store.interventions)
        assert step.token_id == int(trace["logits"][0, -1].argmax())
        ids.append(step.token_id)
    clean = desk.lm.logits([ids[: len(ids) - 6]])[0, -1]
    changed = desk.lm.trace([ids[:-6]], "logits", interventions=live_store.interventions)["logits"]
    assert not np.allclose(clean, changed[0, -1])
    live_store.intervening.set_view("before")
    as_it_is = int(desk.lm.logits([live_store.subject.ids])[0, -1].argmax())  # type: ignore[union-attr]
    live_store.generating.start(1)
    while live_store.generating.going:
        desk.advance()
    assert live_store.generating.current is not None
    assert live_store.generating.current.steps[0].token_id == as_it_is


def test_a_model_is_saved_as_it_is_and_that_is_said(
    live_store: Store, desk: Desk, told: list[Notice], tmp_path: Path
):
    import model

    live_store.intervening.add(HEAD)
    live_store.saving.save(str(tmp_path / "saved"))
    desk.finish()
    assert "Interventions are not part of a model: it was saved as it is." in told[-1].message
    saved = model.open(tmp_path / "saved", device="cpu")
    ids = live_store.subject.ids  # type: ignore[union-attr]
    torch.testing.assert_close(saved.logits([ids]), desk.lm.logits([ids]))


def test_training_is_of_a_whole_model_and_that_is_said(
    live_store: Store, desk: Desk, told: list[Notice], tmp_path: Path
):
    desk.hold()
    live_store.run.start(Recipe(), str(tmp_path / "run"))
    assert not told
    live_store.intervening.add(HEAD)
    live_store.run.start(Recipe(), str(tmp_path / "run"))
    assert told[-1].message.startswith("Interventions are not part of training")


def test_texts_of_the_window_and_its_requests_are_dropped_with_the_model(
    live_store: Store, desk: Desk
):
    desk.hold()
    live_store.intervening.add_of_texts((" queen",), lambda ids: Steer(1, ids[0]))
    held = list(desk.held or ())
    assert [type(each) for each in held] == [m.CutText]
    desk.held = []
    assert live_store.model is not None
    live_store.show_model(live_store.model)
    desk.release()
    for each in held:
        desk._submit(each)
    assert live_store.intervening.entries == ()
