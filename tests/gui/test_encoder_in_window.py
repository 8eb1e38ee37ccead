"""Encoders in the window: masks are filled, nothing is continued, and every pane draws them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.app import make_application
from gui.panes.attention.pane import AttentionPane
from gui.panes.attention.words import percent
from gui.panes.base import Pane
from gui.panes.inspector.pane import InspectorPane
from gui.panes.layers.map_layout import OperationGraph
from gui.panes.layers.pane import LayersPane
from gui.panes.layers.words import row_words
from gui.panes.prediction import words as prediction_words
from gui.panes.prediction.pane import PredictionPane
from gui.panes.prompt.pane import PromptPane
from gui.panes.space.pane import SpacePane
from gui.panes.tokens.pane import TokensPane
from gui.session.store import Store
from gui.window.dock import PaneDock
from model.probe.question import Named
from model.sampling import Sampling, draw, probabilities
from tests.gui.desk import Desk
from tests.gui.panes.prediction.test_prediction_pane import (
    click_row,
    drawn_length,
    row_middle,
    softmax,
)
from tests.gui.pixels import amounts_of, color_named, pixels
from tests.gui.recorded import Recorded
from tests.gui.window.test_main_window import SOON, close_program, open_program
from tests.small_models import MAKERS, TEXT, VOCABULARY

Opened = Callable[..., Store]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No motion, so that a picture is of what was asked for; dark when it begins."""
    monkeypatch.setattr(theme, "MOTION_MS", 0)
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def bert(opened: Opened) -> Store:
    return opened("bert", TEXT)


def shown(pane: Pane, qtbot: QtBot, width: int = 420, height: int = 600) -> None:
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()


def lm_of(desk: Desk, name: str) -> NDArray[np.floating]:
    """What the model itself has under a name, without its batch dimension."""
    read = desk.store.read
    assert read is not None
    array: NDArray[np.floating] = desk.lm.trace(list(read.subject.ids), name)[name][0].numpy()
    return array


def texts(store: Store) -> list[str]:
    assert store.read is not None
    return [token.text for token in store.read.tokens]


def logits_of(desk: Desk) -> NDArray[np.float32]:
    """The model's own logits for the prompt in view, ``[T, V]``: of no answer."""
    assert desk.store.read is not None
    return np.asarray(desk.lm.logits([desk.store.read.subject.ids])[0].numpy())


# --------------------------------------------------------------------- the masked token


def test_the_mask_is_what_is_predicted_first(bert: Store, qtbot: QtBot):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    assert bert.selection.position == 5
    assert texts(bert)[5] == "[MASK]"
    assert pane.title == "Masked token"
    assert pane.header_note() == "at “[MASK]” (5)"


def test_without_a_mask_the_last_word_is_predicted(opened: Opened):
    store = opened("bert", "the king lost his crown")
    assert texts(store)[store.selection.position] == "crown"


@pytest.mark.parametrize("position", [5, 2])
def test_bars_are_the_distribution_at_the_position_itself(
    bert: Store, qtbot: QtBot, desk: Desk, position: int
):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    bert.select(position=position)
    pane.refresh_now()
    p = softmax(logits_of(desk)[position])
    order = np.argsort(-p, kind="stable")
    for row, bar in enumerate(pane.bars.shown[:5]):
        assert bar.token_id == order[row]
        pixel = 1 / pane.bars.track(row).width()
        drawn = drawn_length(pane.bars, row, theme.current().accent) * pixel
        assert drawn == pytest.approx(p[bar.token_id], abs=2 * pixel)


def test_a_double_click_puts_a_token_in_the_place_of_the_mask(bert: Store, qtbot: QtBot):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    bar = next(b for b in pane.bars.shown if VOCABULARY[b.token_id].isalpha())
    row = pane.bars.shown.index(bar)
    QTest.mouseDClick(pane.bars, Qt.MouseButton.LeftButton, pos=row_middle(row))
    assert bert.prompt == TEXT.replace("[MASK]", VOCABULARY[bar.token_id])
    assert bert.read is not None
    assert bert.read.tokens[5].id == bar.token_id
    assert bert.selection.position == 5
    assert bert.masking.message == ""


def test_a_click_inspects_the_probability_in_the_place(bert: Store, qtbot: QtBot):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    click_row(pane.bars, 0)
    assert bert.inspected is not None
    assert bert.inspected.index == (0, 5, pane.bars.shown[0].token_id)
    assert "stands in the place of “[MASK]”" in bert.inspected.note


def test_filling_draws_from_the_bars(bert: Store, qtbot: QtBot, desk: Desk):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    bert.set_sampling(Sampling(temperature=1.3, top_k=9))
    pane.refresh_now()
    expected = draw(probabilities(logits_of(desk)[5], bert.sampling), np.random.default_rng(11))
    pane.masks.seed.setText("11")
    QTest.mouseClick(pane.masks.fill_button, Qt.MouseButton.LeftButton)
    assert bert.prompt.split()[4] == VOCABULARY[expected].removeprefix("##")
    assert not pane.generation.isVisible()


def test_a_mask_is_filled_while_the_pane_is_hidden(bert: Store, qtbot: QtBot, desk: Desk):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    pane.hide()
    expected = draw(probabilities(logits_of(desk)[5], bert.sampling), np.random.default_rng(3))
    pane.masks.seed.setText("3")
    pane.sample_one()
    assert bert.read is not None
    assert bert.read.tokens[5].id == expected


def test_filling_twice_draws_twice(bert: Store, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch):
    # Chance as ever, but the same in every run: now and then the mask itself is drawn.
    chance = random.Random(3)
    monkeypatch.setattr("gui.panes.prediction.mask_controls.random", chance)
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    bert.set_sampling(Sampling(temperature=2.0))
    drawn = set()
    for _ in range(12):
        bert.set_prompt(TEXT)
        bert.select(position=5)
        pane.masks.fill()
        drawn.add(bert.prompt)
    assert len(drawn) > 3
    assert TEXT not in drawn


def test_a_token_that_was_drawn_for_another_prompt_is_dropped(
    bert: Store, qtbot: QtBot, desk: Desk
):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    desk.hold()
    pane.masks.fill()
    assert desk.held is not None
    (ask,) = desk.held
    desk.held.clear()
    desk.release()
    bert.set_prompt("the queen lost her [MASK]")
    desk.store._submit(ask)
    assert bert.prompt == "the queen lost her [MASK]"


def test_a_piece_that_continues_a_word_is_put_at_its_end(opened: Opened):
    store = opened("bert", "the queen sing [MASK] low")
    store.masking.fill(4, VOCABULARY.index("##ing"))
    assert store.prompt == "the queen singing low"
    assert texts(store) == ["[CLS]", "the", "queen", "sing", "##ing", "low", "[SEP]"]
    assert store.masking.message == ""


# -------------------------------------------------------------------- masking a token


def test_a_double_click_on_a_chip_masks_it_and_another_puts_it_back(bert: Store, qtbot: QtBot):
    pane = TokensPane(bert)
    shown(pane, qtbot, 700, 160)
    king = pane.strip.chip_rect(2).center().toPoint()
    QTest.mouseDClick(pane.strip.viewport(), Qt.MouseButton.LeftButton, pos=king)
    assert bert.prompt == TEXT.replace("king", "[MASK]")
    assert bert.selection.position == 2
    assert bert.masking.original(2) == VOCABULARY.index("king")
    pane.refresh_now()
    QTest.mouseDClick(pane.strip.viewport(), Qt.MouseButton.LeftButton, pos=king)
    assert bert.prompt == TEXT


def test_the_key_m_masks_what_is_selected(bert: Store, qtbot: QtBot):
    pane = TokensPane(bert)
    shown(pane, qtbot, 700, 160)
    bert.select(position=3)
    pane.strip.setFocus()
    QTest.keyClick(pane.strip, Qt.Key.Key_M)
    assert texts(bert)[3] == "[MASK]"


def test_the_token_that_was_masked_is_marked_with_its_rank(bert: Store, qtbot: QtBot, desk: Desk):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    bert.select(position=2)
    pane.mask_token()
    pane.refresh_now()
    king = VOCABULARY.index("king")
    assert pane.actual_next == king
    logits = logits_of(desk)[2]
    rank = 1 + int((logits > logits[king]).sum())
    bar = next(bar for bar in pane.bars.shown if bar.actual)
    assert (bar.token_id, bar.rank) == (king, rank)
    assert pane.picture.goes_on.text().startswith("was king")
    assert pane.picture.goes_on.text().endswith(f"rank {rank}")
    assert pane.masks.mask_button.text() == "Unmask"


def test_a_token_that_is_seen_is_said_to_be_seen(bert: Store, qtbot: QtBot):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    bert.select(position=2)
    pane.refresh_now()
    assert pane.picture.goes_on.text().startswith("seen here: king")


def test_two_masks_are_put_back_each_with_its_own(bert: Store):
    bert.masking.toggle(2)
    bert.masking.toggle(8)
    assert texts(bert)[2] == texts(bert)[8] == "[MASK]"
    bert.masking.toggle(2)
    assert texts(bert)[2] == "king"
    bert.masking.toggle(8)
    assert bert.prompt == TEXT


def test_what_the_tokenizer_adds_cant_be_masked(bert: Store, qtbot: QtBot):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    bert.select(position=0)
    pane.mask_token()
    pane.refresh_now()
    assert bert.prompt == TEXT
    assert pane.masks.says.text() == "[CLS] is put there by the tokenizer: it can't be masked."


def test_a_text_that_is_cut_in_another_way_is_said_to_be(bert: Store):
    sing = texts(bert).index("sing")
    bert.masking.mask(sing)
    assert bert.prompt.endswith("[MASK]s")
    assert texts(bert)[sing + 1] == "[UNK]"
    assert "cuts the changed text differently" in bert.masking.message
    bert.masking.toggle(sing)
    assert bert.prompt == TEXT
    assert texts(bert)[sing : sing + 2] == ["sing", "##s"]


def test_examples_have_the_models_own_mask(bert: Store, qtbot: QtBot):
    pane = PromptPane(bert)
    shown(pane, qtbot, 400, 160)
    pane.show_examples()
    prompts = [str(action.data()) for action in pane._menu.actions()]
    assert len(prompts) == 5
    assert all("[MASK]" in prompt for prompt in prompts)
    pane._menu.actions()[0].trigger()
    pane._menu.close()
    assert bert.prompt == "Paris is the capital of [MASK]."
    assert texts(bert)[bert.selection.position] == "[MASK]"


# --------------------------------------------------------- what can't be, and why


def test_no_text_is_generated_and_the_pane_says_why(bert: Store, qtbot: QtBot, desk: Desk):
    pane = PredictionPane(bert)
    shown(pane, qtbot)
    pane.generate()
    assert bert.generating.current is None
    assert not pane.generation.isVisible()
    assert "not made to continue" in pane.masks.why.text()
    when = {command.id: command.when(bert) for command in PredictionPane.entry.commands}
    assert when["mask_token"]
    assert when["sample_one"]
    assert not when["generate"]


def test_surprisal_is_not_offered_where_the_model_reads_both_sides(bert: Store, qtbot: QtBot):
    pane = TokensPane(bert)
    shown(pane, qtbot, 700, 160)
    pane.set_colours("surprisal")
    pane.refresh_now()
    assert not pane.segments.buttons["surprisal"].isEnabled()
    assert pane.carries == "ids"
    assert pane.segments.buttons["ids"].isChecked()
    assert bert.read is not None
    assert [pane._look(i).below for i in range(4)] == [str(t.id) for t in bert.read.tokens[:4]]
    assert "surprisal_bits" not in pane.export_data()
    assert "no surprisal" in pane.describe(3)


def test_without_a_head_the_pane_says_what_can_be_seen_instead(opened: Opened, qtbot: QtBot):
    store = opened("headless", TEXT)
    pane = PredictionPane(store)
    shown(pane, qtbot)
    assert pane.title == "No head"
    assert pane.picture.empty.text() == prediction_words.NO_HEAD
    assert pane.picture.empty.isVisible()
    assert not pane.bars.isVisible()
    assert not pane.masks.isVisible()
    assert not pane.sampling.isVisible()
    pane.sample_one()
    pane.generate()
    assert store.prompt == TEXT
    assert not any(
        command.when(store)
        for command in PredictionPane.entry.commands
        if command.id in ("generate", "sample_one", "mask_token")
    )


def test_the_dock_is_called_after_the_head_even_while_it_is_hidden(opened: Opened, qtbot: QtBot):
    store = opened("bert")
    dock = PaneDock(PredictionPane.entry)
    qtbot.addWidget(dock)
    pane = PredictionPane(store)
    dock.take(pane)
    assert dock.windowTitle() == pane.accessibleName() == "Masked token"
    opened("headless")
    assert dock.windowTitle() == "No head"
    opened("mixtral")
    assert dock.windowTitle() == "Next token"


def test_a_language_model_after_an_encoder_has_its_controls_again(opened: Opened, qtbot: QtBot):
    store = opened("bert", TEXT)
    pane = PredictionPane(store)
    shown(pane, qtbot)
    opened("mixtral", TEXT)
    pane.refresh_now()
    assert pane.title == "Next token"
    assert pane.generation.isVisible()
    assert not pane.masks.isVisible()
    assert not store.masking.possible


# ------------------------------------------------------------------ attention, layers, space


def test_attention_has_no_triangle(bert: Store, desk: Desk, qtbot: QtBot):
    pane = AttentionPane(bert)
    shown(pane, qtbot, 800, 560)
    pane.set_view("matrix")
    bert.select(layer=0, head=1, key=None)
    pane.refresh_now()
    QTest.qWait(30)
    pane.refresh_now()
    pattern = lm_of(desk, "blocks.0.attn.hook_pattern")[1]
    content = pane.heat_map.content
    assert content is not None
    assert content.masked_RC is not None
    assert not content.masked_RC.any()
    image = pixels(pane.heat_map.viewport())
    for query, key in ((1, 9), (2, 11), (6, 7), (9, 1)):
        box = pane.heat_map.cell_rect(query, key).toRect().center()
        low, high = amounts_of(image[box.y(), box.x()], theme.sequential_table())
        assert low <= pattern[query, key] <= high


def test_what_a_head_reads_counts_every_query_and_the_token_after_it(
    bert: Store, desk: Desk, qtbot: QtBot
):
    pane = AttentionPane(bert)
    shown(pane, qtbot, 800, 560)
    bert.select(layer=1, head=2)
    pane.refresh_now()
    pattern = lm_of(desk, "blocks.1.attn.hook_pattern")[2].astype(np.float64)
    n = len(pattern)
    following = sum(pattern[i, i + 1] for i in range(n - 1)) / (n - 1)
    assert pane.header_note() == (
        f"layer 1 · head 2 · first token {percent(pattern[:, 0].mean())} · "
        f"previous {percent(sum(pattern[i, i - 1] for i in range(1, n)) / (n - 1))} · "
        f"next {percent(following)}"
    )
    assert pane._readout.text().endswith(f"next {percent(following)} · mean over {n} positions")


@pytest.mark.parametrize("name", ["modernbert", "mixtral", "gemma", "bert"])
def test_masks_are_where_the_scores_are_minus_infinity(
    opened: Opened, desk: Desk, qtbot: QtBot, name: str
):
    store = opened(name, TEXT)
    assert store.model is not None
    pane = AttentionPane(store)
    shown(pane, qtbot, 800, 560)
    for layer in range(store.model.config.n_layers):
        store.select(layer=layer, head=0)
        pane.refresh_now()
        content, tiles = pane.heat_map.content, pane.mosaic.found
        assert content is not None
        assert tiles is not None
        masked = np.isneginf(lm_of(desk, f"blocks.{layer}.attn.hook_attn_scores")[0])
        assert (content.masked_RC == masked).all(), layer
        assert tiles.block == 1
        assert (tiles.masked[layer] == masked).all(), layer


def test_a_window_is_hatched(opened: Opened, qtbot: QtBot):
    store = opened("modernbert", TEXT)
    pane = AttentionPane(store)
    shown(pane, qtbot, 800, 560)
    pane.set_view("matrix")
    store.select(layer=1, head=0, position=0)
    pane.refresh_now()
    QTest.qWait(30)
    pane.refresh_now()
    image = pixels(pane.heat_map.viewport())
    box = pane.heat_map.cell_rect(6, 10).toRect().adjusted(2, 2, -2, -2)
    patch = image[box.top() : box.bottom(), box.left() : box.right()].reshape(-1, 3)
    assert {tuple(color) for color in patch.tolist()} == {color_named("panel"), color_named("line")}
    assert "masked" in pane.pointing.describe_cell(6, 10)
    assert "masked" not in pane.pointing.describe_cell(6, 8)


@pytest.mark.parametrize("name", MAKERS)
def test_every_operation_is_drawn_and_described(
    opened: Opened, desk: Desk, name: str, qtbot: QtBot
):
    store = opened(name, TEXT)
    recorded = Recorded(desk)
    layers, inspector = LayersPane(store), InspectorPane(store)
    shown(layers, qtbot, 620, 900)
    shown(inspector, qtbot, 360, 900)
    graph = OperationGraph(store.operations)
    for index, op in enumerate(store.operations):
        store.select(operation=index)
        layers.refresh_now()
        inspector.refresh_now()
        blocks = inspector.operation.shown_blocks
        assert [block.name for block in blocks] == [*op.inputs, op.output]
        assert all(block.reading is not None for block in blocks), op.output
        figures = layers.map.figures
        assert figures is not None
        strip = figures.strip(op)
        assert strip is not None or figures.words(op), op.output
        if strip is not None:
            index_of = tuple(slice(None) if at is None else at for at in strip.index)
            wanted = recorded[op.output][index_of]
            np.testing.assert_allclose(strip.values, wanted, rtol=1e-3, atol=1e-5)
    for row in layers.map.rows:
        assert row_words(row, graph, layers.map.figures)


def test_folded_parts_say_how_much_they_add_where_norms_come_after(
    bert: Store, desk: Desk, qtbot: QtBot
):
    from gui.panes.layers.map_layout import Spacing, lay_out
    from gui.panes.layers.words import fold_ratio

    layers = LayersPane(bert)
    shown(layers, qtbot, 620, 900)
    graph = OperationGraph(bert.operations)
    rows, _ = lay_out(graph, (), Spacing())
    folded = [row for row in rows if row.kind == "folded"]
    assert len(folded) == 4
    recorded = Recorded(desk)
    added = recorded["blocks.0.hook_attn_out"][0]
    stream = recorded["embed.ln.hook_normalized"][0]
    lengths = np.linalg.norm(added, axis=-1) / np.linalg.norm(stream, axis=-1)
    assert layers.map.figures is not None
    ratio = fold_ratio(folded[0], graph, layers.map.figures)
    assert ratio == pytest.approx(float(lengths.mean()), rel=1e-5)


def test_no_path_is_drawn_where_the_stream_is_wider_than_the_table(opened: Opened, qtbot: QtBot):
    store = opened("opt")
    pane = SpacePane(store)
    shown(pane, qtbot, 700, 500)
    pane.tools.path.setChecked(True)
    pane.refresh_now()
    assert "wider than the token vectors" in pane.status.text()
    assert "path_points" not in pane.export_data()


def test_paths_follow_the_normed_stream(bert: Store, desk: Desk, qtbot: QtBot):
    pane = SpacePane(bert)
    pane.tools.true_length.setChecked(True)
    shown(pane, qtbot, 700, 500)
    bert.select(position=2)
    pane.refresh_now()
    path = pane.export_data()["path_points"]
    assert isinstance(path, Named)
    assert path.at["position"].tolist() == [2]
    last = desk.lm.trace(bert.prompt)["blocks.1.ln2.hook_normalized"][0, 2].numpy()
    assert path.at["station"].tolist()[-1] == "blocks.1.hook_normalized_resid_post"
    assert bert.vocabulary is not None
    expected = (last - bert.vocabulary.mean) @ bert.vocabulary.axes.T
    assert np.allclose(path.values[0, -1], expected, atol=1e-5)


def test_the_command_masks_the_selected_token_in_the_real_window(
    opened: Opened, qtbot: QtBot, small_checkpoints: dict[str, Path]
):
    opened("bert")
    make_application("dark")
    program = open_program(qtbot)
    store, window = program.store, program.window
    try:
        store.opening.open(str(small_checkpoints["bert"]))
        qtbot.waitUntil(lambda: store.model is not None and store.masking.possible, timeout=SOON)
        store.set_prompt("the king lost his crown")
        qtbot.waitUntil(
            lambda: store.read is not None and store.read.text == store.prompt, timeout=SOON
        )
        store.select(position=2)
        assert not window.actions_by_id["generate"].isEnabled()
        window.actions_by_id["mask_token"].trigger()
        assert store.prompt == "the [MASK] lost his crown"
        qtbot.waitUntil(
            lambda: store.read is not None and store.read.text == store.prompt, timeout=SOON
        )
        assert store.masking.original(2) == VOCABULARY.index("king")
        assert window.docks["prediction"].windowTitle() == "Masked token"
    finally:
        close_program(qtbot, program)
