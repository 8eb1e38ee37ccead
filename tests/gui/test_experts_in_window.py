"""A mixture of experts in the window: which experts each token went to, and how much they count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.inspector.pane import InspectorPane
from gui.panes.inspector.routing_map import RoutingMap
from gui.panes.layers.pane import LayersPane
from gui.session.store import Store
from model.messages import Array
from tests.gui.desk import Desk
from tests.gui.pixels import amounts_of, color_named, pixels
from tests.gui.recorded import Recorded

LAYER = 1
Routing = Callable[[str], Array]


@pytest.fixture
def mixtral(opened: Callable[..., Store]) -> Store:
    return opened("mixtral", "the king lost his crown and the queen sings")


@pytest.fixture
def routing(mixtral: Store, desk: Desk) -> Routing:
    """The experts' indices, shares or weights, as the model computes them."""

    def of(kind: str) -> Array:
        return Recorded(desk)[f"blocks.{LAYER}.mlp.hook_expert_{kind}"][0]

    return of


def select(store: Store, output: str) -> None:
    store.select(operation=[op.output for op in store.operations].index(output))


@pytest.fixture
def inspector(mixtral: Store, qtbot: QtBot) -> InspectorPane:
    pane = InspectorPane(mixtral)
    qtbot.addWidget(pane)
    pane.resize(420, 760)
    select(mixtral, f"blocks.{LAYER}.mlp.hook_expert_shares")
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    QTest.qWait(20)
    return pane


@pytest.fixture
def drawn(inspector: InspectorPane) -> RoutingMap:
    return inspector.operation.routing


@pytest.mark.parametrize("name", ["dark", "light"])
def test_every_cell_has_the_colour_of_its_share(
    mixtral: Store, drawn: RoutingMap, name: str, routing: Routing
):
    theme.set_current(name)
    mixtral.select(position=0)  # its column is framed: the others are read
    image = pixels(drawn)
    table = theme.sequential_table()
    indices_TA, shares_TA = routing("indices"), routing("shares")
    assert drawn.isVisible()
    n_asked = 0
    for position in range(1, drawn.n_tokens):
        for expert in range(5):
            at = drawn.cell_rect(position, expert).center().toPoint()
            color = image[at.y(), at.x()]
            asked = np.flatnonzero(indices_TA[position] == expert)
            if not asked.size:
                assert tuple(color) == color_named("raised")
                continue
            low, high = amounts_of(color, table)
            assert low <= shares_TA[position, asked[0]] <= high
            n_asked += 1
    assert n_asked == 2 * (drawn.n_tokens - 1)
    theme.set_current("dark")


def test_tokens_are_counted_by_expert(mixtral: Store, drawn: RoutingMap, routing: Routing):
    indices_TA = routing("indices")
    assert drawn.tokens_of.tolist() == [int((indices_TA == e).sum()) for e in range(5)]


def test_a_click_inspects_the_share_and_selects_the_token(
    mixtral: Store, inspector: InspectorPane, drawn: RoutingMap, routing: Routing
):
    indices_TA, shares_TA = routing("indices"), routing("shares")
    expert = int(indices_TA[3, 1])
    at = drawn.cell_rect(3, expert).center().toPoint()
    QTest.mouseClick(drawn, Qt.MouseButton.LeftButton, pos=at)
    assert mixtral.selection.position == 3
    assert mixtral.inspected is not None
    assert mixtral.inspected.name == f"blocks.{LAYER}.mlp.hook_expert_shares"
    assert mixtral.inspected.index == (0, 3, 1)
    assert mixtral.inspected.value == pytest.approx(float(shares_TA[3, 1]), rel=1e-5)
    assert f"expert {expert}" in mixtral.inspected.note


def test_an_expert_that_was_not_asked_shows_the_routers_weight(
    mixtral: Store, drawn: RoutingMap, routing: Routing
):
    indices_TA, weights_TX = routing("indices"), routing("weights")
    expert = next(e for e in range(5) if e not in indices_TA[4])
    assert "not asked" in drawn.describe(4, expert)
    said = drawn.describe(4, expert).split("router's weight ")[1].splitlines()[0]
    assert float(said) == pytest.approx(float(weights_TX[4, expert]), rel=1e-5)
    at = drawn.cell_rect(4, expert).center().toPoint()
    QTest.mouseClick(drawn, Qt.MouseButton.LeftButton, pos=at)
    assert mixtral.inspected is not None
    assert mixtral.inspected.name == f"blocks.{LAYER}.mlp.hook_expert_weights"
    assert mixtral.inspected.value == pytest.approx(float(weights_TX[4, expert]), rel=1e-5)


def test_beside_the_blocks_no_points_are_cells(drawn: RoutingMap):
    assert drawn.cell_at(QPoint(0, 0).toPointF()) is None
    corner = drawn.cell_rect(drawn.n_tokens - 1, 4).center()
    assert drawn.cell_at(corner) == (drawn.n_tokens - 1, 4)


def test_arrow_keys_go_from_token_to_token(mixtral: Store, drawn: RoutingMap, routing: Routing):
    mixtral.select(position=4)
    drawn.setFocus()
    QTest.keyClick(drawn, Qt.Key.Key_Right)
    assert mixtral.selection.position == 5
    assert mixtral.inspected is not None
    assert mixtral.inspected.index == (0, 5, 0)
    assert mixtral.inspected.value == pytest.approx(float(routing("shares")[5, 0]), rel=1e-5)
    for _ in range(9):
        QTest.keyClick(drawn, Qt.Key.Key_Left)
    assert mixtral.selection.position == 0


def test_many_tokens_share_pixels_and_none_is_lost(
    mixtral: Store, inspector: InspectorPane, drawn: RoutingMap, routing: Routing
):
    mixtral.set_prompt("the king lost his crown and the queen sings low ." * 2)
    inspector.refresh_now()
    drawn.resize(60, drawn.height())  # fewer pixels than edges need
    assert drawn.cell_rect(0, 0).width() < 5
    indices_TA, shares_TA = routing("indices"), routing("shares")
    k = 3
    image = drawn._image(k)
    assert (image.width(), image.height()) == (-(-drawn.n_tokens // k), 5)
    table = theme.sequential_table()
    for expert in range(5):
        for cell in range(image.width()):
            some = slice(cell * k, (cell + 1) * k)
            asked = shares_TA[some][indices_TA[some] == expert]
            color = image.pixelColor(cell, expert)
            rgb = np.array([color.red(), color.green(), color.blue()], np.uint8)
            if asked.size:
                low, high = amounts_of(rgb, table)
                assert low <= asked.max() <= high
            else:
                assert tuple(rgb) == color_named("raised")


def test_routing_is_shown_beside_its_own_operations_only(
    mixtral: Store, desk: Desk, inspector: InspectorPane, drawn: RoutingMap
):
    select(mixtral, f"blocks.{LAYER}.attn.hook_pattern")
    inspector.refresh_now()
    assert not drawn.isVisible()
    select(mixtral, "blocks.0.mlp.hook_router")
    inspector.refresh_now()
    assert drawn.isVisible()
    expert = int(Recorded(desk)["blocks.0.mlp.hook_expert_indices"][0, 2, 0])
    assert drawn.share_at(2, expert) is not None
    assert "blocks.0." in drawn.describe(2, expert)


def test_the_map_says_which_experts_were_asked(mixtral: Store, routing: Routing, qtbot: QtBot):
    select(mixtral, f"blocks.{LAYER}.mlp.hook_expert_shares")
    mixtral.select(position=6)
    pane = LayersPane(mixtral)
    qtbot.addWidget(pane)
    pane.resize(620, 900)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.refresh_now()
    figures = pane.map.figures
    assert figures is not None
    ops = {op.output: op for op in mixtral.operations}
    first, second = (int(e) for e in routing("indices")[6])
    shares = routing("shares")[6]
    name = f"blocks.{LAYER}.mlp.hook_expert"
    assert figures.words(ops[f"{name}_indices"]) == f"experts {first}, {second}"
    expected = f"{first}: {shares[0]:.3f}  {second}: {shares[1]:.3f}"
    assert figures.words(ops[f"{name}_shares"]) == expected


def test_what_all_experts_have_is_one_line(mixtral: Store, inspector: InspectorPane):
    select(mixtral, f"blocks.{LAYER}.mlp.hook_pre")
    inspector.refresh_now()
    assert inspector.operation._parameters.text() == (
        f"blocks.{LAYER}.mlp.experts.e.W_gate  [36, 20]  d_model × d_mlp  for each of 5 experts"
    )


def test_a_model_without_experts_has_no_routing(opened: Callable[..., Store], qtbot: QtBot):
    store = opened("bert")
    pane = InspectorPane(store)
    qtbot.addWidget(pane)
    select(store, "blocks.0.hook_mlp_out")
    pane.refresh_now()
    assert not pane.operation.routing.isVisibleTo(pane)
