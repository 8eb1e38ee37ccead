"""How many frames a second the attention views make while they scroll and while the mouse moves.

The real window with its real worker, in a process of its own, in Lab at 1440 × 900; random networks
of 12 × 12 heads with 512 tokens and of 30 × 9 with 2,048: what is painted does not depend on how
wide a network is, so they are narrow. A frame is one move of the mouse or of a scroll bar with all
that follows in the GUI thread: the paintings of every pane, and what is asked anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.rows import Row

if TYPE_CHECKING:
    from gui.panes.attention.pane import AttentionPane
    from gui.widgets.canvas import Canvas

FRAMES = 120
SIZES = {"12 × 12 heads, 512 tokens": (12, 12, 512, 60), "30 × 9, 2,048": (30, 9, 2048, 30)}
"""Layers, heads, tokens, and how many frames a second are promised."""


def run() -> list[Row]:
    """Both sizes: each kind of frame, its median and its slow ones."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (n_layers, n_heads, n_tokens, promised) in SIZES.items():
            arguments = [folder, *map(str, (n_layers, n_heads, n_tokens))]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.frames", *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            if done.returncode:
                raise RuntimeError(f"the benchmark of frames failed:\n{done.stderr}")
            most = 1000 / promised
            for what, figures in json.loads(done.stdout.splitlines()[-1]).items():
                for word, value in (("median", median(figures)), ("p95", _slow(figures))):
                    target = f"≤ {most:.1f} ms ({promised}/s)"
                    label = f"{what}, {name}, {word}"
                    rows.append(Row(label, value, None, value / most, "ms", target))
    return rows


def _slow(figures: list[float]) -> float:
    return quantiles(figures, n=20)[-1]


# ------------------------------------------------------------------- in the child process


def _measure(folder: Path, n_layers: int, n_heads: int, n_tokens: int) -> dict[str, list[float]]:
    from benchmarks.window import _end, _pause, _program, _spin
    from gui.panes.attention.pane import AttentionPane

    app, program = _program("Lab")
    program.window.resize(1440, 900)
    program.window.show()
    program.start()
    store = program.store
    _spin(app, lambda: store.read is not None and store.vocabulary is not None)
    store.set_prompt(", ".join(str(i * 7 % 97) for i in range(n_tokens)))
    store.opening.open(_random_network(folder, n_layers, n_heads, n_tokens))
    _spin(app, lambda: store.read is not None and store.read.n_tokens == n_tokens, 120)
    pane = program.window.host.get(AttentionPane)

    def calm() -> None:
        _pause(app, 1.0)
        _spin(app, lambda: not store.asked.is_waiting and not pane.dirty, 240)
        _pause(app, 0.5)

    calm()
    figures: dict[str, list[float]] = {}
    for name, view, canvas in (
        ("mosaic", "heads", pane.mosaic),
        ("matrix", "matrix", pane.heat_map),
    ):
        pane.set_view(view)
        if view == "matrix":
            store.select(layer=n_layers // 2, head=3, position=n_tokens // 2)
        calm()
        figures[f"{name}, hover"] = _frames(app, _moves(canvas))
        canvas.hover(None)
        calm()
        figures[f"{name}, scroll"] = _frames(app, _scrolls(pane, canvas))
        calm()
    _end(app, program)
    return figures


def _frames(app: Any, steps: Iterator[Callable[[], None]]) -> list[float]:
    """Milliseconds of each step, with the paintings that follow from it."""
    found = []
    for step in steps:
        began = time.perf_counter()
        step()
        app.sendPostedEvents()
        app.processEvents()
        found.append(1000 * (time.perf_counter() - began))
        time.sleep(0.004)  # the worker's turn, as between two frames of a screen
    return found


def _moves(canvas: Canvas) -> Iterator[Callable[[], None]]:
    """The mouse on its way across, down and back, at a person's pace."""
    from PySide6.QtCore import QPoint

    size = canvas.viewport().size()
    for i in range(FRAMES):
        x = size.width() * (0.2 + 0.6 * ((i * 7) % FRAMES) / FRAMES)
        y = size.height() * (0.2 + 0.6 * i / FRAMES)
        yield partial(canvas.hover, QPoint(round(x), round(y)))


def _scrolls(pane: AttentionPane, canvas: Canvas) -> Iterator[Callable[[], None]]:
    """A notch after the other; where nothing is out of view, all is painted anew as if it were."""
    down, across = canvas.verticalScrollBar(), canvas.horizontalScrollBar()
    for i in range(FRAMES):

        def step(i: int = i) -> None:
            if not down.maximum():
                canvas.redraw()
                return
            down.setValue(down.value() + (24 if i < FRAMES / 2 else -24))
            across.setValue(across.value() + (12 if i < FRAMES / 2 else -12))

        yield step


def _random_network(folder: Path, n_layers: int, n_heads: int, n_tokens: int) -> str:
    """A checkpoint without a tokenizer: its tokens are ids."""
    import torch

    from model.checkpoint.saving import save_checkpoint
    from model.config import TransformerConfig
    from model.transformer import Transformer

    config = TransformerConfig(
        n_layers=n_layers, n_heads=n_heads, d_model=8 * n_heads, d_vocab=97, n_ctx=n_tokens
    )
    network = Transformer(config)
    network.initialize(torch.Generator().manual_seed(1), 0.3)
    return str(save_checkpoint(folder / f"{n_layers}x{n_heads}", network, None))


if __name__ == "__main__":
    print(json.dumps(_measure(Path(sys.argv[1]), *map(int, sys.argv[2:]))))
