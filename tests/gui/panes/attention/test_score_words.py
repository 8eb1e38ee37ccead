"""What is said of a score is what the network does to a query and a key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pytestqt.qtbot import QtBot

from gui import theme
from gui.panes.attention.pane import AttentionPane
from gui.panes.attention.words import ScoreSentence
from gui.panes.inspector.pane import InspectorPane
from gui.session.store import Store
from model.checkpoint import save_checkpoint
from model.config import Caps, Scales, TransformerConfig
from model.operations import operations, score_formula
from model.trace import record
from model.transformer import Transformer
from tests.gui.desk import Desk
from tests.model.networks import BASE, VARIANTS

ALIBI = replace(BASE, positions="alibi")
CAPPED = replace(BASE, scales=Scales(scores=0.5), caps=Caps(scores=3.0))


@pytest.fixture(autouse=True)
def dark() -> Iterator[None]:
    theme.set_current("dark")
    yield
    theme.set_current("dark")


@pytest.mark.parametrize(
    ("config", "formula"),
    [
        (BASE, "q · k / √d_head"),
        (replace(BASE, scales=Scales(scores=1.0)), "q · k"),
        (replace(BASE, scales=Scales(scores=0.25)), "0.25 q · k"),
        (ALIBI, "q · k / √d_head − m_h (i − j)"),
        (CAPPED, "3 tanh((0.5 q · k) / 3)"),
    ],
)
def test_the_formula_of_a_score_follows_the_network(
    config: TransformerConfig, formula: str
) -> None:
    assert score_formula(config, 0) == formula


@pytest.mark.parametrize("name", VARIANTS)
def test_the_formula_names_the_steps_that_are_executed_and_no_other(name: str) -> None:
    config = VARIANTS[name]
    kinds = {op.kind for op in operations(config)}
    formula = score_formula(config, 0)
    assert ("tanh" in formula) == ("cap" in kinds)
    assert ("m_h" in formula) == ("bias" in kinds)
    label = next((op.label for op in operations(config) if op.kind == "scale"), "")
    assert ("√d_head" in formula) == ("√d_head" in label)


def test_a_capped_score_is_what_the_formula_makes_of_query_and_key() -> None:
    made = Transformer(CAPPED).eval()
    made.initialize(torch.Generator().manual_seed(1), std=0.4)
    trace = record(made, torch.tensor([[3, 7, 1, 30, 12, 5]]))
    product = trace["blocks.0.attn.hook_dot"][0, 1, 4, 2]
    score = trace["blocks.0.attn.hook_attn_scores"][0, 1, 4, 2]
    assert score == pytest.approx(float(3 * torch.tanh(0.5 * product / 3)), rel=1e-5)


@pytest.fixture
def capped(desk: Desk, tmp_path: Path) -> Store:
    """A Gemma 2 is open: scores scaled by a half and capped, one layer that looks back only."""
    gemma = VARIANTS["like Gemma 2"]
    config = replace(gemma, scales=Scales(embedding=20**0.5, scores=0.5))
    made = Transformer(config).eval()
    made.initialize(torch.Generator().manual_seed(1), std=0.4)
    folder = tmp_path / "scores"
    save_checkpoint(folder, made, None, family="gemma2")
    desk.store.set_prompt("3 7 1 30 12 5")
    desk.store.opening.open(str(folder))
    desk.finish()
    assert desk.store.model is not None
    desk.store.select(layer=1, head=1)
    return desk.store


def test_tip_legend_and_sentence_are_of_the_open_model(qtbot: QtBot, capped: Store) -> None:
    store = capped
    pane = AttentionPane(store)
    qtbot.addWidget(pane)
    pane.resize(1200, 560)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.controls.set_tensor("attn_scores")
    pane.refresh_now()
    pane.refresh_now()
    content = pane.heat_map.content
    assert content is not None
    formula = "5 tanh((0.5 q · k) / 5)"
    assert content.value_title[0] == f"score {formula}, to largest"
    scores = next(a for a in pane.controls.matrix_row._actions if a.text() == "Scores")
    assert scores.toolTip() == f"{formula}, before the softmax: signed"
    pane.pointing._choose_cell((4, 2))
    inspector = InspectorPane(store)
    qtbot.addWidget(inspector)
    with qtbot.waitExposed(inspector):
        inspector.show()
    inspector.refresh_now()
    note = inspector.value.note_text
    assert "times 0.5, kept softly within ±5; softmax over" in note
    for said in (content.value_title[0], scores.toolTip(), note):
        assert "√d" not in said


def test_a_sentence_says_masked_only_of_what_is_masked(capped: Store) -> None:
    store = capped
    assert store.read is not None
    assert store.model is not None
    local = ScoreSentence(store.model.config, 0)  # whose layer looks four positions back
    far = ScoreSentence(store.model.config, 1)
    minus = -np.inf
    assert local(store.read, (0, 1, 2, 4), minus).endswith("comes after “‹1›” (2).")
    assert "is farther than this layer looks from" in local(store.read, (0, 1, 5, 0), minus)
    # A score that is not masked and below the least number of its precision.
    assert "beyond the largest number" in far(store.read, (0, 1, 5, 0), minus)
    assert "beyond the largest number" in far(store.read, (0, 1, 5, 0), np.inf)
    assert far(store.read, (0, 1, 5, 0), np.nan).startswith("No number")


def test_linear_biases_are_told(capped: Store) -> None:
    store = capped
    assert store.read is not None
    said = ScoreSentence(ALIBI, 0)(store.read, (0, 1, 4, 2), 0.5)
    assert "over √d_head, less a share of how far apart they are; softmax" in said
