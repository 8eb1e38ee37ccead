"""B − A of why a head attends, and of pinned heads: two answers, subtracted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.session.store import Store
from gui.widgets.heat_map import cell_image
from model.interventions import AblateHead
from model.probe.why_attends.asks import CHANGE, WhyAttends, WhyAttendsFound
from tests.gui.desk import PROMPT, Desk
from tests.gui.panes.attention.test_attention_pane import settle, shown
from tests.gui.panes.attention.test_difference import LONGER, TEXT_B, patterns
from tests.gui.pixels import pixels


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> AttentionPane:
    return shown(qtbot, live_store)


def why(desk: Desk, text: str, *place: int) -> WhyAttendsFound:
    found = desk.lm.ask(text, WhyAttends(*place))
    assert isinstance(found, WhyAttendsFound)
    return found


def test_the_card_draws_b_minus_a_of_every_pair(pane: AttentionPane, desk: Desk):
    pane.store.select(layer=3, head=2, position=8, key=7)
    pane.open_why()
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    a, b = why(desk, PROMPT, 3, 2, 8, 7), why(desk, TEXT_B, 3, 2, 8, 7)
    content = pane.card.map.content
    assert content is not None
    expected = b.values_QK - a.values_QK
    np.testing.assert_allclose(content.values_RC, expected, atol=1e-4)
    assert any("B − A" in title for title in content.value_title)
    said = pane.card.text.replace("−", "-")
    assert f"Score {a.score:+.2f} in A, {b.score:+.2f} in B: {b.score - a.score:+.2f}." in said
    row, column = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    strongest = pane.card.bars.bars[0]
    assert strongest.value == pytest.approx(expected[row, column], abs=1e-4)
    assert f"{a.query_parts[row]} (query) × {a.key_parts[column]} (key)" in said
    assert "Beside it B: “lost” (8) to “duke” (7)." in said
    tip = pane.card.map.describe
    assert tip is not None
    first, both, *_ = tip(int(row), int(column)).replace("−", "-").splitlines()
    assert first == f"B - A {expected[row, column]:+.4f}"
    assert both == f"A {a.values_QK[row, column]:+.4f}, B {b.values_QK[row, column]:+.4f}"
    # Read back: the largest difference has the colour of its end of the scale.
    pane.card.map.finish()
    image = pixels(pane.card.map.viewport())
    box = pane.card.map.cell_rect(int(row), int(column))
    drawn = image[int(box.top()) + 2, int(box.left()) + 2].astype(int)
    color = cell_image.colors(expected, "diverging", content.limit)[row, column]
    assert np.abs(drawn - color).max() <= 3


def test_its_bars_add_up_to_the_difference_of_the_scores(pane: AttentionPane):
    pane.store.select(layer=3, head=2, position=8, key=7)
    pane.open_why()
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    apart = pane.card.apart
    assert apart is not None
    total = apart.values_QK.sum() + apart.b.bias - apart.a.bias
    total += apart.b.remainder - apart.a.remainder
    assert total == pytest.approx(apart.b.score - apart.a.score, abs=1e-4)
    data = pane.export_data()
    np.testing.assert_allclose(
        np.asarray(data["B − A"]), np.asarray(data["B"]) - np.asarray(data["A"]), atol=1e-9
    )


def test_a_part_that_only_one_side_has_counts_whole(pane: AttentionPane):
    cut = AblateHead(1, 2)
    pane.store.intervening.add(cut)
    pane.store.intervening.set_view("difference")
    pane.store.select(layer=3, head=2, position=8, key=3)
    pane.open_why()
    settle(pane)
    apart = pane.card.apart
    assert apart is not None
    assert apart.sides.names == ("before", "after")
    for part, side in ((CHANGE, apart.a), ("attention 1", None)):
        if part in apart.query_parts and side is not None and part not in side.query_parts:
            row = apart.query_parts.index(part)
            assert (apart.a_QK[row] == 0).all()
    assert "before, " in pane.card.text
    assert " after: " in pane.card.text


def test_where_b_has_no_such_token_it_says_that_a_stands_alone(pane: AttentionPane):
    pane.store.set_prompt(LONGER)
    pane.store.comparing.compare_prompt(PROMPT)
    pane.store.select(layer=2, head=1, position=3, key=1)
    pane.open_why()
    settle(pane)
    assert pane.card.found is not None
    assert pane.card.apart is None
    assert "A alone: The other text has no such token." in pane.card.text
    pane.store.select(key=2)
    settle(pane)
    assert pane.card.apart is not None
    assert "alone" not in pane.card.text


def test_pinned_heads_show_their_difference_on_one_scale(pane: AttentionPane, desk: Desk):
    for layer, head in ((1, 0), (2, 3)):
        pane.pins.toggle_head(layer, head)
    pane.store.comparing.compare_prompt(TEXT_B)
    settle(pane)
    ends = []
    for pinned in pane.strip.pinned:
        layer, head = pinned.head
        expected = patterns(desk.lm, TEXT_B, layer)[head] - patterns(desk.lm, PROMPT, layer)[head]
        assert pinned.difference is not None
        np.testing.assert_allclose(pinned.difference.values, expected, atol=1e-6)
        ends.append(float(np.abs(expected).max()))
    image, limit = pixels(pane.strip.viewport()), max(ends)
    for index, pinned in enumerate(pane.strip.pinned):
        assert pinned.difference is not None
        values = pinned.difference.values
        row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
        box, side = pane.strip.box(index), len(values)
        x = box.left() + (column + 0.5) * box.width() / side
        y = box.top() + (row + 0.5) * box.height() / side
        color = cell_image.colors(values, "diverging", limit)[row, column]
        assert np.abs(image[int(y), int(x)].astype(int) - color).max() <= 12
        assert pane.pointing.describe_pinned(index, (int(row), int(column))).splitlines()[-1] == (
            pinned.difference.words((int(row), int(column)))
        )
