"""The command line: `python -m model --help`.

A verb is a module and a line in `VERBS`; ``train_tokenizer`` is typed ``train-tokenizer``. Its
function `command` does it: typer makes the options from the parameters and the help from the
docstring. ``SETTINGS``, where there are any, are click's for its arguments. A probe's verb stands
with its probe, in `model.probe`.

Verbs may know all of `model` but the engine, and import what loads torch when they are run.
"""

from __future__ import annotations

VERBS = (
    "model.cli.info",
    "model.cli.trace",
    "model.cli.generate",
    "model.cli.train",
    "model.cli.branch",
    "model.cli.runs",
    "model.cli.export_run",
    "model.cli.world",
    "model.cli.train_tokenizer",
    "model.cli.token_cache",
    "model.cli.tokenize",
    "model.cli.losses",
    "model.cli.landscape",
    "model.cli.score",
    "model.cli.neighbours",
    "model.cli.analogy",
    "model.cli.project",
    "model.cli.compare",
    "model.cli.verify",
    "model.cli.convert",
)

GROUPS = (
    (
        "model.cli.scaling",
        "Train a queue of sizes on equal terms, and fit the power law of their losses.",
        ("model.cli.scaling.plan", "model.cli.scaling.run", "model.cli.scaling.fit"),
    ),
)
"""Verbs that are typed after another: a package, what they are for, and its modules."""
