"""`python -m model runs`: the runs of a folder as a tree, and in what their recipes differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model.cli.common import AsJson, one_sentence, print_json


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="the folder that holds runs")],
    settings: Annotated[
        bool, typer.Option("--settings", help="also a table of the settings that differ")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Runs and their branches, each with its step of departure and its loss.

    A run is known by its run.toml, wherever it was trained; one that is being trained says so.
    """
    with one_sentence():
        from model.slices import finish
        from model.train.branching.record import shown
        from model.train.branching.tree import differing, reading_tree, words_of_changes

        nodes = finish(reading_tree(folder))
        by_path = {node.run_dir: node for node in nodes}
        recipes = [node.recipe for node in nodes if node.recipe is not None]
        table = differing(recipes)
    if as_json:
        runs = [
            {
                "run": node.run_dir,
                "name": node.name,
                "parent": node.parent or None,
                "departs_at": None if node.branch is None else node.branch.step,
                "optimiser": None if node.branch is None else node.branch.optimiser,
                "changes": words_of_changes(node, by_path.get(node.parent)),
                "step": node.step,
                "last_val_loss": node.last_loss,
                "best_val_loss": node.best_loss,
                "diverged": node.diverged,
                "problem": node.problem or None,
            }
            for node in nodes
        ]
        print_json({"runs": runs, "settings": {k: list(v) for k, v in table.items()}})
        return
    if not nodes:
        print(f"No run lies in {folder}.")
        return
    width = max(2 * node.depth + len(node.name) for node in nodes)
    for node in nodes:
        loss = "–" if node.last_loss is None else f"{node.last_loss:.4f}"
        line = f"{'  ' * node.depth + node.name:<{width}}  step {node.step:>7,}  loss {loss:>7}"
        if node.branch is not None:
            changes = words_of_changes(node, by_path.get(node.parent))
            parent = "" if node.parent else f" of {Path(node.branch.parent).name}, which is gone"
            line += f"  from step {node.branch.step:,}{parent}: {changes or 'nothing changed'}"
        if node.diverged:
            line += "  diverged"
        print(f"{line}  {node.problem}".rstrip())
    if settings and table:
        named = [node.name for node in nodes if node.recipe is not None]
        print()
        rows = [("", *named), *((name, *map(shown, values)) for name, values in table.items())]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            print(
                "  ".join(
                    f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
                ).rstrip()
            )
