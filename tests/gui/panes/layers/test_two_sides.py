"""Layers while a difference is shown: strips of B − A, how far each part is apart, both tokens."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.layers.pane import LayersPane
from gui.panes.layers.words import row_words
from gui.session.store import Store
from model.interventions import AblateHead, ScaleOutput
from model.language_model import LanguageModel
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.layers.test_layers_pane import shown

TEXT_B = "The king lost his crown. The duke lost her"


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme, "MOTION_MS", 0)


@pytest.fixture
def pane(live_store: Store, qtbot: QtBot) -> LayersPane:
    return shown(live_store, qtbot)


def settle(pane: LayersPane) -> None:
    for _ in range(2):
        pane.refresh_now()


def go_to(pane: LayersPane, name: str) -> int:
    """Select an operation, so that its block is unfolded; its index."""
    index = next(i for i, op in enumerate(pane.store.operations) if op.output == name)
    pane.store.select(operation=index)
    settle(pane)
    return index


def strip_of(pane: LayersPane, name: str) -> np.ndarray:
    row = next(
        row
        for row in pane.map.rows
        if row.kind == "operation" and pane.store.operations[row.first].output == name
    )
    strip = pane.map.strip(row)
    assert strip is not None
    assert strip.scale == "signed"
    return np.asarray(strip.values)


def test_a_strip_is_b_minus_a(pane: LayersPane, desk: Desk):
    pane.store.comparing.compare_prompt(TEXT_B)
    go_to(pane, "blocks.0.attn.hook_z")
    at = pane.store.selection.position
    for name in ("blocks.0.attn.hook_z", "blocks.0.attn.hook_pattern", "blocks.0.mlp.hook_post"):
        a, b = (desk.lm.trace(text, name)[name][0].numpy() for text in (PROMPT, TEXT_B))
        head = pane.store.selection.head
        pick: tuple[int, ...] = (head, at) if name.endswith("pattern") else (at, head)
        pick = (at,) if name.endswith("post") else pick
        np.testing.assert_allclose(strip_of(pane, name), (b - a)[pick], atol=1e-5)


def test_each_part_says_how_far_both_are_apart(pane: LayersPane, desk: Desk, beside: LanguageModel):
    settle(pane)
    folded = [row for row in pane.map.rows if row.kind == "folded"]
    assert folded
    names = {(row.layer, row.label): row for row in folded}
    row = names[2, "MLP"]
    name = "blocks.2.hook_mlp_out"
    a, b = (lm.trace(PROMPT, name)[name][0].double().numpy() for lm in (desk.lm, beside))
    apart = np.linalg.norm(b - a) / np.linalg.norm(a)
    said = row_words(row, pane.map.graph, pane.map.figures)
    assert f"Δ = {apart:.4g} = ‖B − A‖ / ‖A‖ of {name}" in said
    data = pane.export_data()
    at = data["name"].tolist().index(name)
    assert data["difference_relative"][at] == pytest.approx(apart, rel=1e-4)
    assert data["difference_max_abs"][at] == pytest.approx(np.abs(b - a).max(), rel=1e-4)
    parts = [f"blocks.{layer}.hook_{part}_out" for layer in range(4) for part in ("attn", "mlp")]
    relative = dict(zip(data["name"].tolist(), data["difference_relative"].tolist(), strict=True))
    most = max(parts, key=lambda part: relative[part])
    kind = "attention" if "attn" in most else "MLP"
    expected = f"most in {kind} {most.split('.')[1]}, Δ {relative[most]:.2f}"
    assert pane.header_note() == expected


def test_before_a_cut_there_is_nothing_and_after_it_something(pane: LayersPane):
    pane.store.intervening.add(AblateHead(1, 2))
    pane.store.intervening.set_view("difference")
    settle(pane)
    data = pane.export_data()
    relative = dict(zip(data["name"].tolist(), data["difference_relative"].tolist(), strict=True))
    assert relative["blocks.0.hook_mlp_out"] < 1e-6
    assert relative["blocks.1.attn.hook_z"] > 0.1
    assert relative["blocks.1.hook_mlp_out"] > 1e-4


def test_the_lens_says_both_tokens_where_they_differ(pane: LayersPane, desk: Desk):
    cut = ScaleOutput(0, "block")
    pane.store.intervening.add(cut)
    pane.store.intervening.set_view("difference")
    settle(pane)
    last = desk.lm.config.n_layers - 1
    figures = pane.map.figures
    assert figures is not None
    reading = figures.lens_after(last)
    assert reading is not None
    before, after = (
        int(desk.lm.trace(PROMPT, "logits", interventions=some)["logits"][0, -1].argmax())
        for some in ((), (cut,))
    )
    assert before != after, "or nothing would be seen"
    model = pane.store.model
    assert model is not None
    texts = [model.token_text(one).removeprefix("·") for one in (before, after)]
    assert reading.token == f"{texts[0]} → {texts[1]}"


def test_a_click_on_a_strip_inspects_the_side_in_view(pane: LayersPane, desk: Desk):
    pane.store.comparing.compare_prompt(TEXT_B)
    name = "blocks.0.mlp.hook_post"
    index = go_to(pane, name)
    pane._inspect_cell(index, 3)
    assert pane.store.inspected is not None
    expected = desk.lm.trace(PROMPT, name)[name][0, pane.store.selection.position, 3]
    assert pane.store.inspected.value == pytest.approx(float(expected), abs=1e-5)
