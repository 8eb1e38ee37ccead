"""A folder in a command that is told to be copied is one word of it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from model.quoting import quoted


@pytest.mark.parametrize("name", ["runs/minute", "q & <b> 日本", "it's", "$HOME", ""])
@pytest.mark.skipif(os.name == "nt", reason="a shell of another kind")
def test_a_shell_reads_the_name_that_was_meant(name: str) -> None:
    path = Path("/tmp") / name
    assert shlex.split(f"model scaling run {quoted(path)}") == [
        "model",
        "scaling",
        "run",
        str(path),
    ]


def test_what_needs_no_quotes_has_none() -> None:
    assert quoted("runs/minute") == "runs/minute"
