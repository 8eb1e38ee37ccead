"""A verb: how many layers a checkpoint has."""

from __future__ import annotations

from model.cli.common import AsJson, Checkpoint, one_sentence, opened, print_json


def command(path: Checkpoint, as_json: AsJson = False) -> None:
    """Count the layers."""
    with one_sentence():
        n_layers = opened(path, "cpu").config.n_layers
    if as_json:
        print_json({"n_layers": n_layers})
    else:
        print(f"{n_layers} layers")
