"""Scenes as they are drawn: what stands on the screen is what the tensors say, read from pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.stage.marks import Bars, Dots, Grid, Lines, Words
from gui.panes.stage.pane import StagePane
from gui.panes.stage.scenes.neurons import function
from gui.panes.stage.stacked import Divided, Stacks, part_color
from gui.session.store import Store
from model.network.mlp import activate
from model.parameters import parameter
from model.probe.scene.asks import Panel
from model.sampling import Sampling, probabilities
from model.trace import Trace
from tests.gui.desk import Desk
from tests.gui.panes.stage.test_stage_pane import go_to, hover, settle, shown
from tests.gui.pixels import pixels

SIZE = (1200, 620)


@pytest.fixture
def pane(qtbot: QtBot, live_store: Store) -> StagePane:
    return shown(qtbot, live_store, SIZE)


def traced(desk: Desk) -> Trace:
    read = desk.store.read
    assert read is not None
    return desk.lm.trace(list(read.subject.ids))


def one(pane: StagePane, kind: type) -> object:
    """The only mark of a kind."""
    (found,) = [mark for mark in pane.view.marks if isinstance(mark, kind)]
    return found


def is_like(drawn: np.ndarray, color: QColor, near: int = 10) -> bool:
    wanted = (color.red(), color.green(), color.blue())
    return bool(np.abs(drawn.astype(int) - wanted).max() <= near)


# ---------------------------------------------------------------------- weighted sum of values


def test_stacks_are_the_weights_times_the_values_and_add_up_to_z(
    pane: StagePane, desk: Desk
) -> None:
    go_to(pane, "mix")
    stacks = one(pane, Stacks)
    assert isinstance(stacks, Stacks)
    trace, at, head = traced(desk), pane.store.selection.position, pane.store.selection.head
    weights = trace["blocks.1.attn.hook_pattern"][0, head, at].numpy()
    values = trace["blocks.1.attn.hook_v"][0, :, head].numpy()
    z = trace["blocks.1.attn.hook_z"][0, at, head].numpy()
    grid = next(m for m in pane.view.marks if isinstance(m, Grid) and m.panel.letters == "SK")
    keys = grid.panel.at_rows
    assert keys is not None
    for row, key in enumerate(keys):
        assert stacks.parts[row] == pytest.approx(weights[key] * values[key], abs=1e-5)
    assert stacks.parts.sum(axis=0) == pytest.approx(z, abs=1e-5)
    picture = pixels(pane.view.viewport())
    seen = 0
    for part in range(len(stacks.parts)):
        for column in range(0, stacks.parts.shape[1], 5):
            piece = stacks.piece(part, column)
            high = abs(float(stacks.parts[part, column])) / stacks.limit * stacks.box.height() / 2
            assert piece.height() == pytest.approx(high)
            if piece.height() > 8:
                seen += 1
                middle = picture[int(piece.center().y()), int(piece.center().x())]
                white = is_like(middle, theme.current().color("text"))  # the mark of the sum
                assert white or is_like(middle, part_color(stacks.ranks[part]))
    assert seen > 10


def test_a_column_of_stacks_is_taken_apart_key_by_key(pane: StagePane) -> None:
    go_to(pane, "mix")
    stacks = one(pane, Stacks)
    assert isinstance(stacks, Stacks)
    hover(pane, stacks.rect_of((0, 3)).center())
    assert pane.told.number is not None
    assert pane.told.number.name == "blocks.1.attn.hook_z"
    assert pane.told.number.index[-1] == 3
    assert pane.terms.text.startswith("z = ")


# ------------------------------------------------------------------------------------ neurons


@pytest.mark.parametrize("name", ["gelu_tanh", "gelu", "relu", "relu2", "silu"])
def test_the_curve_is_the_networks_own_function(name: str) -> None:
    import torch

    x = np.linspace(-6, 6, 41)
    wanted = activate(torch.from_numpy(x), name).numpy()
    assert function(name, x) == pytest.approx(wanted, abs=1e-9)


def test_neurons_stand_on_the_curve_where_their_numbers_are(pane: StagePane, desk: Desk) -> None:
    go_to(pane, "mlp_act")
    dots = one(pane, Dots)
    assert isinstance(dots, Dots)
    trace, at = traced(desk), pane.store.selection.position
    before = trace["blocks.1.mlp.hook_pre"][0, at].numpy().astype(float)
    after = trace["blocks.1.mlp.hook_post"][0, at].numpy().astype(float)
    x = np.array([point.x() for point in dots.points])
    y = np.array([point.y() for point in dots.points])
    slope, middle = np.polyfit(before, x, 1)
    assert x == pytest.approx(slope * before + middle, abs=0.5)
    rise, zero = np.polyfit(after, y, 1)
    assert rise < 0
    assert y == pytest.approx(rise * after + zero, abs=0.5)
    strongest = int(np.abs(after).argmax())
    spot = dots.points[strongest]
    picture = pixels(pane.view.viewport())
    assert is_like(picture[round(spot.y()), round(spot.x())], theme.current().color("accent"), 40)
    texts = [mark.text for mark in pane.view.marks if isinstance(mark, Words)]
    assert f"{strongest:,}" in texts
    assert f"{after[strongest]:.2f}" in texts


def test_of_an_mlp_the_neurons_that_write_most_and_what_they_promote(
    pane: StagePane, desk: Desk
) -> None:
    go_to(pane, "mlp_out")
    grid = next(m for m in pane.view.marks if isinstance(m, Grid) and m.panel.role == "parts")
    neurons = grid.panel.at_rows
    assert neurons is not None
    at, network = pane.store.selection.position, desk.lm.transformer
    fired = traced(desk)["blocks.1.mlp.hook_post"][0, at].numpy()
    table = parameter(network, "blocks.1.mlp.W_out").numpy()
    written = np.abs(fired) * np.linalg.norm(table, axis=1)
    assert list(neurons) == list(np.argsort(-written)[: len(neurons)])
    bars = next(m for m in pane.view.marks if isinstance(m, Bars))
    assert bars.values == pytest.approx(fired[neurons], rel=1e-4)
    colors = theme.diverging_table()
    picture = pixels(pane.view.viewport())
    for row, column in ((0, 5), (1, 60), (2, 100)):
        value = float(fired[neurons[row]] * table[neurons[row], column])
        spot = grid.rect_of((row, column)).center()
        wanted = colors[round(127.5 * (value / grid.limit + 1))]
        drawn = picture[int(spot.y()), int(spot.x())].astype(int)
        assert np.abs(drawn - wanted.astype(int)).max() <= 5
    gain = parameter(network, "ln_final.w").numpy()
    first = fired[neurons[0]] * table[neurons[0]]
    effect = ((first - first.mean()) * gain) @ parameter(network, "W_U").numpy()
    model = pane.store.model
    assert model is not None
    best = model.token_text(int(effect.argmax()))
    assert any(m.text.startswith(best) for m in pane.view.marks if isinstance(m, Words))
    assert f"“{best.removeprefix('·')}”" in pane.sentence.text()


# ------------------------------------------------------------------------------------ routing


@pytest.mark.parametrize(
    "kind", ["router", "expert_weights", "expert_indices", "expert_shares", "mlp_out"]
)
def test_routing_shows_scores_weights_and_shares_of_the_experts(
    qtbot: QtBot, opened: Callable[..., Store], desk: Desk, kind: str
) -> None:
    pane = shown(qtbot, opened("mixtral"), SIZE)
    go_to(pane, kind, 0)
    trace, at = traced(desk), pane.store.selection.position
    chosen = trace["blocks.0.mlp.hook_expert_indices"][0, at].tolist()
    shares = trace["blocks.0.mlp.hook_expert_shares"][0, at].tolist()
    bars = [mark for mark in pane.view.marks if isinstance(mark, Bars)]
    scores = trace["blocks.0.mlp.hook_router"][0, at].numpy()
    weights = trace["blocks.0.mlp.hook_expert_weights"][0, at].numpy()
    assert bars[0].values == pytest.approx(scores, rel=1e-4)
    assert bars[1].values == pytest.approx(weights, rel=1e-4)
    assert [float(each.values[0]) for each in bars[2:]] == pytest.approx(shares, rel=1e-4)
    for expert, share in zip(chosen, shares):
        assert f"{expert} ({share:.0%})" in pane.sentence.text()
        row = bars[1].rect_of((0, expert))
        line = bars[2 + chosen.index(expert)].box
        assert line.center().y() == pytest.approx(row.center().y(), abs=0.5)


# ------------------------------------------------------------------- sums, turns, distributions


def arrows(pane: StagePane) -> list[Lines]:
    return [m for m in pane.view.marks if isinstance(m, Lines) and m.arrow]


@pytest.mark.parametrize("kind", ["add"])
def test_a_sum_is_drawn_true_to_lengths_and_angle(pane: StagePane, desk: Desk, kind: str) -> None:
    go_to(pane, kind)
    trace, at = traced(desk), pane.store.selection.position
    a = trace["blocks.0.hook_resid_post"][0, at].double().numpy()
    b = trace["blocks.1.hook_attn_out"][0, at].double().numpy()
    ends = [(m.points[-1] - m.points[0]) for m in arrows(pane)]
    drawn = [np.array([p.x(), -p.y()]) for p in ends]
    lengths = [np.linalg.norm(v) for v in drawn]
    wanted = [np.linalg.norm(v) for v in (a, b, a + b)]
    ratio = lengths[0] / wanted[0]
    assert lengths == pytest.approx([ratio * each for each in wanted], rel=1e-3)
    cosine = drawn[0] @ drawn[1] / (lengths[0] * lengths[1])
    assert cosine == pytest.approx(a @ b / (wanted[0] * wanted[1]), abs=1e-3)


def test_a_sum_of_three_is_what_was_there_and_what_is_added(
    qtbot: QtBot, opened: Callable[..., Store]
) -> None:
    pane = shown(qtbot, opened("bert"), SIZE)
    go_to(pane, "add", None)
    words = [m.text for m in pane.view.marks if isinstance(m, Words)]
    assert any(text.startswith("position + type") for text in words)
    assert len(arrows(pane)) == 3


def test_pairs_of_dimensions_turn_by_the_angle(
    qtbot: QtBot, opened: Callable[..., Store], desk: Desk
) -> None:
    pane = shown(qtbot, opened("mixtral"), SIZE)
    pane.store.select(position=3)
    go_to(pane, "rotate", 0)
    found = arrows(pane)
    trace, head = traced(desk), pane.store.selection.head
    before = trace["blocks.0.attn.hook_q"][0, 3, head].double().numpy()
    after = trace["blocks.0.attn.hook_rot_q"][0, 3, head].double().numpy()
    half = len(before) // 2
    assert len(found) == 2 * half
    for pair in range(half):
        for arrow, values in zip(found[2 * pair : 2 * pair + 2], (before, after)):
            way = arrow.points[-1] - arrow.points[0]
            angle = math.atan2(-way.y(), way.x())
            wanted = math.atan2(values[pair + half], values[pair])
            assert math.cos(angle - wanted) == pytest.approx(1, abs=1e-3)


def test_distributions_count_the_numbers(pane: StagePane, desk: Desk) -> None:
    go_to(pane, "norm")
    at = pane.store.selection.position
    trace = traced(desk)
    outlines = [m for m in pane.view.marks if isinstance(m, Lines) and len(m.points) > 40]
    limit = max(
        float(trace[name][0, at].abs().max())
        for name in ("blocks.0.hook_resid_post", "blocks.1.ln1.hook_normalized")
    )
    for outline, name in zip(
        outlines, ("blocks.0.hook_resid_post", "blocks.1.ln1.hook_normalized"), strict=True
    ):
        values = trace[name][0, at].numpy()
        counts, _ = np.histogram(values, bins=41, range=(-limit, limit))
        base = outline.points[0].y()
        heights = np.array([base - p.y() for p in outline.points[1:-1:2]])
        assert heights / heights.max() == pytest.approx(counts / counts.max(), abs=0.01)


# ----------------------------------------------------------------------------- ends of the net


def test_the_selected_token_is_in_view_of_a_long_text(
    qtbot: QtBot, opened: Callable[..., Store]
) -> None:
    pane = shown(qtbot, opened("mixtral", " ".join(["The king lost his crown."] * 3)), (430, 250))
    read = pane.store.read
    assert read is not None
    for position in (0, read.n_tokens // 2, read.n_tokens - 1):
        pane.store.select(position=position)
        go_to(pane, "tokens", None)
        own = [m for m in pane.view.marks if isinstance(m, Words) and m.tone == "accent"]
        model = pane.store.model
        assert model is not None
        assert [m.text for m in own] == [model.token_text(read.subject.ids[position])]


def test_the_line_that_is_drawn_from_is_divided_as_the_probabilities(
    pane: StagePane, desk: Desk
) -> None:
    sampling = Sampling(temperature=3.0, top_k=6)
    pane.store.set_sampling(sampling)
    go_to(pane, "softmax", None)
    settle(pane)
    divided = one(pane, Divided)
    assert isinstance(divided, Divided)
    at = pane.store.selection.position
    shares = probabilities(traced(desk)["logits"][0, at].numpy(), sampling)
    ids = divided.panel.at_columns
    assert ids is not None
    assert sorted(ids) == list(np.flatnonzero(shares))
    ends = np.cumsum(shares)
    box = divided.box
    for i, id in enumerate(ids):
        part = divided.rect_of((0, i))
        assert part.right() == pytest.approx(box.left() + box.width() * ends[id], abs=0.01)
        assert part.width() == pytest.approx(box.width() * shares[id], abs=0.01)
        u = ends[id] - shares[id] / 2
        under = QPointF(box.left() + u * box.width(), box.center().y())
        assert divided.cell_at(under) == (0, i)
    columns = [m for m in pane.view.marks if isinstance(m, Bars)]
    own = probabilities(traced(desk)["logits"][0, at].numpy(), Sampling())
    listed = columns[0].panel.at_columns
    assert listed is not None
    assert columns[1].values == pytest.approx(own[listed], abs=1e-6)
    kept = shares[listed] > 0
    assert columns[2].values[kept] == pytest.approx(shares[listed][kept], abs=1e-6)
    assert np.isneginf(columns[2].values[~kept]).all()  # what can't be drawn is hatched
    tip = pane.view.tooltip(QPoint(round(under.x()), round(under.y())))
    assert tip.startswith("probabilities[")


def test_names_of_panels_of_parts_say_what_they_are() -> None:
    panel = Panel("parts", "x · y", "MD", 1, 2, np.zeros((1, 2)), None, None, (None, None))
    assert panel.place(0, 1) == (0, 1)
