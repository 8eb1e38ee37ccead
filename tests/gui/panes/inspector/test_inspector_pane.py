"""What the inspector writes and colours is the trace's own number, with every digit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.inspector.pane import InspectorPane
from gui.panes.inspector.tensor_block import TensorBlock, exact, figures
from gui.panes.inspector.value_strip import ValueStrip
from gui.reading.vectors import parameter_shape, read
from gui.session.state import Inspected
from gui.session.store import Store
from model import messages as m
from model.config import TransformerConfig
from model.operations import PROBABILITIES, operations
from model.sampling import Sampling, probabilities
from tests.gui.desk import Desk

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


def trace_of(store: Store) -> m.TraceReady:
    assert store.trace is not None
    return store.trace


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
    pane: InspectorPane, live_store: Store, output: str, scale: str, position: int
) -> None:
    live_store.select(position=position, layer=1, head=2)
    block = go_to(pane, output)[-1]
    array = trace_of(live_store).activations[output]
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
    np.testing.assert_allclose(drawn, expected[elements], atol=step)
    assert block.strip.limit == pytest.approx(
        1.0 if scale == "share" else float(np.abs(expected[:n]).max())
    )


def test_every_operation_shows_its_real_inputs_and_output(
    pane: InspectorPane, live_store: Store
) -> None:
    trace = trace_of(live_store)
    for index, op in enumerate(live_store.operations):
        live_store.select(operation=index)
        pane.refresh_now()
        blocks = pane.operation.shown_blocks
        assert [block.name for block in blocks] == [*op.inputs, op.output]
        for block in blocks:
            reading = block.reading
            assert reading is not None, block.name
            if block.name == PROBABILITIES:
                want = probabilities(trace.logits[-1], live_store.sampling)
                np.testing.assert_array_equal(reading.values, want)
                continue
            for element in (0, len(reading.values) - 1):
                full = trace.activations[block.name][reading.full_index(element)]
                assert reading.values[element] == full
        assert pane.operation._formula.text() == op.formula


def test_masked_keys_are_hatched_and_left_out_of_the_figures(
    pane: InspectorPane, live_store: Store
) -> None:
    live_store.select(position=3, head=1)
    block = go_to(pane, PATTERN)[-1]
    reading = block.reading
    assert reading is not None
    row = trace_of(live_store).activations[PATTERN][0, 1, 3]
    assert dict(figures(reading))["min"] == f"{row[:4].min():.4g}"
    assert dict(figures(reading))["sum"] == f"{row[:4].astype(float).sum():.4g}"
    picture = block.strip.grab().toImage()
    cell = block.strip.cell_rect(7).toRect()
    colours = {picture.pixel(x, cell.center().y()) for x in range(cell.left(), cell.right())}
    assert len(colours) > 1


def test_the_value_has_every_digit_of_its_type(pane: InspectorPane, live_store: Store) -> None:
    value = trace_of(live_store).activations[PATTERN][0, 3, 4, 1]
    live_store.inspect(Inspected(PATTERN, (0, 3, 4, 1), float(value)))
    pane.refresh_now()
    assert np.float32(pane.value.value_text) == value
    assert pane.value.value_text == str(value)
    tokens = trace_of(live_store).tokens
    assert live_store.model is not None
    query, key = (live_store.model.token_text(tokens[i].id) for i in (4, 1))
    assert pane.value.index_text == f"[batch 0, head 3, query 4 {query}, key 1 {key}]"


def test_numbers_are_written_by_type() -> None:
    assert exact(np.float32(0.1), "float32") == "0.1"
    assert exact(0.1 + 0.2, "float64") == "0.30000000000000004"
    assert exact(1184.0, "int64") == "1184"


def test_a_new_trace_is_read_at_the_same_index(pane: InspectorPane, live_store: Store) -> None:
    before = trace_of(live_store).activations[PATTERN][0, 3, 4, 1]
    live_store.inspect(Inspected(PATTERN, (0, 3, 4, 1), float(before), note="A sentence about it."))
    pane.refresh_now()
    assert pane.value._note.text() == "A sentence about it."
    live_store.set_prompt("The dog saw a cat in the garden.")
    pane.refresh_now()
    after = trace_of(live_store).activations[PATTERN][0, 3, 4, 1]
    assert after != before
    assert pane.value.value_text == str(after)
    assert pane.value._note.text() == "", "the sentence was about another number"


def test_an_index_that_is_gone_keeps_its_number_and_says_so(
    pane: InspectorPane, live_store: Store
) -> None:
    value = trace_of(live_store).activations[PATTERN][0, 3, 4, 1]
    live_store.inspect(Inspected(PATTERN, (0, 3, 4, 1), float(value)))
    live_store.set_prompt("The")
    pane.refresh_now()
    assert pane.value.value_text == str(value)
    assert "Not in the present trace" in pane.value._note.text()


def test_an_inspected_probability_follows_the_temperature(
    pane: InspectorPane, live_store: Store
) -> None:
    at = trace_of(live_store).n_tokens - 1
    live_store.inspect(Inspected("probabilities", (0, at, 5), 0.5, dtype="float64"))
    live_store.set_sampling(Sampling(temperature=0.5))
    pane.refresh_now()
    want = probabilities(trace_of(live_store).logits[at], Sampling(temperature=0.5))[5]
    assert float(pane.value.value_text) == want


def test_a_click_on_a_cell_inspects_that_element(pane: InspectorPane, live_store: Store) -> None:
    live_store.select(position=5, head=2)
    block = go_to(pane, "blocks.1.attn.hook_z")[-1]
    cell = block.strip.cell_rect(11).center().toPoint()
    QTest.mouseClick(block.strip, Qt.MouseButton.LeftButton, pos=cell)
    inspected = live_store.inspected
    assert inspected is not None
    assert (inspected.name, inspected.index) == ("blocks.1.attn.hook_z", (0, 5, 2, 11))
    activations = trace_of(live_store).activations
    assert inspected.value == activations[inspected.name][inspected.index]
    assert eval(inspected.code, {"trace": activations}) == inspected.value
    QTest.keyClick(block.strip, Qt.Key.Key_Right)
    assert live_store.inspected is not None
    assert live_store.inspected.index == (0, 5, 2, 12)


def test_copy_puts_the_line_of_python_on_the_clipboard(
    pane: InspectorPane, live_store: Store
) -> None:
    QGuiApplication.clipboard().clear()
    go_to(pane, PATTERN)
    pane.copy_code()
    assert QGuiApplication.clipboard().text() == f'trace["{PATTERN}"]'
    code = f'trace["{PATTERN}"][0, 3, 4, 1]'
    live_store.inspect(Inspected(PATTERN, (0, 3, 4, 1), 0.0, code=code))
    pane.refresh_now()
    QTest.mouseClick(pane.value.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == code
    assert pane.value.copy_button.text() == "Copied"


def test_what_was_left_out_can_be_fetched(
    pane: InspectorPane, live_store: Store, desk: Desk
) -> None:
    trace = trace_of(live_store)
    kept = {name: array for name, array in trace.activations.items() if name != PATTERN}
    live_store.trace = replace(trace, activations=MappingProxyType(kept), left_out=(PATTERN,))
    live_store.trace_changed.emit()
    block = go_to(pane, PATTERN)[-1]
    assert block.reading is None
    assert block.fetch_button.isVisible()
    assert not block.strip.isVisible()
    QTest.mouseClick(block.fetch_button, Qt.MouseButton.LeftButton)
    pane.refresh_now()
    assert block.reading is not None
    np.testing.assert_allclose(
        block.reading.values, trace.activations[PATTERN][0, 0, trace.n_tokens - 1], atol=1e-6
    )
    assert not block.fetch_button.isVisible()


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


def test_grouped_query_heads_read_their_shared_keys(live_store: Store) -> None:
    config = TransformerConfig(n_layers=1, n_heads=4, n_kv_heads=2, d_model=16, d_vocab=20, n_ctx=8)
    assert live_store.model is not None
    live_store.model = replace(live_store.model, config=config)
    live_store.operations = operations(config)
    keys = np.arange(1 * 8 * 2 * 4, dtype=np.float32).reshape(1, 8, 2, 4)
    trace = trace_of(live_store)
    live_store.trace = replace(trace, activations=MappingProxyType({"blocks.0.attn.hook_k": keys}))
    live_store.select(position=5, head=3)
    reading = read(live_store, "blocks.0.attn.hook_k")
    assert reading is not None
    np.testing.assert_array_equal(reading.values, keys[0, 5, 1])


def test_parameters_have_the_shapes_of_the_network() -> None:
    import torch

    from model.parameters import parameter, parameter_names
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


def test_the_training_step_is_said(pane: InspectorPane, live_store: Store) -> None:
    assert pane.header_note().startswith("operation 1 of")
    live_store.trace = replace(trace_of(live_store), step=1200)
    assert pane.header_note() == "step 1,200"


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


def test_exported_data_are_what_is_drawn(pane: InspectorPane, live_store: Store) -> None:
    live_store.select(position=2, head=1)
    go_to(pane, PATTERN)
    data = pane.export_data()
    np.testing.assert_array_equal(data[PATTERN], trace_of(live_store).activations[PATTERN][0, 1, 2])


def test_a_change_of_theme_recolours_the_strips(pane: InspectorPane, live_store: Store) -> None:
    block = go_to(pane, "blocks.2.hook_resid_post")[-1]
    dark = block.strip.grab().toImage()
    theme.set_current("light")
    live_store.theme_changed.emit()
    pane.refresh_now()
    assert block.strip.grab().toImage() != dark
    expected = trace_of(live_store).activations["blocks.2.hook_resid_post"][0, -1]
    step = 2 * block.strip.limit / 255
    assert drawn_values(block.strip, [0, 64], "signed") == pytest.approx(
        expected[[0, 64]], abs=step
    )
