"""`python -m model probe longest`."""

from __future__ import annotations

from dataclasses import asdict

from model.cli.common import AsJson, Checkpoint, one_sentence, opened, print_json


def command(path: Checkpoint, as_json: AsJson = False) -> None:
    """The token whose vector is longest."""
    with one_sentence():
        from tests.samples.longest.compute import answer

        found = answer(opened(path, "cpu").embedding)
    if as_json:
        print_json(asdict(found))
    else:
        print(f"token {found.token_id}: {found.length:.4f}")
