"""The residual stream: what is drawn is the tensor's, what is pointed at is selected everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.residual import words
from gui.panes.residual.lengths_picture import LengthsDrawn
from gui.panes.residual.lens_picture import LensDrawn
from gui.panes.residual.pane import ResidualPane
from gui.panes.residual.tracks import bar_rect, point_at
from gui.reading.quoting import quoted
from gui.session.store import Store
from gui.window.table import table_of
from model import messages as m
from model.interventions import AblateHead, ScaleOutput
from model.operations import streams
from model.probe.lens.asks import Lens
from model.probe.question import Named
from tests.gui.desk import PROMPT, Desk
from tests.gui.mouse import leave, move_to
from tests.gui.pixels import amounts_of, image_pixels
from tests.gui.recorded import Recorded

CUTS = (AblateHead(1, 1), ScaleOutput(0, "mlp", 0.3))
NOTHING = Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(theme, "MOTION_MS", 0)
    theme.set_current("dark")
    yield
    theme.set_current("dark")


def shown(store: Store, qtbot: QtBot, width: int = 980, height: int = 460) -> ResidualPane:
    pane = ResidualPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    pane.show()
    qtbot.waitExposed(pane)
    settle(pane)
    return pane


def settle(pane: ResidualPane) -> None:
    for _ in range(4):  # what is seen is known once it is laid out; what was before, once drawn
        pane.invalidate()
        pane.refresh_now()


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> ResidualPane:
    return shown(live_store, qtbot)


def press(pane: ResidualPane, name: str, key: str) -> None:
    """Choose by the button that a person presses."""
    controls = pane.controls
    row = {"view": controls.views, "coloring": controls.colorings, "of": controls.lengths}[name]
    row.buttons[key].click()
    settle(pane)


def by_hand(desk: Desk, interventions: tuple[Any, ...] | None = None) -> np.ndarray:
    """Probabilities at every border and position, ``[L, T, V]``, by trace and the model's head."""
    assert desk.store.subject is not None
    way = desk.store.subject.interventions if interventions is None else interventions
    trace = desk.lm.trace(list(desk.store.subject.ids), interventions=way)
    found = []
    for name in streams(desk.lm.config):
        with torch.no_grad():
            logits_TV = desk.lm.transformer.head(trace[name])[0]
        found.append(logits_TV.double().softmax(-1).numpy())
    return np.stack(found)


def ranks(p_LTV: np.ndarray, ids_T: np.ndarray) -> np.ndarray:
    own_LT1 = np.take_along_axis(p_LTV, ids_T[None, :, None], -1)
    return (p_LTV > own_LT1).sum(-1) + 1


def check_cells(
    pane: ResidualPane, amounts_RC: np.ndarray, table: np.ndarray, signed: bool = False
) -> None:
    """Each cell that is seen has the colour of its amount, read back from pixels."""
    grid = pane.grid
    image = image_pixels(grid.viewport().grab().toImage())
    rows, columns = grid.seen
    assert len(rows) > 2
    assert len(columns) > 2
    for row in rows:
        for column in columns:
            box = grid.place.cell_rect(row, column, grid.scrolled)
            # In its corner: letters stand in the middle, lines around it.
            rgb = image[round(box.top()) + 4, round(box.left()) + 4]
            low, high = amounts_of(rgb, table)
            if signed:
                low, high = 2 * low - 1, 2 * high - 1
            value = min(max(float(amounts_RC[row, column]), -1.0 if signed else 0.0), 1.0)
            assert low - 1e-4 <= value <= high + 1e-4, (row, column, value, (low, high))


# ------------------------------------------------------------------------------- lens


@pytest.mark.parametrize("name", theme.THEMES)
def test_each_cell_is_as_probable_as_its_colour_says_and_says_the_likeliest_token(
    live_store: Store, desk: Desk, qtbot: QtBot, name: str
):
    theme.set_current(name)
    pane, p_LTV = shown(live_store, qtbot), by_hand(desk)
    check_cells(pane, p_LTV.max(-1), theme.lens_table())
    content, model = pane.grid.content, live_store.model
    assert content is not None
    assert content.text is not None
    assert model is not None
    for row in range(p_LTV.shape[0]):
        for column in range(p_LTV.shape[1]):
            token = model.token_text(int(p_LTV[row, column].argmax()))
            assert content.text(row, column) == token.removeprefix("·")


def test_the_last_row_is_what_the_network_says(pane: ResidualPane, desk: Desk):
    store, drawn = pane.store, pane.pointing.drawn
    assert isinstance(drawn, LensDrawn)
    assert drawn.column is not None
    assert store.subject is not None
    bench, at = desk.engine.place.bench, store.selection.position
    logits_TV = bench.logits(store.subject).numpy()
    # Bit for bit, of this position alone: where a processor has AMX, a product's last bit depends
    # on how many rows it has.
    own_V = bench.logits(store.subject, at, at + 1).numpy()[0]
    assert drawn.column.logits_LP[-1, 0] == own_V.max()
    assert np.array_equal(drawn.sheet.ids_LP[-1], logits_TV.argmax(-1))
    assert pane.grid.content is not None
    assert "last row = the network's own logits" in pane.grid.content.scaled.titles[0]


def test_rank_probability_and_entropy_colour_the_cells_too(pane: ResidualPane, desk: Desk):
    p_LTV, n_ids = by_hand(desk), desk.lm.config.d_vocab
    final_T = p_LTV[-1].argmax(-1)
    own_LT = np.take_along_axis(p_LTV, final_T[None, :, None], -1)[..., 0]
    press(pane, "coloring", "rank")
    check_cells(pane, 1 - np.log(ranks(p_LTV, final_T)) / np.log(n_ids), theme.lens_table())
    press(pane, "coloring", "probability")
    check_cells(pane, own_LT, theme.lens_table())
    press(pane, "coloring", "entropy")
    bits_LT = -(p_LTV * np.log2(np.maximum(p_LTV, 1e-300))).sum(-1)
    check_cells(pane, bits_LT / np.log2(n_ids), theme.lens_table())


def test_the_curves_beside_the_rows_are_of_the_selected_position(pane: ResidualPane, desk: Desk):
    p_LTV = by_hand(desk)
    for at in (3, 7):
        pane.store.select(position=at)
        settle(pane)
        token = int(p_LTV[-1, at].argmax())
        content = pane.grid.content
        assert content is not None
        probability, rank, entropy = content.tracks
        assert probability.series[-1].values == pytest.approx(p_LTV[:, at, token], abs=1e-6)
        assert rank.series[-1].values == tuple(
            ranks(p_LTV[:, at : at + 1], np.array([token]))[:, 0]
        )
        bits = -(p_LTV[:, at] * np.log2(np.maximum(p_LTV[:, at], 1e-300))).sum(-1)
        assert entropy.series[-1].values == pytest.approx(bits, abs=1e-5)
        # Each value stands in the middle of its row.
        box, place = pane.grid.place.tracks[0], pane.grid.place
        for row, value in enumerate(p_LTV[:, at, token]):
            point = point_at(probability, box, row + 0.5, value, place.row, place.window.top())
            assert point is not None
            assert point.x() == pytest.approx(box.left() + value * box.width(), abs=0.01)
            assert point.y() == pytest.approx(place.cell_rect(row, 0, QPoint()).center().y())


def test_a_click_selects_position_layer_and_operation_and_what_is_selected_is_marked(
    pane: ResidualPane,
):
    store, grid = pane.store, pane.grid
    box = grid.place.cell_rect(2, 4, grid.scrolled)
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, NOTHING, box.center().toPoint())
    assert store.selection.position == 4
    assert store.selection.layer == 1
    assert store.operations[store.selection.operation].output == "blocks.1.hook_resid_post"
    assert grid._mark == (2, 4)
    store.select(operation=0)  # the tokens
    assert grid._mark == (0, 4)
    store.select(operation=len(store.operations) - 1)
    assert grid._mark == (desk_layers(store), 4)
    store.select(layer=0, position=1)
    assert grid._mark is not None
    assert grid._mark[1] == 1


def desk_layers(store: Store) -> int:
    assert store.model is not None
    return store.model.config.n_layers


def test_keys_walk_over_the_cells(pane: ResidualPane):
    store, grid = pane.store, pane.grid
    pane.pointing._choose((1, 3))
    grid.setFocus()
    for key, mark in (
        (Qt.Key.Key_Down, (2, 3)),
        (Qt.Key.Key_Right, (2, 4)),
        (Qt.Key.Key_Up, (1, 4)),
        (Qt.Key.Key_Left, (1, 3)),
        (Qt.Key.Key_Home, (1, 0)),
        (Qt.Key.Key_Left, (1, 0)),
        (Qt.Key.Key_End, (1, store.read.n_tokens - 1)),  # type: ignore[union-attr]
    ):
        QTest.keyClick(grid, key)
        assert grid._mark == mark
    assert store.selection.layer == 0


def test_hovering_a_cell_says_all_of_it_and_lights_its_token_elsewhere(
    pane: ResidualPane, desk: Desk
):
    grid, p_LTV = pane.grid, by_hand(desk)
    box = grid.place.cell_rect(1, 5, grid.scrolled)
    move_to(grid.viewport(), box.center().toPoint())
    assert pane.store.selection.hovered == 5
    said = grid.tooltip(box.center().toPoint())
    model = pane.store.model
    assert model is not None
    assert quoted(model.token_text(int(p_LTV[1, 5].argmax()))) in said
    assert f"{p_LTV[1, 5].max():.4g}"[:5] in said
    assert "norm computed anew" in said
    last = grid.place.cell_rect(desk_layers(pane.store), 5, grid.scrolled)
    assert "logits[0, 5]" in grid.tooltip(last.center().toPoint())
    leave(grid.viewport())
    assert pane.store.selection.hovered is None


def test_another_token_is_watched_by_ctrl_click_by_return_and_by_typing(
    pane: ResidualPane, desk: Desk
):
    store, grid, p_LTV = pane.store, pane.grid, by_hand(desk)
    press(pane, "coloring", "rank")
    pane.pointing._choose((1, 3))
    box = grid.place.cell_rect(0, 3, grid.scrolled)
    QTest.mouseClick(
        grid.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ControlModifier,
        box.center().toPoint(),
    )
    token = int(p_LTV[0, 3].argmax())
    assert store.selection.vocabulary_id == token, "the one selection: Prediction follows"
    settle(pane)
    drawn = pane.pointing.drawn
    assert isinstance(drawn, LensDrawn)
    assert drawn.column is not None
    n = p_LTV.shape[1]
    expected_LT = ranks(p_LTV, np.full(n, token))
    assert np.array_equal(drawn.sheet.watched_ranks_LP, expected_LT)
    assert drawn.model.token_text(token) == pane.controls.watch.field.text()
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert store.selection.vocabulary_id is None
    QTest.keyClick(grid, Qt.Key.Key_Return)
    assert store.selection.vocabulary_id == int(p_LTV[1, 3].argmax())
    field = pane.controls.watch.field
    field.setText("queen")
    QTest.keyClick(field, Qt.Key.Key_Return)
    settle(pane)
    queen = desk.store.model.find_token("queen")
    assert store.selection.vocabulary_id == queen
    assert "“queen”" in pane.sentence.text()


def test_a_token_that_is_none_is_refused_in_words_and_the_picture_stays(pane: ResidualPane):
    before = pane.sentence.text()
    pane.controls.watch.field.setText("zzqqxx")
    QTest.keyClick(pane.controls.watch.field, Qt.Key.Key_Return)
    settle(pane)
    assert pane.sentence.text() == "No token holds “zzqqxx”: type a part of one."
    assert pane.store.selection.vocabulary_id is None
    assert isinstance(pane.pointing.drawn, LensDrawn)
    pane.controls.watch.field.setText("")
    QTest.keyClick(pane.controls.watch.field, Qt.Key.Key_Return)
    settle(pane)
    assert pane.sentence.text() == before


def test_only_tiles_in_view_are_asked_and_scrolling_asks_for_more(
    live_store: Store, desk: Desk, qtbot: QtBot
):
    live_store.set_prompt("The king lost his crown. The queen lost her " * 9)
    assert live_store.read is not None
    n = live_store.read.n_tokens
    assert n > 80
    live_store.select(position=0)
    pane = shown(live_store, qtbot, 700, 400)

    def asked() -> set[int]:
        found: set[int] = set()
        for name, question in pane.questions().items():
            if name != "column":
                assert isinstance(question, Lens)
                found |= set(question.positions)
        return found

    first = asked()
    seen = pane.grid.seen[1]
    assert set(seen) <= first
    assert max(first) < 48, "no more than the tiles that are seen"
    bar = pane.grid.horizontalScrollBar()
    bar.setValue(bar.maximum())
    settle(pane)
    later = asked()
    assert set(pane.grid.seen[1]) <= later
    assert n - 1 in later
    assert not later & first
    p_LTV = by_hand(desk)
    check_cells(pane, p_LTV.max(-1), theme.lens_table())


def test_a_selected_position_is_brought_into_view(live_store: Store, qtbot: QtBot):
    live_store.set_prompt("The king lost his crown. The queen lost her " * 9)
    pane = shown(live_store, qtbot, 700, 400)
    for at in (0, 70, 20):
        live_store.select(position=at)
        settle(pane)
        assert at in pane.grid.seen[1]
        assert isinstance(pane.pointing.drawn, LensDrawn)
        assert pane.pointing.drawn.sheet.known_LP[:, at].all()


def test_a_pane_that_is_not_seen_asks_nothing(live_store: Store, desk: Desk, qtbot: QtBot):
    pane = shown(live_store, qtbot)
    pane.hide()
    before = len(desk.results)
    live_store.select(position=2)
    live_store.set_prompt("The girl has a red")
    answers = [r for r in desk.results[before:] if isinstance(r, m.Answered)]
    assert not any(isinstance(r.answer.question, Lens) for r in answers)


def test_the_old_picture_stays_until_all_of_the_new_one_is_there(
    live_store: Store, desk: Desk, qtbot: QtBot
):
    pane = shown(live_store, qtbot)
    before = pane.pointing.drawn
    assert isinstance(before, LensDrawn)
    live_store.set_prompt("The girl has a red ball. The boy")
    desk.hold()
    pane.ask()
    pane.invalidate()
    pane.refresh_now()
    drawn = pane.pointing.drawn
    assert isinstance(drawn, LensDrawn)
    if drawn.read.subject != live_store.subject:  # then it is the old one, in full
        assert drawn.read == before.read
        assert drawn.sheet.known_LP.all()
    desk.release()
    settle(pane)
    drawn = pane.pointing.drawn
    assert isinstance(drawn, LensDrawn)
    assert drawn.read.subject == live_store.subject


# -------------------------------------------------------------------------- difference


def test_under_interventions_the_cells_are_what_changed(pane: ResidualPane, desk: Desk):
    store = pane.store
    clean_LTV = by_hand(desk)
    store.intervening.add(*CUTS)
    settle(pane)
    changed_LTV = by_hand(desk)
    check_cells(pane, changed_LTV.max(-1), theme.lens_table())
    store.intervening.set_view("difference")
    settle(pane)
    content = pane.grid.content
    assert content is not None
    difference_LT = changed_LTV.max(-1) - clean_LTV.max(-1)
    assert np.allclose(content.scaled.values, difference_LT, atol=1e-5)
    assert content.strong_RC is not None
    other_LT = changed_LTV.argmax(-1) != clean_LTV.argmax(-1)
    assert np.array_equal(content.strong_RC, other_LT)
    assert other_LT.any(), "or nothing would be seen"
    most = float(content.scaled.high)
    check_cells(pane, difference_LT / most, theme.diverging_table(), signed=True)
    assert "Without the interventions it ends at" in pane.sentence.text()


def test_ranks_before_and_after_are_of_the_same_token(pane: ResidualPane, desk: Desk):
    clean_LTV = by_hand(desk)
    pane.store.intervening.add(*CUTS)
    pane.store.intervening.set_view("difference")
    press(pane, "coloring", "rank")
    changed_LTV = by_hand(desk)
    final_T = changed_LTV[-1].argmax(-1)
    content = pane.grid.content
    assert content is not None
    times_LT = ranks(clean_LTV, final_T) / ranks(changed_LTV, final_T)
    assert (final_T != clean_LTV[-1].argmax(-1)).any(), "or it would not matter whose"
    assert np.allclose(content.scaled.values, times_LT)
    assert content.scaled.map == "diverging"


def test_what_was_before_is_given_up_where_it_is_not_seen(pane: ResidualPane):
    asked, owner = pane.store.asked, "residual: the other side"
    pane.store.intervening.add(*CUTS)
    pane.store.intervening.set_view("difference")
    settle(pane)
    assert asked.slot(owner, "column") is not None
    pane.hide()
    assert asked.slot(owner, "column") is None
    pane.show()
    settle(pane)
    assert asked.slot(owner, "column") is not None
    pane.store.intervening.set_view("after")
    settle(pane)
    assert asked.slot(owner, "column") is None


LONGER = "The old king lost his crown. The queen lost her"
KEPT = [0, *range(2, 11)]
"""The positions of LONGER that have an other side in PROMPT."""


def of_both(desk: Desk) -> tuple[np.ndarray, np.ndarray]:
    """`by_hand` of LONGER and of PROMPT."""
    found = []
    for text in (LONGER, PROMPT):
        trace = desk.lm.trace(text)
        with torch.no_grad():
            logits = [desk.lm.transformer.head(trace[name])[0] for name in streams(desk.lm.config)]
        found.append(np.stack([one.double().softmax(-1).numpy() for one in logits]))
    return found[0], found[1]


def test_two_prompts_of_other_lengths_are_compared_at_tokens_that_belong_together(
    pane: ResidualPane, desk: Desk
):
    pane.store.set_prompt(LONGER)
    settle(pane)
    pane.store.comparing.compare_prompt(PROMPT)
    settle(pane)
    a_LTV, b_LTV = of_both(desk)
    content = pane.grid.content
    assert content is not None
    assert not content.known_RC[:, 1].any(), "“old” has no other side"
    assert content.known_RC[:, KEPT].all()
    minus_LT = b_LTV.max(-1) - a_LTV.max(-1)[:, KEPT]
    assert np.allclose(content.scaled.values[:, KEPT], minus_LT, atol=1e-5)
    assert np.abs(minus_LT).max() > 0.01
    assert content.scaled.titles[0].endswith("heavier: another token than B")
    drawn = pane.pointing.drawn
    assert isinstance(drawn, LensDrawn)
    watched = int(a_LTV[-1, -1].argmax())
    p = b_LTV[-1, -1, watched]
    assert f"In B it ends at {p:.3f}" in pane.sentence.text()
    assert pane.grid.describe is not None
    assert f"{p:.4g}"[:5] in pane.grid.describe((len(a_LTV) - 1, 10)).split("; B")[-1]
    theirs = pane.export_data()["B_probability"]
    assert isinstance(theirs, Named)
    assert np.allclose(theirs.values[-1, KEPT], b_LTV[-1].max(-1))


def test_lengths_of_two_prompts_are_b_over_a(pane: ResidualPane, desk: Desk):
    press(pane, "view", "writes")
    pane.store.set_prompt(LONGER)
    settle(pane)
    pane.store.comparing.compare_prompt(PROMPT)
    settle(pane)
    content = pane.grid.content
    assert content is not None
    a, b = desk.lm.trace(LONGER), desk.lm.trace(PROMPT)
    for row, name in enumerate(streams(desk.lm.config)):
        times = b[name][0].norm(dim=-1).numpy() / a[name][0, KEPT].norm(dim=-1).numpy()
        assert np.allclose(content.scaled.values[row, KEPT], times, rtol=1e-4)
    assert content.scaled.titles[-1] == "B ÷ A"
    assert not content.known_RC[:, 1].any()
    assert pane.grid.describe is not None
    assert pane.grid.describe((2, 1)).endswith("no other side in B")
    press(pane, "view", "angles")
    assert pane.matrix.content is not None
    assert pane.matrix.content.value_title[-1] == "B − A"


# ------------------------------------------------------------------------------ writes


def test_lengths_are_those_of_the_stream_and_of_what_is_added(pane: ResidualPane, desk: Desk):
    trace, layers = Recorded(desk), range(desk.lm.config.n_layers)
    press(pane, "view", "writes")
    for of, names in (
        ("stream", streams(desk.lm.config)),
        ("attention", tuple(f"blocks.{i}.hook_attn_out" for i in layers)),
        ("mlp", tuple(f"blocks.{i}.hook_mlp_out" for i in layers)),
    ):
        press(pane, "of", of)
        norms = np.stack([np.linalg.norm(trace[name][0], axis=-1) for name in names])
        content = pane.grid.content
        assert content is not None
        low, high = float(content.scaled.low), float(content.scaled.high)
        assert low <= norms.min() <= norms.max() <= high
        amounts = np.log(norms / low) / np.log(high / low)
        first = content.shape[0] - len(names)
        assert content.absent_rows == tuple(range(first))
        drawn = np.zeros(content.shape)
        drawn[first:] = amounts
        image = image_pixels(pane.grid.viewport().grab().toImage())
        for row in range(first, content.shape[0]):
            for column in pane.grid.seen[1]:
                box = pane.grid.place.cell_rect(row, column, pane.grid.scrolled)
                rgb = image[round(box.top()) + 4, round(box.left()) + 4]
                lo, hi = amounts_of(rgb, theme.sequential_table())
                assert lo - 1e-3 <= drawn[row, column] <= hi + 1e-3


def test_bars_are_the_cosines_and_the_parts_of_the_logit(pane: ResidualPane, desk: Desk):
    trace, at = Recorded(desk), 5
    pane.store.select(position=at)
    press(pane, "view", "writes")
    content, place = pane.grid.content, pane.grid.place
    assert content is not None
    length, cosine, logit = content.tracks
    assert length.log
    stream = next(one for one in length.series if one.name == "stream")
    names = [streams(desk.lm.config)[0]]
    for layer in range(desk.lm.config.n_layers):
        names += [f"blocks.{layer}.hook_resid_mid", f"blocks.{layer}.hook_resid_post"]
    vectors = [trace[name][0, at].astype(float) for name in names]
    assert stream.values == pytest.approx([float(np.linalg.norm(x)) for x in vectors], rel=1e-5)
    assert stream.rows[:3] == (0.5, 1.25, 1.75)
    for part, (of, hook) in zip(
        cosine.series, (("attention", "attn"), ("MLP", "mlp")), strict=True
    ):
        assert part.name == of
        for layer, (row, value) in enumerate(zip(part.rows, part.values, strict=True)):
            added = trace[f"blocks.{layer}.hook_{hook}_out"][0, at].astype(float)
            there = vectors[2 * layer + (of == "MLP")]
            expected = added @ there / np.linalg.norm(added) / np.linalg.norm(there)
            assert value == pytest.approx(expected, abs=1e-5)
            box = place.tracks[1]
            bar = bar_rect(cosine, part, box, row, value, place.row, place.window.top())
            assert bar.width() == pytest.approx(abs(expected) * box.width() / 2, abs=0.01)
            assert layer + 1 < row < layer + 2
            zero = box.center().x()
            assert (bar.left() < zero - 0.01) == (expected < 0)
    logits_V = desk.lm.logits([list(trace.ids)])[0, at]
    parts = sum(sum(series.values) for series in logit.series)
    assert "to “" in logit.title
    assert 0 < parts < 2 * float(logits_V.max())


def test_the_sentence_names_what_writes_the_most(pane: ResidualPane, desk: Desk):
    trace, at = Recorded(desk), pane.store.selection.position
    press(pane, "view", "writes")
    sizes = {
        (of, layer): float(np.linalg.norm(trace[f"blocks.{layer}.hook_{hook}_out"][0, at]))
        for of, hook in (("Attention", "attn"), ("MLP", "mlp"))
        for layer in range(desk.lm.config.n_layers)
    }
    (of, layer), size = max(sizes.items(), key=lambda item: item[1])
    assert pane.sentence.text().startswith(f"{of} {layer} writes the most here, {size:.3g} to")


def test_lengths_under_interventions_are_how_many_times(pane: ResidualPane, desk: Desk):
    before = Recorded(desk)
    press(pane, "view", "writes")
    pane.store.intervening.add(*CUTS)
    pane.store.intervening.set_view("difference")
    settle(pane)
    after = Recorded(desk)
    content = pane.grid.content
    assert content is not None
    for row, name in enumerate(streams(desk.lm.config)):
        times = np.linalg.norm(after[name][0], axis=-1) / np.linalg.norm(before[name][0], axis=-1)
        assert np.allclose(content.scaled.values[row], times, rtol=1e-4)
    assert content.scaled.values[2].std() > 0
    assert any(series.looks == "other" for series in content.tracks[0].series)


def test_a_position_that_is_far_longer_than_the_others_is_named(
    live_store: Store, desk: Desk, qtbot: QtBot
):
    vectors = desk.lm.transformer.embed.weight
    assert live_store.read is not None
    assert live_store.read.tokens[1].text == "·king"
    with torch.no_grad():
        vectors[live_store.read.tokens[1].id] *= 60
    live_store.set_prompt("Here comes the king with his dog")
    pane = shown(live_store, qtbot)
    press(pane, "view", "writes")
    tokens = [token.text for token in live_store.read.tokens]
    assert f"“king” ({tokens.index('·king')}) stands out" in pane.sentence.text()


# ------------------------------------------------------------------------------ angles


def test_angles_are_the_cosines_of_the_stream_with_itself(pane: ResidualPane, desk: Desk):
    trace, at = Recorded(desk), 6
    pane.store.select(position=at)
    press(pane, "view", "angles")
    names = [streams(desk.lm.config)[0]]
    for layer in range(desk.lm.config.n_layers):
        names += [f"blocks.{layer}.hook_resid_mid", f"blocks.{layer}.hook_resid_post"]
    x_SD = np.stack([trace[name][0, at].astype(float) for name in names])
    x_SD /= np.linalg.norm(x_SD, axis=-1, keepdims=True)
    cosines = x_SD @ x_SD.T
    matrix = pane.matrix
    assert matrix.content is not None
    assert np.allclose(matrix.content.values_RC, cosines, atol=1e-5)
    assert matrix.content.row_labels[:3] == ("embed", "0 attn", "0 MLP")
    image = image_pixels(matrix.viewport().grab().toImage())
    for row in range(len(names)):
        for column in range(len(names)):
            box = matrix.cell_rect(row, column)
            rgb = image[round(box.top()) + 4, round(box.left()) + 4]
            low, high = amounts_of(rgb, theme.diverging_table())
            assert 2 * low - 1.001 <= cosines[row, column] <= 2 * high - 0.999
    matrix.cell_chosen.emit((3, 2))
    store = pane.store
    assert store.operations[store.selection.operation].output == "blocks.1.hook_resid_mid"
    assert matrix._line == (3, None)
    turned = np.degrees(np.arccos(cosines[0, -1]))
    assert f"turns by {turned:.0f}°" in pane.sentence.text()


def test_the_angle_between_two_half_blocks_is_said(pane: ResidualPane):
    press(pane, "view", "angles")
    assert pane.matrix.describe is not None
    assert "cosine 1.0000, 0.0° apart" in pane.matrix.describe(2, 2)
    pane.store.intervening.add(*CUTS)
    pane.store.intervening.set_view("difference")
    settle(pane)
    assert "before 1.0000 (+0.0000)" in pane.matrix.describe(2, 2)
    assert pane.matrix.content is not None
    assert np.abs(pane.matrix.content.values_RC).max() > 0.01
    assert np.allclose(np.diag(pane.matrix.content.values_RC), 0, atol=1e-6)


# ---------------------------------------------------------------- other architectures


@pytest.mark.parametrize("name", ["bert", "modernbert", "mixtral", "gemma", "opt", "bloom"])
def test_every_family_is_drawn(opened: Callable[..., Store], qtbot: QtBot, desk: Desk, name: str):
    store = opened(name)
    pane = shown(store, qtbot)
    assert isinstance(pane.pointing.drawn, LensDrawn)
    check_cells(pane, by_hand(desk).max(-1), theme.lens_table())
    assert "its probability" in pane.sentence.text()
    press(pane, "view", "writes")
    assert isinstance(pane.pointing.drawn, LengthsDrawn)
    assert "writes the most here" in pane.sentence.text()
    press(pane, "view", "angles")
    assert "the stream turns by" in pane.sentence.text()
    assert pane.matrix.content is not None
    labels = pane.matrix.content.row_labels
    assert len(set(labels)) == len(labels)


def test_without_a_head_there_is_no_lens_and_it_says_what_there_is(
    opened: Callable[..., Store], qtbot: QtBot
):
    pane = shown(opened("headless"), qtbot)
    assert pane._empty.isVisible()
    assert pane._empty.text() == words.NO_LENS
    assert not pane.controls.watch.isVisible()
    assert not pane.questions()
    press(pane, "view", "writes")
    assert isinstance(pane.pointing.drawn, LengthsDrawn)
    content = pane.grid.content
    assert content is not None
    assert [track.title for track in content.tracks] == ["length", "cosine"]
    press(pane, "view", "angles")
    assert pane.matrix.isVisible()


# --------------------------------------------------------------- states, words, export


def test_without_a_model_or_a_prompt_it_says_what_to_do(desk: Desk, qtbot: QtBot):
    pane = shown(desk.store, qtbot)
    assert pane._empty.text() == "Open a model to see what its stream says after every block."
    assert not pane.controls.isVisible()
    assert not pane.export_data()


def test_a_prompt_that_is_emptied_leaves_no_old_picture(pane: ResidualPane):
    pane.store.set_prompt("")
    settle(pane)
    assert pane._empty.isVisible()
    assert pane._empty.text()
    pane.store.set_prompt("The girl has a red")
    settle(pane)
    assert pane.grid.isVisible()


@pytest.mark.parametrize(
    ("ranks_L", "said"),
    [
        ([1, 1, 1], "leads from the embedding on"),
        ([9, 1, 1], "first leads after block 0 and stays"),
        ([9, 4, 1], "leads only after the last block"),
        ([1, 3, 1], "first leads after the embedding, loses it, and leads for good after block 1"),
        ([9, 1, 2], "leads until after block 0, and ends at rank 2"),
        ([9, 3, 5], "is never likeliest: it comes nearest after block 0, at rank 3, and ends"),
        ([9, 8, 2], "is never likeliest: it comes nearest after block 1, at rank 2"),
    ],
)
def test_the_way_of_a_token_is_put_into_words(ranks_L: list[int], said: str):
    assert words._way(np.array(ranks_L)).startswith(said)


def test_what_is_exported_are_the_answers_arrays(pane: ResidualPane, desk: Desk):
    p_LTV = by_hand(desk)
    data = dict(pane.export_data())
    table = table_of(data)
    assert {"border", "position", "id", "token", "probability"} <= set(table.columns)
    rows = list(table.rows())
    assert len(rows) == p_LTV.shape[0] * p_LTV.shape[1]
    columns = dict(zip(table.columns, zip(*rows, strict=True), strict=True))
    assert columns["id"] == tuple(p_LTV.argmax(-1).ravel().tolist())
    assert np.allclose(columns["probability"], p_LTV.max(-1).ravel(), atol=1e-6)
    press(pane, "view", "writes")
    assert {"norm", "station_norm", "write_norm", "write_cosine", "logit_part"} <= set(
        pane.export_data()
    )
    press(pane, "view", "angles")
    assert "cosine" in pane.export_data()


def test_what_was_chosen_is_there_at_the_next_start_and_nonsense_is_passed_over(
    live_store: Store, qtbot: QtBot
):
    pane = shown(live_store, qtbot)
    press(pane, "view", "writes")
    press(pane, "of", "mlp")
    pane.controls.fit.click()
    kept = pane.remember()
    other = ResidualPane(live_store)
    qtbot.addWidget(other)
    other.recall(kept)
    assert other.remember() == kept
    other.recall({"view": 7, "coloring": ["rank"], "of": "everything", "fit": "yes"})
    assert (other.controls.view, other.controls.of) == ("writes", "mlp")
    assert not other.controls.fit.isChecked()


def test_commands_show_each_view(pane: ResidualPane):
    for does, view in (
        (pane.show_writes, "writes"),
        (pane.show_angles, "angles"),
        (pane.show_lens, "lens"),
    ):
        does()
        settle(pane)
        assert pane.controls.view == view
    assert isinstance(pane.pointing.drawn, LensDrawn)


@pytest.mark.parametrize("size", [(340, 300), (620, 430), (1500, 900)])
@pytest.mark.parametrize("view", ["lens", "writes"])
def test_it_fits_from_small_to_large(
    live_store: Store, qtbot: QtBot, size: tuple[int, int], view: str
):
    pane = shown(live_store, qtbot, *size)
    press(pane, "view", view)
    grid = pane.grid

    def fits() -> bool:
        place, room = grid.place, grid.viewport().rect()
        boxes = (place.window.adjusted(0, 0, 0, 20), *place.tracks)  # with the legend
        return all(
            box.right() <= room.right() + 1 and box.bottom() <= room.bottom() + 1 for box in boxes
        )

    qtbot.waitUntil(fits, timeout=5000)  # a scroll bar goes once events are handled
    assert grid.place.window.height() >= 0.35 * grid.viewport().height()


def test_zoom_and_fit_change_the_cells_and_keep_the_selected_one_in_view(pane: ResidualPane):
    grid = pane.grid
    before = grid.place.column
    grid.setFocus()
    QTest.keyClick(grid, Qt.Key.Key_Plus)
    assert grid.place.column > before
    QTest.keyClick(grid, Qt.Key.Key_0)
    assert grid.place.column == before
    pane.controls.fit.click()
    assert pane.store.read is not None
    assert grid.seen == (range(desk_layers(pane.store) + 1), range(pane.store.read.n_tokens))


def test_a_model_that_diverged_says_so_where_it_did(pane: ResidualPane, desk: Desk):
    with torch.no_grad():
        desk.lm.transformer.get_parameter("blocks.2.mlp.down.weight")[0, 0] = float("nan")
    pane.store.set_prompt("Here comes the girl with a red ball")  # of which nothing is kept
    settle(pane)
    drawn = pane.pointing.drawn
    assert isinstance(drawn, LensDrawn)
    assert np.isfinite(drawn.sheet.probabilities_LP[:3]).all()
    assert np.isnan(drawn.sheet.probabilities_LP[3:]).all()
    assert "no number" in pane.sentence.text()
    assert pane.grid.describe is not None
    assert "no number" in pane.grid.describe((4, 1))
    for view in ("writes", "angles", "lens"):
        press(pane, "view", view)
        picture: QWidget = pane
        assert not picture.grab().isNull()
