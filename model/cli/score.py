"""`python -m model score`: what a model knows of the story world."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from model.cli.common import AsJson, Checkpoint, Device, Threads, one_sentence, opened, print_json


def command(
    path: Checkpoint, device: Device = "auto", threads: Threads = 0, as_json: AsJson = False
) -> None:
    """Ask a model what it knows of the story world."""
    with one_sentence():
        from model.probe.score.compute import score as ask

        scores = ask(opened(path, device, None, threads)).as_json()
    if as_json:
        print_json(scores)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    counts = scores.get("n")
    for name, value in scores.items():
        if isinstance(value, float | None):
            n = counts.get(name, "") if isinstance(counts, dict) else ""
            table.add_row(name, "none asked" if value is None else f"{value:.3f}", f"[dim]{n}")
    Console().print(table)
