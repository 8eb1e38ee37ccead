"""How soon a step of the stage is on the screen, and how soon a number under the mouse is told.

The real window with its real worker, in a process of its own, in Explore at 1440 × 900: all panes
follow a step, and it counts as done when the stage has painted the scene of the new operation. For
the bundled model with its usual prompt, and for a random network of GPT-2 small's shape with 256
tokens, whose ids are typed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from benchmarks.rows import Row

if TYPE_CHECKING:
    from gui.panes.stage.pane import StagePane
    from gui.program.program import Program

STEPS = 60
HOVERS = 60
STEP_MS, HOVER_MS = 50, 16


def run() -> list[Row]:
    """Both models."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (("bundled model", []), ("GPT-2 small, 256 tokens", [folder])):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.stage", *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            if done.returncode:
                raise RuntimeError(f"the benchmark of the stage failed:\n{done.stderr}")
            figures = json.loads(done.stdout.splitlines()[-1])
            for what, most in (("step", STEP_MS), ("hover", HOVER_MS)):
                middle, worst = median(figures[what]), quantiles(figures[what], n=20)[-1]
                for word, value in (("median", middle), ("p95", worst)):
                    rows.append(
                        Row(
                            f"stage, {what} to pixels, {name}, {word}",
                            value,
                            None,
                            value / most,
                            "ms",
                            f"≤ {most} ms",
                        )
                    )
    return rows


def _measure(folder: str | None) -> dict[str, list[float]]:
    from benchmarks.window import _end, _pause, _program, _spin
    from gui.panes.stage.pane import StagePane

    app, program = _program()
    program.window.resize(1440, 900)
    program.window.show()
    program.start()
    store = program.store
    _spin(app, lambda: store.read is not None and store.vocabulary is not None)
    if folder is not None:
        path, ids = _random_gpt2(Path(folder))
        store.set_prompt(", ".join(map(str, ids)))
        store.opening.open(path)
        _spin(app, lambda: store.read is not None and store.read.n_tokens == len(ids), 120)
    _pause(app, 3.0)
    _spin(app, lambda: not store.asked.is_waiting, 120)
    pane = program.window.host.get(StagePane)
    figures = {"step": [], "hover": []}  # type: dict[str, list[float]]
    first = store.selection.operation
    for step in range(STEPS):
        at = (first + 1 + step) % len(store.operations)
        began = time.perf_counter()
        store.select(operation=at)
        _spin(app, _once(partial(_shows, pane, program, at)), 30, every_ms=1)
        app.sendPostedEvents()
        app.processEvents()
        figures["step"].append(1000 * (time.perf_counter() - began))
        _pause(app, 0.08)
    store.select(operation=first)
    _pause(app, 1.0)
    figures["hover"] = _hovers(app, pane)
    _end(app, program)
    return figures


def _shows(pane: StagePane, program: Program, at: int) -> bool:
    from model.probe.scene.asks import SceneFound

    slot = pane.slot("scene")
    found = pane.answered("scene", SceneFound)
    wanted = program.store.operations[at].output
    current = slot is not None and slot.is_current and not pane.dirty
    return current and found is not None and found.question.of == wanted  # type: ignore[attr-defined]


def _once(done: Callable[[], bool]) -> Callable[[], bool]:
    """True for good once it was: what comes later may draw the pane anew."""
    seen = [False]

    def look() -> bool:
        seen[0] = seen[0] or done()
        return seen[0]

    return look


def _hovers(app: object, pane: StagePane) -> list[float]:
    from PySide6.QtCore import QPoint

    from benchmarks.window import _pause, _spin
    from gui.panes.stage.marks import Bars, Grid
    from model.probe.terms.asks import Terms, TermsFound

    numbered = [mark for mark in pane.view.marks if isinstance(mark, Grid | Bars)]
    written = [mark for mark in numbered if mark.panel.role in ("out", "chain")]
    found = []
    for i in range(HOVERS):
        mark = written[i % len(written)]
        columns = mark.panel.values_RC.shape[1]
        cell = (0, (i // len(written)) % columns)
        at = mark.rect_of(cell).center()
        index = mark.panel.place(*cell)

        def told(name: str = mark.panel.name, index: tuple[int, ...] = index) -> bool:
            answer = pane.answered("terms", TermsFound)
            asked = None if answer is None else answer.question
            return (
                not pane.dirty
                and isinstance(asked, Terms)
                and (asked.of, asked.index)
                == (
                    name,
                    index,
                )
            )

        began = time.perf_counter()
        pane.view.hover(QPoint(round(at.x()), round(at.y())))
        _spin(app, _once(told), 30, every_ms=1)  # type: ignore[arg-type]
        found.append(1000 * (time.perf_counter() - began))
        _pause(app, 0.05)  # type: ignore[arg-type]
    return found


def _random_gpt2(folder: Path) -> tuple[str, list[int]]:
    """A checkpoint of GPT-2 small's shape without a tokenizer, and 256 ids."""
    import torch

    from benchmarks.asking import random_network, shapes
    from model.checkpoint.saving import save_checkpoint

    network = random_network(shapes()["GPT-2 small"])
    path = save_checkpoint(folder / "gpt2", network, None)
    drawn = torch.randint(0, 50_000, (256,), generator=torch.Generator().manual_seed(1))
    return str(path), drawn.tolist()


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1] if len(sys.argv) > 1 else None)))
