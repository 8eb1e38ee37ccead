"""A model whose numbers are no numbers is looked at like any other: nothing breaks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from safetensors.torch import load_file, save_file

from gui import theme
from gui.panes import PANES
from gui.panes.attention.pane import AttentionPane
from gui.panes.base import Pane
from gui.panes.entry import PaneEntry
from gui.session.store import Store
from resources import STORY_WORLD
from tests.gui.desk import Desk
from tests.gui.pixels import color_named, pixels


@pytest.fixture
def diverged(desk: Desk, tmp_path: Path) -> Store:
    """The bundled model; from the second layer on everything is NaN."""
    theme.set_current("dark")
    folder = tmp_path / "diverged"
    shutil.copytree(STORY_WORLD, folder)
    weights = load_file(folder / "model.safetensors")
    weights["transformer.h.1.ln_1.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    desk.store.set_prompt("The king lost his crown.")
    desk.store.opening.open(str(folder))
    desk.finish()
    trace = desk.lm.trace(desk.store.prompt)
    assert np.isfinite(trace["blocks.0.attn.hook_pattern"].numpy()).all()
    assert np.isnan(trace["blocks.1.attn.hook_pattern"].numpy()).any()
    return desk.store


def shown(qtbot: QtBot, pane: Pane) -> Pane:
    qtbot.addWidget(pane)
    pane.resize(1000, 560)
    pane.show()
    qtbot.waitExposed(pane)
    pane.refresh_now()
    return pane


@pytest.mark.parametrize("entry", PANES, ids=[entry.key for entry in PANES])
def test_every_pane_draws_it(qtbot: QtBot, diverged: Store, entry: PaneEntry) -> None:
    pane = shown(qtbot, entry.load()(diverged))
    for operation in range(len(diverged.operations)):
        diverged.select(operation=operation, layer=operation % 4, head=1)
        pane.refresh_now()
        if operation % 6 == 0:
            pane.grab()


def test_what_is_no_number_has_no_colour_of_the_map(qtbot: QtBot, diverged: Store) -> None:
    pane = shown(qtbot, AttentionPane(diverged))
    assert isinstance(pane, AttentionPane)
    pane.set_view("heads")
    diverged.select(layer=0, head=0)
    pane.refresh_now()
    pane.mosaic.finish()
    image = pixels(pane.mosaic.viewport())
    n = diverged.read.n_tokens if diverged.read is not None else 0
    table = {tuple(row) for row in theme.sequential_table().tolist()}
    for layer, is_number in ((0, True), (2, False)):
        tile = pane.mosaic.tile_rect(layer, 2).toRect().adjusted(1, 1, -1, -1)
        drawn = image[tile.top() : tile.bottom(), tile.left() : tile.right()]
        side = drawn.shape[0]
        rows, columns = np.indices(drawn.shape[:2]) * n // side
        seen = {tuple(rgb) for rgb in drawn[columns < rows].tolist()}
        masked = {tuple(rgb) for rgb in drawn[columns > rows + 1].tolist()}
        if is_number:
            assert seen <= table
        else:
            assert color_named("no_number") in seen
            assert not seen & table
            assert not seen & masked, "what is masked looks otherwise"
        assert color_named("panel") in masked
