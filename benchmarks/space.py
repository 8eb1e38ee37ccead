"""The embedding space at full size: exact axes, neighbours, the first picture, what hovering costs.

Principal axes stand beside a singular value decomposition of a part of the table, to which in
float64 their accuracy is held as well; neighbours beside a product with the table and a full sort,
as one writes it by hand. In turns, so that other work on the machine hits all alike.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.rows import Row
from model.space.asking import ask
from model.space.projecting import project
from model.space.projections.asks import PrincipalAxes, SumPlane
from model.space.questions.asks import METRICS, Near
from model.space.table import VectorTable

ROWS, WIDTH = 50_257, 768
PART = 4_096
"""Rows that are decomposed the long way: all of them would take minutes."""
MANY = 250_000
SIZE = (900, 700)
PCA_SECONDS = 0.6
NEAR_MS = 15.0
HOVER_MS = 5.0
FIRST_SECONDS = 1.5
TURNS = 5


def run() -> list[Row]:
    """Numbers first, then the picture, if there is a display."""
    return [*_axes(), *_neighbours(), *_picture(), _memory()]


def _table(rows: int = ROWS, width: int = WIDTH) -> torch.Tensor:
    """Rows as uneven as those of a trained model: a few directions are long."""
    chance = torch.Generator().manual_seed(0)
    scale = torch.linspace(1.5, 0.05, width) ** 2
    return torch.randn(rows, width, generator=chance) * scale + 0.2


def _axes() -> list[Row]:
    rows = _table()
    part = rows[:PART].contiguous()
    ours, theirs, whole = [], [], []
    for _ in range(TURNS):
        whole.append(_once(lambda: project(PrincipalAxes(), VectorTable(rows, "table"))))
        ours.append(_once(lambda: project(PrincipalAxes(), VectorTable(part, "part"))))
        theirs.append(_once(lambda: torch.linalg.svd(part - part.mean(0), full_matrices=False)))
    exact = part.double() - part.double().mean(0)
    expected = exact @ torch.linalg.svd(exact, full_matrices=False).Vh[:3].T
    points = project(PrincipalAxes(), VectorTable(part, "part")).points_N3.double()
    signs = (expected * points).sum(0).sign()
    wrong = float((points * signs - expected).abs().max() / expected.abs().max())
    plane = _timed(lambda: project(SumPlane(((1, 5), (-1, 7), (1, 9))), _known(rows)), TURNS)
    beside = median(theirs)
    size, small = f"{ROWS:,} x {WIDTH}", f"{PART:,} x {WIDTH}"
    seconds = median(whole)
    return [
        Row(f"exact axes of {size}", seconds, None, seconds / PCA_SECONDS, "s", "≤ 0.6 s"),
        Row(
            f"exact axes of {small}; beside an SVD in float32",
            median(ours),
            beside,
            median(ours) / beside,
            "s",
            "faster",
        ),
        Row("the same, off the SVD in float64", wrong, None, wrong / 1e-4, "of all", "≤ 1e-4"),
        Row(f"plane of a sum in {size}", plane, None, plane / PCA_SECONDS, "s", "≤ 0.6 s"),
    ]


def _known(rows: torch.Tensor) -> VectorTable:
    """A table whose mean and scatter were found before, as it is in the window."""
    if not _KNOWN:
        table = VectorTable(rows, "table")
        project(PrincipalAxes(), table)
        _KNOWN.append(table)
    return _KNOWN[0]


_KNOWN: list[VectorTable] = []


def _neighbours() -> list[Row]:
    rows = _table()
    table = VectorTable(rows, "table")
    lengths = rows.norm(dim=1)
    found = []
    for metric in METRICS:
        question = Near(((1, 5), (-1, 7), (1, 9)), 100, metric)
        ask(question, table)
        ours, theirs = [], []
        for _ in range(20):
            ours.append(_once(partial(ask, question, table)))
            theirs.append(_once(lambda: _by_hand(rows, lengths)))
        mine, other = 1000 * median(ours), 1000 * median(theirs)
        name = f"100 neighbours by {metric}, with histogram and ranks; beside a product and a sort"
        found.append(Row(name, mine, other, mine / other, "ms", "≤ 15 ms"))
    return found


def _by_hand(rows: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    vector = rows[5] - rows[7] + rows[9]
    return ((rows @ vector) / lengths).sort(descending=True).indices[:100]


def _picture() -> list[Row]:
    """From the numbers to the first picture of a large table, and what hovering costs then."""
    from PySide6.QtWidgets import QApplication

    from gui.widgets.point_cloud.software import SoftwareRenderer
    from gui.widgets.point_cloud.view import PointCloudView

    app = QApplication.instance() or QApplication([])
    rows = _table(MANY, 100)
    seconds, hovers = [], []
    for _ in range(3):
        view = PointCloudView(renderer=SoftwareRenderer())
        view.resize(*SIZE)
        view.show()
        app.processEvents()
        start = time.perf_counter()
        placed = project(PrincipalAxes(), VectorTable(rows, "table"))
        points = placed.points_N3.numpy()
        view.set_points(points, np.full((MANY, 3), 148, np.uint8))
        view.set_home(points)
        view.repaint()
        seconds.append(time.perf_counter() - start)
        for at in range(30):
            x, y = view.project(points[[at * 997]]).xy[0].tolist()
            hovers.append(1000 * _once(partial(view.nearest_to, x, y)))
        view.close()
    first, hover = median(seconds), median(hovers)
    what = f"{MANY:,} x 100"
    return [
        Row(f"{what}: axes and first picture", first, None, first / FIRST_SECONDS, "s", "≤ 1.5 s"),
        Row(f"{what}: the point under the mouse", hover, None, hover / HOVER_MS, "ms", "≤ 5 ms"),
    ]


_MEASURE = """
import resource, sys, numpy as np, torch
from model.slices import finish
from model.space.files import reading_file
from model.space.projecting import project
from model.space.projections.asks import PrincipalAxes
from model.space.table import VectorTable

def most():
    if sys.platform == "linux":  # what getrusage says there is the parent's as well
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

project(PrincipalAxes(), VectorTable(torch.randn(99, 300), "small"))
before = most()
read = finish(reading_file(PATH))
project(PrincipalAxes(), VectorTable(torch.from_numpy(read.rows_ND), "large", read.labels))
print(most() - before)
"""


def _memory() -> Row:
    """Opening a file and finding its axes, in a process of its own, beside the table itself."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.npy")
        rows = _table(200_000, 300).numpy()
        np.save(path, rows)
        script = _MEASURE.replace("PATH", repr(str(path)))
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
    unit = 1 if sys.platform == "darwin" else 1024
    ours, table = int(done.stdout) * unit / 1e6, rows.nbytes / 1e6
    return Row("memory of a file of 200,000 x 300", ours, table, ours / table, "MB", "≤ 2 x")


def _once(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def _timed(do: Callable[[], object], times: int) -> float:
    do()
    return median(_once(do) for _ in range(times))
