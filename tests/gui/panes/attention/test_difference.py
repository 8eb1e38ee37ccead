"""B − A in the matrix of a head and in the mosaic of all: the two patterns, subtracted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.session.store import Store
from model.interventions import AblateHead, ScaleOutput
from model.language_model import LanguageModel
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.attention.test_attention_pane import settle, shown
from tests.gui.pixels import image_pixels

TEXT_B = "The king lost his crown. The duke lost her"
LONGER = "The old king lost his crown. The queen lost her"


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    return shown(qtbot, live_store)


def patterns(lm: LanguageModel, text: str, layer: int) -> NDArray[np.float32]:
    """``[H, Q, S]``."""
    name = f"blocks.{layer}.attn.hook_pattern"
    found: NDArray[np.float32] = lm.trace(text, name)[name][0].numpy()
    return found


def test_the_matrix_is_b_minus_a(pane: AttentionPane, desk: Desk):
    pane.store.select(layer=2, head=1)
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    expected = patterns(desk.lm, TEXT_B, 2)[1] - patterns(desk.lm, PROMPT, 2)[1]
    np.testing.assert_allclose(content.values_RC, expected, atol=1e-6)
    assert content.kind == "diverging"
    assert content.limit == pytest.approx(np.abs(expected).max(), rel=1e-4)
    assert any("B − A" in title for title in content.value_title)


def test_before_and_after_a_cut_is_after_minus_before(pane: AttentionPane, desk: Desk):
    cut = ScaleOutput(0, "block")
    pane.store.intervening.add(cut)
    pane.store.intervening.set_view("difference")
    pane.store.select(layer=2, head=1)
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    name = "blocks.2.attn.hook_pattern"
    after = desk.lm.trace(PROMPT, name, interventions=(cut,))[name][0, 1].numpy()
    expected = after - patterns(desk.lm, PROMPT, 2)[1]
    np.testing.assert_allclose(content.values_RC, expected, atol=1e-6)
    assert any("after − before" in title for title in content.value_title)


def test_an_inserted_word_is_aligned_and_hatched(pane: AttentionPane, desk: Desk):
    pane.store.set_prompt(LONGER)
    pane.store.comparing.compare_prompt(PROMPT)
    pane.store.select(layer=1, head=2)
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    a, b = patterns(desk.lm, LONGER, 1)[2], patterns(desk.lm, PROMPT, 1)[2]
    kept = [at for at in range(len(a)) if at != 1]
    np.testing.assert_allclose(
        content.values_RC[np.ix_(kept, kept)], np.tril(b - a[np.ix_(kept, kept)]), atol=1e-6
    )
    assert content.masked_RC is not None
    assert content.masked_RC[1].all()
    assert content.masked_RC[:, 1].all()
    assert "without another side" in content.masked_title


def test_the_mosaic_is_b_minus_a_with_one_scale_for_all(pane: AttentionPane, desk: Desk):
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    apart = pane.mosaic.difference
    assert apart is not None
    layers = range(desk.lm.config.n_layers)
    expected = np.array(
        [patterns(desk.lm, TEXT_B, at) - patterns(desk.lm, PROMPT, at) for at in layers]
    )
    np.testing.assert_allclose(apart.values, expected, atol=1e-6)
    assert apart.limit == pytest.approx(np.abs(expected).max(), rel=1e-4)
    assert pane.mosaic.caption.startswith(f"B − A, −{apart.limit:.2g} to +{apart.limit:.2g}")
    # The head with the largest difference has the colour of that end of the diverging map.
    layer, head, query, key = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    box = pane.mosaic.tile_rect(int(layer), int(head))
    cell = box.width() / len(expected[0, 0])
    x, y = box.left() + (key + 0.5) * cell, box.top() + (query + 0.5) * cell
    seen = image_pixels(pane.mosaic.viewport().grab().toImage())[int(y), int(x)]
    end = theme.diverging_table()[255 if expected[layer, head, query, key] > 0 else 0]
    assert np.abs(seen[:3].astype(int) - end).max() <= 8


def test_hovering_says_both_sides(pane: AttentionPane, desk: Desk):
    pane.store.select(layer=2, head=1)
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    b, a = patterns(desk.lm, TEXT_B, 2)[1], patterns(desk.lm, PROMPT, 2)[1]
    said = pane.pointing.describe_cell(9, 7).splitlines()[-1]
    assert said == f"B {b[9, 7]:.4g}, B − A {b[9, 7] - a[9, 7]:+.4g}"


def test_what_is_exported_has_both_sides(pane: AttentionPane, desk: Desk):
    pane.set_view("matrix")
    pane.store.select(layer=2, head=1)
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    data = pane.export_data()
    a, b = np.asarray(data["A"]), np.asarray(data["B"])
    there = np.isfinite(b)
    np.testing.assert_allclose(np.asarray(data["B − A"])[there], (b - a)[there], atol=1e-7)
    np.testing.assert_allclose(a, patterns(desk.lm, PROMPT, 2)[1].reshape(-1), atol=1e-6)
    assert there.sum() == 55  # of 10 tokens the lower half


def test_either_side_alone_has_no_difference(pane: AttentionPane):
    pane.store.comparing.compare_prompt(TEXT_B)
    for side in ("a", "b"):
        pane.store.comparing.set_view(side)
        settle(pane)
        assert pane.matrix.difference is None
        assert pane.mosaic.difference is None
        assert pane.heat_map.content is not None
        assert pane.heat_map.content.kind == "sequential"
    pane.store.comparing.close()
    pane.store.intervening.add(AblateHead(0, 0))
    settle(pane)
    assert pane.matrix.difference is None


def test_two_models_are_subtracted_head_by_head(
    pane: AttentionPane, desk: Desk, beside: LanguageModel
):
    pane.store.select(layer=3, head=0)
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    expected = patterns(beside, PROMPT, 3)[0] - patterns(desk.lm, PROMPT, 3)[0]
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(content.values_RC, expected, atol=1e-6)


def test_rounding_has_no_strong_colour(pane: AttentionPane):
    pane.store.intervening.add(AblateHead(0, 1))
    pane.store.intervening.set_view("difference")
    pane.store.select(layer=0, head=1)  # what it reads is not changed, only what comes of it
    settle(pane)
    content = pane.heat_map.content
    assert content is not None
    assert np.abs(content.values_RC).max() < 1e-5
    assert content.limit == 0.002
