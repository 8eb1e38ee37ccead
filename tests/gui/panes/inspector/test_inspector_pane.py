"""What the inspector writes and colours is the model's own number, with every digit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import model
from gui import theme
from gui.panes.inspector.pane import InspectorPane
from gui.panes.inspector.tensor_block import TensorBlock, figures
from gui.panes.inspector.value_strip import ValueStrip
from gui.reading.axes import parameter_shape
from gui.reading.inspecting import inspected, inspected_parameter
from gui.reading.numbers import exact
from gui.reading.quoting import quoted
from gui.reading.sentences import weight_sentence
from gui.reading.vectors import reading_of
from gui.session.state import Inspected, Says
from gui.session.store import Store
from model import messages as m
from model.config import TransformerConfig
from model.interventions import RemoveMask
from model.operations import PROBABILITIES
from model.probe.vectors.asks import Vector
from model.sampling import Sampling, probabilities
from model.train import PRESETS
from tests.gui.desk import PROMPT, Desk
from tests.gui.recorded import Recorded

PATTERN = "blocks.1.attn.hook_pattern"


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> InspectorPane:
    return shown(live_store, qtbot)


def shown(store: Store, qtbot: QtBot, width: int = 420, height: int = 900) -> InspectorPane:
    pane = InspectorPane(store)
    qtbot.addWidget(pane)
    pane.resize(width, height)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    return pane


def pick(
    store: Store, desk: Desk, index: tuple[int, ...], note: str = "", says: Says | None = None
) -> Inspected:
    """Inspect a weight of the prompt in view, as a pane does; returns what is inspected."""
    assert store.model is not None
    assert store.read is not None
    value = float(Recorded(desk)[PATTERN][index])
    chosen = inspected(store.model, store.read, PATTERN, index, value, note, says=says)
    store.inspect(chosen)
    return chosen


def go_to(pane: InspectorPane, output: str) -> list[TensorBlock]:
    """Select the operation that writes an activation; returns the blocks that show it."""
    names = [op.output for op in pane.store.operations]
    pane.store.select(operation=names.index(output))
    pane.invalidate()
    pane.refresh_now()
    pane.grab()  # lays out what was hidden before
    return pane.operation.shown_blocks


def drawn_values(strip: ValueStrip, elements: list[int], scale: str) -> list[float]:
    """The values of cells, from their colours back through the map; text is avoided."""
    picture: QImage = strip.grab().toImage()
    table = (theme.diverging_table() if scale == "signed" else theme.sequential_table()).astype(int)
    values = []
    for element in elements:
        cell = strip.cell_rect(element)
        color = picture.pixelColor(
            QPoint(int(cell.center().x()), round(cell.top() + 0.25 * min(cell.height(), 8)))
        )
        distance = np.abs(table - [color.red(), color.green(), color.blue()]).sum(axis=1)
        assert distance.min() <= 3, f"{color.name()} is no colour of the map"
        share = float(distance.argmin()) / 255
        values.append(strip.limit * (2 * share - 1 if scale == "signed" else share))
    return values


@pytest.mark.parametrize("position", [0, 4, 9])
@pytest.mark.parametrize(
    ("output", "scale"),
    [
        (PATTERN, "share"),
        ("blocks.0.attn.hook_attn_scores", "signed"),
        ("blocks.2.hook_resid_post", "signed"),
        ("blocks.1.attn.hook_q", "signed"),
        ("blocks.0.mlp.hook_post", "signed"),
        ("ln_final.hook_scale", "amount"),
    ],
)
def test_strips_have_the_colours_of_the_tensor(
    pane: InspectorPane, live_store: Store, desk: Desk, output: str, scale: str, position: int
) -> None:
    live_store.select(position=position, layer=1, head=2)
    block = go_to(pane, output)[-1]
    array = Recorded(desk)[output]
    if output.endswith("hook_scale"):
        expected = array[0, :, 0]
    elif array.ndim == 3:
        expected = array[0, position]
    else:
        expected = array[0, position, 2] if output.endswith("hook_q") else array[0, 2, position]
    n = position + 1 if "attn_scores" in output or "pattern" in output else len(expected)
    elements = sorted({0, n // 3, n // 2, n - 1})
    drawn = drawn_values(block.strip, elements, scale)
    step = block.strip.limit * (2 if scale == "signed" else 1) / 255
    np.testing.assert_allclose(drawn, expected[elements], atol=1.01 * step)
    assert block.strip.limit == pytest.approx(
        1.0 if scale == "share" else float(np.abs(expected[:n]).max())
    )


def test_every_operation_shows_its_real_inputs_and_output(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    recorded = Recorded(desk)
    for index, op in enumerate(live_store.operations):
        live_store.select(operation=index)
        pane.refresh_now()
        blocks = pane.operation.shown_blocks
        assert [block.name for block in blocks] == [*op.inputs, op.output]
        for block in blocks:
            reading = block.reading
            assert reading is not None, block.name
            if block.name == PROBABILITIES:
                want = probabilities(recorded["logits"][0, -1], live_store.sampling)
                np.testing.assert_allclose(reading.values, want, rtol=1e-4)
                continue
            for element in (0, len(reading.values) - 1):
                full = recorded[block.name][reading.full_index(element)]
                assert reading.values[element] == pytest.approx(full, rel=1e-4, abs=1e-5)
        assert pane.operation._formula.text() == op.formula


def test_masked_keys_are_hatched_and_left_out_of_the_figures(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(position=3, head=1)
    block = go_to(pane, PATTERN)[-1]
    reading = block.reading
    assert reading is not None
    row = Recorded(desk)[PATTERN][0, 1, 3]
    assert float(dict(figures(reading))["min"]) == pytest.approx(row[:4].min(), rel=1e-3)
    assert float(dict(figures(reading))["sum"]) == pytest.approx(1.0)
    picture = block.strip.grab().toImage()
    cell = block.strip.cell_rect(7).toRect()
    colours = {picture.pixel(x, cell.center().y()) for x in range(cell.left(), cell.right())}
    assert len(colours) > 1


def test_keys_before_the_mask_are_shown_as_they_are(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    """The product of query and key is there for later keys, too: nothing is hidden."""
    live_store.select(position=3, head=1)
    block = go_to(pane, "blocks.1.attn.hook_dot")[-1]
    reading = block.reading
    assert reading is not None
    assert len(reading.seen) == len(Recorded(desk).ids)
    wanted = Recorded(desk)["blocks.1.attn.hook_dot"][0, 1, 3]
    np.testing.assert_allclose(reading.values, wanted, rtol=1e-4, atol=1e-4)


def test_where_the_mask_is_taken_away_later_keys_are_shown(live_store: Store, desk: Desk) -> None:
    ids = list(Recorded(desk).ids)
    trace = desk.lm.trace(ids, interventions=(RemoveMask(layer=1),))
    row = trace[PATTERN][0, 1, 3].detach().numpy()
    assert row[4:].all()
    assert live_store.model is not None
    vector = Vector(PATTERN, "BHQS", (0, 1, 3, None), row)
    np.testing.assert_array_equal(reading_of(vector, live_store.model.config).seen, row)


def test_the_value_has_every_digit_of_its_type(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    value = Recorded(desk)[PATTERN][0, 3, 4, 1]
    pick(live_store, desk, (0, 3, 4, 1))
    pane.refresh_now()
    assert np.float32(pane.value.value_text) == value
    assert pane.value.value_text == str(value)
    assert live_store.model is not None
    query, key = (live_store.model.token_text(Recorded(desk).ids[i]) for i in (4, 1))
    assert pane.value.index_text == f"[batch 0, head 3, query 4 {query}, key 1 {key}]"


def test_numbers_are_written_by_type() -> None:
    assert exact(np.float32(0.1), "float32") == "0.1"
    assert exact(0.1 + 0.2, "float64") == "0.30000000000000004"
    assert exact(1184.0, "int64") == "1184"


def test_a_new_prompt_is_read_at_the_same_index(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    before = pick(live_store, desk, (0, 3, 4, 1), "A sentence about it.").value
    pane.refresh_now()
    assert pane.value.note_text == "A sentence about it."
    live_store.set_prompt("The dog saw a cat in the garden.")
    pane.refresh_now()
    after = Recorded(desk)[PATTERN][0, 3, 4, 1]
    assert after != before
    assert float(pane.value.value_text) == pytest.approx(float(after), rel=1e-5)
    assert pane.value.note_text == "", "the sentence was about another prompt"
    assert live_store.model is not None
    query, key = (live_store.model.token_text(Recorded(desk).ids[i]) for i in (4, 1))
    assert pane.value.index_text == f"[batch 0, head 3, query 4 {query}, key 1 {key}]"
    live_store.set_prompt(PROMPT)
    pane.refresh_now()
    assert pane.value.note_text == "A sentence about it."


@pytest.mark.parametrize("says", [None, weight_sentence])
def test_a_sentence_about_a_masked_weight_never_speaks_of_another_prompts_tokens(
    pane: InspectorPane, live_store: Store, desk: Desk, says: Says | None
) -> None:
    """The value is 0 under both prompts: that it is equal says nothing about the words."""
    assert live_store.read is not None
    old = live_store.read.tokens
    index = (0, 3, 1, 4)
    words = weight_sentence(live_store.read, index, 0.0)
    assert quoted(old[1].text) in words
    assert quoted(old[4].text) in words
    assert pick(live_store, desk, index, words, says).value == 0.0
    pane.refresh_now()
    assert pane.value.note_text == words
    live_store.set_prompt("A dog saw some cats in the garden.")
    pane.refresh_now()
    new = live_store.read.tokens
    assert new[1].text not in (old[1].text, old[4].text)
    assert pane.value.value_text == "0.0"
    assert quoted(old[1].text) not in pane.value.note_text
    assert quoted(old[4].text) not in pane.value.note_text
    wanted = "" if says is None else weight_sentence(live_store.read, index, 0.0)
    assert pane.value.note_text == wanted
    assert new[4].text in pane.value.index_text


def test_between_a_prompt_and_its_answer_no_sentence_is_about_the_old_one(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    pick(live_store, desk, (0, 3, 1, 4), "About the old prompt.")
    pane.refresh_now()
    take = live_store.receive
    held: list[m.Result] = []

    def receive(result: m.Result) -> None:
        (held.append if isinstance(result, m.Answered) else take)(result)

    live_store.receive = receive  # type: ignore[method-assign]
    live_store.set_prompt("A dog saw some cats in the garden.")
    pane.invalidate()
    pane.refresh_now()
    assert held
    assert pane.value.note_text == ""
    assert pane.value.value_text == "0.0"


def test_a_sentence_about_weights_stays_with_another_prompt(
    pane: InspectorPane, live_store: Store
) -> None:
    live_store.inspect(
        inspected_parameter("W_E", (3, 5), 0.25, "Far above the mean.", dtype="float32")
    )
    live_store.set_prompt("The dog")
    pane.refresh_now()
    assert pane.value.note_text == "Far above the mean."
    assert pane.value.value_text == "0.25"
    assert live_store.inspected is not None
    assert live_store.inspected.code == 'lm.parameter("W_E")[3, 5]'


def test_an_index_that_is_gone_keeps_its_number_and_says_so(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    value = pick(live_store, desk, (0, 3, 4, 1)).value
    assert value is not None
    pane.refresh_now()
    before = pane.value.index_text
    live_store.set_prompt("The")
    pane.refresh_now()
    assert pane.value.value_text == str(np.float32(value))
    assert "Not in the present prompt" in pane.value.note_text
    assert pane.value.index_text == before, "it is the old prompt's number, with its words"


def test_an_inspected_probability_follows_the_temperature(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    assert live_store.model is not None
    assert live_store.read is not None
    at, logits_V = live_store.read.n_tokens - 1, Recorded(desk)["logits"][0, -1]
    own = live_store.sampling
    live_store.inspect(
        inspected(
            live_store.model,
            live_store.read,
            PROBABILITIES,
            (0, at, 5),
            float(probabilities(logits_V, own)[5]),
            "At temperature 1.",
            sampling=own,
        )
    )
    pane.refresh_now()
    assert pane.value.note_text == "At temperature 1."
    cold = Sampling(temperature=0.5)
    live_store.set_sampling(cold)
    pane.refresh_now()
    want = probabilities(logits_V, cold)[5]
    assert float(pane.value.value_text) == pytest.approx(want, rel=1e-3)
    assert pane.value.note_text == "", "the sentence was about another temperature"
    assert pane.value.shown is not None
    code = pane.value.shown.code
    assert eval(code, {"trace": Recorded(desk), "model": model}) == pytest.approx(want, rel=1e-3)


def test_a_click_on_a_cell_inspects_that_element(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(position=5, head=2)
    block = go_to(pane, "blocks.1.attn.hook_z")[-1]
    cell = block.strip.cell_rect(11).center().toPoint()
    QTest.mouseClick(block.strip, Qt.MouseButton.LeftButton, pos=cell)
    chosen = live_store.inspected
    assert chosen is not None
    assert (chosen.name, chosen.index) == ("blocks.1.attn.hook_z", (0, 5, 2, 11))
    assert chosen.subject == live_store.subject
    recorded = Recorded(desk)
    assert chosen.value == pytest.approx(float(recorded[chosen.name][chosen.index]), rel=1e-4)
    assert eval(chosen.code, {"trace": recorded}) == pytest.approx(chosen.value, rel=1e-4)
    assert live_store.read is not None
    assert f"at {quoted(live_store.read.tokens[5].text)}" in chosen.note
    QTest.keyClick(block.strip, Qt.Key.Key_Right)
    assert live_store.inspected is not None
    assert live_store.inspected.index == (0, 5, 2, 12)


def test_copy_puts_the_line_of_python_on_the_clipboard(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    QGuiApplication.clipboard().clear()
    go_to(pane, PATTERN)
    pane.copy_code()
    assert QGuiApplication.clipboard().text() == f'trace["{PATTERN}"]'
    code = f'trace["{PATTERN}"][0, 3, 4, 1]'
    pick(live_store, desk, (0, 3, 4, 1))
    pane.refresh_now()
    QTest.mouseClick(pane.value.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == code
    assert pane.value.copy_button.text() == "Copied"


def test_long_vectors_lose_no_large_value(qtbot: QtBot) -> None:
    strip = ValueStrip()
    qtbot.addWidget(strip)
    strip.resize(400, 40)
    values = np.random.default_rng(0).normal(size=50_257).astype(np.float32)
    values[31_415] = -40.0
    strip.set_values(values, "signed")
    assert strip.per_cell > 1
    at = strip.cell_rect(31_415).center()
    assert strip.element_at(at) == 31_415
    (drawn,) = drawn_values(strip, [31_415], "signed")
    assert drawn == pytest.approx(-40, abs=0.4)


def test_grouped_query_heads_read_their_shared_keys(
    opened: Callable[..., Store], desk: Desk, qtbot: QtBot
) -> None:
    store = opened("mixtral")  # six heads share two pairs of keys and values
    pane = shown(store, qtbot)
    store.select(position=5, head=4)
    block = go_to(pane, "blocks.0.attn.hook_v")[-1]
    assert block.reading is not None
    wanted = Recorded(desk)["blocks.0.attn.hook_v"][0, 5, 1]
    np.testing.assert_allclose(block.reading.values, wanted, rtol=1e-4, atol=1e-6)


def test_parameters_have_the_shapes_of_the_network() -> None:
    import torch

    from model.operations import parameter_names
    from model.parameters import parameter
    from model.transformer import Transformer

    torch.set_num_threads(1)
    config = TransformerConfig(
        n_layers=1,
        n_heads=4,
        n_kv_heads=2,
        d_model=16,
        d_mlp=24,
        d_vocab=20,
        n_ctx=8,
        gated=True,
        tied_embeddings=False,
    )
    network = Transformer(config)
    for name in parameter_names(config):
        assert parameter_shape(config, name)[0] == tuple(parameter(network, name).shape), name


def test_the_training_step_is_said(
    pane: InspectorPane, live_store: Store, desk: Desk, tmp_path: Path
) -> None:
    assert pane.header_note() == f"op 1 of {len(live_store.operations)}"
    recipe = replace(PRESETS["tiny"], steps=4)
    live_store.run.start(recipe, str(tmp_path / "run"), begin_paused=True)
    desk.advance(10_000)
    live_store.run.step()
    desk.advance(10_000)
    pane.refresh_now()
    assert live_store.read is not None
    assert live_store.read.step == 1
    assert pane.header_note().endswith("· step 1")


def test_it_stands_before_a_model_is_open(qtbot: QtBot) -> None:
    pane = shown(Store(lambda request: None), qtbot)
    assert "No model is open" in pane.operation._sentence.text()
    assert "Click any cell" in pane.value._note.text()
    pane.copy_code()
    assert pane.export_data() == {}
    assert pane.header_note() == ""


def test_a_refused_prompt_leaves_the_operation_readable(
    pane: InspectorPane, live_store: Store
) -> None:
    go_to(pane, PATTERN)
    live_store.set_prompt("")
    pane.refresh_now()
    assert pane.operation._formula.text()
    assert not any(block.isVisible() for block in pane.operation._blocks)


def test_exported_data_are_what_is_drawn(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    live_store.select(position=2, head=1)
    go_to(pane, PATTERN)
    data = pane.export_data()
    assert data[PATTERN].axes == ("key",)
    np.testing.assert_allclose(data[PATTERN].values, Recorded(desk)[PATTERN][0, 1, 2], atol=1e-6)


def test_a_change_of_theme_recolours_the_strips(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    block = go_to(pane, "blocks.2.hook_resid_post")[-1]
    dark = block.strip.grab().toImage()
    theme.set_current("light")
    live_store.theme_changed.emit()
    pane.refresh_now()
    assert block.strip.grab().toImage() != dark
    expected = Recorded(desk)["blocks.2.hook_resid_post"][0, -1]
    step = 2 * block.strip.limit / 255
    assert drawn_values(block.strip, [0, 64], "signed") == pytest.approx(
        expected[[0, 64]], abs=step
    )


def test_a_formula_is_drawn_with_lowered_parts_and_broken_where_it_has_no_room(
    pane: InspectorPane, live_store: Store
) -> None:
    go_to(pane, PATTERN)
    formula = pane.operation._formula
    assert formula.text() == "A_ij = exp(s_ij) / Σ_j exp(s_ij)"
    assert len(formula.lines(600)) == 1
    narrow = formula.lines(120)
    assert len(narrow) > 1
    assert " ".join(narrow) == formula.text()
    assert formula.heightForWidth(120) == len(narrow) * formula.heightForWidth(600)
    assert formula.height() >= formula.heightForWidth(formula.width())
    assert "sub ij" in formula.accessibleDescription()
